"""What becomes of each task: readiness, failures and whose they are, parts of a graph, attempts found alive."""

from __future__ import annotations

import pytest
from fakes import graph, task

from taskrun.graph import Draft, Edge
from taskrun.model import Status, Task
from taskrun.plan import Change, IllegalMoveError, Plan


def names(plan: Plan, change: Change) -> tuple[str, str]:
    """`ready` and `skipped<culprit` in words."""
    tasks = plan_tasks[id(plan)]
    ready = " ".join(tasks[index].name for index in change.ready)
    skipped = " ".join(f"{tasks[index].name}<{tasks[culprit].name}" for index, culprit in change.skipped)
    return ready, skipped


plan_tasks: dict[int, tuple[Task, ...]] = {}


def plan_of(text: str, selected: str | None = None, done: str = "") -> Plan:
    found = graph(text)
    chosen = None if selected is None else [index for name in selected if (index := found.index(name)) is not None]
    plan = Plan(found, chosen, done_before=lambda task: task.name in done)
    plan_tasks[id(plan)] = found.tasks
    return plan


def finish(plan: Plan, index: int, *, succeeded: bool = True) -> tuple[str, str]:
    plan.start(index)
    return names(plan, plan.finish(index, succeeded=succeeded))


def test_a_task_is_ready_when_the_last_dependency_is_done() -> None:
    plan = plan_of("a; b; c < a b")
    assert names(plan, plan.begin()) == ("a b", "")
    assert finish(plan, 0) == ("", "")
    assert plan.status(2) is Status.WAITING
    assert names(plan, plan.find_fresh(1)) == ("c", "")
    assert finish(plan, 2) == ("", "")
    assert plan.left == 0
    assert plan.final_counts() == {"succeeded": 2, "failed": 0, "fresh": 1, "skipped": 0}


def test_a_gather_is_counted_down_once_for_all_that_need_it() -> None:
    plan = plan_of("a; b; c < (a,b); d < (a,b); e < c (a,b)")
    plan.begin()
    assert finish(plan, 0) == ("", "")
    assert finish(plan, 1) == ("c d", "")
    assert finish(plan, 2) == ("e", "")


def test_a_failure_skips_all_that_hangs_on_it_and_names_itself() -> None:
    plan = plan_of("a; b; c < a; d < c b; e < (d,b); f < b")
    plan.begin()
    assert finish(plan, 0, succeeded=False) == ("", "c<a d<a e<a")
    assert finish(plan, 1) == ("f", "")


def test_the_first_of_two_failures_is_named() -> None:
    plan = plan_of("a; b; c < (a,b); d < c")
    plan.begin()
    assert finish(plan, 1, succeeded=False) == ("", "c<b d<b")
    assert finish(plan, 0, succeeded=False) == ("", "")


def test_a_refused_task_fails_without_having_run() -> None:
    plan = plan_of("a; b < a; c < ?a")
    plan.begin()
    assert names(plan, plan.refuse(0)) == ("c", "b<a")
    assert plan.ran(2) == []


@pytest.mark.parametrize(
    "text", ["a; b; c < ?a ?b", "a; b; c < ?(a,b)", "a; b < a; c < ?b", "a; b < a; c < ?(a,b)", "a; b < a; c < !b"]
)
def test_an_edge_for_whatever_became_of_it_releases_after_a_failure(text: str) -> None:
    plan = plan_of(text)
    ready = set(plan.begin().ready)
    found = finish(plan, 0, succeeded=False)
    if 1 in ready:
        assert "c" not in found[0]
        found = finish(plan, 1)
    assert found[0] == "c"
    assert plan.status(2) is Status.READY


def test_a_gather_with_a_failure_still_releases_who_takes_it_anyhow() -> None:
    plan = plan_of("a; b; strict < (a,b); any < ?(a,b)")
    plan.begin()
    assert finish(plan, 0, succeeded=False) == ("", "strict<a")
    assert finish(plan, 1, succeeded=False) == ("any", "")


def test_who_needs_one_strictly_and_another_anyhow_is_skipped() -> None:
    plan = plan_of("a; b; c < a ?b; d < ?c")
    plan.begin()
    assert finish(plan, 0, succeeded=False) == ("d", "c<a")
    assert finish(plan, 1, succeeded=False) == ("", "")


def test_what_ran_is_known_by_node() -> None:
    plan = plan_of("a; b; c < (a,b) .b .a; d < c")
    plan.begin()
    plan.find_fresh(0)
    finish(plan, 1)
    assert plan.ran(2) == [-1, 1]
    plan.find_fresh(2)
    assert plan.ran(3) == []


