"""Outputs that may be gone, ends that take a while to settle, a state that cannot be written: in the fake clock."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fakes import FakeExecutor, FakeJudge, batches, graph, run, told

from taskrun.graph import Graph
from taskrun.model import Found, RunFinished, Started, Stopping, Temp, Traits
from taskrun.scheduler import Unrecorded

DELETE = Traits(temp=Temp.DELETE)


def judge(tasks: Graph, lacks: Mapping[str, str], **how: object) -> FakeJudge:
    """`lacks`: the names of makers by who reads what is gone."""
    makers = {name: [tasks.tasks[tasks.index(maker) or 0] for maker in names.split()] for name, names in lacks.items()}
    return FakeJudge(lacks=makers, **how)  # type: ignore[arg-type]


def cores(number: int = 2, **how: object) -> FakeExecutor:
    return FakeExecutor(pools={"cores": number}, **how)  # type: ignore[arg-type]


def test_what_is_gone_is_not_made_again_as_long_as_nobody_needs_it() -> None:
    tasks = graph("a; b < a; c < b")
    knows = judge(tasks, {"b": "a"}, fresh="abc")
    assert sorted(told(run(tasks, cores(), knows))) == ["0 a fresh", "0 b fresh", "0 c fresh", "0 over"]


def test_a_stale_task_has_what_it_reads_made_again_first() -> None:
    tasks = graph("a; b < a; c < a")
    knows = judge(tasks, {"c": "a"}, fresh="ab")
    assert told(run(tasks, cores(), knows)) == [
        "0 b fresh",
        "0 a started",
        "1 a succeeded",
        "1 c started",
        "2 c succeeded",
        "2 over",
    ]


def test_makers_of_what_is_gone_lack_what_they_read_themselves() -> None:
    tasks = graph("o; p < o; c < p")
    knows = judge(tasks, {"p": "o", "c": "p"}, fresh="op")
    assert told(run(tasks, cores(), knows)) == [
        "0 o started",
        "1 o succeeded",
        "1 p started",
        "2 p succeeded",
        "2 c started",
        "3 c succeeded",
        "3 over",
    ]


def test_a_gather_waits_for_all_that_are_made_again() -> None:
    tasks = graph("a; b; c; g < (a,b,c); h < (a,b,c)")
    knows = judge(tasks, {"g": "a c", "h": "a c"}, fresh="abc")
    assert told(run(tasks, cores(1), knows)) == [
        "0 b fresh",
        "0 a started",
        "1 a succeeded",
        "1 c started",
        "2 c succeeded",
        "2 g started",
        "3 g succeeded",
        "3 h started",
        "4 h succeeded",
        "4 over",
    ]


def test_a_maker_that_fails_now_is_the_culprit_of_those_that_wait() -> None:
    tasks = graph("a; b < a; c < a; d < c")
    knows = judge(tasks, {"c": "a"}, fresh="ab")
    events = run(tasks, cores(ends={"a": {"exit_code": 1}}), knows)
    assert told(events)[-3:] == ["1 c skipped a", "1 d skipped a", "1 over"]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].counts == {"succeeded": 0, "failed": 1, "fresh": 1, "skipped": 2}


def test_a_maker_that_is_no_part_of_the_run_is_no_help() -> None:
    tasks = graph("a; c < a")
    knows = judge(tasks, {"c": "a"}, fresh="a")
    events = run(tasks, cores(), knows, selected=[1], done_before=lambda task: True)
    assert told(events) == ["0 c failed missing input", "0 over"]


def test_a_forced_task_needs_what_it_reads_too() -> None:
    tasks = graph("a; b < a")
    knows = judge(tasks, {"b": "a"}, fresh="ab")
    assert told(run(tasks, cores(), knows, forced={1}))[:3] == ["0 a started", "1 a succeeded", "1 b started"]


def test_what_is_gone_is_told_at_the_end_once() -> None:
    tasks = graph("a; b < a")
    events = run(tasks, cores(), judge(tasks, {"b": "a"}, fresh="ab"))
    assert [event.task.name for event in events if isinstance(event, Found)] == ["b", "a"]


def test_outputs_are_discarded_when_all_that_use_them_are_done() -> None:
    tasks = graph("a; b; c < a b; d < (a,b)", {"a": DELETE})
    knows = FakeJudge(fresh="d")
    run(tasks, cores(), knows)
    assert knows.discarded == ["a"]


@pytest.mark.parametrize("how", [{"selected": [0, 1]}, {}])
def test_outputs_stay_while_somebody_may_use_them(how: Mapping[str, object]) -> None:
    tasks = graph("a; b < a; c < a", {"a": DELETE})
    knows = FakeJudge()
    run(tasks, cores(ends={"c": {"exit_code": 1}}), knows, **how)
    assert not knows.discarded


def test_dependents_wait_until_an_end_is_settled() -> None:
    knows = FakeJudge(unsettled={"a": 3})
    assert told(run(graph("a; b < a"), cores(), knows)) == [
        "0 a started",
        "1.1 a succeeded",
        "1.1 b started",
        "2.1 b succeeded",
        "2.1 over",
    ]


def test_the_third_interruption_waits_for_no_file() -> None:
    knows = FakeJudge(unsettled={"a": 10**9})
    events = run(graph("a; b < a"), cores(interrupts=[(2, 1, "SIGINT"), (3, 2, "SIGINT"), (4, 3, "SIGINT")]), knows)
    assert told(events)[-1] == "4 over, stopped by SIGINT"


def test_nothing_starts_once_nothing_can_be_recorded_and_what_runs_comes_to_its_end() -> None:
    executor = cores(seconds={"a": 5, "b": 1})
    stream = batches(graph("a; b; c"), executor)
    seen = []
    for batch in stream:
        seen += batch
        if any(isinstance(event, Started) and event.task.name == "c" for event in batch):
            (stop,) = stream.throw(Unrecorded("no space left"))  # type: ignore[attr-defined]
            assert stop == Stopping(1, 1, "", 1, "no space left")
            assert not any(event for rest in stream for event in rest)
    assert executor.time == 5
    assert [name for _, name in executor.starts] == ["a", "b"]
    assert executor.stopped


def test_what_was_asked_to_end_is_killed_also_when_nothing_can_be_recorded_any_more() -> None:
    executor = cores(1, seconds={"a": 86400}, stubborn=["a"], interrupts=[(1, 2, "SIGTERM")])
    stream = batches(graph("a; b"), executor, grace=3)
    for batch in stream:
        if any(isinstance(event, Stopping) for event in batch):
            stream.throw(Unrecorded("no space left"))  # type: ignore[attr-defined]
    assert executor.time == 4
    assert executor.kills[-1] == (4, "a", True)
    assert executor.stopped
