"""How much somebody wants the run to end, and what was asked to end because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from taskrun.executors.base import Executor
from taskrun.model import Cause, Ended
from taskrun.scheduler.live import Live
from taskrun.timers import Timers

TERMINATE, KILL = 2, 3  # the levels of an interruption that ask what runs to end, and end it


class Stop:
    """`level` only rises; `signal` is what raised it last. `cancelled`: tasks that we ended: nobody's failure."""

    def __init__(self, executor: Executor, now: Callable[[], float], grace: float) -> None:
        self._executor = executor
        self._now = now
        self._grace = grace
        self._due: Timers[Live] = Timers()  # what was asked to end, to be killed
        self.level = 0
        self.signal = ""
        self.cancelled: set[int] = set()

    def raise_to(self, level: int, signal: str, live: Iterable[Live]) -> list[Live]:
        """Ask what is `live` to end, or end it, as the level says; what is out of reach is to be left as it is."""
        self.level, self.signal = level, signal
        asked = [*live] if level >= TERMINATE else []
        for each in asked:
            if not each.is_reachable:
                continue
            each.asked = True
            self._due.cancel(each.timer)
            if level == TERMINATE:
                each.timer = self._due.set(self._now() + self._grace, each)
            self._executor.kill(each.task, force=level >= KILL)
        return [each for each in asked if not each.is_reachable]

    def kill_overdue(self) -> None:
        """The grace of some may be over."""
        for each in self._due.due(self._now()):
            self._executor.kill(each.task, force=True)

    def patience(self, timeout: float | None) -> float | None:
        """No longer than until the next grace is over."""
        due = self._due.next_due()
        if due is None:
            return timeout
        left = max(0.0, due - self._now())
        return left if timeout is None else min(left, timeout)

    def has_ended(self, live: Live, ended: Ended) -> bool:
        """Nobody need be killed; whether it ended because it was asked to.

        What was asked to end and did may have left half of its work, whatever it says of itself.
        """
        self._due.cancel(live.timer)
        if not live.asked or live.has_no_result(ended) or ended.cause is Cause.COULD_NOT_START:
            return False
        self.cancelled.add(ended.task)
        return True
