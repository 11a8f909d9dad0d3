"""Processes whose parents have ended, and whose parent the runner is now: they are reaped, and die with a killed task.

One dies only where nobody but killed tasks can have started it. What a task leaves that ends by itself is left alone,
and so is whatever might be that: all that began before such an end, and all that is about while such a one lives on.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress

from taskrun.executors.local.children import Children
from taskrun.executors.local.kin import Process, Table, find, ticks_of
from taskrun.executors.local.launch import Child
from taskrun.executors.shim import keep_orphans
from taskrun.machine import children

_LATER = 1 << 14  # of two that began in one tick, the one with the next numbers; these start again at some point
_INIT = 1
_OVER = os.WEXITED | os.WNOHANG | os.WNOWAIT

Finder = Callable[[Table], Iterable[int]]


def nobody(table: Table) -> Iterable[int]:
    """Of what is not our child's there are no orphans here."""
    return ()


class Orphans:
    """`own`: the children that we started; `killed`: the tasks that were asked to end. Without `is_alone` (other code
    of this process has children too) nothing here does anything.
    """

    def __init__(self, own: Children, killed: Container[int]) -> None:
        self.is_alone = False
        self._own = own
        self._killed = killed
        self._is_decided = self._reaps = self._keeps = False
        self._others: frozenset[int] = frozenset()
        self._doubt = 0.0  # by the steady clock: what began until then may be of a task that ended by itself

    def keep(self, *, is_shimmed: bool) -> None:
        """From now on, be the parent of what loses its own; but not where children were here before us, of which
        orphans may come too. To be called before each start; it waits for the first one without a shim.
        """
        if self._is_decided or is_shimmed:
            return
        self._is_decided = True
        if not self.is_alone or sys.platform != "linux":
            return
        self._reaps = True
        self._others = frozenset(pid for pid in children(os.getpid()) if pid not in self._own)
        if os.getpid() != _INIT and not any(map(find, self._others)):
            self._keeps = keep_orphans(wanted=True)

    def let_go(self) -> None:
        """The next ones are somebody else's."""
        if self._keeps:
            self.reap()
            keep_orphans(wanted=False)
        self._keeps = self._reaps = False

    def leave(self) -> None:
        """A task has ended by itself: what it left stays."""
        self._doubt = time.monotonic()

    def reap(self) -> None:
        """Those that are over; never a child of ours or of other code. It knows them all by now, so that one that
        others hide from `waitid` is found too.
        """
        if not self._reaps:
            return
        for pid in children(os.getpid()):
            if pid in self._own or pid in self._others:
                continue
            with suppress(ChildProcessError):
                if os.waitid(os.P_PID, pid, _OVER) is not None:
                    self._bury(pid)

    def bury(self, pid: int) -> bool:
        """Reap one that is over, and is neither a child of ours nor of other code; whether it was."""
        if not self._reaps or pid in self._own or pid in self._others:
            return False
        self._bury(pid)
        return True

    def finder(self, child: Child) -> Finder:
        """For a task that is to be killed: which processes, of all that live, are its orphans beyond doubt."""
        if child.result or child.ticks is None or not self._keeps:
            return nobody  # a shim keeps its own
        start = child.ticks, child.pid
        return lambda table: self._certain(table, start, child.began)

    def _bury(self, pid: int) -> None:
        """What may have been left by a task that ended by itself may have left others, until now."""
        ticks = ticks_of(pid)
        starts = ((child.ticks, child.pid) for child in self._own if child.ticks and child.began > self._doubt)
        if ticks is None or not (ticks > self._doubtful or any(_is_later((ticks, pid), start) for start in starts)):
            self.leave()
        os.waitpid(pid, os.WNOHANG)

    def _certain(self, table: Table, start: tuple[int, int], began: float) -> list[int]:
        self.reap()  # first of all: it may raise doubts
        found = list(self._among(table))
        doubtful = self._doubtful
        for each in found:
            if each.ticks <= doubtful and not (began > self._doubt and _is_later(_start(each), start)):
                return []
        if any(child.result and find(child.pid) is None for child in self._own):
            return []  # a shim has ended, and handed on what its command left
        rivals = [child.pid for child in self._own if not child.result and child.task.index not in self._killed]
        living = [find(pid) for pid in rivals if pid != start[1]]
        return [
            each.pid for each in found
            if _is_later(_start(each), start)
            and all(rival is not None and _is_later(_start(rival), _start(each)) for rival in living)
        ]  # fmt: skip

    def _among(self, table: Table) -> Iterator[Process]:
        own = os.getpid()
        for process in table.values():
            if process.parent == own and process.pid not in self._own and process.pid not in self._others:
                yield process

    @property
    def _doubtful(self) -> int:
        """The last clock tick in which what began is in doubt."""
        if sys.platform != "linux":
            return 0
        ago = time.monotonic() - self._doubt
        return int((time.clock_gettime(time.CLOCK_BOOTTIME) - ago) * os.sysconf("SC_CLK_TCK"))


def _start(process: Process) -> tuple[int, int]:
    return process.ticks, process.pid


def _is_later(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a process certainly began after another: by their clock ticks, or by their numbers in one tick."""
    return 0 < one[1] - other[1] < _LATER if one[0] == other[0] else one[0] > other[0]
