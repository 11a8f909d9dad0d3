"""Which ready task comes first: by priority, then so that begun groups finish early, then as declared.

An order is a number for each task, found once; a later one, which knows durations, has only ranks of its own to bring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskrun.graph import Graph
from taskrun.model import Task


class Order:
    """The turn of each task: a number, smaller for a higher priority, then for a lower rank."""

    def __init__(self, tasks: Sequence[Task], ranks: Sequence[int]) -> None:
        distinct = {id(task.traits): task.traits.priority for task in tasks}  # equal traits are one object
        levels = {priority: level for level, priority in enumerate(sorted(set(distinct.values()), reverse=True))}
        steps = {key: levels[priority] * len(tasks) for key, priority in distinct.items()}
        keys = [steps[id(task.traits)] + rank for task, rank in zip(tasks, ranks, strict=True)]
        self.task_at = sorted(range(len(tasks)), key=keys.__getitem__)
        self.turn_of = [0] * len(tasks)
        for turn, index in enumerate(self.task_at):
            self.turn_of[index] = turn
        self.ranks = ranks

    def renew(self, tasks: Sequence[Task], ranks: Sequence[int]) -> list[int]:
        """Go by other ranks from now on; gives for each old turn the new one."""
        before = self.task_at[:]
        other = Order(tasks, ranks)
        self.task_at[:], self.turn_of[:], self.ranks = other.task_at, other.turn_of, ranks
        return [self.turn_of[index] for index in before]


def declared_ranks(graph: Graph) -> list[int]:
    """The place of each task in an order that finishes begun groups first, and else follows the declaration.

    A depth-first walk from the sinks through what they need: the sink whose last source was declared first comes
    first. A later order (one that knows durations) has the same shape: a rank for each task, 0 for the first one.
    """
    if not any(graph.needs):
        return list(range(len(graph.tasks)))
    ranks = [-1] * len(graph.tasks)
    count = 0
    latest = _latest_sources(graph)
    sinks = [task for task in range(len(graph.tasks)) if not graph.users[task]]
    sinks.sort(key=lambda sink: (latest[sink], sink))
    seen = bytearray(len(graph.users))
    for sink in sinks:
        for task in _post_order(graph, sink, seen):
            ranks[task] = count
            count += 1
    return ranks


def _latest_sources(graph: Graph) -> list[int]:
    """By node: the highest index among the tasks without needs that it hangs on; its own where it has none."""
    latest = list(range(len(graph.tasks))) + [0] * len(graph.gathers)
    for node in graph.order:
        sources = graph.sources(node)
        if sources:
            latest[node] = max([latest[source] for source in sources])
    return latest


def _post_order(graph: Graph, sink: int, seen: bytearray) -> Iterator[int]:
    """The tasks that `sink` hangs on and that were not seen before, each after what it needs; `sink` is the last."""
    seen[sink] = 1
    path = [(sink, iter(graph.sources(sink)))]
    while path:
        node, sources = path[-1]
        for source in sources:
            if not seen[source]:
                seen[source] = 1
                path.append((source, iter(graph.sources(source))))
                break
        else:
            path.pop()
            if node >= 0:
                yield node
