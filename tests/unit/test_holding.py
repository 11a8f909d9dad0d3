"""A step that fails everywhere alike: what is tried, what is given up, and what frees it."""

from __future__ import annotations

import pytest
from fakes import TRUE, FakeExecutor, FakeJudge, run
from msgspec.structs import replace

from taskrun.executors.base import Refused
from taskrun.graph import Draft, Edge, Graph
from taskrun.model import TRAITS, Cause, Event, Finished, Found, Retries, Skipped, Status, Step, Task, Traits
from taskrun.policy import OnFailure, Policy

End = dict[str, object]

FAILS: End = {"exit_code": 1}
WELL: End = {"exit_code": 0}
FIRST_AND_SPREAD = [*range(8), 18, 30, 41, 53, 64, 76, 87, 99]  # of 100


def steps(needs: dict[str, str] | None = None, /, traits: Traits = TRAITS, **sizes: int) -> Graph:
    """`steps(sim=3)`: sim0, sim1, sim2; `needs`: each task of a step needs that of another with its number."""
    draft = Draft()
    for name, size in sizes.items():
        step = Step(name)
        for number in range(size):
            index = draft.add(Task(len(draft), f"{name}{number}", step, TRUE, traits=traits))
            other = (needs or {}).get(name)
            if other is not None:
                need = draft.index_of(f"{other.lstrip('?')}{number}")
                assert need is not None
                draft.need(index, need, Edge.ANY if other.startswith("?") else Edge.FILE)
    return draft.build()


def one_core(ends: dict[str, End] | None = None, cores: int = 1, **how: object) -> FakeExecutor:
    return FakeExecutor(pools={"cores": cores}, ends=ends or {}, **how)  # type: ignore[arg-type]


def all_of(found: Graph, end: End, but: dict[str, End] | None = None) -> dict[str, End]:
    return {**{task.name: end for task in found.tasks}, **(but or {})}


def started(executor: FakeExecutor) -> list[str]:
    return [name for _, name in executor.starts]


def skips(events: list[Event]) -> list[Skipped]:
    return [event for event in events if isinstance(event, Skipped)]


def named(step: str, numbers: list[int]) -> list[str]:
    return [f"{step}{number}" for number in numbers]


def test_after_eight_alike_eight_others_spread_over_the_rest_are_tried_and_then_none() -> None:
    found = steps(sim=100)
    executor = one_core(all_of(found, FAILS))
    events = run(found, executor)
    assert started(executor) == named("sim", FIRST_AND_SPREAD)
    assert {event.culprit for event in skips(events)} == {"sim0"}
    assert {event.reason for event in skips(events)} == {
        "held back: all 16 tasks of 'sim' that were tried failed alike (exit code 1)"
    }
    assert len(skips(events)) == 84


def test_a_success_elsewhere_frees_all_of_it() -> None:
    found = steps(sim=100)
    executor = one_core(all_of(found, FAILS, {"sim53": WELL}))
    events = run(found, executor)
    assert started(executor)[:12] == named("sim", FIRST_AND_SPREAD[:12])
    assert len(executor.starts) == 100
    assert skips(events) == []


def test_another_failure_elsewhere_frees_it_too() -> None:
    found = steps(sim=100)
    executor = one_core(all_of(found, FAILS, {"sim53": {"exit_code": 2}}))
    assert skips(run(found, executor)) == []


@pytest.mark.parametrize("place", range(8))
def test_a_step_of_which_one_of_the_first_ends_otherwise_is_never_held(place: int) -> None:
    for other in (WELL, {"exit_code": 2}, {"signal": "SIGKILL"}):
        found = steps(sim=20)
        executor = one_core(all_of(found, FAILS, {f"sim{place}": other}))
        run(found, executor)
        assert started(executor) == named("sim", list(range(20)))


def test_alike_means_the_last_line_too() -> None:
    found = steps(sim=30)
    same = FakeJudge(lines={task.name: "disk full" for task in found.tasks})
    assert len(skips(run(found, one_core(all_of(found, FAILS)), same))) == 14
    different = FakeJudge(lines={task.name: f"no {task.name}" for task in found.tasks})
    assert skips(run(found, one_core(all_of(found, FAILS)), different)) == []


def test_no_hold_runs_them_all() -> None:
    found = steps(sim=30)
    executor = one_core(all_of(found, FAILS))
    run(found, executor, policy=Policy(may_hold=False))
    assert len(executor.starts) == 30


def test_where_failures_stop_nothing_nothing_is_held() -> None:
    found = steps(sim=30)
    executor = one_core(all_of(found, FAILS))
    run(found, executor, policy=Policy(OnFailure.IGNORE))
    assert len(executor.starts) == 30
    found = steps(traits=replace(TRAITS, allow_failure=True), sim=30)
    executor = one_core(all_of(found, FAILS))
    run(found, executor)
    assert len(executor.starts) == 30


def test_what_could_not_start_for_want_of_something_says_nothing() -> None:
    found = steps(sim=30)
    failed = {"cause": Cause.COULD_NOT_START, "message": "Too many open files", "is_shortage": True}
    assert skips(run(found, one_core(all_of(found, failed)))) == []
    executor = one_core(all_of(found, {"cause": Cause.COULD_NOT_START, "message": "nosuch: No such file"}))
    events = run(found, executor)
    assert len(skips(events)) == 14
    assert "(could not start: nosuch: No such file)" in skips(events)[0].reason


