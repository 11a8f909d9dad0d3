"""What loses its parent under the `taskrun` command: it dies with the killed task that alone can have started it, it
stays where a task that ended by itself may have left it, and it is reaped, whoever's it was.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from processes import Place, alive, ended, place, task
from studies import Folder, wait_until

from taskrun.executors.local.wait import is_accompanied
from taskrun.machine import children
from taskrun.model import Task

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to a process that asks for them"),
]

# A session of its own, no parent, and an environment that says nothing: `name` is on its command line and its file.
ALONE = "setsid env -i bash -c '{{ touch {name}; sleep 60; :; }} &' {name}; until [ -e {name} ]; do sleep .01; done"


def alone(root: Path, name: str) -> str:
    """A command that starts such a one, and waits for it."""
    return ALONE.format(name=root / name)


@pytest.fixture(autouse=True)
def childless() -> None:
    """What other tests have left to this process would keep it from being a parent to more; so would a thread that
    takes signals, such as a library's.
    """
    assert not is_accompanied(), "an earlier test has left a thread that takes signals"
    for pid in children(os.getpid()):
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A directory after which what is started is called, and none of it lives on."""
    yield tmp_path
    for name in ("one", "two"):
        for pid in alive(f"{tmp_path / name}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def kill(here: Place, *tasks: Task, force: bool) -> None:
    before = len(ended(here.happened))
    for each in tasks:
        here.executor.kill(each, force=force)
    here.until(lambda happened: len(ended(happened)) == before + len(tasks))


def zombies(parent: int) -> list[int]:
    """Its children that nobody has asked about."""
    found = []
    for pid in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z":
                found.append(pid)
    return found


@pytest.mark.parametrize("force", [False, True], ids=["asked", "killed"])
def test_what_only_a_killed_task_can_have_started_dies_with_it(root: Path, force: bool) -> None:
    with place(root, owns_process=True, grace=0.3) as here:
        assert here.run(task(0, "true"))[0].exit_code == 0
        asked = task(1, f"{alone(root, 'one')}; sleep 60")
        here.start(asked)
        wait_until((root / "one").exists)
        kill(here, asked, force=force)
        assert alive(f"{root / 'one'}") == []


def test_of_several_that_are_killed_together_it_need_not_be_known_which(root: Path) -> None:
    with place(root, owns_process=True, grace=0.3) as here:
        both = [task(index, f"{alone(root, name)}; sleep 60") for index, name in enumerate(("one", "two"))]
        here.start(*both)
        wait_until((root / "one").exists)
        wait_until((root / "two").exists)
        kill(here, *both, force=False)
        assert alive(f"{root / 'one'}") == alive(f"{root / 'two'}") == []


def test_what_an_ended_task_left_survives_the_kill_of_the_next(root: Path) -> None:
    with place(root, owns_process=True, grace=0.3) as here:
        asked = task(1, f"{alone(root, 'two')}; sleep 60")
        assert here.run(task(0, alone(root, "one")))[0].exit_code == 0
        here.start(asked)
        wait_until((root / "two").exists)
        kill(here, asked, force=True)
        assert alive(f"{root / 'one'}")


def test_so_does_what_was_left_while_the_other_ran(root: Path) -> None:
    with place(root, owns_process=True, grace=0.3) as here:
        asked = task(0, "sleep 60")
        here.start(asked)
        assert here.run(task(1, alone(root, "one")))[0].exit_code == 0
        kill(here, asked, force=True)
        assert alive(f"{root / 'one'}")


def test_what_a_task_that_lives_on_may_have_started_is_left_alone(root: Path) -> None:
    with place(root, owns_process=True, grace=0.3) as here:
        asked, other = task(0, "sleep 60"), task(1, f"{alone(root, 'one')}; touch ready; sleep 60")
        here.start(asked, other)
        wait_until((root / "ready").exists)
        kill(here, asked, force=True)
        assert alive(f"{root / 'one'}")
        kill(here, other, force=True)
        assert alive(f"{root / 'one'}") == []


@pytest.mark.parametrize("shims", [(), ("t1",)], ids=["no shim", "shim"])
def test_what_was_left_by_one_that_nobody_has_seen_end_is_left_alone(root: Path, shims: tuple[str, ...]) -> None:
    with place(root, owns_process=True, grace=0.3, shims=shims) as here:
        asked, other = task(0, "sleep 60"), task(1, alone(root, "one"))
        here.start(asked, other)
        wait_until(lambda: here.spawned(other).pid in zombies(os.getpid()))
        here.executor.kill(asked, force=True)
        here.until(lambda happened: len(ended(happened)) == 2)
        assert alive(f"{root / 'one'}")


def without_shims(root: Path) -> Folder:
    """A study of two tasks, `a` before `b`, that is known for being over at once: nothing stands above them."""
    folder = Folder(root)
    folder.write(
        "sweep.yaml", "steps:\n  a: {run: . ./a.sh, timeout: 1s}\n  b: {run: . ./b.sh, after: a, timeout: 1s}\n"
    )
    folder.write("a.sh", "true")
    folder.write("b.sh", "true")
    assert folder.taskrun("run").returncode == 0
    return folder


def test_what_is_left_survives_the_failure_of_another_and_the_end_of_the_run(root: Path) -> None:
    folder = without_shims(root)
    folder.write("a.sh", alone(root, "one"))
    folder.write("b.sh", "sleep 60")
    done = folder.taskrun("run", "-f", "--grace", "1s")
    assert "b  timeout: took longer than 1s" in done.stderr, done.stderr
    assert alive(f"{root / 'one'}")


def test_a_task_that_took_too_long_leaves_nothing(root: Path) -> None:
    folder = without_shims(root)
    folder.write("b.sh", f"{alone(root, 'one')}; sleep 60")
    done = folder.taskrun("run", "-f", "--grace", "1s")
    assert "b  timeout: took longer than 1s" in done.stderr, done.stderr
    assert (root / "one").exists()
    assert alive(f"{root / 'one'}") == []


def test_orphans_that_end_are_reaped_and_no_result_is_mixed_up(folder: Folder) -> None:
    folder.write("leave.sh", "for i in 1 2 3 4; do (setsid sleep 0.0$i &); done; exit $(($1 % 5))\n")
    folder.write("wait.sh", "touch there; while [ ! -e go ]; do sleep 0.01; done\n")
    folder.write(
        "sweep.yaml",
        "sweep: {n: {from: 1, to: 60}}\n"
        "steps:\n  a: {run: 'sh leave.sh {n}', ok_codes: [1, 2, 3, 4]}\n  b: {run: sh wait.sh, after: {a: any}}\n",
    )
    run = folder.start("run", "-j", "3", "--json")
    wait_until((folder.path / "there").exists)
    wait_until(lambda: zombies(run.pid) == [])
    (folder.path / "go").touch()
    out, said = run.communicate(timeout=30)
    assert run.returncode == 0, said
    assert out.count('"event":"finished"') == 61
    for code in range(5):
        assert out.count(f'"exit_code":{code},') == 12 + (code == 0)


def test_a_program_of_a_python_file_keeps_its_children(folder: Folder) -> None:
    folder.write(
        "study.py",
        "import atexit, subprocess, taskrun\n"
        "own = subprocess.Popen(['sh', '-c', 'sleep 0.1; exit 7'])\n"
        "atexit.register(lambda: print('own', own.wait()))\n"
        "manager = taskrun.Manager('m')\n"
        "for name in 'abcdefgh':\n"
        "    manager.task_new(name, f'(setsid sleep 0.05 &); sleep 0.2; echo {name} > {name}', outputs=name)\n",
    )
    done = folder.taskrun("run", "study.py", "-j", "2")
    assert (done.returncode, done.stdout) == (0, "own 7\n"), done.stderr


def test_a_second_run_in_one_process_begins_anew(tmp_path: Path) -> None:
    for _ in range(2):
        with place(tmp_path, owns_process=True) as here:
            assert [end.exit_code for end in here.run(*(task(n, f"(sleep 0.01 &); exit {n}") for n in range(6)))] == [
                *range(6)
            ]
