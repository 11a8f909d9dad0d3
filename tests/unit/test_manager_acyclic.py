"""What needs what, edge by edge: compared with an oracle that looks at everything each time."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.manager.acyclic import Acyclic, Circle, Line


class Oracle:
    """Nodes and what they need; whether one is reached from another is found by walking."""

    def __init__(self) -> None:
        self.needs: list[list[int]] = []

    def reaches(self, start: int, goal: int) -> bool:
        seen, stack = {start}, [start]
        while stack:
            node = stack.pop()
            if node == goal:
                return True
            fresh = [other for other in self.needs[node] if other not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return False


def checked_need(acyclic: Acyclic, oracle: Oracle, node: int, other: int) -> None:
    if oracle.reaches(other, node):
        with pytest.raises(Circle) as caught:
            acyclic.need(node, other)
        check_circle(oracle, caught.value.nodes, node, other)
    else:
        is_new = other not in oracle.needs[node]
        assert acyclic.need(node, other) is is_new
        if is_new:
            oracle.needs[node].append(other)


def check_circle(oracle: Oracle, nodes: tuple[int, ...], node: int, other: int) -> None:
    """It goes around by edges that are there, but for the refused one, with which it begins."""
    assert nodes[0] == node
    assert len(set(nodes)) == len(nodes)
    around = [*nodes, node]
    assert around[1] == other
    assert all(next_one in oracle.needs[one] for one, next_one in pairwise(around[1:]))


def check_needs(acyclic: Acyclic, oracle: Oracle) -> None:
    for node, others in enumerate(oracle.needs):
        assert list(acyclic.needs(node)) == others


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 9)), max_size=60))
def test_an_edge_is_refused_where_it_closes_a_circle_and_nowhere_else(
    steps: list[tuple[int, int, int]],
) -> None:
    acyclic, oracle = Acyclic(), Oracle()
    for one, other, kind in steps:
        size = len(oracle.needs)
        if size < 2 or kind < 2:
            needs = tuple({one % size, other % size}) if size and kind == 1 else ()
            assert acyclic.add(needs) == size
            oracle.needs.append(list(needs))
        else:
            checked_need(acyclic, oracle, one % size, other % size)
        check_needs(acyclic, oracle)


@given(st.integers(0, 1000), st.integers(2, 40))
def test_a_random_graph_in_random_order_is_kept_in_order(seed: int, size: int) -> None:
    chance = random.Random(seed)
    acyclic, oracle = Acyclic(), Oracle()
    for _ in range(size):
        acyclic.add()
        oracle.needs.append([])
    for _ in range(3 * size):
        checked_need(acyclic, oracle, chance.randrange(size), chance.randrange(size))
    check_needs(acyclic, oracle)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30), st.data())
def test_what_is_taken_back_is_as_if_it_had_not_been_said(edges: list[tuple[int, int]], data: st.DataObject) -> None:
    acyclic, oracle = Acyclic(), Oracle()
    for _ in range(6):
        acyclic.add()
        oracle.needs.append([])
    for node, other in edges:
        checked_need(acyclic, oracle, node, other)
        if data.draw(st.booleans()) and oracle.needs[node]:
            count = data.draw(st.integers(1, len(oracle.needs[node])))
            acyclic.forget(node, count)
            del oracle.needs[node][-count:]
    check_needs(acyclic, oracle)


def test_more_needs_than_are_looked_through_one_by_one_are_still_said_once() -> None:
    acyclic = Acyclic()
    for _ in range(100):
        acyclic.add()
    for _ in range(2):
        for other in range(99):
            acyclic.need(99, other)
    assert list(acyclic.needs(99)) == list(range(99))
    acyclic.forget(99, 50)
    assert acyclic.need(99, 98)
    assert not acyclic.need(99, 0)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(1, 4), st.booleans()), max_size=80))
def test_a_line_is_a_list_whatever_is_moved(moves: list[tuple[int, int, int, bool]]) -> None:
    line, plain = Line(), list(range(12))
    for _ in plain:
        line.append()
    for start, place, count, is_behind in moves:
        moved = [plain[(start + number * 5) % 12] for number in range(count)]
        rest = [node for node in plain if node not in moved]
        fixed = rest[place % len(rest)]
        line.move(list(moved), **({"behind": fixed} if is_behind else {"before": fixed}))
        cut = rest.index(fixed) + is_behind
        plain = [*rest[:cut], *sorted(moved, key=plain.index), *rest[cut:]]
        assert (line.first, line.last) == (plain[0], plain[-1])
        assert all(line.precedes(one, other) for one, other in pairwise(plain))


def test_a_line_stays_in_order_where_everything_comes_to_one_place() -> None:
    line = Line()
    for _ in range(2000):
        line.append()
    for node in range(2, 2000):
        line.move([node], behind=0)
    order = [0, *reversed(range(2, 2000)), 1]
    assert all(line.precedes(one, other) for one, other in pairwise(order))


N = 5_000


@pytest.mark.parametrize(
    "edges",
    [
        [(node + 1, node) for node in range(N - 1)],
        [(node, node + 1) for node in range(N - 1)],
        [(node, node + 1) for node in reversed(range(N - 1))],
        random.Random(1).sample([(node, node + 1) for node in range(N - 1)], N - 1),
        [edge for node in range(2, N - 1, 2) for edge in ((node, node + 1), (node - 1, node))],
        [(0, node) for node in range(1, N)],
        [(node, N - 1) for node in range(N - 1)],
    ],
    ids=["forth", "back", "backwards", "any", "pairs from the top", "fan in", "fan out"],
)
def test_chains_and_fans_in_any_order_follow_few_edges(edges: list[tuple[int, int]]) -> None:
    acyclic = Acyclic()
    for _ in range(N):
        acyclic.add()
    assert all(acyclic.need(node, other) for node, other in edges)
    for node, other in edges[:: max(len(edges) // 20, 1)]:
        with pytest.raises(Circle):
            acyclic.need(other, node)
