"""Outputs that may be gone: who made them, what is on record of them, and who is wanted to make them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.makers import above
from taskrun.model import Figure, Past, Status, Task, Temp

_SUCCEEDED = Status.SUCCEEDED.value
_UNKNOWN: Figure = ""  # like no other
_MOST_KEPT = 256


class Temporary:
    """The tasks with `temp` outputs of a graph."""

    def __init__(self, graph: Graph, records: Records) -> None:
        self._graph = graph
        self._records = records
        self._has_any: bool | None = None
        self._wanted: dict[int, bool] = {}  # whether for certain
        self._known_inside: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._last: tuple[tuple[str, ...], Set[str]] = (), set()

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
        if not self._has_temporary:
            return {}
        wanted = set(gone)
        found = {
            path: figure
            for maker in self._makers(task)
            for path, figure in _made(self._records.past(maker.name))
            if path in wanted
        }
        if len(found) < len(wanted):
            found.update(self._inside(task, wanted.difference(found)))
        return found

    def _inside(self, task: Task, gone: Set[str]) -> Iterator[tuple[str, Figure]]:
        """Of files in a directory that may be gone nothing is on record but what their reader saw of them: that holds
        unless their maker ran since, and for more than to make them again.
        """
        past = self._records.past(task.name)
        start = past.start if past is not None else None
        seen = dict(zip(start.signature.inputs, start.inputs, strict=False)) if start is not None else {}
        made = {output: self._records.past(maker.name) for maker in self._makers(task) for output in maker.outputs}
        for path in gone:
            directory = next((made[each] for each in above(path) if each in made), None)
            if directory is not None and tuple(_made(directory)):
                yield path, seen.get(path, _UNKNOWN) if _has_seen(past, directory) else _UNKNOWN

    def is_news(self, task: Task, past: Past) -> bool:
        """Whether it is to go on record that a task has looked at what it reads in directories that may be gone."""
        if not self._has_temporary:
            return False
        directories = self._directories_of(task.inputs)
        makers = [maker for maker in self._makers(task) if not directories.isdisjoint(maker.outputs)]
        pasts = [self._records.past(maker.name) for maker in makers]
        return any(made is not None and not _has_seen(past, made) for made in pasts)

    def inside(self, task: Task) -> tuple[str, ...]:
        """The outputs that may be gone and lie in directories that the task reads as a whole."""
        if not self._has_temporary:
            return ()
        known = self._known_inside.get(id(task.inputs))
        if known is None or known[0] is not task.inputs:
            read = set(task.inputs)
            outputs = (output for maker in self._makers(task) for output in maker.outputs)
            found = tuple([output for output in outputs if not read.isdisjoint(above(output))])
            if len(self._known_inside) >= _MOST_KEPT:
                self._known_inside.clear()
            known = self._known_inside[id(task.inputs)] = (task.inputs, found)
        return known[1]

    def who_made(self, task: Task, paths: Iterable[str]) -> list[Task]:
        """Who makes these of what a task reads."""
        wanted = set(paths)
        return [maker for maker in self._makers(task) if not wanted.isdisjoint(maker.outputs)]

    def has_seen(self, past: Past, maker: Task) -> bool:
        """Whether a task has looked at what it reads since this one ran, but for making it again."""
        made = self._records.past(maker.name)
        return made is not None and _has_seen(past, made)

    def want(self, task: Task, paths: Iterable[str], *, is_certain: bool) -> tuple[int, ...]:
        """Who made these inputs of a task, and is to make them again; not `is_certain`: if it comes to that."""
        wanted = {each for path in paths for each in (path, *above(path))}
        makers = [maker.index for maker in self._makers(task) if not wanted.isdisjoint(maker.outputs)]
        self._wanted.update((maker, is_certain or self._wanted.get(maker, False)) for maker in makers)
        return tuple(makers)

    def _directories_of(self, paths: tuple[str, ...]) -> Set[str]:
        """The directories that they lie in; tasks that come one after another often share their inputs."""
        if self._last[0] is not paths:
            self._last = paths, {directory for path in paths for directory in above(path)}
        return self._last[1]

    @property
    def _has_temporary(self) -> bool:
        if self._has_any is None:
            self._has_any = any(each.traits.temp is not Temp.NO for each in self._graph.tasks)
        return self._has_any

    def _makers(self, task: Task) -> Iterable[Task]:
        tasks = self._graph.tasks
        return (tasks[index] for index in self._graph.needed(task.index) if tasks[index].traits.temp is not Temp.NO)


def _has_seen(past: Past | None, made: Past) -> bool:
    """Whether a reader has looked at what its maker left when it last ran."""
    return past is not None and (made.ran < past.started or made.ran <= past.seen)


def _made(past: Past | None) -> Iterable[tuple[str, Figure]]:
    if past is None or past.start is None or past.end is None or past.end.status != _SUCCEEDED:
        return ()
    outputs = past.start.signature.outputs
    return zip(outputs, past.end.outputs, strict=True) if len(outputs) == len(past.end.outputs) else ()
