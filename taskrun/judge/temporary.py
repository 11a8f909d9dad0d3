"""Outputs that may be gone: who made them, what is on record of them, and who is wanted to make them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.model import Figure, Past, Status, Task, Temp

_SUCCEEDED = Status.SUCCEEDED.value


class Temporary:
    """The tasks with `temp` outputs of a graph."""

    def __init__(self, graph: Graph, records: Records) -> None:
        self._graph = graph
        self._records = records
        self._has_any: bool | None = None
        self._wanted: dict[int, bool] = {}  # whether for certain

    def may_go(self, task: Task) -> bool:
        """Whether its outputs need not be there; not where somebody wants them."""
        return task.traits.temp is not Temp.NO and not self.is_wanted(task)

    def is_wanted(self, task: Task) -> bool:
        """Whether somebody wants its outputs made again: who reads them has looked already."""
        return task.index in self._wanted

    def is_missed(self, task: Task) -> bool:
        """Whether its missing outputs are a reason whatever comes out of others."""
        return self._wanted.get(task.index, True)

    def stand_ins(self, task: Task, gone: Iterable[str]) -> Mapping[str, Figure]:
        """What is on record of those of its missing inputs that were made by tasks whose outputs may be gone."""
        if self._has_any is None:
            self._has_any = any(each.traits.temp is not Temp.NO for each in self._graph.tasks)
        if not self._has_any:
            return {}
        wanted = set(gone)
        return {
            path: figure
            for maker in self._makers(task)
            for path, figure in _made(self._records.past(maker.name))
            if path in wanted
        }

    def want(self, task: Task, paths: Iterable[str], *, is_certain: bool) -> tuple[int, ...]:
        """Who made these inputs of a task, and is to make them again; not `is_certain`: if it comes to that."""
        wanted = set(paths)
        makers = [maker.index for maker in self._makers(task) if not wanted.isdisjoint(maker.outputs)]
        self._wanted.update((maker, is_certain or self._wanted.get(maker, False)) for maker in makers)
        return tuple(makers)

    def _makers(self, task: Task) -> Iterable[Task]:
        tasks = self._graph.tasks
        return (tasks[index] for index in self._graph.needed(task.index) if tasks[index].traits.temp is not Temp.NO)


def _made(past: Past | None) -> Iterable[tuple[str, Figure]]:
    if past is None or past.start is None or past.end is None or past.end.status != _SUCCEEDED:
        return ()
    outputs = past.start.signature.outputs
    return zip(outputs, past.end.outputs, strict=True) if len(outputs) == len(past.end.outputs) else ()
