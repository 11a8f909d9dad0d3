"""The run that is on: what it has still to do, and for what a task of it waits."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from taskrun.cli.forecast import UNKNOWN, Prospect
from taskrun.freshness import named
from taskrun.graph import Graph
from taskrun.model import Reason, ReasonKind, RunRecord, Status, Task
from taskrun.pools import CORES, GPUS, MEMORY, show_amount
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
        due = self._standings[task.index].retry_due
        if due is not None:
            return Reason(ReasonKind.WAITS, f"for its retry, at {time.strftime('%H:%M:%S', time.localtime(due))}")
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
        short = filter(None, (self._lack(pool, asks) for pool, asks in task.traits.request))
        return "; and ".join(short) or "for its turn"

    def _lack(self, pool: str, asks: Fraction) -> str:
        """That there is too little left of a pool now, and who has the rest; "" where there is enough."""
        total = self._run.cores if pool == CORES else self._run.pools.get(pool)
        if total is None:
            return ""
        there = Fraction(total).limit_denominator(1000)
        tasks = self._graph.tasks
        users = [tasks[index] for index in self._running if tasks[index].traits.amount(pool)]
        free = max(there - sum(min(user.traits.amount(pool), there) for user in users), Fraction(0))
        asked = min(asks, there)
        if asked <= free:
            return ""
        left = f"{show_amount(pool, free)} of {show_amount(pool, there)} free"
        return f"for {_wanted(pool, asked)}: {left}, in use by {named([user.name for user in users])}"


def _wanted(pool: str, amount: Fraction) -> str:
    """`a core`, `2 gpus`, `8G of memory`, `1 licence`."""
    shown = show_amount(pool, amount)
    if pool == MEMORY:
        return f"{shown} of memory"
    if pool in (CORES, GPUS):
        return f"a {pool.removesuffix('s')}" if amount == 1 else f"{shown} {pool}"
    return f"{shown} {pool}"


def _running(graph: Graph, on_record: OnRecord) -> set[int]:
    found = set()
    for name in on_record.records.open_starts():
        index = graph.index(name)
        if index is not None and on_record.standing(name).status is Status.RUNNING:
            found.add(index)
    return found
