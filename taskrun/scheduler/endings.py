"""Attempts that are to end before they do by themselves: who asked, and when somebody loses patience.

A timeout is nothing but a timer that asks; whoever asks, SIGTERM comes first, and SIGKILL when the grace is over.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from taskrun.executors.base import Executor
from taskrun.model import Cause, Ended
from taskrun.quantity import show_duration
from taskrun.scheduler.live import Live
from taskrun.timers import Timers


class Endings:
    """One timer for each attempt: until it is asked, for its timeout, then for its grace.

    `cancelled`: the tasks whose attempts somebody but a timeout ended: nobody's failures.
    """

    def __init__(self, executor: Executor, now: Callable[[], float], grace: float) -> None:
        self._executor = executor
        self._now = now
        self._grace = grace
        self._due: Timers[Live] = Timers()
        self.cancelled: set[int] = set()

    def watch(self, live: Live, since: float) -> None:
        """An attempt runs since then."""
        timeout = live.task.traits.timeout
        if timeout is not None:
            live.since = since
            live.timer = self._due.set(since + timeout, live)

    def ask(self, live: Live, why: Cause) -> None:
        """Ask it to end; who asked first counts. What is out of reach goes on."""
        if live.asked is not None or not live.is_reachable:
            return
        self._due.cancel(live.timer)
        if self._executor.kill(live.task, force=False):
            live.asked = why
            live.timer = self._due.set(self._now() + self._grace, live)

    def force(self, live: Live, why: Cause) -> None:
        """End it."""
        if not live.is_reachable:
            return
        self._due.cancel(live.timer)
        if self._executor.kill(live.task, force=True):
            live.asked = live.asked or why

    def tend(self) -> None:
        """The time of some may be up, or their grace over."""
        if not self._due:
            return
        for live in self._due.due(self._now()):
            if live.asked is None:
                self.ask(live, Cause.TIMEOUT)
            else:
                self._executor.kill(live.task, force=True)

    def next_due(self) -> float | None:
        """When that is next."""
        return self._due.next_due()

    def seen(self, live: Live, ended: Ended) -> Ended:
        """What is to be said of an end: whatever the task says of itself, it may have left half of its work."""
        self._due.cancel(live.timer)
        if live.asked is None or live.has_no_result(ended) or ended.cause is Cause.COULD_NOT_START:
            return ended
        if live.asked is Cause.TIMEOUT:
            limit = live.task.traits.timeout
            assert limit is not None, "a timeout that nobody set"
            # As the limit counts: with the moment that a shim takes to begin, which its own figures leave out.
            seconds = max(ended.seconds, self._now() - live.since)
            message = f"took longer than {show_duration(limit)}"
            return replace(ended, cause=Cause.TIMEOUT, message=message, seconds=seconds)
        self.cancelled.add(ended.task)
        return replace(ended, cause=live.asked)
