"""Retries, timeouts, exit codes that mean success, allowed failures, policies and held steps, on real processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from psutil import pid_exists
from studies import read_until, wait_until

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real


def logs(folder: Folder) -> dict[str, str]:
    root = folder.path / ".taskrun" / "sweep" / "logs"
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.log")}


def starts(folder: Folder, step: str) -> list[str]:
    """The tasks of a step that had an attempt, as on record."""
    lines = folder.read(".taskrun/sweep/journal.jsonl").splitlines()
    records = [json.loads(line) for line in lines]
    names = [record["task"] for record in records if record["kind"] == "start"]
    return [name for name in names if name.startswith(step)]


def gone(pid: int) -> bool:
    return not pid_exists(pid)


# retries


def test_each_attempt_has_its_log_and_its_number_and_a_success_after_retries_counts_as_one(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  flaky:\n    run: echo attempt $TASKRUN_ATTEMPT {task.attempt}; [ $TASKRUN_ATTEMPT = 3 ]\n"
        "    retries: 2\n    retry_delay: 10ms x2\n",
    )
    done = folder.taskrun("run")
    assert done.returncode == 0
    assert re.search(r"retrying +flaky +exit code 1 after .*; retry 1 of 2 in 0.0s", done.stderr)
    assert "retry 2 of 2 in 0.0s" in done.stderr
    assert "1 succeeded (1 after a retry)" in done.stderr
    assert logs(folder) == {f"flaky.{number}.log": f"attempt {number} {number}\n" for number in (1, 2, 3)}
    (task,) = json.loads(folder.taskrun("status", "--json").stdout)["tasks"]
    assert (task["status"], task["attempt"], task["fresh"]) == ("succeeded", 3, True)


def test_a_retry_is_an_event_with_the_fields_of_an_end_and_its_moment(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  bad:\n    run: exit 3\n    retries: 1\n    retry_delay: 20ms\n")
    _, _, retrying, _, finished, _ = events = folder.events()
    assert [event["event"] for event in events][2:5:2] == ["retrying", "finished"]
    assert set(retrying) == {*finished, "due"}
    assert (retrying["status"], retrying["cause"], retrying["exit_code"]) == ("failed", "exit", 3)
    assert (retrying["attempt"], finished["attempt"]) == (1, 2)
    assert 0.015 < float(str(retrying["due"])) - float(str(retrying["time"])) < 0.025
    assert events[-1]["exit_status"] == 1


def test_what_waits_for_its_retry_is_waiting_and_a_stop_fails_it(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  bad:\n    run: exit 3\n    retries: 1\n    retry_delay: 1h\n")
    run = folder.start("run")
    read_until(run, "retry 1 of 1 in 1h00m")
    assert folder.statuses() == {"bad": "waiting"}
    assert re.match(r"bad: waits for its retry, at \d\d:\d\d:\d\d\n", folder.taskrun("why", "bad").stdout)
    status = folder.taskrun("status").stdout
    assert re.search(r"^bad has failed and waits for its retry, at \d\d:\d\d:\d\d$", status, re.MULTILINE)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=30) == 130
    assert folder.statuses() == {"bad": "failed"}
    assert "retry" not in folder.taskrun("status").stdout


def test_a_runner_that_dies_while_a_task_waits_for_its_retry_leaves_a_failed_task(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  bad:\n    run: test -e ok\n    retries: 1\n    retry_delay: 1h\n")
    run = folder.start("run")
    read_until(run, "retry 1 of 1")
    run.kill()
    run.wait(timeout=30)
    assert folder.statuses() == {"bad": "failed"}
    folder.write("ok", "")
    assert folder.taskrun("run").returncode == 0
    assert starts(folder, "bad") == ["bad", "bad"]


# timeouts


def test_a_command_that_takes_too_long_is_asked_to_end(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  slow:\n    run: echo $$ > pid; trap 'touch asked; exit 0' TERM; sleep 60 & wait\n"
        "    timeout: 1.5s\n    outputs: out\n  next: cat {slow.outputs}\n",  # time enough for the trap
    )
    done = folder.taskrun("run")
    assert done.returncode == 1
    assert re.search(r"failed +slow +timeout: took longer than 1.5s after 1\.[5-9]s", done.stderr)
    assert (folder.path / "asked").exists()
    wait_until(lambda: gone(int(folder.read("pid"))))
    assert folder.statuses() == {"slow": "failed", "next": "skipped"}


def test_what_took_longer_than_its_limit_is_not_on_record_with_less(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: [1, 2, 3, 4]}\nsteps:\n  s: {run: 'sleep 6{n}', timeout: 150ms}\n")
    ends = [event for event in folder.events("-j", "4") if event["event"] == "finished"]
    assert [(end["cause"], end["seconds"] >= 0.15) for end in ends] == [("timeout", True)] * 4  # type: ignore[operator]


def test_one_that_ignores_that_is_killed_after_the_grace(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  deaf:\n    run: echo $$ > pid; trap '' TERM; while :; do sleep 0.05; done\n    timeout: 1.5s\n",
    )
    done = folder.taskrun("run", "--grace", "300ms")
    assert done.returncode == 1
    took = re.search(r"failed +deaf +timeout: took longer than 1.5s after ([0-9.]+)s", done.stderr)
    assert took is not None
    assert float(took[1]) >= 1.8
    wait_until(lambda: gone(int(folder.read("pid"))))


# success and failure


def test_exit_codes_that_mean_success_do_so_if_the_outputs_are_there(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  found: {run: exit 3, ok_codes: [1, 3]}\n  other: {run: exit 2, ok_codes: [1, 3]}\n"
        "  empty: {run: exit 3, ok_codes: [3], outputs: out}\n",
    )
    assert folder.taskrun("run").returncode == 1
    tasks = json.loads(folder.taskrun("status", "--json").stdout)["tasks"]
    assert {task["name"]: (task["status"], task["cause"], task["exit_code"]) for task in tasks} == {
        "found": ("succeeded", None, 3),
        "other": ("failed", "exit", 2),
        "empty": ("failed", "missing output", 3),
    }


READERS = """
steps:
  may: {run: "test -e go && echo made > {outputs}", outputs: may.out, allow_failure: true}
  reads: {run: "cat {may.outputs} > {outputs} || true", outputs: reads.out}
