"""What is known of an attempt that is over, and what it left running.

A process group is signalled only while its number is known to be the task's: while its leader is unreaped, or while it
has been seen to have members at every look since (a number with members is given to nobody else).
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time

from taskrun.machine import group_members
from taskrun.model import Cause, Ended

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_SHORTEST_LOOK = 0.002
_LONGEST_LOOK = 0.1


class Clock:
    """When an attempt began, by both clocks."""

    __slots__ = ("epoch", "steady")

    def __init__(self) -> None:
        self.epoch = time.time()
        self.steady = time.monotonic()


def own_peak() -> int:
    """The peak of this process in the unit of `ru_maxrss`: what a child starts with on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def ended(
    task: int, attempt: int, clock: Clock, status: int, usage: resource.struct_rusage, *, peak_at_start: int
) -> Ended:
    """What `wait4` gave. A peak no higher than ours at the start is ours, not the task's: not known."""
    code = os.waitstatus_to_exitcode(status) if status else 0
    known = usage.ru_maxrss > peak_at_start or sys.platform == "darwin"
    return Ended(
        task,
        attempt,
        clock.epoch,
        time.time(),
        code if code >= 0 else None,
        signal_name(-code) if code < 0 else None,
        None,
        "",
        time.monotonic() - clock.steady,
        usage.ru_utime,
        usage.ru_stime,
        usage.ru_maxrss * _RSS_UNIT if known else None,
    )


def lost(task: int, attempt: int, clock: Clock, message: str) -> Ended:
    """It is over, and its result cannot be had."""
    steady = time.monotonic() - clock.steady
    return Ended(task, attempt, clock.epoch, time.time(), cause=Cause.LOST, message=message, seconds=steady)


def not_started(task: int, attempt: int, message: str) -> Ended:
    """There never was a process."""
    now = time.time()
    return Ended(task, attempt, now, now, cause=Cause.COULD_NOT_START, message=message)


def signal_name(number: int) -> str:
    """`SIGKILL`; real-time signals have no name but their distance from the first."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else f"SIG{number}"


def signal_group(group: int, *numbers: int) -> bool:
    """Send to every member; False where there is none (or none that we may signal)."""
    try:
        for number in numbers:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Lingering:
    """Groups whose leader is gone: they were sent SIGTERM, and get SIGKILL when the grace is over."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._due: dict[int, float] = {}
        self._killed: set[int] = set()
        self._look = _SHORTEST_LOOK

    def __bool__(self) -> bool:
        return bool(self._due)

    def notice(self, group: int) -> None:
        """Called just after the leader was reaped: keep the group in mind if it still has members."""
        if not signal_group(group, 0):
            return
        signal_group(group, signal.SIGTERM, signal.SIGCONT)
        self._due[group] = time.monotonic() + self._grace
        self._look = _SHORTEST_LOOK

    def next_look(self) -> float:
        """Seconds until `tend` is to be called again: never so long that a number could go round meanwhile."""
        return self._look

    def tend(self, *, closely: bool = False) -> None:
        """Forget what is gone, kill what is overdue. `closely` also finds groups that have only zombies left."""
        self._look = min(_LONGEST_LOOK, self._look * 2)
        now = time.monotonic()
        for group, due in list(self._due.items()):
            if not _is_unchanged(group) or (closely and not group_members(group)):
                self._forget(group)
            elif now >= due and group not in self._killed:
                self._kill(group)
            elif group in self._killed and not group_members(group):
                self._forget(group)

    def kill(self) -> None:
        """The grace is over for all of them."""
        for group in list(self._due):
            if _is_unchanged(group):
                self._kill(group)

    def _kill(self, group: int) -> None:
        if signal_group(group, signal.SIGKILL):
            self._killed.add(group)
        else:
            self._forget(group)  # gone, or not ours to kill: a set-user-ID program

    def _forget(self, group: int) -> None:
        del self._due[group]
        self._killed.discard(group)


def _is_unchanged(group: int) -> bool:
    """Whether the group has members and no process has its number: such a one would lead a new group."""
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
        pass
    return False
