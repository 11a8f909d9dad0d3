"""What a killed task started does not survive it, wherever it went; what a task left that ended by itself does."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from processes import Place, alive, ended, place, task
from studies import Folder, wait_until

from taskrun.model import Ended, Task

pytestmark = pytest.mark.real

# Each of these begins something called after the directory of the test, says so, and lives on.
TREES = {
    "trap": "bash -c \"trap '' TERM HUP INT; touch begun; while :; do sleep 0.05; done\" {token}",
    "trap in the group": "bash -c \"trap '' TERM; touch begun; while :; do sleep 0.05; done\" {token} & wait",
    "fork": "for i in 1 2 3; do bash -c 'sleep 60 & wait' {token} & done; touch begun; wait",
    "double fork": "( ( bash -c 'touch begun; sleep 60; :' {token} & ) & ); sleep 60",
    "setsid": "setsid bash -c \"trap '' TERM; touch begun; while :; do sleep 0.05; done\" {token} & sleep 60",
    "double fork and setsid": "( ( setsid bash -c 'touch begun; sleep 60; :' {token} & ) & ); sleep 60",
    "jobs of their own": "set -m; bash -c 'touch begun; sleep 60; :' {token} & sleep 60",
    "a group behind a dead leader": "setsid bash -c '(sleep 60; :) & touch begun' {token} & sleep 60",
    "daemon": "{python} daemon.py {token}; sleep 60",
}
# Their environment says nothing, and they have no parent: only a shim keeps hold of them.
ALONE = {
    "daemon with a cleaned environment": "env -i {python} daemon.py {token}; sleep 60",
    "born of a dying one": "trap \"env -i {python} daemon.py {token}; exit 0\" TERM; touch begun; sleep 60 & wait",
    "faster than a look": "env -i {python} hydra.py {token}; sleep 60",
}
DAEMON = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
null = os.open(os.devnull, os.O_RDWR)
for fd in range(3): os.dup2(null, fd)
open("begun", "w").close()
time.sleep(60)
"""
HYDRA = """
import os, time
if os.fork(): os._exit(0)
open("begun", "w").close()
end = time.monotonic() + 60
while time.monotonic() < end:
    if os.fork(): os._exit(0)
    os.setsid()
    with open("beats", "a") as file: file.write(".")
"""


def beats(directory: Path) -> int:
    """How often something has given a sign of life, a while after it should be dead."""
    time.sleep(0.1)
    path = directory / "beats"
    return path.stat().st_size if path.exists() else 0


def misbehaving(tmp_path: Path, text: str) -> tuple[Task, str]:
    """The task, and the word by which its processes are found."""
    (tmp_path / "daemon.py").write_text(DAEMON)
    (tmp_path / "hydra.py").write_text(HYDRA)
    token = f"token-{tmp_path}"
    return task(0, text.format(token=token, python=sys.executable)), token


def begin(here: Place, asked: Task, token: str) -> None:
    here.start(asked)
    wait_until((here.root / "begun").exists)
    wait_until(lambda: alive(token))


def end_of(here: Place) -> Ended:
    return ended(here.until(lambda happened: len(ended(happened)) == 1))[0]


@pytest.mark.parametrize("force", [False, True], ids=["asked", "killed"])
@pytest.mark.parametrize("owns_process", [True, False], ids=["our own process", "a host"])
@pytest.mark.parametrize("tree", TREES)
def test_nothing_of_a_killed_task_survives(tmp_path: Path, tree: str, owns_process: bool, force: bool) -> None:
    for shims in (True, False):
        root = tmp_path / str(shims)
        root.mkdir()
        asked, token = misbehaving(root, TREES[tree])
        with place(root, owns_process=owns_process, shims=shims, grace=0.3) as here:
            begin(here, asked, token)
            here.executor.kill(asked, force=force)
            if tree == "trap" and not force:
                here.happened.extend(here.executor.wait(0.3))
                here.executor.kill(asked, force=True)
            end_of(here)
            assert alive(token) == []


@pytest.mark.parametrize("force", [False, True], ids=["asked", "killed"])
@pytest.mark.parametrize("owns_process", [True, False], ids=["our own process", "a host"])
@pytest.mark.parametrize("tree", ALONE)
def test_nor_does_what_hides(tmp_path: Path, tree: str, owns_process: bool, force: bool) -> None:
    asked, token = misbehaving(tmp_path, ALONE[tree])
    with place(tmp_path, owns_process=owns_process, shims=True, grace=0.3) as here:
        here.start(asked)
        wait_until((tmp_path / "begun").exists)
        here.executor.kill(asked, force=force)
        end_of(here)
        assert alive(token) == []
        assert beats(tmp_path) == beats(tmp_path)


def test_what_left_the_group_of_a_task_that_ended_by_itself_is_left_alone(tmp_path: Path) -> None:
    for shims in (True, False):
        root = tmp_path / str(shims)
        root.mkdir()
        asked, token = misbehaving(root, "{python} daemon.py {token}")
        with place(root, owns_process=True, shims=shims) as here:
            assert here.run(asked)[0].exit_code == 0
            wait_until((root / "begun").exists)
            here.run(task(1, "true"))
        (daemon,) = alive(token)
        os.kill(daemon, signal.SIGKILL)


def test_a_second_sigterm_comes_to_nothing_that_saves_its_work(tmp_path: Path) -> None:
    saves = "trap 'echo asked >> asked; sleep 0.3; exit 0' TERM; touch begun; while :; do sleep 0.05; done"
    with place(tmp_path, shims=True) as here:
        asked = task(0, f'bash -c "{saves}" & wait')
        here.start(asked)
        wait_until((tmp_path / "begun").exists)
        here.executor.kill(asked, force=False)
        end_of(here)
    assert (tmp_path / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_leaves_nothing(folder: Folder, number: int) -> None:
    steps = []
    for index, text in enumerate([*TREES.values(), *ALONE.values()]):
        place = folder.path / f"at{index}"
        place.mkdir()
        asked, _ = misbehaving(place, text)
        folder.write(f"at{index}.sh", asked.action.text)  # type: ignore[union-attr]
        steps.append(f"  s{index}: {{run: . ../at{index}.sh, cwd: at{index}}}\n")
    folder.write("sweep.yaml", f"steps:\n{''.join(steps)}")
    run = folder.start("run", "-j", "20", "--grace", "1s")
    tokens = [f"token-{folder.path}/at{index}" for index in range(len(steps))]
    wait_until(lambda: all((folder.path / f"at{index}/begun").exists() for index in range(len(steps))))
    run.send_signal(number)
    run.communicate(timeout=30)
    assert run.returncode == 128 + number
    assert [alive(token) for token in tokens] == [[]] * len(tokens)
