"""Files that are not what anybody meant, as a user sees what comes of them: never a crash, a hang, an endless rerun."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from studies import command, like_anybody, wait_until

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


# --- inputs that are no plain files -----------------------------------------------------------------------------------


CHECKS = ["stat", "hash", "exists", "mtime"]


def copying(folder: Folder, *inputs: str) -> None:
    """A study with a task for each input and each way to look at it."""
    steps = "".join(
        f"  {check}: {{run: 'echo {{f}} > {{outputs}}', inputs: '{{f}}', outputs: 'o/{{f}}.{check}', check: {check}}}\n"
        for check in CHECKS
    )
    folder.write("sweep.yaml", f"sweep: {{f: [{', '.join(inputs or ['in'])}]}}\nsteps:\n{steps}")


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(path))  # a socket's path may not be long


def put_loops(path: Path) -> None:
    path.mkdir()
    (path / "self").symlink_to(".")
    (path / "up").symlink_to("../in")
    (path / "round").symlink_to("round")
    (path / "gone").symlink_to("nowhere")
    os.mkfifo(path / "pipe")


@pytest.mark.parametrize("put", [os.mkfifo, put_socket, put_loops])
def test_what_is_no_file_is_waited_for_by_nobody(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(folder.path)
    copying(folder)
    put(folder.path / "in")
    assert len(ran(folder)) == len(CHECKS)
    assert ran(folder) == []


@pytest.mark.parametrize(
    ("to", "said"),
    [("nowhere", "is a link to 'nowhere', which is not there"), ("in", "is reached by links that lead in a circle")],
)
def test_a_link_that_leads_nowhere_is_a_missing_input(folder: Folder, to: str, said: str) -> None:
    copying(folder)
    (folder.path / "in").symlink_to(to)
    done = folder.taskrun("run")
    assert done.returncode == 1
    assert f"the input 'in' {said}, and no task makes it" in done.stderr
    assert f"failed     stat/f=in  missing input: in {said}" in done.stderr


def test_any_time_that_a_file_can_have_is_a_time(folder: Folder) -> None:
    times = {"long": -(10**18), "before": -(2**63) - 5, "first": 0, "far": 2**63, "beyond": 2**64 + 5}
    copying(folder, *times)
    for name, when in times.items():
        folder.write(name, "")
        os.utime(folder.path / name, ns=(when, when))
    assert len(ran(folder)) == len(CHECKS) * len(times)
    assert ran(folder) == []
    assert folder.taskrun("check", "--state").returncode == 0


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_may_not_be_read_is_known_by_its_look(folder: Folder, kind: str) -> None:
    copying(folder)
    target = folder.write("in" if kind == "file" else "in/a", "1")
    (folder.path / "in").chmod(0)
    before = like_anybody()

    def run() -> str:
        done = subprocess.run(
            [*before, *command("run", "-v")], cwd=folder.path, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stderr

    assert "4 succeeded" in run()
    assert "4 fresh" in run()
    (folder.path / "in").chmod(0o755)
    if kind == "file":
        os.utime(target, ns=(5, 5))
    assert "stat/f=in  attempt 2  input changed: in (" in run()
    assert "4 fresh" in run()


def test_a_study_may_be_moved_while_its_task_lives(folder: Folder) -> None:
    folder.write("study/sweep.yaml", "steps:\n  s: {run: touch up; cat pipe > /dev/null; echo > out, outputs: out}\n")
    os.mkfifo(folder.path / "study/pipe")
    run = subprocess.Popen(command("run"), cwd=folder.path / "study", stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (folder.path / "study/up").exists())
    (folder.path / "study").rename(folder.path / "moved")
    (folder.path / "moved/pipe").write_text("go on")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 3
    assert "was deleted or moved during the run" in said
    (folder.path / "moved/pipe").unlink()
    (folder.path / "moved/pipe").write_text("")
    for _ in range(2):
        again = subprocess.run(command("run", "moved/sweep.yaml"), cwd=folder.path, timeout=60, check=True)
    assert again.returncode == 0
    assert (folder.path / "moved/out").exists()


NAMES = """
import os, taskrun
manager = taskrun.Manager("m")
source, target = os.fsdecode(b"data/a\\xff.csv"), os.fsdecode(b"out\\xfe\\nb")
manager.task_new("one", ["cp", source, target], inputs=[source], outputs=[target], stdout=os.fsdecode(b"said\\xfd"))
manager.task_new("all", "ls data > {}".format("all\\n"), inputs=["data"], outputs=["all"])
print(manager.run().fresh)
"""


def test_names_may_hold_newlines_and_bytes_that_are_no_text(folder: Folder) -> None:
    folder.write("data/b\n.csv", "")
    (folder.path / os.fsdecode(b"data/a\xff.csv")).write_text("")
    folder.write("m.py", NAMES)
    said = [subprocess.run([command()[0], "m.py"], cwd=folder.path, stdout=subprocess.PIPE, check=True) for _ in "12"]
    assert [done.stdout for done in said] == [b"0\n", b"2\n"]
    copies = 's: {run: "cp {f} {outputs}", outputs: "o/{f.name}"}'
    folder.write("sweep.yaml", f'sweep: {{f: {{glob: "data/b*"}}}}\nsteps:\n  {copies}')
    assert ran(folder) == ["s/f=data%2Fb%0A.csv"]
    assert ran(folder) == []
    folder.write("sweep.yaml", 'sweep: {f: {glob: "data/*"}}\nsteps: {s: "cat {f}"}')
    assert "is not UTF-8: 'data/a\\udcff.csv'; rename it" in folder.taskrun("run").stderr


LOOKING = [
    "status", "status --json", "status --name sweep", "check --state", "check --state --repair", "reset",
    "reset --assume-dead x", "clean", "clean --logs -y", "why s", "logs s", "logs -f s", "run", "run -n",
]  # fmt: skip


def obstructed(folder: Folder, place: str, how: str) -> str:
    """Have the state, or the directory above it, be what no state is in; the system's words."""
    folder.write("sweep.yaml", "steps: {s: echo}\n")
    folder.taskrun("run", "-q")
    target = folder.path / place
    if how == "closed":
        target.chmod(0)
        return "Permission denied"
    target.rename(folder.path / "moved")
    if how == "link":
        target.symlink_to("nowhere")
        return "No such file or directory"
    target.touch()
    return "Not a directory"


