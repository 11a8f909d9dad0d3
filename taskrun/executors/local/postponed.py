"""Starts for which there was no process, no descriptor or no memory left: they wait until something of ours has ended.

Where nothing of ours runs there is nothing to wait for: then that is what is told of the task.
"""

from __future__ import annotations

import time

from msgspec import Struct

from taskrun.executors.base import Attempt
from taskrun.model import Grant, Task

_AGAIN = 1.0  # seconds after which it is tried again though nothing has ended: others may have let something go


class Start(Struct, frozen=True):
    """A start to be tried again. `result`: where the shim of the attempt is to say how it ended ("": none)."""

    task: Task
    attempt: Attempt
    grant: Grant
    result: str


class Postponed:
    """In the order in which they are to be tried again."""

    def __init__(self) -> None:
        self._starts: list[Start] = []
        self._due = 0.0

    @property
    def next_look(self) -> float | None:
        """Seconds until `take` is to be called again; None where nothing waits."""
        return max(0.0, self._due - time.monotonic()) if self._starts else None

    def put(self, start: Start) -> None:
        """There was not enough for this one."""
        self._starts.append(start)
        self._due = time.monotonic() + _AGAIN

    def hurry(self) -> None:
        """Something has ended."""
        self._due = 0.0

    def take(self) -> list[Start]:
        """All of them, where it is time; what there is not enough for is put back, one by one."""
        if not self._starts or time.monotonic() < self._due:
            return []
        starts, self._starts = self._starts, []
        return starts

    def drop(self, task: int) -> Start | None:
        """Do not start it any more."""
        for start in self._starts:
            if start.task.index == task:
                self._starts.remove(start)
                return start
        return None

    def drop_all(self) -> list[Start]:
        """Do not start any of them."""
        starts, self._starts = self._starts, []
        return starts
