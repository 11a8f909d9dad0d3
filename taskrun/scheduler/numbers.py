"""The numbers of attempts: one count for the life of a task, one for this run."""

from __future__ import annotations

from collections.abc import Callable

from taskrun.executors.base import Attempt
from taskrun.model import Handle, Task


class Numbers:
    """`attempts` says how many a task has had in its life."""

    def __init__(self, attempts: Callable[[Task], int]) -> None:
        self._attempts = attempts
        self._last: dict[int, Attempt] = {}  # of tasks that had an attempt and may have another

    def begin_after(self, task: Task, handle: Handle) -> None:
        """An earlier run began an attempt that has no end."""
        self._last[task.index] = Attempt(max(handle.attempt, self._attempts(task)), 0)

    def go_on(self, task: Task, number: int) -> None:
        """The attempt of this number has ended, and another one is to follow."""
        last = self._last.get(task.index)
        if last is None:
            self._last[task.index] = Attempt(number)
        elif last.number != number:
            self._last[task.index] = Attempt(number, last.round + 1)

    def next(self, task: Task) -> Attempt:
        """The next attempt of a task."""
        last = self._last.get(task.index)
        return Attempt(self._attempts(task) + 1) if last is None else Attempt(last.number + 1, last.round + 1)

    def forget(self, task: Task) -> None:
        """It has no other."""
        self._last.pop(task.index, None)
