"""A task outlives the runner that began it: the next run takes its result, and runs nothing a second time."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from studies import Folder, Json, read_until, wait_until

from taskrun.results import Result, is_held, read_result

pytestmark = pytest.mark.real

STUDY = """
steps:
  slow:
    run: echo $$ >> pids; touch begun; until [ -e go ]; do sleep 0.02; done; echo done > {{outputs}}; {end}
    outputs: out
  after:
    run: cp {{inputs}} {{outputs}}
    inputs: '{{slow.outputs}}'
    outputs: copy
"""


def begin(folder: Folder, end: str = "true") -> Result:
    """Run until the slow task is on, and kill the runner."""
    folder.write("sweep.yaml", STUDY.format(end=end))
    run = folder.start("run")
    wait_until((folder.path / "begun").exists)
    wait_until(lambda: (found := read_result(path(folder))) is not None and found.command is not None)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    found = read_result(path(folder))
    assert found is not None
    return found


def path(folder: Folder, attempt: int = 1) -> str:
    return os.fspath(folder.path / f".taskrun/sweep/results/slow.{attempt}")


def let_go(folder: Folder) -> None:
    """Let the task end by itself, and wait until it has."""
    folder.write("go", "")
    wait_until(lambda: not is_held(path(folder)))


def executions(folder: Folder) -> int:
    return len(folder.read("pids").split())


def run(folder: Folder) -> tuple[int, dict[str, Json]]:
    """The exit status of a run, and its last event of each task."""
    done = folder.taskrun("run", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert "Traceback" not in done.stderr
    return done.returncode, {event["task"]: event for event in events if "task" in event}


def files_below(folder: Folder, name: str) -> list[Path]:
    return [found for found in (folder.path / ".taskrun/sweep" / name).rglob("*") if found.is_file()]


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "running"])
@pytest.mark.parametrize("code", [0, 3])
def test_the_next_run_takes_the_result(folder: Folder, code: int, is_over: bool) -> None:
    begin(folder, f"exit {code}")
    if is_over:
        let_go(folder)
        status, last = run(folder)
    else:
        second = folder.start("run", "--json")
        read_until(second, "still running")
        folder.write("go", "")
        shown, _ = second.communicate(timeout=60)
        status, last = second.returncode, {
            event["task"]: event for event in map(json.loads, shown.splitlines()) if "task" in event
        }  # fmt: skip
    assert executions(folder) == 1
    assert status == (1 if code else 0)
    assert (last["slow"]["event"], last["slow"]["attempt"]) == ("finished", 1)
    assert (last["slow"]["exit_code"], last["slow"]["cause"]) == (code, "exit" if code else None)
    assert last["after"]["event"] == ("skipped" if code else "finished")
    assert files_below(folder, "results") == []
    if not code:
        assert run(folder)[1]["slow"]["event"] == "fresh"
        assert folder.read("copy") == "done\n"


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "running"])
def test_what_a_signal_ended_runs_again(folder: Folder, is_over: bool) -> None:
    found = begin(folder)
    assert found.command is not None
    second = None
    if not is_over:
        second = folder.start("run")
        read_until(second, "still running")
    folder.write("go", "")
    os.killpg(found.command.pid, signal.SIGKILL)
    wait_until(lambda: not is_held(path(folder)))
    if second is not None:
        second.communicate(timeout=60)
    assert run(folder)[0] == 0
    assert executions(folder) in (1, 2), "once, where it was quicker than the signal"
    assert folder.read("copy") == "done\n"


def test_runner_and_shim_killed_the_command_is_waited_for_and_runs_again(folder: Folder) -> None:
    found = begin(folder)
    os.kill(found.shim.pid, signal.SIGKILL)
    second = folder.start("run")
    read_until(second, "still running")
    assert executions(folder) == 1, "no second copy beside the first"
    folder.write("go", "")
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert executions(folder) == 2
    assert folder.read("copy") == "done\n"


def test_a_shim_killed_under_its_run_fails_its_task_alone_and_says_so(folder: Folder) -> None:
    folder.write("sweep.yaml", STUDY.format(end="true"))
    first = folder.start("run")
    wait_until((folder.path / "begun").exists)
    wait_until(lambda: (found := read_result(path(folder))) is not None and found.command is not None)
    found = read_result(path(folder))
    assert found is not None
    os.kill(found.shim.pid, signal.SIGKILL)
    wait_until(lambda: is_held(path(folder)) is False)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.3)
    folder.write("go", "")
    _, said = first.communicate(timeout=60)
    assert first.returncode == 1
    lost = re.search(r"slow  lost after ([0-9.]+)s: its shim .* was killed, so that nobody saw how it ended\n", said)
    assert lost is not None, said
    assert float(lost[1]) >= 0.3
    assert run(folder)[0] == 0
    assert executions(folder) == 2


def test_killed_again_and_again_it_runs_once(folder: Folder) -> None:
    begin(folder)
    for _ in range(3):
        again = folder.start("run")
        read_until(again, "still running")
        os.kill(again.pid, signal.SIGKILL)
        again.communicate()
    let_go(folder)
    assert run(folder)[0] == 0
    assert executions(folder) == 1


def test_a_task_asleep_ends_by_itself(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  slow: {run: 'echo x >> pids; sleep 3; echo y > out', outputs: out}\n")
    first = folder.start("run")
    wait_until((folder.path / "pids").exists)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.3)
    first.kill()
    first.communicate()
    assert run(folder)[0] == 0
    assert executions(folder) == 1
    assert folder.read("out") == "y\n"


def test_quick_tasks_get_no_shim_once_some_have_ended(folder: Folder) -> None:
    folder.write(
        "sweep.yaml", "sweep: {i: {from: 1, to: 20}}\nsteps:\n  quick: {run: 'cat /proc/$PPID/cmdline', per: i}\n"
    )
    assert folder.taskrun("run", "-j", "1").returncode == 0
    shimmed = [log for log in files_below(folder, "logs") if b"shim.py" in log.read_bytes()]
    assert len(shimmed) == 3
    assert folder.taskrun("run", "-j", "1", "-f").returncode == 0
    again = [log for log in files_below(folder, "logs") if b"shim.py" in log.read_bytes()]
    assert again == shimmed, "the second run knows how long they take"


@pytest.mark.parametrize("code", [0, 3])
def test_the_result_of_a_command_that_was_changed_meanwhile_is_made_again(folder: Folder, code: int) -> None:
    begin(folder, f"exit {code}")
    let_go(folder)
    folder.write("sweep.yaml", STUDY.format(end="echo changed >> out"))
    status, last = run(folder)
    assert (status, last["slow"]["status"], last["slow"]["attempt"]) == (0, "succeeded", 2)
    assert folder.read("copy") == "done\nchanged\n"
    assert executions(folder) == 2
    assert {event["event"] for event in run(folder)[1].values()} == {"fresh"}


def test_a_forced_task_is_executed_whatever_it_left(folder: Folder) -> None:
    begin(folder)
    let_go(folder)
    folder.taskrun("run", "-f", "slow")
    assert executions(folder) == 2


CHAIN = """
steps:
  make:
    run: cp source made
    inputs: source
    outputs: made
  slow:
    run: echo $$ >> pids; cat made; touch begun; until [ -e go ]; do sleep 0.02; done; cp made {outputs}
    inputs: made
    outputs: out
