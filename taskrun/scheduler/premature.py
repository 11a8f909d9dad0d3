"""Ends of attempts of an earlier run that came before it was known what becomes of the tasks that theirs need.

Such an end is on record, and holds for this run only where none of these runs, or all comes out the same. Where one of
them fails, its task is skipped as any other.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from taskrun.model import Finished
from taskrun.plan import Plan
from taskrun.scheduler.live import Live


class Premature:
    """By task, the end to be told once it is known to hold. `forced` tasks are executed whatever an attempt left."""

    def __init__(self, plan: Plan, forced: Collection[int]) -> None:
        self._plan = plan
        self._forced = forced
        self._ends: dict[int, Finished] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._ends

    def is_to_judge_anew(self, live: Live, end: Finished, *, is_stopping: bool) -> bool:
        """Whether the end of an attempt of an earlier run is not, or may turn out not to be, what this run wants."""
        index = end.task.index
        if live.has_no_result(end.ended):
            return True
        if live.handle is None or live.asked:
            return False
        if not is_stopping and (end.settled.is_outdated or index in self._forced):
            return True
        if self._plan.is_awaiting(index):
            self._ends[index] = end
        return index in self._ends

    def take(self, index: int, now: float) -> Finished:
        """It holds."""
        return replace(self._ends.pop(index), time=now)

    def forget(self, index: int) -> None:
        """It does not: the task runs again."""
        self._ends.pop(index, None)