def test_a_failure_is_spread_over_a_gather_once() -> None:
    draft = Draft()
    for index in range(2000):
        draft.add(task(index, f"t{index}"))
    members = tuple(range(1000))
    for consumer in range(1000, 2000):
        draft.need(consumer, draft.gather(members))
        draft.need(consumer, draft.gather(members), Edge.ORDER)
    plan = Plan(draft.build())
    plan.begin()
    plan.start(0)
    assert len(plan.finish(0, succeeded=False).skipped) == 1000
    for index in range(1, 1000):
        plan.start(index)
        assert plan.finish(index, succeeded=False) == Change()
    assert plan.left == 0


# parts of a graph


def test_what_is_not_selected_is_no_part_of_the_run() -> None:
    plan = plan_of("a; b; c < a; d < (a,b)", selected="ac")
    assert plan.total == 2
    assert names(plan, plan.begin()) == ("a", "")
    assert finish(plan, 0) == ("c", "")
    assert plan.status(1) is None
    with pytest.raises(IllegalMoveError, match="'b' cannot move from outside the run to running"):
        plan.start(1)


@pytest.mark.parametrize(
    ("text", "selected", "done", "ready", "skipped"),
    [
        ("a; b < a", "b", "a", "b", ""),
        ("a; b < a", "b", "", "", "b<a"),
        ("a; b; c < (a,b)", "c", "a", "", "c<b"),
        ("a; b; c < (a,b)", "c", "ab", "c", ""),
        ("a; b; c < (a,b)", "bc", "a", "b", ""),
        ("a; b; c < (a,b)", "bc", "", "b", "c<a"),
        ("a; b < a; c < b", "bc", "", "", "b<a c<a"),
        ("a; b < ?a", "b", "", "b", ""),
        ("a; b < a; c < ?b; d; e < d ?b", "bce", "", "c", "b<a e<d"),
    ],
)
def test_only_counts_what_succeeded_on_record(text: str, selected: str, done: str, ready: str, skipped: str) -> None:
    plan = plan_of(text, selected, done)
    assert names(plan, plan.begin()) == (ready, skipped)


# attempts found alive


def test_a_task_found_alive_is_judged_when_it_is_over() -> None:
    plan = plan_of("a; b < a")
    assert names(plan, plan.begin(alive=[0])) == ("", "")
    assert plan.status(0) is Status.RUNNING
    assert names(plan, plan.recover(0)) == ("a", "")


def test_a_task_found_alive_waits_for_its_dependencies_afterwards() -> None:
    plan = plan_of("a; b < a; c < b")
    assert names(plan, plan.begin(alive=[1])) == ("a", "")
    assert names(plan, plan.recover(1)) == ("", "")
    assert finish(plan, 0) == ("b", "")


def test_a_task_found_alive_may_end_for_good_before_what_it_needs() -> None:
    plan = plan_of("a; b < a; c < b")
    plan.begin(alive=[1])
    assert names(plan, plan.finish(1, succeeded=True)) == ("c", "")
    assert finish(plan, 0, succeeded=False) == ("", "")
    assert plan.status(1) is Status.SUCCEEDED


def test_a_task_found_alive_is_skipped_if_what_it_needs_failed_meanwhile() -> None:
    plan = plan_of("a; b < a; c < b")
    plan.begin(alive=[1])
    assert finish(plan, 0, succeeded=False) == ("", "")
    assert names(plan, plan.recover(1)) == ("", "b<a c<a")
    assert plan.left == 0


# the end, and the table


def test_a_stop_skips_what_has_not_run() -> None:
    plan = plan_of("a; b; c < a; d")
    plan.begin()
    finish(plan, 0)
    plan.start(1)
    assert plan.stop() == [2, 3]
    plan.finish(1, succeeded=False)
    assert plan.final_counts() == {"succeeded": 1, "failed": 1, "fresh": 0, "skipped": 2}


def test_an_illegal_move_names_task_from_and_to() -> None:
    plan = plan_of("a; b < a")
    plan.begin()
    with pytest.raises(IllegalMoveError, match="'b' cannot move from waiting to succeeded"):
        plan.finish(1, succeeded=True)
    finish(plan, 0)
    with pytest.raises(IllegalMoveError, match="'a' cannot move from succeeded to running"):
        plan.start(0)