"""


def test_what_reads_the_file_of_an_allowed_failure_runs_and_its_absence_is_on_record(folder: Folder) -> None:
    folder.write("sweep.yaml", READERS)
    first = folder.taskrun("run")
    assert first.returncode == 0
    assert "failed     may  exit code 1" in first.stderr
    assert "(allowed to fail)" in first.stderr
    assert folder.statuses() == {"may": "failed", "reads": "succeeded"}
    assert "  may  exit code 1 (allowed to fail)\n" in folder.taskrun("status").stdout
    again = folder.taskrun("run")  # what may fail runs again; nothing is different for who reads it
    assert again.returncode == 0
    assert starts(folder, "reads") == ["reads"]
    folder.write("go", "")
    assert folder.taskrun("run").returncode == 0
    assert folder.read("reads.out") == "made\n"
    (folder.path / "go").unlink()
    (folder.path / "may.out").unlink()
    assert folder.taskrun("run").returncode == 0
    assert folder.read("reads.out") == ""


def test_after_any_runs_whatever_became_of_it(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  sim: {run: exit 1, outputs: sim.out}\n  strict: cat {sim.outputs}\n"
        "  report: {run: 'ls {sim.outputs} || touch report', after: {sim: any}}\n",
    )
    assert folder.taskrun("run").returncode == 1
    assert folder.statuses() == {"sim": "failed", "strict": "skipped", "report": "succeeded"}
    assert (folder.path / "report").exists()


# policies

FOUR = """
steps:
  bad: {run: "while [ ! -e begun ]; do sleep 0.01; done; exit 1", outputs: bad.out}
  long: {run: "echo $$ > pid; touch begun; while [ ! -e go ]; do sleep 0.02; done"}
  child: {run: "cat {bad.outputs} || true"}
  later: {run: touch go, after: {bad: any}}
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ((), {"bad": "failed", "long": "succeeded", "child": "skipped", "later": "succeeded"}),
        (("-k",), {"bad": "failed", "long": "succeeded", "child": "skipped", "later": "succeeded"}),
        (("--on-failure", "ignore"), {"bad": "failed", **dict.fromkeys(["long", "child", "later"], "succeeded")}),
        (("--on-failure", "kill"), {"bad": "failed", "long": "failed", "child": "skipped", "later": "skipped"}),
    ],
)
def test_each_policy_has_its_end_and_exit_status_1(
    folder: Folder, how: tuple[str, ...], expected: dict[str, str]
) -> None:
    folder.write("sweep.yaml", FOUR)
    done = folder.taskrun("run", "-j2", *how)
    assert done.returncode == 1
    assert folder.statuses() == expected
    assert gone(int(folder.read("pid")))
    if "kill" in how:
        assert "stopping ('bad' failed): terminating 1 running task" in done.stderr
        assert "cancelled  long" in done.stderr
        assert "later  nothing more was started after 'bad' failed" in done.stderr


