"""Edges without a file beside those with one: each pair has one, however many tasks share what they need."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun import Manager
from taskrun.graph import Draft, Edge, Graph
from taskrun.graph.orders import Orders
from taskrun.model import Argv, Step, Task

SIZE = 40

groups = st.lists(st.integers(0, SIZE - 1), min_size=2, unique=True).map(tuple)


def pairs(graph: Graph, consumer: int) -> dict[int, Edge]:
    """What a task needs, and how; each other task by one edge."""
    found = [(member, graph.edge(consumer, node)) for node in graph.needs[consumer] for member in graph.members(node)]
    assert len({member for member, _ in found}) == len(found)
    return dict(found)


@given(
    st.lists(groups, min_size=1, max_size=4),
    st.lists(
        st.tuples(
            st.lists(st.integers(0, SIZE - 1), max_size=5, unique=True),
            st.lists(st.integers(0, 3), max_size=2, unique=True),
            st.lists(st.integers(0, SIZE - 1), max_size=3, unique=True),
            st.integers(0, 3),
        ),
        max_size=6,
    ),
)
def test_each_pair_has_one_edge_and_a_file_wins(
    gathers: list[tuple[int, ...]], consumers: list[tuple[list[int], list[int], list[int], int]]
) -> None:
    draft = Draft()
    for index in range(SIZE + len(consumers)):
        draft.add(Task(index=index, name=str(index), step=Step("s"), action=Argv(("true",))))
    orders = Orders(draft)
    wanted = []
    for consumer, (files, wholes, others, gather) in enumerate(consumers, SIZE):
        # What it reads is kept apart, so that `pairs` can count.
        apart = [gathers[number] for number in wholes if number < len(gathers)][:1]
        files = [each for each in files if not any(each in whole for whole in apart)]
        nodes = [*files, *map(draft.gather, apart)]
        for node in nodes:
            draft.need(consumer, node)
        together = gathers[gather % len(gathers)]
        others = [each for each in others if each not in together]
        orders.enter(consumer, [*others, together], nodes)
        read = {*files, *(each for whole in apart for each in whole)}
        wanted.append({each: Edge.FILE if each in read else Edge.ORDER for each in {*read, *others, *together}})
    graph = draft.build()
    assert [pairs(graph, consumer) for consumer in range(SIZE, len(graph))] == wanted


@pytest.mark.parametrize("together", [1, 3])
def test_tasks_that_leave_out_a_few_each_of_the_same_many_share_the_rest(tmp_path: Path, together: int) -> None:
    manager = Manager(root=tmp_path)
    sims = [manager.task_new(f"sim {n}", "true", outputs=f"sims/{n // together}/{n}") for n in range(1200)]
    for n in range(1200):
        manager.task_new(f"plot {n}", "true", inputs=f"sims/{n // together}", after=sims)
    graph = manager.study().graph
    assert max(map(len, graph.needs)) <= 22
    assert sum(map(len, graph.gathers)) <= 16_000
    found = pairs(graph, 1200 + 600)
    files = [index for index, edge in found.items() if edge is Edge.FILE]
    assert (len(found), files) == (1200, list(range(600, 600 + together)))


def test_many_tasks_that_read_one_directory_and_a_file_each_take_little_room(tmp_path: Path) -> None:
    manager = Manager(root=tmp_path)
    for n in range(1000):
        manager.task_new(f"sim {n}", "true", outputs=f"sims/{n}")
        manager.task_new(f"set {n}", "true", outputs=f"sets/{n}")
        manager.task_new(f"plot {n}", "true", inputs=["sims", f"sets/{n}"])
    tracemalloc.start()
    graph = manager.study().graph
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    assert pairs(graph, 3 * 500 + 2) == dict.fromkeys([*range(0, 3000, 3), 3 * 500 + 1], Edge.FILE)
