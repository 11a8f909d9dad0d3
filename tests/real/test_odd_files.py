"""Files that are not what anybody meant, as a user sees what comes of them: never a crash, a hang, an endless rerun."""

from __future__ import annotations

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

    def ran(*words: str) -> list[object]:
        return [event["task"] for event in folder.events(*words) if event["event"] == "started"]

    assert ran() == ["unpack", "use", "all"]
    assert not (folder.path / "tree").exists()
    assert ran() == []
    (folder.path / "used").unlink()
    assert ran() == ["unpack", "use"]
    assert ran() == []
    folder.taskrun("reset", "unpack")
    assert ran() == ["unpack"]
    assert not (folder.path / "tree").exists()
    assert ran() == []
    assert ran("-f", "unpack") == ["unpack"]
    assert (folder.path / "tree").exists()  # it was asked for, and nobody has looked at it
    assert ran() == []
    assert not (folder.path / "tree").exists()
    folder.write("src", "22")
    assert sorted(map(str, ran())) == ["all", "unpack", "use"]
    assert folder.read("used") == "22"
