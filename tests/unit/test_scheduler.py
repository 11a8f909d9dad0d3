"""The loop in the fake clock: what starts when, what is told before what, failures, stops, earlier runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import FakeExecutor, FakeJudge, Left, asking, batches, graph, run, task, told

from taskrun.executors.base import Refused
from taskrun.graph import Draft, Graph
from taskrun.model import (
    Cause,
    Event,
    Finished,
    Found,
    Handle,
    Identified,
    ReasonKind,
    Recovered,
    RunFinished,
    RunStarted,
    Skipped,
    Started,
)

FAILS = {"exit_code": 1}
NETSIM = "; ".join(
    f"sim{t}{b}; parse{t}{b} < sim{t}{b}" if b < 3 else f"graph{t} < (parse{t}1,parse{t}2)"
    for t in "abc"
    for b in (1, 2, 3)
)


def one_core(**how: object) -> FakeExecutor:
    return FakeExecutor(pools={"cores": 1}, **how)  # type: ignore[arg-type]


# what starts when


def test_a_task_starts_when_the_last_dependency_succeeds() -> None:
    executor = FakeExecutor(seconds={"a": 5, "b": 2})
    assert told(run(graph("a; b; c < a b"), executor)) == [
        "0 a started",
        "0 b started",
        "2 b succeeded",
        "5 a succeeded",
        "5 c started",
        "6 c succeeded",
        "6 over",
    ]
    assert executor.stopped


def test_begun_groups_finish_before_others_begin() -> None:
    executor = one_core()
    run(graph(NETSIM), executor)
    started = [name for _, name in executor.starts]
    assert [name[-1] if name.startswith("graph") else name[-2] for name in started] == list("aaaaabbbbbccccc")
    assert started[:5] == ["sima1", "parsea1", "sima2", "parsea2", "grapha"]


def test_independent_tasks_start_in_the_order_of_declaration_but_priority_goes_first() -> None:
    executor = one_core()
    run(graph("d; c; b; a; x", {"x": asking(priority=1), "d": asking(priority=-1)}), executor)
    assert [name for _, name in executor.starts] == ["x", "c", "b", "a", "d"]


def test_what_fits_starts_before_an_earlier_one_that_does_not() -> None:
    traits = {"big": asking(2), "half": asking("0.5"), "none": asking(0)}
    executor = FakeExecutor(seconds={"first": 4})
    assert told(run(graph("first; big; half; none", traits), executor)) == [
        "0 first started",
        "0 half started",
        "0 none started",
        "1 half succeeded",
        "1 none succeeded",
        "4 first succeeded",
        "4 big started",
        "5 big succeeded",
        "5 over",
    ]


def test_more_cores_than_there_are_means_all_of_them() -> None:
    assert told(run(graph("a; b", {"a": asking(64)}), FakeExecutor())) == [
        "0 a started",
        "1 a succeeded",
        "1 b started",
        "2 b succeeded",
        "2 over",
    ]


def test_an_empty_graph_is_over_at_once() -> None:
    events = run(Draft().build(), FakeExecutor())
    assert events == [
        RunStarted(0.0, 0),
        RunFinished(0.0, {"succeeded": 0, "failed": 0, "fresh": 0, "skipped": 0}),
    ]


# what is told, and before what


def test_a_start_is_told_before_it_happens_and_all_is_told_before_a_wait() -> None:
    executor = one_core()
    seen = []
    for batch in batches(graph("a; b < a"), executor):
        kinds = [f"{type(event).__name__}" for event in batch]
        seen.append((kinds, list(executor.running)))
    assert seen == [
        (["RunStarted"], []),
        (["Started"], []),
        (["Identified"], ["a"]),
        ([], ["a"]),  # there is time to show it
        (["Finished", "Started"], []),
        (["Identified"], ["b"]),
        ([], ["b"]),
        (["Finished", "RunFinished"], []),
    ]


def test_a_reader_who_wants_the_time_gets_an_empty_batch() -> None:
    executor = one_core(seconds={"a": 5})
    moments = [executor.time for batch in batches(graph("a"), executor, patience=lambda: 2.0) if not batch]
    assert moments == [0, 2, 4]  # first because it was told of a start


def test_events_carry_attempts_handles_and_counts() -> None:
    events = run(graph("a; b < a"), FakeExecutor(ends={"a": FAILS}), attempts=lambda task: 4)
    started = next(event for event in events if isinstance(event, Started))
    assert (started.attempt, started.round, started.reasons[0].kind) == (5, 1, ReasonKind.NEW)
    identified = next(event for event in events if isinstance(event, Identified))
    assert identified.handle.attempt == 5
    finished = next(event for event in events if isinstance(event, Finished))
    assert (finished.ended.attempt, finished.ended.exit_code, finished.settled.cause) == (5, 1, Cause.EXIT)
    skipped = next(event for event in events if isinstance(event, Skipped))
    assert (skipped.culprit, skipped.reason) == ("a", "'a' failed")
    assert events[-1] == RunFinished(1.0, {"succeeded": 0, "failed": 1, "fresh": 0, "skipped": 1})


def test_a_failure_leaves_what_does_not_hang_on_it_alone() -> None:
    executor = one_core(ends={"a": FAILS})
    assert told(run(graph("a; b < a; c < b; d"), executor)) == [
        "0 a started",
        "1 a failed exit",
        "1 b skipped a",
        "1 c skipped a",
        "1 d started",
        "2 d succeeded",
        "2 over",
    ]


# fresh, refused, pending, forced


def test_fresh_tasks_take_no_place_and_release_their_dependents() -> None:
    judge = FakeJudge(fresh=["a", "b", "c"])
    assert told(run(graph("a; b < a; c; d < b"), one_core(), judge)) == [
        "0 a fresh",
        "0 b fresh",
        "0 d started",
        "0 c fresh",
        "1 d succeeded",
        "1 over",
    ]


def test_the_judge_is_asked_when_a_task_is_ready_and_told_what_ran() -> None:
    judge = FakeJudge(fresh=["a"])
    run(graph("a; b; c < (a,b) a b"), one_core(), judge)
    assert judge.asked == [("a", []), ("b", []), ("c", [-1, 1])]


def test_deciding_goes_on_while_places_are_free_and_ahead_while_none_is() -> None:
    judge = FakeJudge()
    executor = FakeExecutor()
    many = Draft()
    for index in range(200):
        many.add(task(index, f"t{index}"))
    asked = []
    for batch in batches(many.build(), executor, judge):
        if any(isinstance(event, Started) for event in batch):
            asked.append(len(judge.asked))
    assert asked[0] == 64  # two places were filled, and a chunk was decided ahead before the start was told
    assert asked[1] == 200  # the rest while the first two ran


def test_a_refused_task_fails_without_a_place() -> None:
    judge = FakeJudge(refused={"a": Refused(Cause.MISSING_INPUT, "x.csv is not there")})
    events = run(graph("a; b < a"), one_core(), judge)
    assert told(events) == ["0 a failed missing input", "0 b skipped a", "0 over"]
    finished = next(event for event in events if isinstance(event, Finished))
    assert (finished.ended.attempt, finished.ended.message) == (1, "x.csv is not there")
    assert judge.settled == []


def test_a_task_that_cannot_be_prepared_gives_its_place_back() -> None:
    judge = FakeJudge(unprepared={"a": Refused(Cause.COULD_NOT_START, "no space left")})
    assert told(run(graph("a; b"), one_core(), judge)) == [
        "0 a failed could not start",
        "0 b started",
        "1 b succeeded",
        "1 over",
    ]


def test_the_judge_is_asked_again_what_it_could_not_say() -> None:
    judge = FakeJudge(pending={"a": 4}, fresh=["a"])
    assert told(run(graph("a; b < a; c"), one_core(seconds={"c": 0.07}), judge)) == [
        "0 c started",
        "0.07 c succeeded",
        "0.12 a fresh",
        "0.12 b started",
        "1.12 b succeeded",
        "1.12 over",
    ]


def test_forced_tasks_are_executed_unless_an_input_is_missing() -> None:
    judge = FakeJudge(fresh="abc", refused={"b": Refused(Cause.MISSING_INPUT, "gone")})
    events = run(graph("a; b; c"), one_core(), judge, forced={0, 1})
    assert told(events) == ["0 a started", "0 b failed missing input", "0 c fresh", "1 a succeeded", "1 over"]
    started = next(event for event in events if isinstance(event, Started))
    assert [reason.kind for reason in started.reasons] == [ReasonKind.FORCED]


def test_a_task_whose_need_is_left_out_and_not_on_record_is_skipped() -> None:
    events = run(graph("a; b < a; c"), one_core(), selected=[1, 2])
    assert told(events) == ["0 b skipped a", "0 c started", "1 c succeeded", "1 over"]
    assert next(event.reason for event in events if isinstance(event, Skipped)) == "'a' is not on record as succeeded"
    done = run(graph("a; b < a"), one_core(), selected=[1], done_before=lambda task: True)
    assert told(done) == ["0 b started", "1 b succeeded", "1 over"]


# stops


def test_the_first_interrupt_starts_nothing_more_and_waits() -> None:
    executor = FakeExecutor(seconds={"a": 5, "b": 2}, interrupts=[(1, 1, "SIGINT")])
    assert told(run(graph("a; b; c; d < a"), executor)) == [
        "0 a started",
        "0 b started",
        "1 stopping 1 SIGINT, 2 running",
        "2 b succeeded",
        "5 a succeeded",
        "5 c skipped",
        "5 d skipped",
        "5 over, stopped by SIGINT",
    ]
    assert executor.kills == []


def test_a_stop_when_nothing_was_left_to_start_is_no_stop() -> None:
    executor = FakeExecutor(interrupts=[(0.5, 1, "SIGINT")])
    assert told(run(graph("a; b"), executor))[-1] == "1 over"


def test_a_failure_before_the_stop_keeps_its_name() -> None:
    executor = one_core(ends={"a": FAILS}, interrupts=[(0.5, 1, "SIGINT")])
    assert told(run(graph("a; b < a; c"), executor))[2:] == [
        "1 a failed exit",
        "1 b skipped a",
        "1 c skipped",
        "1 over, stopped by SIGINT",
    ]


def test_the_second_interrupt_terminates_and_the_grace_kills() -> None:
    executor = FakeExecutor(seconds={"a": 60, "b": 60}, stubborn=["b"], interrupts=[(1, 1, "SIGINT"), (2, 2, "SIGINT")])
    assert told(run(graph("a; b"), executor, grace=7)) == [
        "0 a started",
        "0 b started",
        "1 stopping 1 SIGINT, 2 running",
        "2 stopping 2 SIGINT, 2 running",
        "2 a failed cancelled",
        "9 b failed cancelled",
        "9 over, stopped by SIGINT",
    ]
    assert executor.kills == [(2, "a", False), (2, "b", False), (9, "b", True)]


def test_the_third_interrupt_kills_at_once() -> None:
    executor = one_core(
        seconds={"a": 60}, stubborn=["a"], interrupts=[(1, 1, "SIGINT"), (2, 2, "SIGINT"), (3, 3, "SIGINT")]
    )
    assert told(run(graph("a"), executor))[-2:] == ["3 a failed cancelled", "3 over, stopped by SIGINT"]
    assert executor.kills == [(2, "a", False), (3, "a", True)]


def test_a_task_that_was_asked_to_end_is_cancelled_even_where_it_exits_with_0() -> None:
    executor = one_core(seconds={"a": 5}, stubborn=["a"], interrupts=[(1, 2, "SIGTERM")])
    assert told(run(graph("a"), executor))[-2:] == ["5 a failed cancelled", "5 over, stopped by SIGTERM"]


def test_an_interrupt_of_no_higher_level_changes_nothing() -> None:
    interrupts = [(1, 2, "SIGTERM"), (2, 1, "SIGINT"), (3, 2, "SIGHUP")]
    executor = one_core(seconds={"a": 60}, stubborn=["a"], interrupts=interrupts)
    assert told(run(graph("a; b"), executor, grace=5))[1:] == [
        "1 stopping 2 SIGTERM, 1 running",
        "6 a failed cancelled",
        "6 b skipped",
        "6 over, stopped by SIGTERM",
    ]


def test_a_run_left_early_ends_what_runs() -> None:
    executor = FakeExecutor(seconds={"a": 60, "b": 60}, stubborn=["b"])
    stream = batches(graph("a; b; c"), executor, grace=3)
    for batch in stream:
        if any(isinstance(event, Identified) for event in batch):
            stream.close()  # type: ignore[attr-defined]
    assert executor.kills == [(0, "a", False), (0, "b", False), (3, "b", True)]
    assert executor.stopped


def left_when(graph: Graph, executor: FakeExecutor, kind: type[Event], **how: object) -> list[str]:
    """What is told of a run whose reader leaves at the first event of a kind, and looks what comes all the same."""
    events: list[Event] = []
    for batch in batches(graph, executor, is_left=lambda: any(isinstance(event, kind) for event in events), **how):
        events.extend(batch)
    assert executor.stopped
    return told(events)


def test_what_ran_when_the_reader_left_is_cancelled_and_told() -> None:
    executor = FakeExecutor(seconds={"a": 60, "b": 60}, stubborn=["b"])
    assert left_when(graph("a; b; c"), executor, Identified, grace=3)[2:] == [
        "0 stopping 2 , 2 running",
        "0 a failed cancelled",
        "3 b failed cancelled",
        "3 c skipped",
        "3 over",
    ]
    assert executor.kills == [(0, "a", False), (0, "b", False), (3, "b", True)]


def test_what_was_only_told_of_when_the_reader_left_is_cancelled_and_never_starts() -> None:
    executor = one_core()
    assert left_when(graph("a; b"), executor, Started)[1:] == [
        "0 stopping 2 , 0 running",
        "0 a failed cancelled",
        "0 b skipped",
        "0 over",
    ]
    assert executor.starts == []


def test_a_reader_that_leaves_at_once_ends_nothing_of_an_earlier_run() -> None:
    executor = FakeExecutor()
    told_of = left_when(graph("a; b"), executor, RunStarted, open_attempts={0: OPEN})
    assert told_of == ["0 stopping 2 , 0 running", "0 a skipped", "0 b skipped", "0 over"]


def test_a_reader_that_leaves_when_all_is_over_stops_nothing() -> None:
    executor = FakeExecutor()
    assert left_when(graph("a"), executor, Finished)[2:] == ["1 over"]


def test_an_interrupt_after_the_reader_left_kills_at_once() -> None:
    executor = one_core(seconds={"a": 60}, stubborn=["a"], interrupts=[(2, 1, "SIGINT")])
    assert left_when(graph("a"), executor, Identified)[-2:] == ["2 a failed cancelled", "2 over, stopped by SIGINT"]


def test_the_end_of_a_run_says_how_many_it_cancelled() -> None:
    executor = one_core(seconds={"b": 60}, ends={"a": FAILS}, interrupts=[(5, 2, "SIGTERM")])
    over = run(graph("a; b"), executor)[-1]
    assert isinstance(over, RunFinished)
    assert (over.counts["failed"], over.cancelled) == (2, 1)


def test_a_run_left_before_a_start_starts_nothing() -> None:
    executor = FakeExecutor()
    stream = batches(graph("a"), executor)
    for batch in stream:
        if any(isinstance(event, Started) for event in batch):
            stream.close()  # type: ignore[attr-defined]
    assert executor.starts == []
    assert executor.stopped


# earlier runs

OPEN = Handle("earlier", 3, 1, pid=77)


def test_an_attempt_that_died_with_its_runner_is_judged_anew() -> None:
    executor = one_core(left={"a": Left()})
    events = run(
        graph("a; b < a"), executor, open_attempts={0: OPEN}, attempts=lambda task: 3 if task.index == 0 else 0
    )
    assert told(events) == [
        "0 a recovered",
        "0 a started",
        "1 a succeeded",
        "1 b started",
        "2 b succeeded",
        "2 over",
    ]
    recovered = next(event for event in events if isinstance(event, Recovered))
    assert (recovered.ended.attempt, recovered.settled.cause) == (3, Cause.INTERRUPTED)
    started = next(event for event in events if isinstance(event, Started))
    assert (started.attempt, started.round) == (4, 1)


def test_an_attempt_that_lives_keeps_its_place_and_is_waited_for() -> None:
    executor = one_core(left={"b": Left(seconds=5)})
    assert told(run(graph("a; b; c < b"), executor, open_attempts={1: OPEN}, attempts=lambda task: 0)) == [
        "0 b adopted",
        "5 b recovered",
        "5 a started",
        "6 a succeeded",
        "6 b started",
        "7 b succeeded",
        "7 c started",
        "8 c succeeded",
        "8 over",
    ]


def test_an_attempt_that_lives_and_leaves_its_result_is_done() -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=0)})
    assert told(run(graph("a; b; c < b"), executor, open_attempts={1: OPEN})) == [
        "0 b adopted",
        "0 a started",
        "1 a succeeded",
        "5 b succeeded",
        "5 c started",
        "6 c succeeded",
        "6 over",
    ]


MADE_AGAIN = ["0 b adopted", "0 c started", "1 c succeeded", "5 b recovered", "5 a started", "6 a succeeded"]


@pytest.mark.parametrize("exit_code", [0, 3, None])
def test_what_an_attempt_of_an_earlier_run_still_reads_is_made_again_after_it_and_then_read_again(
    exit_code: int | None,
) -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=exit_code)})
    events = told(run(graph("a; b < a; c"), executor, open_attempts={1: OPEN}))
    assert events == [*MADE_AGAIN, "6 b started", "7 b succeeded", "7 over"]


def test_a_result_from_an_earlier_run_holds_where_what_was_made_again_came_out_the_same() -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=0)})
    events = told(run(graph("a; b < a; c"), executor, FakeJudge(fresh="b"), open_attempts={1: OPEN}))
    assert events == [*MADE_AGAIN, "6 b succeeded", "6 over"]


@pytest.mark.parametrize(("exit_code", "ends"), [(0, "succeeded"), (3, "failed exit")])
def test_a_result_from_an_earlier_run_holds_where_what_it_needs_is_found_fresh_later(exit_code: int, ends: str) -> None:
    executor = FakeExecutor(seconds={"x": 9}, left={"b": Left(seconds=5, exit_code=exit_code)})
    events = run(graph("x; a < x; b < a; c < b"), executor, FakeJudge(fresh="ac"), open_attempts={2: OPEN})
    assert told(events) == [
        "0 b adopted",
        "0 x started",
        "5 b recovered",
        "9 x succeeded",
        "9 a fresh",
        f"9 b {ends}",
        "9 c skipped b" if exit_code else "9 c fresh",
        "9 over",
    ]
    (end,) = [event.ended for event in events if isinstance(event, Finished) and event.task.name == "b"]
    assert (end.attempt, end.exit_code, end.end) == (3, exit_code, 5), "the attempt of the earlier run, as it ended"


def test_a_result_from_an_earlier_run_is_not_used_where_what_it_needs_fails_in_this_one() -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=0)}, ends={"a": {"exit_code": 1}})
    assert told(run(graph("a; b < a; c < b"), executor, open_attempts={1: OPEN})) == [
        "0 b adopted",
        "5 b recovered",
        "5 a started",
        "6 a failed exit",
        "6 b skipped a",
        "6 c skipped a",
        "6 over",
    ]


def test_a_stop_before_it_is_known_whether_a_result_holds_leaves_it_on_record() -> None:
    executor = FakeExecutor(
        seconds={"x": 9}, left={"b": Left(seconds=5, exit_code=0)}, interrupts=[(6, 1, "SIGINT")]
    )
    events = told(run(graph("x; a < x; b < a"), executor, open_attempts={2: OPEN}))
    assert events[2] == "5 b recovered", "which is its end, on record"
    assert events[3:] == [
        "6 stopping 1 SIGINT, 1 running",
        "9 x succeeded",
        "9 a skipped",
        "9 b skipped",
        "9 over, stopped by SIGINT",
    ]


def test_a_result_from_an_earlier_run_holds_after_a_stop_where_what_it_needs_is_over() -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=0)}, interrupts=[(1, 1, "SIGINT")])
    events = told(run(graph("a; b < a"), executor, FakeJudge(fresh="a"), open_attempts={1: OPEN}))
    assert events[-2:] == ["5 b succeeded", "5 over"]


def test_what_it_reads_may_be_found_fresh_meanwhile() -> None:
    executor = FakeExecutor(left={"b": Left(seconds=5, exit_code=0)})
    events = told(run(graph("a; b < a; c < a"), executor, FakeJudge(fresh="a"), open_attempts={1: OPEN}))
    assert events == ["0 b adopted", "0 a fresh", "0 c started", "1 c succeeded", "5 b succeeded", "5 over"]


def test_an_attempt_that_lives_is_terminated_like_any_other() -> None:
    executor = one_core(left={"a": Left(seconds=60)}, interrupts=[(1, 2, "SIGTERM")])
    assert told(run(graph("a"), executor, open_attempts={0: OPEN}))[-2:] == [
        "1 a failed cancelled",
        "1 over, stopped by SIGTERM",
    ]


@pytest.mark.parametrize("level", [2, 3])
def test_an_attempt_that_no_signal_reaches_is_left_without_an_end_by_a_run_that_is_stopped(level: int) -> None:
    executor = one_core(left={"a": Left(seconds=60, is_reachable=False)}, interrupts=[(1, level, "SIGTERM")])
    assert told(run(graph("a; b < a"), executor, open_attempts={0: OPEN})) == [
        "0 a adopted",
        f"1 stopping {level} SIGTERM, 1 running",
        "1 a skipped",
        "1 b skipped",
        "1 over, stopped by SIGTERM",
    ]


def test_more_attempts_from_before_than_there_is_room_for_are_all_waited_for() -> None:
    executor = one_core(left={"a": Left(seconds=2), "b": Left(seconds=4)})
    assert told(run(graph("a; b; c"), executor, open_attempts={0: OPEN, 1: OPEN}))[:5] == [
        "0 a adopted",
        "0 b adopted",
        "2 a recovered",
        "4 b recovered",
        "4 a started",
    ]


def test_an_open_attempt_of_a_task_that_is_not_selected_is_left_alone() -> None:
    executor = one_core(left={"a": Left(seconds=2)})
    assert told(run(graph("a; b"), executor, selected=[1], open_attempts={0: OPEN}))[0] == "0 b started"


# size


def independent(count: int) -> Graph:
    return layered(count, 0)


def chained(count: int) -> Graph:
    return layered(count, 1)


def layered(count: int, width: int = 100) -> Graph:
    draft = Draft()
    for index in range(count):
        draft.add(task(index, f"t{index}"))
        if width and index >= width:
            draft.need(index, index - width)
            draft.need(index, index - width - index % width + 7 * index % width)
    return draft.build()


def gathered(count: int) -> Graph:
    draft = Draft()
    for index in range(2 * count):
        draft.add(task(index, f"t{index}"))
    members = tuple(range(count))
    for consumer in range(count, 2 * count):
        draft.need(consumer, draft.gather(members))
    return draft.build()


def last_event(found: Graph, executor: FakeExecutor) -> Event:
    for batch in batches(found, executor):
        last = batch
    return last[-1]


@pytest.mark.parametrize(("make", "count"), [(independent, 100_000), (chained, 20_000), (layered, 20_000)])
def test_100000_tasks_run(make: Callable[[int], Graph], count: int) -> None:
    last = last_event(make(count), FakeExecutor(pools={"cores": 8}))
    assert isinstance(last, RunFinished)
    assert last.counts["succeeded"] == count


def test_a_gather_of_10000_over_10000_runs() -> None:
    executor = FakeExecutor(pools={"cores": 1000})
    last = last_event(gathered(10_000), executor)
    assert isinstance(last, RunFinished)
    assert last.counts["succeeded"] == 20_000
    assert executor.time == 20


def test_a_failure_of_all_members_of_a_big_gather_skips_each_dependent_once() -> None:
    found = gathered(10_000)
    judge = FakeJudge(refused={f"t{index}": Refused(Cause.MISSING_INPUT, "") for index in range(10_000)})
    events = run(found, FakeExecutor(), judge)
    assert sum(isinstance(event, Skipped) for event in events) == 10_000


def test_100000_fresh_tasks_are_found_in_batches() -> None:
    found = independent(100_000)
    stream = batches(found, FakeExecutor(), FakeJudge(fresh=[t.name for t in found.tasks]))
    told_in = [len(batch) for batch in stream if batch]
    assert max(told_in) <= 256
    assert len(told_in) < 100_000 / 256 + 10
    assert sum(told_in) == 100_002


def test_fresh_tasks_are_told_of_before_the_loop_blocks() -> None:
    executor = one_core(seconds={"a": 9})
    judge = FakeJudge(fresh=["b", "c"])
    moments = {}
    for batch in batches(graph("a; b; c"), executor, judge):
        moments.update({event.task.name: executor.time for event in batch if isinstance(event, Found)})
    assert moments == {"b": 0, "c": 0}
