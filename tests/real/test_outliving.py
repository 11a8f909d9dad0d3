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

from taskrun.machine import identity
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


AMONG_QUICK_ONES = """
sweep: {n: [1, 2, 3, 4]}
steps:
  s: "[ {n} != 4 ] || { echo x >> ran; touch begun; until rm go; do sleep 0.02; done; }"
"""


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "running"])
def test_what_was_lost_among_quick_tasks_is_not_lost_again(folder: Folder, is_over: bool) -> None:
    folder.write("sweep.yaml", AMONG_QUICK_ONES)
    first = folder.start("run", "-j", "1")  # the slow one comes after three quick ones: nobody expects it to be slow
    kill_when_begun(folder, first)
    if is_over:
        go_on(folder)
    second = folder.start("run", "-j", "1")
    if not is_over:
        read_until(second, "still running")
        go_on(folder)
    kill_when_begun(folder, second)
    go_on(folder)
    assert run(folder)[0] == 0
    assert folder.read("ran") == "x\n" * 2


def kill_when_begun(folder: Folder, runner: subprocess.Popen[str]) -> None:
    wait_until((folder.path / "begun").exists)
    (folder.path / "begun").unlink()
    runner.kill()
    runner.communicate()


def go_on(folder: Folder) -> None:
    """Let one execution of the slow task end."""
    folder.write("go", "")
    wait_until(lambda: not (folder.path / "go").exists())


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


# --- what those say who only look -------------------------------------------------------------------------------------


def described(folder: Folder) -> dict[str, dict[str, Json]]:
    """What `status --json` says of each task."""
    return {task["name"]: task for task in json.loads(folder.taskrun("status", "--json").stdout)["tasks"]}


def commands_of(folder: Folder) -> str:
    """The script of a dry run, which changes nothing."""
    before = {path: path.read_bytes() for path in (folder.path / ".taskrun").rglob("*") if path.is_file()}
    script = folder.taskrun("run", "-n").stdout
    assert {path: path.read_bytes() for path in (folder.path / ".taskrun").rglob("*") if path.is_file()} == before
    return script


def test_a_good_end_that_is_not_on_record_yet_is_seen_by_all_who_look(folder: Folder) -> None:
    begin(folder)
    let_go(folder)
    slow = described(folder)["slow"]
    assert (slow["status"], slow["fresh"], slow["cause"], slow["exit_code"]) == ("succeeded", True, None, 0)
    assert slow["reason"] == "it ended by itself when its runner was gone, which is not on record yet"
    assert slow["seconds"]
    said = folder.taskrun("status").stdout
    assert "\nslow ended when its runner was gone: the next run puts that on record\n" in said
    assert folder.taskrun("why", "slow").stdout == (
        "slow: it succeeded when its runner was gone (attempt 1); a run now would take its result\n"
    )
    assert json.loads(folder.taskrun("why", "--json", "slow").stdout)["would_run"] is False
    script = commands_of(folder)
    assert "touch begun" not in script
    assert "cp out copy" in script, "which has never run"
    assert run(folder)[0] == 0
    assert executions(folder) == 1
    assert described(folder)["slow"]["reason"] is None


def test_a_bad_end_that_is_not_on_record_yet_is_seen_by_all_who_look(folder: Folder) -> None:
    begin(folder, "exit 3")
    let_go(folder)
    both = described(folder)
    assert (both["slow"]["status"], both["slow"]["fresh"], both["slow"]["cause"]) == ("failed", False, "exit")
    assert both["slow"]["reason"] == (
        "exit code 3; it ended by itself when its runner was gone, which is not on record yet"
    )
    assert both["after"]["fresh"] is False
    assert folder.taskrun("why", "slow").stdout == (
        "slow: it failed (exit code 3) when its runner was gone (attempt 1); a run now would take its result\n"
    )
    assert folder.taskrun("why", "after").stdout == (
        "after: a run now could not execute it\n    input missing: 'slow' failed\n"
    )
    dry = folder.taskrun("run", "-n")
    assert (dry.returncode, dry.stdout) == (1, "")
    assert "taskrun: slow: it failed when its runner was gone, and a run takes that result: exit code 3\n" in dry.stderr
    assert run(folder)[0] == 1
    assert executions(folder) == 1


def test_an_output_that_was_not_made_is_seen_too(folder: Folder) -> None:
    begin(folder, "rm out")
    let_go(folder)
    slow = described(folder)["slow"]
    assert (slow["status"], slow["cause"]) == ("failed", "missing output")
    assert str(slow["reason"]).startswith("missing output: slow did not make out; ")
    assert commands_of(folder) == ""
    assert run(folder)[1]["slow"]["cause"] == "missing output"


def test_what_was_changed_since_is_shown_as_going_to_run_again(folder: Folder) -> None:
    begin(folder)
    let_go(folder)
    folder.write("sweep.yaml", STUDY.format(end="echo changed >> out"))
    slow = described(folder)["slow"]
    assert (slow["status"], slow["fresh"]) == ("succeeded", False)
    assert str(slow["reason"]).startswith("command changed")
    assert folder.taskrun("why", "slow").stdout.startswith("slow: a run now would execute it\n    command changed")
    assert "echo changed" in commands_of(folder)


