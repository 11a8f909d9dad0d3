"""Drafts, gathers, edges, cycles, and the order in which ready tasks are taken."""

from __future__ import annotations

import pytest
from fakes import asking, graph, task

from taskrun.errors import CycleError, GraphError
from taskrun.graph import Draft, Edge
from taskrun.scheduler.order import Order, declared_ranks


def draft_of(count: int) -> Draft:
    draft = Draft()
    for index in range(count):
        draft.add(task(index, f"t{index}"))
    return draft


def order(text: str) -> str:
    found = graph(text)
    ranks = declared_ranks(found)
    return " ".join(task.name for task in sorted(found.tasks, key=lambda task: ranks[task.index]))


# drafts


def test_a_name_is_given_once() -> None:
    draft = draft_of(1)
    with pytest.raises(GraphError, match="two tasks have the name 't0'"):
        draft.add(task(1, "t0"))
    assert len(draft) == 1
    assert draft.index_of("t0") == 0
    assert draft.index_of("t1") is None


@pytest.mark.parametrize("node", [7, -1])
def test_a_dependency_must_be_of_the_graph(node: int) -> None:
    draft = draft_of(2)
    draft.need(0, node)
    with pytest.raises(GraphError, match="not of this graph"):
        draft.build()


def test_equal_gathers_are_one_node_and_one_member_is_itself() -> None:
    draft = draft_of(5)
    members = (0, 1, 2)
    assert draft.gather(members) == draft.gather(members) == draft.gather(tuple(range(3))) == -1
    assert draft.gather((0, 1, 1)) == draft.gather((0, 1)) == -2
    assert draft.gather((3,)) == draft.gather((3, 3)) == 3


def test_a_need_said_twice_is_one_edge() -> None:
    draft = draft_of(60)
    for _ in range(2):
        for needed in range(1, 60):
            draft.need(0, needed)
    found = draft.build()
    assert found.needs[0] == tuple(range(1, 60))


@pytest.mark.parametrize(
    ("said", "comes_to"),
    [
        ((Edge.ORDER, Edge.FILE), Edge.FILE),
        ((Edge.FILE, Edge.ORDER), Edge.FILE),
        ((Edge.ANY, Edge.ORDER), Edge.ANY),
        ((Edge.FILE, Edge.ANY), Edge.FILE_ANY),
        ((Edge.ANY, Edge.FILE), Edge.FILE_ANY),
        ((Edge.ORDER, Edge.ORDER), Edge.ORDER),
    ],
)
def test_an_edge_of_two_kinds_is_both(said: tuple[Edge, Edge], comes_to: Edge) -> None:
    draft = draft_of(2)
    for edge in said:
        draft.need(1, 0, edge)
    assert draft.build().edge(1, 0) is comes_to


# graphs


def test_a_graph_knows_members_users_and_closures() -> None:
    found = graph("a; b; c < (a,b) a; d < c; e")
    assert found.index("d") == 3
    assert found.index("x") is None
    assert found.gathers == ((0, 1),)
    assert found.needs[2] == (-1, 0)
    assert found.members(-1) == (0, 1)
    assert list(found.needed(2)) == [0, 1]
    assert list(found.users[0]) == [2, -1]
    assert list(found.users[-1]) == [2]
    assert found.closure([2]) == {0, 1, 2}
    assert found.closure([3, 4]) == {0, 1, 2, 3, 4}


def test_a_gather_of_10000_over_10000_has_20000_edges() -> None:
    draft = draft_of(20_000)
    members = tuple(range(10_000))
    for consumer in range(10_000, 20_000):
        draft.need(consumer, draft.gather(members))
    found = draft.build()
    assert sum(map(len, found.users)) == 20_000
    assert sorted(declared_ranks(found)) == list(range(20_000))


@pytest.mark.parametrize(
    ("text", "cycle"),
    [
        ("a < a", ("a",)),
        ("x; a < b; b < a x", ("a", "b")),
        ("top < c; c < a; a < b; b < c", ("c", "a", "b")),
        ("a < (c,d); b; c < b; d < e b; e < a", ("a", "d", "e")),
    ],
)
def test_a_cycle_is_named_whole_from_its_first_task_on(text: str, cycle: tuple[str, ...]) -> None:
    with pytest.raises(CycleError) as caught:
        graph(text)
    assert caught.value.names == cycle


def test_independent_cycles_are_all_named() -> None:
    with pytest.raises(CycleError) as caught:
        graph("top < a; a < b; b < a c; c < d; d < (c,e); e; f < f")
    assert caught.value.cycles == (("a", "b"), ("c", "d"), ("f",))
    assert str(caught.value) == "a cycle: a -> b -> a; a cycle: c -> d -> c; a cycle: f -> f"


def test_a_cycle_of_100000_tasks_is_found() -> None:
    draft = draft_of(100_000)
    for index in range(100_000):
        draft.need(index, (index + 1) % 100_000)
    with pytest.raises(CycleError) as caught:
        draft.build()
    assert len(caught.value.names) == 100_000


# order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c; b; a", "c b a"),
        ("s1; s2; s3; s4; g1 < (s1,s2); g2 < (s3,s4)", "s1 s2 g1 s3 s4 g2"),
        ("s1; s2; p1 < s1; p2 < s2", "s1 p1 s2 p2"),
        ("s1; s2; p1 < s1; r1 < s1; p2 < s2; all < (p1,p2,r1)", "s1 p1 s2 p2 r1 all"),
        ("a; all < (a,c); b; c", "b a c all"),  # what needs the last one comes last
        ("late < b; a; b", "a b late"),
    ],
)
def test_begun_groups_finish_first_then_the_order_of_declaration(text: str, expected: str) -> None:
    assert order(text) == expected


def test_a_higher_priority_goes_before_any_rank() -> None:
    found = graph("a; b; c; d", {"c": asking(priority=2), "d": asking(priority=-1), "b": asking(priority=2)})
    assert [found.tasks[index].name for index in Order(found.tasks, declared_ranks(found)).task_at] == list("bcad")
