"""Memory: what a limited task uses with all that came from it, and which tasks the kernel has ended for want of it.

Only tasks that have a limit are looked at, a few times a second. What pages are shared is asked where it matters only:
that takes the kernel as long as there is memory to go through.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from taskrun.executors.local.kin import Table, below, find, is_same
from taskrun.machine import CGROUPS, MEMBERSHIP, groups_above
from taskrun.model import Cause, Ended, Task
from taskrun.pools import MEMORY
from taskrun.quantity import show_size

_LOOK = 0.2
_GROWTH = 1.05  # how much more there must be before it is asked anew how much of it is shared
_PART = 0.1  # of the time may go into asking that
_KILLED = "SIGKILL"
_KILLED_BELOW = 128 + 9  # how a shell says that a command of its own was killed
_TOGETHER = 1.0  # seconds within which the kernel's kills belong together


class _Watched:
    """A task with a limit, in bytes. `top`: the process at the top of its tree."""

    def __init__(self, task: Task, top: int, limit: int) -> None:
        self.task = task
        self.limit = limit
        self.peak = self.excess = 0
        self._top = top
        self._seen: Table = {}
        self._resident = self._share = 0  # as they were when it was asked last how much is shared
        self._due = 0.0

    def look(self) -> bool:
        """Whether it uses more than it may, for the first time."""
        found = below([self._top, *self._seen])
        top = find(self._top)
        if top is not None:
            found[self._top] = top
        found.update((pid, was) for pid, was in self._seen.items() if is_same(was))
        self._seen = found
        used = self._used()
        self.peak = max(self.peak, used)
        if used <= self.limit or self.excess:
            return False
        self.excess = used
        return True


    def _used(self) -> int:
        """The bytes that all of it takes together, each page counted once."""
        resident = sum(map(_resident, self._seen))
        if len(self._seen) < 2:
            return resident
        now = time.monotonic()
        seems = self._share + max(0, resident - self._resident)
        if seems > self.limit or (now >= self._due and resident > self._resident * _GROWTH):
            is_asked = self._ask(resident)
            self._due = now + (time.monotonic() - now) / _PART
            return self._share if is_asked else min(self._share, self.limit)
        return min(resident, self._share)

    def _ask(self, resident: int) -> bool:
        """How much there is without what is shared; False where one has gone meanwhile: the others' shares grew."""
        share = sum(map(_share, self._seen))
        if not all(map(_resident, self._seen)):
            return False
        self._resident, self._share = resident, share
        return True


class Limits:
    """The tasks that run and have one."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._due = 0.0

    @property
    def next_look(self) -> float | None:
        """Seconds until `exceeded` is to be called again; None where nothing is watched."""
        return max(0.0, self._due - time.monotonic()) if self._watched else None

    def watch(self, task: Task, top: int) -> None:
        """It has begun; `top` is its process, or the shim above it."""
        if task.traits.has_memory_limit:
            self._watched[task.index] = _Watched(task, top, int(task.traits.amount(MEMORY)))

    def exceeded(self) -> list[Task]:
        """Those that use more than they may since the last look."""
        if not self._watched or time.monotonic() < self._due:
            return []
        found = [watched.task for watched in self._watched.values() if watched.look()]
        self._due = time.monotonic() + _LOOK
        return found

    def seen(self, ended: Ended) -> Ended:
        """What is to be said of an end: why it was killed, and how much all of it used."""
        watched = self._watched.pop(ended.task, None)
        if watched is None:
            return ended
        if watched.peak > (ended.max_rss or 0):
            ended = replace(ended, max_rss=watched.peak)
        if not watched.excess or ended.exit_code == 0:
            return ended
        used, limit = show_size(watched.excess), show_size(watched.limit)
        used = f"more than {used}" if used == limit else used
        return replace(ended, cause=Cause.MEMORY, message=f"used {used} of {limit}")


def kills(membership: str = MEMBERSHIP, tree: str = CGROUPS, machine: str = "/proc/vmstat") -> int | None:
    """How often the kernel has ended something of our cgroup, or, where that is not counted, on this machine."""
    for path in (*_counters(membership, tree), machine):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                for line in file:
                    name, _, count = line.partition(" ")
                    if name == "oom_kill":
                        return int(count)
        except OSError:
            continue
    return None


class Kernel:
    """Knows whether the kernel has ended something of ours for want of memory, by what it `count`s."""

    def __init__(self, count: Callable[[], int | None] = kills) -> None:
        self._kills = count
        self._count = count()
        self._more = 0
        self._until = 0.0

    def seen(self, ended: Ended) -> Ended:
        """What is to be said of an end that nobody here asked for."""
        if ended.cause is not None or not (ended.signal == _KILLED or ended.exit_code == _KILLED_BELOW):
            return ended
        if not self._has_killed():
            return ended
        used = f" (it used {show_size(ended.max_rss)})" if ended.max_rss else ""
        return replace(ended, cause=Cause.MEMORY, message=f"the kernel ended it for want of memory{used}")

    def _has_killed(self) -> bool:
        before, self._count = self._count, self._kills()
        now = time.monotonic()
        if now > self._until:
            self._more = 0
        if before is not None and self._count is not None and self._count > before:
            self._more += self._count - before
            self._until = now + _TOGETHER
        self._more -= 1
        return self._more >= 0


def _counters(membership: str, tree: str) -> Iterator[str]:
    """Of our own cgroup first: it is one of ours that was ended."""
    for directory in groups_above(("memory",), membership, tree):
        yield from (f"{directory}/memory.events", f"{directory}/memory.oom_control")


def _resident(pid: int) -> int:
    """The bytes of a process that are in memory, shared ones and all."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0 if os.path.isdir("/proc/self") else _foreign(pid)
    except (OSError, IndexError):
        return 0


def _share(pid: int) -> int:
    """The same, of pages that several have only its share."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # an old kernel, or not ours to read
    return _resident(pid)


def _foreign(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
