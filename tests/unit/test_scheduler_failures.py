"""The loop in the fake clock: retries, timeouts, and what the user wants of failures."""

from __future__ import annotations

import pytest
from fakes import FakeExecutor, FakeJudge, Left, graph, run, told
from msgspec.structs import replace

from taskrun.executors.base import Refused
from taskrun.model import (
    TRAITS,
    Cause,
    Event,
    Finished,
    Handle,
    Recovered,
    Retries,
    Retrying,
    RunFinished,
    Skipped,
    Started,
    Stopping,
    Traits,
)
from taskrun.policy import OnFailure, Policy, parse_limit

FAILS: dict[str, object] = {"exit_code": 1}
WELL: dict[str, object] = {"exit_code": 0}


def one_core(**how: object) -> FakeExecutor:
    return FakeExecutor(pools={"cores": 1}, **how)  # type: ignore[arg-type]


def retried(most: int, delay: float = 0.0, factor: float = 1.0, **more: object) -> Traits:
    return replace(TRAITS, retries=Retries(most, delay, factor), **more)


def limited(timeout: float, **more: object) -> Traits:
    return replace(TRAITS, timeout=timeout, **more)


def over(events: list[Event]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def reasons(events: list[Event]) -> dict[str, tuple[str, str]]:
    return {event.task.name: (event.culprit, event.reason) for event in events if isinstance(event, Skipped)}


# retries


def test_a_task_is_tried_again_after_its_delay_which_grows() -> None:
    executor = one_core(ends={"a": [FAILS, FAILS, WELL]})
    assert told(run(graph("a", {"a": retried(2, 10, 2)}), executor)) == [
        "0 a started",
        "1 a retrying 1 at 11 exit",
        "11 a started",
        "12 a retrying 2 at 32 exit",
        "32 a started",
        "33 a succeeded",
        "33 over",
    ]


def test_attempts_and_rounds_are_counted_on() -> None:
    events = run(graph("a", {"a": retried(2)}), one_core(ends={"a": FAILS}), attempts=lambda task: 4)
    starts = [(event.attempt, event.round) for event in events if isinstance(event, Started)]
    assert starts == [(5, 1), (6, 2), (7, 3)]
    assert told(events)[-2:] == ["3 a failed exit", "3 over"]


def test_waiting_for_a_retry_holds_no_pool() -> None:
    executor = one_core(ends={"a": [FAILS, WELL]})
    assert told(run(graph("a; b; c", {"a": retried(1, 1.5)}), executor)) == [
        "0 a started",
        "1 a retrying 1 at 2.5 exit",
        "1 b started",
        "2 b succeeded",
        "2 c started",
        "3 c succeeded",
        "3 a started",
        "4 a succeeded",
        "4 over",
    ]


def test_what_depends_on_it_waits_for_the_last_attempt() -> None:
    executor = one_core(ends={"a": [FAILS, WELL], "b": FAILS})
    traits = {"a": retried(1, 5), "b": retried(1, 5)}
    assert told(run(graph("a; b; x < a; y < b; z < ?b", traits), executor)) == [
        "0 a started",
        "1 a retrying 1 at 6 exit",
        "1 b started",
        "2 b retrying 1 at 7 exit",
        "6 a started",
        "7 a succeeded",
        "7 x started",
        "8 x succeeded",
        "8 b started",
        "9 b failed exit",
        "9 y skipped b",
        "9 z started",
        "10 z succeeded",
        "10 over",
    ]


@pytest.mark.parametrize(
    ("end", "is_tried_again"),
    [
        ({"exit_code": 1}, True),
        ({"signal": "SIGSEGV"}, True),
        ({"cause": Cause.MEMORY}, True),
        ({"cause": Cause.MISSING_OUTPUT}, True),
        ({"cause": Cause.LOST}, True),
        ({"cause": Cause.COULD_NOT_START}, False),
        ({"cause": Cause.MISSING_INPUT}, False),
    ],
)
def test_only_what_may_go_better_is_tried_again(end: dict[str, object], is_tried_again: bool) -> None:
    events = run(graph("a", {"a": retried(1)}), one_core(ends={"a": [end, WELL]}))
    assert any(isinstance(event, Retrying) for event in events) is is_tried_again


def test_what_cannot_be_prepared_is_not_tried_again() -> None:
    judge = FakeJudge(unprepared={"a": Refused(Cause.MISSING_INPUT, "")})
    assert told(run(graph("a", {"a": retried(3)}), one_core(), judge)) == ["0 a failed missing input", "0 over"]


def test_a_stop_ends_what_waits_for_its_retry_as_failed() -> None:
    executor = one_core(ends={"a": FAILS}, interrupts=[(3, 1, "SIGINT")])
    events = run(graph("a; x < a", {"a": retried(5, 100)}), executor)
    assert told(events) == [
        "0 a started",
        "1 a retrying 1 at 101 exit",
        "3 stopping 1 SIGINT, 0 running",
        "3 a failed exit",
        "3 x skipped a",
        "3 over, stopped by SIGINT",
    ]


def test_what_fails_after_a_stop_is_not_tried_again_and_the_run_was_stopped() -> None:
    executor = one_core(seconds={"a": 5}, ends={"a": FAILS}, interrupts=[(3, 1, "SIGINT")])
    assert told(run(graph("a", {"a": retried(5)}), executor))[-2:] == ["5 a failed exit", "5 over, stopped by SIGINT"]


def test_a_drain_ends_what_waits_for_its_retry_as_failed() -> None:
    executor = FakeExecutor(ends={"a": FAILS, "b": FAILS}, seconds={"b": 3})
    events = run(graph("a; b", {"a": retried(5, 100)}), executor, policy=Policy(OnFailure.DRAIN))
    assert told(events)[2:] == [
        "1 a retrying 1 at 101 exit",
        "3 b failed exit",
        "3 stopping 1 , 0 running",
        "3 a failed exit",
        "3 over",
    ]


def test_an_attempt_of_an_earlier_run_that_fails_is_tried_again_in_this_one() -> None:
    executor = one_core(left={"a": Left(seconds=3, exit_code=1)})
    events = run(
        graph("a", {"a": retried(1, 2)}), executor, open_attempts={0: Handle("before", 4, 2)}, attempts=lambda task: 4
    )
    assert told(events)[-4:] == ["3 a retrying 1 at 5 exit", "5 a started", "6 a succeeded", "6 over"]
    assert [(event.attempt, event.round) for event in events if isinstance(event, Started)] == [(5, 1)]


def test_a_task_is_judged_anew_before_it_is_tried_again() -> None:
    judge = FakeJudge()
    run(graph("a", {"a": retried(1)}), one_core(ends={"a": FAILS}), judge)
    assert judge.asked == [("a", []), ("a", [])]


# timeouts


def test_a_timeout_asks_and_after_the_grace_it_kills() -> None:
    executor = FakeExecutor(seconds={"a": 100, "b": 100, "c": 5}, stubborn={"b"}, pools={"cores": 3})
    traits = {"a": limited(10), "b": limited(20), "c": limited(5.5)}
    events = run(graph("a; b; c", traits), executor, grace=3)
    assert told(events)[3:] == ["5 c succeeded", "10 a failed timeout", "23 b failed timeout", "23 over"]
    assert executor.kills == [(10, "a", False), (20, "b", False), (23, "b", True)]
    ends = [event.ended for event in events if isinstance(event, Finished)]
    assert [end.message for end in ends] == ["", "took longer than 10s", "took longer than 20s"]
    assert [end.seconds for end in ends[1:]] == [10, 23]
    assert over(events).stopped_by is None


def test_a_timeout_counts_from_each_attempt_s_start() -> None:
    executor = one_core(seconds={"a": 100, "b": 8})
    traits = {"a": limited(10, retries=Retries(1, 5.0)), "b": limited(9)}
    assert told(run(graph("a; b", traits), executor)) == [
        "0 a started",
        "10 a retrying 1 at 15 timeout",
        "10 b started",
        "18 b succeeded",
        "18 a started",
        "28 a failed timeout",
        "28 over",
    ]


def test_a_timeout_of_an_attempt_of_an_earlier_run_counts_from_its_start_on_record() -> None:
    executor = one_core(left={"a": Left(seconds=30, exit_code=0)})
    events = run(
        graph("a", {"a": limited(10)}), executor, open_attempts={0: Handle("before", 1, 1)}, began=lambda task: -6.0
    )
    assert told(events) == ["0 a adopted", "4 a failed timeout", "4 over"]


def test_who_asked_first_counts() -> None:
    executor = one_core(seconds={"a": 100}, stubborn={"a"}, interrupts=[(11, 2, "SIGTERM")])
    events = run(graph("a; b", {"a": limited(10)}), executor, grace=5)
    assert told(events)[1:] == [
        "11 stopping 2 SIGTERM, 1 running",
        "15 a failed timeout",
        "15 b skipped",
        "15 over, stopped by SIGTERM",
    ]
    assert executor.kills == [(10, "a", False), (15, "a", True)]


def test_a_stop_before_the_timeout_cancels() -> None:
    executor = one_core(seconds={"a": 100}, stubborn={"a"}, interrupts=[(9, 2, "SIGTERM")])
    events = run(graph("a", {"a": limited(10)}), executor, grace=5)
    assert told(events)[-2:] == ["14 a failed cancelled", "14 over, stopped by SIGTERM"]
    assert executor.kills == [(9, "a", False), (14, "a", True)]


def test_a_timeout_goes_on_counting_while_a_stop_waits() -> None:
    executor = one_core(seconds={"a": 100}, interrupts=[(2, 1, "SIGINT")])
    events = run(graph("a; b", {"a": limited(10)}), executor)
    assert told(events)[-3:] == ["10 a failed timeout", "10 b skipped", "10 over, stopped by SIGINT"]


# policies


def test_drain_starts_nothing_more_and_lets_what_runs_end() -> None:
    executor = FakeExecutor(seconds={"a": 1, "b": 5}, ends={"a": FAILS})
    events = run(graph("a; b; c; d < a; e < b", None), executor, policy=Policy(OnFailure.DRAIN))
    assert told(events)[2:] == [
        "1 a failed exit",
        "1 d skipped a",
        "1 stopping 1 , 1 running",
        "5 b succeeded",
        "5 c skipped a",
        "5 e skipped a",
        "5 over",
    ]
    late = ("a", "nothing more was started after 'a' failed")
    assert reasons(events) == {"d": ("a", "'a' failed"), "c": late, "e": late}
    assert [event.why for event in events if isinstance(event, Stopping)] == ["'a' failed"]


def test_kill_terminates_the_others_which_are_nobody_s_failures() -> None:
    executor = FakeExecutor(pools={"cores": 3}, seconds={"a": 1, "b": 9, "c": 9}, ends={"a": FAILS}, stubborn={"c"})
    events = run(graph("a; b; c; d; x < b"), executor, policy=Policy(OnFailure.KILL), grace=3)
    assert told(events)[3:] == [
        "1 a failed exit",
        "1 stopping 2 , 2 running",
        "1 b failed cancelled",
        "1 x skipped a",
        "4 c failed cancelled",
        "4 d skipped a",
        "4 over",
    ]
    assert (over(events).stopped_by, over(events).cancelled) == (None, 2)


def test_kill_leaves_alone_what_ended_at_the_same_time() -> None:
    executor = FakeExecutor(seconds={"a": 1, "b": 1}, ends={"a": FAILS})
    assert told(run(graph("a; b", None), executor, policy=Policy(OnFailure.KILL)))[2:] == [
        "1 a failed exit",
        "1 b succeeded",
        "1 over",
    ]


def test_kill_never_starts_what_was_only_told_of() -> None:
    judge = FakeJudge(refused={"b": Refused(Cause.MISSING_INPUT, "")})
    executor = FakeExecutor()
    events = run(graph("a; b; c"), executor, judge, policy=Policy(OnFailure.KILL))
    assert executor.starts == []
    ends = {event.task.name: event.settled.cause for event in events if isinstance(event, Finished)}
    assert ends == {"a": Cause.CANCELLED, "b": Cause.MISSING_INPUT}
    assert reasons(events) == {"c": ("b", "nothing more was started after 'b' failed")}


def test_ignore_runs_what_depends_on_a_failure() -> None:
    executor = one_core(ends={"a": FAILS})
    events = run(graph("a; b < a; c < .b"), executor, policy=Policy(OnFailure.IGNORE))
    assert [name for _, name in executor.starts] == ["a", "b", "c"]
    assert over(events).counts["failed"] == 1
    assert over(events).allowed == 0


def test_an_allowed_failure_is_one_that_counts_nowhere() -> None:
    traits = {"a": replace(TRAITS, allow_failure=True)}
    policy = Policy(OnFailure.KILL, parse_limit("1"))
    executor = FakeExecutor(ends={"a": FAILS}, seconds={"b": 3})
    events = run(graph("a; b; c < a", traits), executor, policy=policy)
    assert told(events)[2:] == ["1 a failed exit", "1 c started", "2 c succeeded", "3 b succeeded", "3 over"]
    assert (over(events).counts["failed"], over(events).allowed) == (1, 1)


def test_so_many_failures_end_the_run() -> None:
    executor = one_core(ends=dict.fromkeys("abcd", FAILS))
    events = run(graph("a; b; c; d"), executor, policy=Policy(most=parse_limit("2")))
    assert [name for _, name in executor.starts] == ["a", "b"]
    late = ("b", "nothing more was started after 2 tasks failed, 'b' the last")
    assert reasons(events) == {"c": late, "d": late}


def test_a_share_is_of_the_tasks_to_execute_whatever_is_fresh() -> None:
    executor = one_core(ends=dict.fromkeys("abcd", FAILS))
    judge = FakeJudge(fresh="efghij")
    events = run(graph("a; b; c; d; e; f; g; h; i; j"), executor, judge, policy=Policy(most=parse_limit("50%")))
    assert [name for _, name in executor.starts] == ["a", "b"]
    assert set(reasons(events)) == {"c", "d"}


def test_a_failure_on_the_way_to_a_retry_is_none() -> None:
    executor = one_core(ends={"a": [FAILS, FAILS, WELL]})
    events = run(graph("a; b", {"a": retried(2)}), executor, policy=Policy(OnFailure.KILL))
    assert over(events).counts["succeeded"] == 2


def test_a_signal_after_a_drain_counts_where_it_ends_something() -> None:
    def events(*interrupts: tuple[float, int, str]) -> list[Event]:
        executor = FakeExecutor(seconds={"a": 1, "b": 9}, ends={"a": FAILS}, interrupts=interrupts)
        return run(graph("a; b; c"), executor, policy=Policy(OnFailure.DRAIN))

    assert over(events((3, 1, "SIGINT"))).stopped_by is None
    assert over(events((3, 1, "SIGINT"), (4, 2, "SIGINT"))).stopped_by == "SIGINT"


def test_a_failure_after_a_signal_changes_nothing() -> None:
    executor = FakeExecutor(seconds={"a": 2, "b": 9}, ends={"a": FAILS}, interrupts=[(1, 1, "SIGINT")])
    events = run(graph("a; b; c"), executor, policy=Policy(OnFailure.KILL))
    assert told(events)[-4:] == ["2 a failed exit", "9 b succeeded", "9 c skipped", "9 over, stopped by SIGINT"]
    assert executor.kills == []


def test_recovered_attempts_are_no_failures() -> None:
    executor = one_core(left={"a": Left()})
    events = run(graph("a; b"), executor, policy=Policy(OnFailure.KILL), open_attempts={0: Handle("before", 1, 1)})
    assert any(isinstance(event, Recovered) for event in events)
    assert over(events).counts["succeeded"] == 2


def test_without_a_delay_the_last_of_many_retries_comes_at_once_too() -> None:
    assert Retries(5000, 0.0, 2.0).wait(5000) == 0
    assert Retries(2, 30.0, 2.0).wait(2) == 60
