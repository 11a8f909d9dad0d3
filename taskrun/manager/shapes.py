"""What the steps of a graph have become: how many tasks each has, and of which others its tasks need several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from taskrun.graph import Graph
from taskrun.model import Gathering, StepShape

_MOST = 200  # steps; of more nobody reads which needs several of which, and each may need each


def shapes_of(graph: Graph, names: Mapping[str, tuple[str, ...]]) -> tuple[StepShape, ...]:
    """The shape of each step, in the order of their first tasks; `names` are those that steps run over, by step."""
    counts = Counter([task.step.name for task in graph.tasks])
    if len(counts) == 1 or len(counts) > _MOST:
        return tuple(StepShape(step, count, names.get(step, ())) for step, count in counts.items())
    needs: dict[str, dict[str, _Needs]] = {step: {} for step in counts}
    of_node: dict[int, Counter[str]] = {}
    for task in graph.tasks:
        found = needs[task.step.name]
        for step, count in _steps_needed(graph, task.index, of_node).items():
            if step != task.step.name:
                found.setdefault(step, _Needs()).take(min(count, counts[step]))
    return tuple(
        StepShape(step, count, names.get(step, ()), tuple(
            each.gathering(other, users=count, there=counts[other]) for other, each in needs[step].items()
            if each.most > 1
        ))
        for step, count in counts.items()
    )  # fmt: skip


class _Needs:
    """How many tasks of another step the tasks of one need."""

    __slots__ = ("fewest", "most", "users")

    def __init__(self) -> None:
        self.users = self.most = 0
        self.fewest = 1 << 62

    def take(self, count: int) -> None:
        self.users += 1
        self.fewest = min(self.fewest, count)
        self.most = max(self.most, count)

    def gathering(self, step: str, *, users: int, there: int) -> Gathering:
        fewest = self.fewest if self.users == users else 0
        return Gathering(step, fewest, self.most, fewest == there)


def _steps_needed(graph: Graph, index: int, of_node: dict[int, Counter[str]]) -> Mapping[str, int]:
    """How many tasks of which steps a task needs; those of a gather are counted once for all that need it."""
    nodes = graph.needs[index]
    if len(nodes) == 1 and nodes[0] >= 0:
        return {graph.tasks[nodes[0]].step.name: 1}
    found: Counter[str] = Counter()
    for node in nodes:
        if node >= 0:
            found[graph.tasks[node].step.name] += 1
            continue
        if node not in of_node:
            of_node[node] = Counter(graph.tasks[member].step.name for member in graph.members(node))
        found += of_node[node]
    return found
