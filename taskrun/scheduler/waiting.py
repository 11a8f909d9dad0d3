"""Tasks that failed and are to be tried again: each waits for its moment, and holds nothing meanwhile."""

from __future__ import annotations

from taskrun.model import Cause, Finished, Retrying, Status, Task
from taskrun.timers import Timers

# What may go better another time; what could not start, or lacks an input, would fail again.
_WORTH_IT = frozenset({Cause.EXIT, Cause.SIGNAL, Cause.TIMEOUT, Cause.MEMORY, Cause.MISSING_OUTPUT, Cause.LOST})


class Waiting:
    """`ends`: by task, the last failure of those that wait; `failed`: how often those failed that are not over."""

    def __init__(self) -> None:
        self._due: Timers[int] = Timers()
        self.ends: dict[int, Finished] = {}
        self.failed: dict[int, int] = {}

    def has_begun(self, index: int) -> bool:
        """Whether a task has failed in this run, and is, or was, to be tried again."""
        return index in self.failed

    def wants(self, end: Finished) -> bool:
        """Whether a task that has ended has a retry left."""
        most = end.task.traits.retries.most
        if not most or end.settled.status is Status.SUCCEEDED or end.settled.cause not in _WORTH_IT:
            return False
        return self.failed.get(end.task.index, 0) < most

    def put(self, end: Finished) -> Retrying:
        """It waits from now on."""
        index = end.task.index
        retry = self.failed[index] = self.failed.get(index, 0) + 1
        due = end.time + end.task.traits.retries.wait(retry)
        self.ends[index] = end
        self._due.set(due, index)
        return Retrying(end.time, end.task, end.ended, end.settled, retry, due)

    def forget(self, task: Task) -> None:
        """It has ended for good."""
        self.failed.pop(task.index, None)

    def next_due(self) -> float | None:
        """When the next one is to be tried again."""
        return self._due.next_due()

    def due(self, now: float) -> list[int]:
        """Those that have waited long enough."""
        found = [index for index in self._due.due(now) if index in self.ends]
        for index in found:
            del self.ends[index]
        return found

    def give_up(self) -> list[Finished]:
        """Nothing is tried again: how those ended that wait."""
        ends, self.ends = list(self.ends.values()), {}
        return ends
