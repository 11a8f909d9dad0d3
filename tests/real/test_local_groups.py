"""What a task leaves running, and killing: the whole group, and no group that is not the task's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import RUN, STATE, Place, ended, place, task
from studies import wait_until

from taskrun.machine import group_members, identity
from taskrun.model import Cause, Ended, Handle, Spawned

pytestmark = pytest.mark.real

# Says that its trap stands, then lives on whatever comes but SIGKILL.
STUBBORN = "trap '' TERM HUP; echo ready; while :; do sleep 60; done"


@pytest.fixture(params=[True, False], ids=["our own process", "a host"])
def owns_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_what_a_task_leaves_in_its_group_is_terminated_at_once(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process) as here:
        leaves = task(0, "sleep 60 & echo done")
        (end,) = here.run(leaves)
        assert (end.exit_code, end.signal) == (0, None)
        group = here.spawned(leaves).pid or 0
        wait_until(lambda: not group_members(group))


def test_what_ignores_that_is_killed_after_the_grace_and_holds_nobody_up(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, grace=0.4) as here:
        leaves = task(0, f"({STUBBORN}) & until [ -s {STATE}/logs/t0.1.log ]; do sleep 0.01; done")
        began = time.monotonic()
        assert here.run(leaves)[0].exit_code == 0
        assert here.run(task(1, "exit 2"))[0].exit_code == 2
        group = here.spawned(leaves).pid or 0
        assert group_members(group)
        here.executor.stop()
        assert not group_members(group)
        assert time.monotonic() - began > 0.4


def test_what_left_the_group_after_a_normal_end_is_left_alone(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(task(0, "setsid sleep 60 & echo $! > pid; until [ $(ps -o sid= $!) = $! ]; do :; done"))
    pid = int((tmp_path / "pid").read_text())
    assert identity(pid) is not None
    os.kill(pid, signal.SIGKILL)


def test_a_kill_reaches_the_whole_group(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process) as here:
        sleeper = task(0, "sleep 60 | sleep 60; :")
        here.start(sleeper)
        group = here.spawned(sleeper).pid or 0
        wait_until(lambda: len(group_members(group)) == 3)
        here.executor.kill(sleeper, force=False)
        end = here.until(lambda happened: isinstance(happened[-1], Ended))[-1]
        assert isinstance(end, Ended)
        assert end.signal == "SIGTERM"
        wait_until(lambda: not group_members(group))


def test_a_stopped_task_can_be_terminated_and_a_stubborn_one_killed(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process) as here:
        stopped, stubborn = task(0, ["sleep", "60"]), task(1, STUBBORN)
        here.start(stopped, stubborn)
        os.kill(here.spawned(stopped).pid or 0, signal.SIGSTOP)
        wait_until(lambda: here.log(stubborn) == "ready\n")
        here.executor.kill(stopped, force=False)
        here.executor.kill(stubborn, force=False)
        here.executor.kill(stubborn, force=True)
        here.until(lambda happened: sum(isinstance(found, Ended) for found in happened) == 2)
        assert {found.task: found.signal for found in here.happened if isinstance(found, Ended)} == {
            0: "SIGTERM",
            1: "SIGKILL",
        }


def test_a_kill_after_the_end_does_nothing(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        quick = task(0, "true")
        here.run(quick)
        here.executor.kill(quick, force=True)
        here.run(task(1, "true"))
        assert [(found.task, found.signal) for found in ended(here.happened)] == [(0, None), (1, None)]


# --- attempts of an earlier run --------------------------------------------------------------------------------------

RUNNER = f"""
import sys
sys.path.insert(0, {os.fspath(Path(__file__).parent.parent)!r})
from pathlib import Path
from processes import Place, task
here = Place(Path(sys.argv[1]), owns_process=True, run={RUN!r})
asked = task(0, sys.argv[2])
here.start(asked, number=4, round=2)
handle = here.spawned(asked)
print(handle.pid, handle.ticks, handle.namespace, flush=True)
here.until(lambda happened: False)
"""


def orphan(tmp_path: Path, command: str) -> Handle:
    """A task whose runner was killed."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, os.fspath(tmp_path), command], stdout=subprocess.PIPE, text=True
    )
    with runner:
        assert runner.stdout is not None
        pid, ticks, namespace = (int(word) for word in runner.stdout.readline().split())
        runner.kill()
    return Handle(RUN, 4, 2, pid, ticks, namespace)