def test_what_lacks_an_input_says_nothing() -> None:
    found = steps(sim=30)
    judge = FakeJudge(refused={task.name: Refused(Cause.MISSING_INPUT, "x is not there") for task in found.tasks})
    assert skips(run(found, one_core(), judge)) == []


def test_other_steps_run_while_one_is_held() -> None:
    found = steps(sim=40, plot=10)
    executor = one_core(all_of(found, FAILS, {f"plot{number}": WELL for number in range(10)}), cores=2)
    events = run(found, executor)
    assert sum(name.startswith("plot") for name in started(executor)) == 10
    assert sum(name.startswith("sim") for name in started(executor)) in (16, 17)  # one ran beside the eighth
    assert {event.task.step.name for event in skips(events)} == {"sim"}


def test_what_runs_when_it_is_held_comes_to_its_end_and_may_free_it() -> None:
    found = steps(sim=40)
    executor = one_core(all_of(found, FAILS, {"sim8": WELL}), cores=9, seconds={"sim8": 1.5})
    events = run(found, executor)
    assert skips(events) == []
    assert len(executor.starts) == 40


def test_what_depends_on_the_rest_is_skipped_with_the_same_reason_or_runs_whatever_became_of_it() -> None:
    found = steps({"plot": "sim", "note": "?sim"}, sim=30, plot=30, note=30)
    executor = one_core(all_of(found, WELL, {f"sim{number}": FAILS for number in range(30)}))
    events = run(found, executor)
    assert sum(name.startswith("sim") for name in started(executor)) == 16
    assert sum(name.startswith("note") for name in started(executor)) == 30
    reasons = {event.task.name: event.reason for event in skips(events)}
    assert len(reasons) == 14 + 30
    assert reasons["plot0"] == "'sim0' failed"
    assert reasons["plot8"].startswith("held back: all 16 tasks of 'sim'")


def test_points_are_tried_that_do_not_wait_for_what_is_held() -> None:
    """A chain within a step, as a Manager makes it: each needs the one before, so no other can be tried."""
    draft = Draft()
    step = Step("all")
    for number in range(60):
        draft.add(Task(number, f"t{number}", step, TRUE))
        if number >= 20 and number % 10:
            draft.need(number, number - 1)
    found = draft.build()
    executor = one_core(all_of(found, FAILS))
    events = run(found, executor)
    ends = {event.task.name for event in events if isinstance(event, Finished | Skipped)}
    assert len(ends) == 60
    executor = one_core(all_of(found, FAILS, {f"t{number}": WELL for number in range(20, 60)}))
    assert skips(run(found, executor)) == []


def test_two_steps_that_hold_each_other_s_points_come_to_an_end() -> None:
    draft = Draft()
    for number in range(40):
        for name in ("a", "b"):
            draft.add(Task(len(draft), f"{name}{number}", Step(name), TRUE))
    for number in range(8, 40):  # a8 < b8's neighbour and so on, crosswise
        mine, other = ("a", "b") if number % 2 else ("b", "a")
        consumer, need = draft.index_of(f"{mine}{number}"), draft.index_of(f"{other}{number}")
        assert consumer is not None
        assert need is not None
        draft.need(consumer, need, Edge.ANY)
    found = draft.build()
    executor = one_core(all_of(found, FAILS))
    events = run(found, executor)
    assert len([event for event in events if isinstance(event, Finished | Skipped)]) == 80


def test_fresh_ones_stay_fresh_and_others_are_tried_in_their_place() -> None:
    found = steps(sim=40)
    fresh = named("sim", [*range(8, 30)])
    executor = one_core(all_of(found, FAILS))
    events = run(found, executor, FakeJudge(fresh=fresh))
    assert {event.task.name for event in events if isinstance(event, Found)} == set(fresh)
    assert len(executor.starts) == 16
    assert len(skips(events)) == 2


def test_what_waits_for_its_retry_has_not_ended() -> None:
    found = steps(traits=replace(TRAITS, retries=Retries(1, 5.0)), sim=40)
    executor = one_core(all_of(found, FAILS), cores=4)
    events = run(found, executor)
    failed = [event for event in events if isinstance(event, Finished) and event.settled.status is Status.FAILED]
    assert len(executor.starts) == 2 * len(failed)  # whatever was begun has its retry
    assert len(failed) + len(skips(events)) == 40
    assert len(failed) == 24 + 8  # those that were begun when it was held, and those that were tried then


def test_a_stop_while_a_step_is_held_skips_the_rest_as_stopped() -> None:
    found = steps(sim=40)
    executor = one_core(all_of(found, FAILS), interrupts=[(10.5, 1, "SIGINT")])
    events = run(found, executor)
    assert len(executor.starts) == 11
    assert {event.reason for event in skips(events)} == {"the run was stopped"}


def test_tasks_that_nobody_has_grouped_are_not_alike() -> None:
    """Lines of a text file, and tasks of a Manager without a step of their own."""
    draft = Draft()
    for number in range(40):
        draft.add(Task(number, f"t{number}", Step("line", is_template=False), TRUE))
    found = draft.build()
    executor = one_core(all_of(found, FAILS))
    assert skips(run(found, executor)) == []
    assert len(executor.starts) == 40


def test_a_step_of_ten_thousand_costs_no_more_than_its_tasks() -> None:
    found = steps(sim=10_000)
    executor = one_core(all_of(found, FAILS))
    judge = FakeJudge()
    events = run(found, executor, judge)
    assert len(executor.starts) == 16
    assert len(skips(events)) == 10_000 - 16
    assert len(judge.asked) <= 2 * 10_000
