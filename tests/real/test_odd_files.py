"""Files that are not what anybody meant, as a user sees what comes of them: never a crash, a hang, an endless rerun."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real


def test_who_changes_its_own_input_is_told_so_once(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: {from: 1, to: 20}}\nsteps:\n  s:\n    run: echo {n} >> in; cp in {outputs}\n"
                               "    inputs: in\n    outputs: out/{n}\n")  # fmt: skip
    folder.write("in", "")
    first = folder.taskrun("run", "-j1")
    assert first.returncode == 0
    assert [line for line in first.stderr.splitlines() if line.startswith("hint:")] == [
        "hint: the input 'in' changed while s/n=1 ran, so that it will run again; "
        "where its own command does that, in every run"
    ]


def test_a_study_whose_directory_is_its_input_is_fresh_the_second_time(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  s:\n    run: ls; ls > {outputs}\n    inputs: .\n    outputs: out/all\n"
                               "    stdout: said\n")  # fmt: skip
    assert "hint" not in folder.taskrun("run").stderr
    assert "1 fresh" in folder.taskrun("run").stderr
    folder.write("new", "")
    assert "input changed: . (its files)" in folder.taskrun("run", "-v").stderr


def ran(folder: Folder, *words: str) -> list[str]:
    """The tasks that a run executes."""
    return [str(event["task"]) for event in folder.events(*words) if event["event"] == "started"]


TREE = """
steps:
  unpack:
    run: mkdir -p {outputs}/sub; cp src {outputs}/a; cp src {outputs}/sub/b
    inputs: src
    outputs: tree
    temp: delete
  use: {run: "cp {inputs} {outputs}", inputs: tree/sub/b, outputs: used}
  all: {run: "cat {inputs}/a > {outputs}", inputs: tree, outputs: whole}
"""


def test_a_directory_that_is_discarded_may_be_read_by_its_files(folder: Folder) -> None:
    folder.write("sweep.yaml", TREE)
    folder.write("src", "1")

    assert ran(folder) == ["unpack", "use", "all"]
    assert not (folder.path / "tree").exists()
    assert ran(folder) == []
    (folder.path / "used").unlink()
    assert ran(folder) == ["unpack", "use"]
    assert ran(folder) == []
    folder.taskrun("reset", "unpack")
    assert ran(folder) == ["unpack"]
    assert not (folder.path / "tree").exists()
    assert ran(folder) == []
    assert ran(folder, "-f", "unpack") == ["unpack"]
    assert (folder.path / "tree").exists()  # it was asked for, and nobody has looked at it
    assert ran(folder) == []
    assert not (folder.path / "tree").exists()
    folder.write("src", "22")
    assert sorted(ran(folder)) == ["all", "unpack", "use"]
    assert folder.read("used") == "22"


PARTS = """
sweep: {n: [1, 2]}
steps:
  part: {run: "echo {n} > {outputs}", outputs: "data/{n}", temp: delete}
  merge: {run: "cat data/* > {outputs}", inputs: data, outputs: merged}
"""


def test_a_directory_that_is_read_as_a_whole_may_have_lost_what_is_temporary(folder: Folder) -> None:
    folder.write("sweep.yaml", PARTS)
    assert ran(folder) == ["part/n=1", "part/n=2", "merge"]
    assert list((folder.path / "data").iterdir()) == []
    assert ran(folder) == []
    folder.write("data/mine", "3\n")  # it is no temporary output, so it counts, and the others are needed
    assert folder.taskrun("run", "-n", "-v").stdout.count("# part") == 2
    assert ran(folder) == ["part/n=1", "part/n=2", "merge"]
    assert folder.read("merged") == "1\n2\n3\n"
    assert ran(folder) == []
    folder.taskrun("reset", "part", "n=1")
    assert ran(folder) == ["part/n=1", "part/n=2", "merge"]
    assert ran(folder, "-f", "part", "n=2") == ["part/n=2"]
    assert ran(folder) == ["part/n=1", "merge"]
    assert ran(folder) == []
    assert folder.taskrun("mark-done", "merge").returncode == 0
    assert ran(folder) == []
    assert folder.read("merged") == "1\n2\n3\n"


@pytest.mark.parametrize("shell", ["bash -euo pipefail -c", "sh -c", "dash -c", "ksh -c", "zsh -c"])
def test_a_command_may_begin_like_an_option(folder: Folder, shell: str) -> None:
    if not shutil.which(shell.split()[0]):
        pytest.skip("there is no such shell")
    folder.write("bin/-tool", '#!/bin/sh\necho "$@"\n').chmod(0o755)
    folder.write("sweep.yaml", f"""
        shell: {shell}
        env: {{PATH: "{folder.path}/bin:{os.environ['PATH']}"}}
        steps:
          a: {{run: "-tool -x | cat", stdout: a.out, outputs: a.out}}
    """)  # fmt: skip
    dry = subprocess.run(["bash"], input=folder.taskrun("run", "-n").stdout, text=True, check=True)
    assert (dry.returncode, folder.read("a.out")) == (0, "-x\n")
    (folder.path / "a.out").unlink()
    assert folder.taskrun("run").returncode == 0
    assert folder.read("a.out") == "-x\n"


@pytest.mark.parametrize("key", ["stdout", "stderr"])
def test_a_redirect_to_a_pipe_is_refused_and_waited_for_by_nobody(folder: Folder, key: str) -> None:
    folder.write("sweep.yaml", f"steps:\n  s:\n    run: echo hi\n    {key}: pipe\n")
    os.mkfifo(folder.path / "pipe")
    done = folder.taskrun("run")
    assert done.returncode == 1
    assert "could not start: pipe: it is a named pipe" in done.stderr
    assert folder.taskrun("status").returncode == 0
    assert folder.taskrun("logs", "s").returncode == 1
