"""The run that is on: what it has still to do, and for what a task of it waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from taskrun.cli.forecast import UNKNOWN, Prospect
from taskrun.freshness import named
from taskrun.graph import Graph
from taskrun.model import Reason, ReasonKind, RunRecord, Status, Task
from taskrun.quantity import show_number
from taskrun.standing import OnRecord, Standing, is_over, tasks_of


class LiveRun:
    """A run that is on. `standings` are those of the tasks in question and all that they need.

    Everything is taken from `on_record` at once: what goes on record later changes nothing here.
    """

    def __init__(
        self, graph: Graph, run: RunRecord, on_record: OnRecord, standings: Mapping[int, Standing]
    ) -> None:
        self._graph = graph
        self._run = run
        self._tasks = tasks_of(graph, run)
        self._standings = standings
        self._running = _running(graph, on_record)
        self._awaited: dict[int, Sequence[int]] = {}  # by node

    def is_left(self, index: int, prospect: Prospect) -> bool:
        """Whether the run has still to start the task, or might have to."""
        if index not in self._tasks or is_over(self._standings[index], self._run):
            return False
        return self._run.force or prospect.would_run is not False

    def waits(self, task: Task, prospects: Mapping[int, Prospect]) -> Reason:
        """For which tasks a task of the run waits; where there is none, for which pool, and who holds it."""
        nodes = self._graph.needs[task.index]
        awaited = list(dict.fromkeys(index for node in nodes for index in self._awaited_of(node, prospects)))
        return Reason(ReasonKind.WAITS, f"for {named(self._called(awaited))}" if awaited else self._for_room(task))

    def _awaited_of(self, node: int, prospects: Mapping[int, Prospect]) -> Sequence[int]:
        """The tasks of a node that are not over; those that run come first."""
        known = self._awaited.get(node)
        if known is None:
            running = [index for index in self._graph.members(node) if index in self._running]
            left = [
                index
                for index in self._graph.members(node)
                if index not in self._running and self.is_left(index, prospects.get(index, UNKNOWN))
            ]
            known = self._awaited[node] = [*running, *left]
        return known

    def _called(self, indices: Collection[int]) -> list[str]:
        tasks = self._graph.tasks
        return [f"{tasks[index].name} (running)" if index in self._running else tasks[index].name for index in indices]

    def _for_room(self, task: Task) -> str:
        if self._run.cores is None:
            return "for its turn"
        there = Fraction(self._run.cores).limit_denominator(1000)
        tasks = self._graph.tasks
        users = [tasks[index] for index in self._running if tasks[index].traits.cores]
        free = max(there - sum(min(user.traits.cores, there) for user in users), Fraction(0))
        asked = min(task.traits.cores, there)
        if asked <= free:
            return "for its turn"
        wanted = "a core" if asked == 1 else f"{show_number(asked)} cores"
        left = f"{show_number(free)} of {show_number(there)} free"
        return f"for {wanted}: {left}, in use by {named([user.name for user in users])}"


def _running(graph: Graph, on_record: OnRecord) -> set[int]:
    found = set()
    for name in on_record.records.open_starts():
        index = graph.index(name)
        if index is not None and on_record.standing(name).status is Status.RUNNING:
            found.add(index)
    return found