@pytest.mark.parametrize("how", [("--on-failure", "drain"), ("--max-failures", "1"), ("--max-failures", "25%")])
def test_a_drain_lets_what_runs_end(folder: Folder, how: tuple[str, ...]) -> None:
    folder.write("sweep.yaml", FOUR)
    run = folder.start("run", "-j2", *how)
    read_until(run, "stopping ('bad' failed): waiting for 1 running task")
    folder.write("go", "")
    assert run.wait(timeout=30) == 1
    assert folder.statuses() == {"bad": "failed", "long": "succeeded", "child": "skipped", "later": "skipped"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--max-failures", "0"), "--max-failures 0: a whole number of 1 or more expected"),
        (("--max-failures", "101%"), "--max-failures 101%: a whole number of 1 or more expected, or a percentage"),
        (("--max-failures", "many"), "--max-failures many: a whole number of 1 or more expected"),
        (("--max-failures", ""), "--max-failures '': a whole number of 1 or more expected"),
        (("--max-failures", ":"), "--max-failures ':': a whole number of 1 or more expected"),
        (("--on-failure", ""), "--on-failure '': one of continue, drain, kill, ignore expected"),
        (("--grace", " "), "--grace ' ': ' ' is not a duration"),
        (("-j", ""), "-j '': '' is not a number"),
        (("--on-failure", "kil"), "--on-failure kil: one of continue, drain, kill, ignore expected; did you mean"),
        (("-k", "--on-failure", "kill"), "-k says --on-failure continue, and here stands --on-failure kill too"),
        (("--grace", "5"), "--grace 5: '5' has no unit; write it as 5s or 2h"),
    ],
)
def test_what_is_no_policy_is_one_sentence(folder: Folder, words: tuple[str, ...], said: str) -> None:
    folder.write("sweep.yaml", "steps: {a: touch made}\n")
    done = folder.taskrun("run", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"taskrun: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert not (folder.path / "made").exists()


# held back

HUNDRED = """
sweep: {i: {from: 1, to: 100}}
steps:
  sim:
    run: echo trying {i}; [ {i} = GOOD ] || { echo no licence >&2; exit 4; }
    per: i
"""


def test_a_hundred_that_fail_alike_are_tried_sixteen_times(folder: Folder) -> None:
    folder.write("sweep.yaml", HUNDRED.replace("GOOD", "0"))
    done = folder.taskrun("run", "-j1")
    assert done.returncode == 1
    tried = [*range(1, 9), 19, 31, 42, 54, 65, 77, 88, 100]
    assert starts(folder, "sim") == [f"sim/i={number}" for number in tried]
    assert "held back: all 16 tasks of 'sim' that were tried failed alike (exit code 4)" in done.stderr
    assert "84 skipped" in done.stderr
    assert "--no-hold" in done.stderr


@pytest.mark.parametrize(("good", "how"), [("54", ()), ("3", ()), ("0", ("--no-hold",))])
def test_others_all_run(folder: Folder, good: str, how: tuple[str, ...]) -> None:
    folder.write("sweep.yaml", HUNDRED.replace("GOOD", good))
    assert folder.taskrun("run", "-j2", *how).returncode == 1
    assert len(starts(folder, "sim")) == 100


def test_silent_ones_that_all_miss_their_outputs_are_alike(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {i: {from: 1, to: 30}}\nsteps: {sim: {run: 'true {i}', outputs: 'out/{i}'}}\n")
    done = folder.taskrun("run", "-j1")
    assert len(starts(folder, "sim")) == 16
    assert "failed alike (missing output: " in done.stderr


@pytest.mark.parametrize("where", ["stdout: said.txt, stderr: stdout", "outputs: said.txt, stderr: said.txt"])
def test_what_a_failure_wrote_is_shown_also_where_it_was_moved_away(folder: Folder, where: str) -> None:
    reader = "  reader: cat {talks.stdout}\n" if "stdout: said" in where else ""
    folder.write("sweep.yaml", f"steps:\n  talks: {{run: 'echo no licence >&2; exit 1', {where}}}\n{reader}")
    done = folder.taskrun("run", "--output", "grouped")
    kept = ".taskrun/sweep/failed/talks/said.txt"
    assert f"    log: {kept}\n        no licence\n" in done.stderr
    assert done.stdout == "", "a file of the study's is no log to print"
    assert folder.taskrun("logs", "talks").stdout == "no licence\n"
    assert folder.taskrun("logs", "--path", "talks").stdout == f"{kept}\n"
    assert kept in folder.taskrun("status").stdout
    assert json.loads(folder.taskrun("status", "--json").stdout)["tasks"][0]["log"] == kept
    assert not (folder.path / "said.txt").exists()


def test_tasks_of_a_manager_are_held_back_only_where_they_are_a_step(folder: Folder) -> None:
    loop = """
import taskrun
manager = taskrun.Manager("many", jobs=1)
for number in range(30):
    manager.task_new(f"t{number}", "exit 3", step=STEP)
if __name__ == "__main__":
    summary = manager.run()
    print(len(summary.failures), summary.skipped)
"""
    for name, step, said in (("loose", "None", "30 0"), ("grouped", "'sim'", "16 14")):
        folder.write(f"{name}.py", loop.replace("STEP", step).replace("many", name))
        done = subprocess.run(
            [sys.executable, f"{name}.py"], cwd=folder.path, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == said, done.stderr
    folder.write("jobs.txt", "".join(f"exit 3 # {number}\n" for number in range(30)))
    summary = folder.events("jobs.txt")[-1]
    assert summary["counts"] == {"succeeded": 0, "failed": 30, "fresh": 0, "skipped": 0}


def test_a_run_that_waits_for_what_a_task_left_running_says_so(folder: Folder) -> None:
    stubborn = "(trap '' TERM; touch up; while :; do sleep 60 || :; done) & until [ -e up ]; do sleep .01; done"
    folder.write("sweep.yaml", f'steps: {{b: "{stubborn}", quick: "sleep 60 & true"}}')
    run = folder.taskrun("run", "-q", "--grace", "3s")
    assert run.returncode == 0
    last = run.stderr.splitlines()
    assert len(last) == 2, run.stderr
    assert "2 succeeded" in last[0]
    assert re.fullmatch(r"waiting for what b left running \(process group \d+\), [12]s at most", last[1])


def test_a_run_that_ends_at_once_says_nothing_of_that(folder: Folder) -> None:
    folder.write("sweep.yaml", 'steps: {b: "sleep 60 & true"}')
    assert "waiting" not in folder.taskrun("run").stderr


def test_what_never_started_shows_nothing_that_an_earlier_attempt_wrote(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: {run: cat in, inputs: in, stdout: said}}\n")
    folder.write("in", "old words\n")
    assert folder.taskrun("run").returncode == 0
    (folder.path / "in").unlink()
    failed = folder.taskrun("run")
    assert failed.returncode == 1
    assert "missing input: in is not there" in failed.stderr
    assert "old words" not in failed.stderr
    assert "log: " not in failed.stderr
