"""Which outputs have been consumed: nobody in this run, or outside it, has still to use them."""

from __future__ import annotations

from collections.abc import Iterator

from taskrun.executors.base import Judge
from taskrun.graph import Graph
from taskrun.model import Temp


class Consumption:
    """Counts down, edge by edge, who has still to use what the tasks with `temp: delete` made."""

    def __init__(self, graph: Graph, judge: Judge) -> None:
        self._graph = graph
        self._judge = judge
        self._has_any = any(task.traits.temp is Temp.DELETE for task in graph.tasks)
        self._left = [len(users) for users in graph.users] if self._has_any else []
        self._done: set[int] = set()

    def done(self, index: int) -> None:
        """A task is over, and well: discard the outputs that nobody has to use any more."""
        if not self._has_any or index in self._done:
            return
        self._done.add(index)
        for maker in self._consumed(index):
            self._judge.discard(self._graph.tasks[maker])

    def _consumed(self, node: int) -> Iterator[int]:
        for source in self._graph.sources(node):
            self._left[source] -= 1
            if self._left[source]:
                continue
            if source < 0:
                yield from self._consumed(source)
            elif self._graph.tasks[source].traits.temp is Temp.DELETE:
                yield source
