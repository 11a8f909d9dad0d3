"""The screen of `taskrun status`: what is said of tasks that stand so and so, and in how many lines."""

from __future__ import annotations

from collections.abc import Sequence

from taskrun.cli.overview import Facts, Room, fair, overview
from taskrun.journal import Holder
from taskrun.model import (
    EndRecord,
    Past,
    RunEndRecord,
    RunRecord,
    Shell,
    Signature,
    SkipRecord,
    StartRecord,
    Status,
    Step,
    Task,
)
from taskrun.standing import Standing
from taskrun.term import Terminal

NOW = 1000.0
PLAIN = Terminal(unicode=False)
STEPS = {name: Step(name, ("n",)) for name in ("sim", "plot")}


def task(step: str, number: int) -> Task:
    return Task(number, f"{step}/n={number}", STEPS[step], Shell(f"./{step} {number}"), (str(number),))


def start(name: str, time: float = 0.0) -> StartRecord:
    return StartRecord(run="r", task=name, attempt=1, round=1, time=time, signature=Signature(""))


def ended(step: str, number: int, *, code: int = 0, cause: str | None = None) -> tuple[Task, Standing]:
    made = task(step, number)
    status = Status.FAILED if cause else Status.SUCCEEDED
    end = EndRecord(task=made.name, attempt=1, time=1.0, status=status.value, cause=cause, exit_code=code)
    return made, Standing(Past(made.name, start(made.name), end=end), status, cause)


def running(step: str, number: int, since: float) -> tuple[Task, Standing]:
    made = task(step, number)
    return made, Standing(Past(made.name, start(made.name, since)), Status.RUNNING)


def waiting(step: str, number: int) -> tuple[Task, Standing]:
    made = task(step, number)
    return made, Standing(Past(made.name), Status.WAITING)


def skipped(step: str, number: int, culprit: str) -> tuple[Task, Standing]:
    made = task(step, number)
    skip = SkipRecord(run="r", task=made.name, time=1.0, culprit=culprit, reason=f"{culprit!r} failed")
    return made, Standing(Past(made.name, skip=skip), Status.SKIPPED)


def screen(
    tasks: Sequence[tuple[Task, Standing]],
    rows: int | None = None,
    *,
    holder: Holder | None = None,
    run: RunRecord | None = None,
    end: RunEndRecord | None = None,
) -> list[str]:
    facts = Facts(
        tasks=tasks, now=NOW, host="here", output_of=lambda task, _: f"{task.name}.log", holder=holder, run=run, end=end
    )
    return overview(facts, PLAIN, Room(80, rows))


def test_steps_are_counted_and_what_runs_failed_and_was_skipped_is_named() -> None:
    lines = screen(
        [
            ended("sim", 0),
            ended("sim", 1, code=3, cause="exit"),
            ended("sim", 2, cause="cancelled"),
            running("sim", 3, NOW - 60),
            skipped("plot", 4, "sim/n=1"),
            waiting("plot", 5),
        ],
        holder=Holder(run="r", host="there", pid=7, since=NOW - 100),
    )
    assert lines[:-1] == [
        "step   tasks  succeeded  failed  cancelled  skipped  running  waiting",
        "sim        4          1       1          1        -        1        -",
        "plot       2          -       -          -        1        -        1",
        "total      6          1       1          1        1        1        1",
        "1 running",
        "  sim/n=3  for 1m00s, attempt 1",
        "1 failed",
        "  sim/n=1  exit code 3",
        "      sim/n=1.log",
        "1 skipped",
        "  1 because 'sim/n=1' failed",
    ]
    assert lines[-1].startswith("a run is on since ")
    assert lines[-1].endswith(": pid 7 on there")


def test_what_runs_though_its_runner_is_gone_says_so() -> None:
    run = RunRecord(run="r", time=0.0, host="here", boot="b", pid=7)
    lines = screen([running("sim", 1, NOW - 60)], run=run)
    assert "  sim/n=1  for 1m00s, attempt 1, its runner is gone" in lines
    assert lines[-1].endswith("and did not come to its end")


def test_many_failures_are_one_by_one_only_where_all_are_asked_for() -> None:
    tasks = [ended("sim", number, code=3 + number % 2, cause="exit") for number in range(1000)]
    assert screen(tasks, 24)[2:-1] == [
        "1,000 failed",
        "  sim/n=0  exit code 3",
        "      sim/n=0.log",
        "      and 499 more of sim alike",
        "  sim/n=1  exit code 4",
        "      sim/n=1.log",
        "      and 499 more of sim alike",
    ]
    assert len(screen(tasks)) == 2 + 1 + 2 * 1000 + 1


def test_a_screen_is_never_more_than_a_screen() -> None:
    tasks = [ended("sim", number) for number in range(100)]
    tasks += [ended("plot", number, code=number, cause="exit") for number in range(1, 100)]
    tasks += [running("sim", number, NOW) for number in range(100)]
    tasks += [skipped("plot", number, f"sim/n={number}") for number in range(100)]
    tasks += [(Task(number, f"s{number}", Step(f"s{number}"), Shell("")), tasks[number][1]) for number in range(300)]
    for rows in (15, 24, 50):
        assert len(screen(tasks, rows)) < rows
    assert "  ... and 99 more reasons" in screen(tasks, 15)


def test_the_last_run_is_summed_up() -> None:
    run = RunRecord(run="r", time=0.0, host="here", boot="b", pid=7)
    end = RunEndRecord(run="r", time=90.0, counts={"succeeded": 1000, "failed": 0}, stopped_by="SIGINT")
    assert screen([ended("sim", 0)], run=run, end=end)[-1].endswith(
        "and ended after 1m30s: stopped by SIGINT: 1,000 succeeded"
    )
    assert screen([waiting("sim", 0)])[-1] == "no run yet"


def test_rows_are_shared_fairly_and_what_one_leaves_goes_to_the_others() -> None:
    assert fair([2, 100, 100], 22) == [2, 10, 10]
    assert fair([5, 1], 100) == [5, 1]
    assert fair([5, 5], -3) == [0, 0]