"""


def begin_chain(folder: Folder) -> None:
    """`make` has ended, `slow` has read what it made and is on, and the runner was killed."""
    folder.write("sweep.yaml", CHAIN)
    folder.write("source", "old\n")
    run = folder.start("run")
    wait_until((folder.path / "begun").exists)
    wait_until(lambda: (found := read_result(path(folder))) is not None and found.command is not None)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()


def test_what_a_task_needs_is_made_again_after_it_and_then_the_same_run_runs_it_again(folder: Folder) -> None:
    begin_chain(folder)
    folder.write("source", "newer\n")
    second = folder.start("run")
    read_until(second, "still running")
    folder.write("go", "")
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert folder.read("out") == "newer\n"
    assert executions(folder) == 2
    assert {event["event"] for event in run(folder)[1].values()} == {"fresh"}


def test_what_a_task_needs_may_come_out_the_same_and_its_result_holds(folder: Folder) -> None:
    begin_chain(folder)
    folder.write("sweep.yaml", CHAIN.replace("cp source made", "cat source > made"))
    second = folder.start("run", "--json")
    read_until(second, "still running")
    folder.write("go", "")
    shown, _ = second.communicate(timeout=60)
    told = [(event["event"], event["task"]) for event in map(json.loads, shown.splitlines()) if "task" in event]
    assert told == [("started", "make"), ("finished", "make"), ("finished", "slow")]
    assert executions(folder) == 1
    assert {event["event"] for event in run(folder)[1].values()} == {"fresh"}
