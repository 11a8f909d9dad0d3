"""Inputs that need not be there: the failure of who makes them keeps their reader from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskrun.graph import Graph
from taskrun.model import Task
from taskrun.policy import Policy


class Absences:
    """Goes by the graph and the policy alone: what is missing of a maker that did well is missed otherwise."""

    def __init__(self, graph: Graph, policy: Policy) -> None:
        self._graph = graph
        self._policy = policy

    def not_accepted(self, task: Task, gone: Sequence[str]) -> Sequence[str]:
        """Those of the missing inputs of a task without which it cannot run."""
        made = [path for maker in self._forgiven(task) for path in maker.outputs] if gone else []
        return [path for path in gone if not any(_touch(path, other) for other in made)] if made else gone

    def _forgiven(self, task: Task) -> Iterator[Task]:
        graph = self._graph
        for node in graph.needs[task.index]:
            is_any = graph.edge(task.index, node).is_any
            for member in graph.members(node):
                maker = graph.tasks[member]
                if is_any or not self._policy.breaks(maker):
                    yield maker


def _touch(one: str, other: str) -> bool:
    """Whether one path is the other, or lies in it."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")