def adopt(here: Place, handle: Handle) -> Ended | Spawned:
    here.start(task(0, "never executed > executed"), number=4, handle=handle)
    found = here.until(lambda happened: len(happened) > 0)[0]
    assert isinstance(found, Ended | Spawned)
    return found


@pytest.mark.parametrize("knows_pid", [True, False])
def test_a_task_outlives_its_runner_and_is_waited_for(tmp_path: Path, owns_process: bool, knows_pid: bool) -> None:
    os.mkfifo(tmp_path / "go")
    handle = orphan(tmp_path, "read x < go; echo went > went")
    with place(tmp_path, owns_process=owns_process) as here:
        assert adopt(here, handle if knows_pid else Handle(RUN, 4, 2)) == Spawned(0, handle)
        (tmp_path / "go").write_text("\n")
        end = here.until(lambda happened: len(happened) == 2)[1]
        assert isinstance(end, Ended)
        assert (end.attempt, end.cause, end.exit_code) == (4, Cause.LOST, None)
        assert (tmp_path / "went").exists()
        assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("knows_pid", [True, False])
def test_a_task_that_is_gone_was_interrupted(tmp_path: Path, knows_pid: bool) -> None:
    handle = orphan(tmp_path, "sleep 60; :")
    os.killpg(handle.pid or 0, signal.SIGKILL)
    wait_until(lambda: not group_members(handle.pid or 0))
    with place(tmp_path) as here:
        end = adopt(here, handle if knows_pid else Handle(RUN, 4, 2))
        assert isinstance(end, Ended)
        assert end.cause is Cause.INTERRUPTED


def test_a_number_that_has_passed_to_another_process_is_not_taken_for_the_task(tmp_path: Path) -> None:
    handle = orphan(tmp_path, "sleep 60; :")
    try:
        with place(tmp_path) as here:
            end = adopt(here, Handle(RUN, 4, 2, handle.pid, (handle.ticks or 0) + 1, handle.namespace))
            assert isinstance(end, Ended)
            assert end.cause is Cause.INTERRUPTED
        assert group_members(handle.pid or 0)
    finally:
        os.killpg(handle.pid or 0, signal.SIGKILL)


def test_what_is_left_of_a_group_without_its_leader_is_ended(tmp_path: Path) -> None:
    handle = orphan(tmp_path, "sleep 60; :")
    os.kill(handle.pid or 0, signal.SIGKILL)
    wait_until(lambda: identity(handle.pid or 0) is None)
    with place(tmp_path) as here:
        assert isinstance(adopt(here, handle), Ended)
    assert not group_members(handle.pid or 0)


def test_an_adopted_task_can_be_killed(tmp_path: Path, owns_process: bool) -> None:
    handle = orphan(tmp_path, "sleep 60; :")
    with place(tmp_path, owns_process=owns_process) as here:
        adopt(here, handle)
        here.executor.kill(task(0, ""), force=False)
        end = here.until(lambda happened: len(happened) == 2)[1]
        assert isinstance(end, Ended)
        assert end.cause is Cause.LOST


def test_stop_lets_adopted_tasks_live(tmp_path: Path) -> None:
    handle = orphan(tmp_path, "sleep 60; :")
    with place(tmp_path) as here:
        adopt(here, handle)
    assert identity(handle.pid or 0) is not None
    os.killpg(handle.pid or 0, signal.SIGKILL)