@pytest.mark.parametrize("is_shim_killed", [True, False])
def test_what_still_runs_is_seen_to(folder: Folder, is_shim_killed: bool) -> None:
    found = begin(folder)
    assert found.command is not None
    if is_shim_killed:
        os.kill(found.shim.pid, signal.SIGKILL)
        wait_until(lambda: is_held(path(folder)) is False)
    pid = found.command.pid
    slow = described(folder)["slow"]
    assert (slow["status"], slow["fresh"]) == ("running", False)
    assert slow["reason"] == f"its runner is gone, and it runs on (pid {pid})"
    assert f", attempt 1 (pid {pid}), its runner is gone\n" in folder.taskrun("status").stdout
    assert f" (pid {pid}), attempt 1; its runner is gone, and the next run will wait for it\n" in (
        folder.taskrun("why", "slow").stdout
    )
    dry = folder.taskrun("run", "-n")
    assert "touch begun" not in dry.stdout
    assert "taskrun: slow: still running; a run waits for it\n" in dry.stderr
    refused = folder.taskrun("reset", "slow")
    assert refused.returncode == 3
    assert f"'slow' still runs (pid {pid}), though its runner is gone" in refused.stderr
    folder.write("sweep.yaml", STUDY.format(end="true").replace("slow", "renamed"))
    refused = folder.taskrun("run")
    assert refused.returncode == 3
    assert f"'slow', which an earlier run began, still runs (pid {pid}) and writes 'out'" in refused.stderr
    let_go(folder)
    wait_until(lambda: identity(pid) is None)
    assert executions(folder) == 1


def test_what_died_with_its_runner_is_interrupted(folder: Folder) -> None:
    found = begin(folder)
    assert found.command is not None
    os.kill(found.shim.pid, signal.SIGKILL)
    os.killpg(found.command.pid, signal.SIGKILL)
    wait_until(lambda: identity(found.command.pid) is None)
    slow = described(folder)["slow"]
    assert (slow["status"], slow["cause"], slow["fresh"]) == ("failed", "interrupted", False)
    assert "touch begun" in commands_of(folder)


# --- what those do with it who change the records ---------------------------------------------------------------------


def test_a_reset_of_what_ended_by_itself_leaves_what_it_made(folder: Folder) -> None:
    begin(folder)
    let_go(folder)
    assert folder.taskrun("reset", "slow").stderr == "1 task reset\n"
    assert folder.read("out") == "done\n"
    assert files_below(folder, "results") == files_below(folder, "failed") == []
    status, last = run(folder)
    assert (status, last["slow"]["attempt"]) == (0, 2)


@pytest.mark.parametrize("words", [["reset", "after"], ["mark-done", "after"], ["clean", "--logs", "-y"]])
def test_what_ended_by_itself_is_on_record_before_anything_is_changed(folder: Folder, words: list[str]) -> None:
    begin(folder)
    let_go(folder)
    folder.write("copy", "accepted\n")
    assert folder.taskrun(*words).returncode == 0
    slow = described(folder)["slow"]
    assert (slow["status"], slow["fresh"], slow["reason"], slow["exit_code"]) == ("succeeded", True, None, 0)
    assert files_below(folder, "results") == []
    assert run(folder)[1]["slow"]["event"] == "fresh"
    assert executions(folder) == 1


def test_what_failed_by_itself_is_put_on_record_with_what_it_left_aside(folder: Folder) -> None:
    begin(folder, "exit 3")
    let_go(folder)
    assert folder.taskrun("reset", "after").returncode == 0
    slow = described(folder)["slow"]
    assert (slow["status"], slow["cause"], slow["reason"]) == ("failed", "exit", "exit code 3")
    assert not (folder.path / "out").exists()
    assert [kept.name for kept in files_below(folder, "failed")] == ["out"]


def test_what_ended_by_itself_and_is_gone_from_the_sweep_is_cleaned_whole(folder: Folder) -> None:
    begin(folder)
    let_go(folder)
    folder.write("sweep.yaml", "steps:\n  other: echo\n")
    shown = folder.taskrun("clean", "--gone")
    assert shown.returncode == 2
    assert "out" in shown.stdout.split()
    assert executions(folder) == 1
    done = folder.taskrun("clean", "--gone", "-y")
    assert (done.returncode, done.stderr) == (0, "1 file deleted, 5B; 1 task forgotten\n")
    assert not (folder.path / "out").exists()
    assert files_below(folder, "results") == []


def test_an_exit_code_that_means_success_does_so_for_all_who_look_and_change(folder: Folder) -> None:
    begin(folder, "exit 3")
    let_go(folder)
    folder.write("sweep.yaml", STUDY.format(end="exit 3").replace("outputs: out", "outputs: out\n    ok_codes: [3]"))
    assert folder.statuses()["slow"] == "succeeded"
    assert "it succeeded" in folder.taskrun("why", "slow").stdout
    assert folder.taskrun("reset", "after").returncode == 0
    assert folder.statuses()["slow"] == "succeeded"
    assert folder.read("out") == "done\n"
    status, last = run(folder)
    assert (status, last["slow"]["event"]) == (0, "fresh")
    assert executions(folder) == 1