@pytest.mark.parametrize("place", [".taskrun", ".taskrun/sweep"])
@pytest.mark.parametrize("how", ["closed", "link", "file"])
def test_a_state_that_cannot_be_read_is_not_taken_for_an_empty_one(folder: Folder, place: str, how: str) -> None:
    before = like_anybody() if how == "closed" else []
    words = obstructed(folder, place, how)
    told = {}
    for line in [*LOOKING, *["status --name foo", "check --state --name foo"] * (place == ".taskrun")]:
        done = subprocess.run(
            [*before, *command(*line.split())], cwd=folder.path, capture_output=True, text=True, timeout=60, check=False
        )
        is_told = "taskrun: cannot " in done.stderr and (words in done.stderr or line == "run")
        told[line] = done.returncode, done.stdout, is_told
    if how == "closed":
        (folder.path / place).chmod(0o755)
    assert told == dict.fromkeys(told, (3, "", True))


def test_a_link_to_nothing_that_a_failure_made_is_moved_away_and_one_of_the_users_stays(folder: Folder) -> None:
    (folder.path / "mine.dat").symlink_to("far/mine.dat")
    folder.write(
        "sweep.yaml",
        "steps:\n  a:\n"
        "    run: ln -s far/made.dat made.dat; [ -e ok ]; mkdir -p far; echo 1 | tee far/made.dat > mine.dat\n"
        "    outputs: [made.dat, mine.dat]\n",
    )
    assert folder.taskrun("run").returncode == 1
    assert not os.path.lexists(folder.path / "made.dat")
    assert (folder.path / "mine.dat").is_symlink()
    folder.write("ok", "")
    assert folder.taskrun("run").returncode == 0
    assert (folder.path / "made.dat").is_symlink()
    assert folder.read("far/mine.dat") == "1\n"
