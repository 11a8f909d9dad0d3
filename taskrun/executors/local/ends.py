"""What is known of an attempt that is over, and what it left running.

A process group is signalled only while its number is known to be the task's: while its leader is unreaped, or while it
has been seen to have members, and no process of that number, at every look since: the kernel gives a number to nobody
else as long as the group has members, and whoever got it would be a process first.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping

from msgspec import Struct

from taskrun.machine import group_members, start_ticks
from taskrun.model import Cause, Ended
from taskrun.results import signal_name

_INHERITS_PEAK: bool = sys.platform != "darwin"
_RSS_UNIT = 1024 if _INHERITS_PEAK else 1
_RARELY = 0.02
_SHORTEST_LOOK = 0.002
_LONGEST_LOOK = 0.1
_PATIENCE = 1.0  # seconds for which nobody wonders what a run that is over waits for


class Peak:
    """How much memory this process has used at most, as `ru_maxrss` counts it: on Linux a child starts with that."""

    def __init__(self) -> None:
        self._known = 0
        self._asked = 0.0

    def at_start(self, now: float) -> int | None:
        """To be asked just after a spawn; None where there was one a moment ago (asking takes 2 µs)."""
        if now - self._asked < _RARELY:
            return None
        self._asked = now
        self._known = _own_peak()
        return self._known

    def is_exceeded(self, peak: int, at_start: int | None) -> bool:
        """Whether a child's peak is its own, and not ours at its start (or, where that was not asked, since)."""
        if not _INHERITS_PEAK:
            return True
        if at_start is not None:
            return peak > at_start
        if peak > self._known:
            self._known = _own_peak()
        return peak > self._known


def _own_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def ended(
    task: int,
    attempt: int,
    start: float,
    seconds: float,
    status: int,
    usage: resource.struct_rusage,
    *,
    has_peak: bool,
    is_silent: bool,
) -> Ended:
    """What `wait4` gave."""
    code = os.waitstatus_to_exitcode(status) if status else 0
    return Ended(
        task,
        attempt,
        start,
        time.time(),
        code if code >= 0 else None,
        signal_name(-code) if code < 0 else None,
        None,
        "",
        seconds,
        usage.ru_utime,
        usage.ru_stime,
        usage.ru_maxrss * _RSS_UNIT if has_peak else None,
        is_silent,
    )


def lost(task: int, attempt: int, start: float, seconds: float, message: str) -> Ended:
    """It is over, and its result cannot be had."""
    return Ended(task, attempt, start, time.time(), cause=Cause.LOST, message=message, seconds=seconds)


def not_started(task: int, attempt: int, message: str, is_shortage: bool) -> Ended:
    """There never was a process."""
    now = time.time()
    return Ended(task, attempt, now, now, cause=Cause.COULD_NOT_START, message=message, is_shortage=is_shortage)


def signal_group(group: int, *numbers: int) -> bool:
    """Send to every member; False where there is none (or none that we may signal)."""
    try:
        for number in numbers:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Left(Struct, frozen=True):
    """Whose group it was, and when SIGKILL is due, by the steady clock."""

    task: str
    due: float


class Lingering:
    """Groups whose leader is gone: they were sent SIGTERM, and get SIGKILL when the grace is over.

    `tell` is called once if nothing but them is waited for and that takes long: with the names of the tasks that left
    them, by group, and the seconds until SIGKILL.
    """

    tell: Callable[[Mapping[int, str], float], None]

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self.groups: dict[int, _Left] = {}
        self.tell = _tell_nobody
        self._tell_at: float | None = None
        self._killed: set[int] = set()
        self._look = _SHORTEST_LOOK

    def notice(self, group: int, task: str) -> None:
        """Called just after the leader was reaped, and the group had members still: end them."""
        if not _is_unchanged(group):
            return
        signal_group(group, signal.SIGTERM, signal.SIGCONT)
        self.groups[group] = _Left(task, time.monotonic() + self._grace)
        self._look = _SHORTEST_LOOK

    @property
    def next_look(self) -> float | None:
        """Seconds until `tend` is to be called again: never so long that a number could go round meanwhile. None where
        there is nothing to look at.
        """
        return self._look if self.groups else None

    def tend(self, *, closely: bool = False) -> None:
        """Forget what is gone, kill what is overdue. `closely`, when all else is over, also finds groups that have only
        zombies left.
        """
        if not self.groups:
            return
        self._look = min(_LONGEST_LOOK, self._look * 2)
        now = time.monotonic()
        for group, left in list(self.groups.items()):
            if not _is_unchanged(group) or (closely and not group_members(group)):
                self._forget(group)
            elif now >= left.due and group not in self._killed:
                self._kill(group)
            elif group in self._killed and not group_members(group):
                self._forget(group)
        if closely and self.groups:
            self._tell_in_time(now)

    def _tell_in_time(self, now: float) -> None:
        if self._tell_at is None:
            self._tell_at = now + _PATIENCE
        elif now >= self._tell_at:
            self._tell_at = math.inf
            left_by = {group: left.task for group, left in self.groups.items()}
            self.tell(left_by, max(left.due for left in self.groups.values()) - now)

    def kill(self) -> None:
        """The grace is over for all of them."""
        for group in list(self.groups):
            if _is_unchanged(group):
                self._kill(group)

    def _kill(self, group: int) -> None:
        if signal_group(group, signal.SIGKILL):
            self._killed.add(group)
        else:
            self._forget(group)  # gone, or not ours to kill: a set-user-ID program

    def _forget(self, group: int) -> None:
        del self.groups[group]
        self._killed.discard(group)


def _tell_nobody(left: Mapping[int, str], seconds: float) -> None:
    pass


def _is_unchanged(group: int) -> bool:
    """Whether the group has members and no living process has its number: such a one would lead a new group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        os.kill(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return start_ticks(group) is None  # the leader's zombie, which nobody has reaped yet
