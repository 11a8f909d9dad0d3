"""Our own processes: which task each is, and how it ended as `wait4` says it, each asked for once.

In a host program nobody else's children are reaped, and a result that somebody else took is not made up.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress

from taskrun.executors.local.launch import Child

Reaped = tuple[int, resource.struct_rusage, float]  # as wait4 gave it, and when by the steady clock


class Children:
    """Those that have not been reaped, or whose result nobody has asked for yet."""

    def __init__(self) -> None:
        self._by_pid: dict[int, Child] = {}
        self._pids: dict[int, int] = {}
        self._results: dict[int, Reaped] = {}  # of those that were reaped before anybody asked

    def __bool__(self) -> bool:
        return bool(self._by_pid)

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._by_pid.values()))

    def __contains__(self, pid: int) -> bool:
        return pid in self._by_pid

    def __getitem__(self, pid: int) -> Child:
        return self._by_pid[pid]

    def add(self, child: Child) -> None:
        """It runs."""
        self._by_pid[child.pid] = child
        self._pids[child.task.index] = child.pid

    def of(self, task: int) -> Child | None:
        """The one that a task runs as."""
        pid = self._pids.get(task)
        return None if pid is None else self._by_pid[pid]

    def forget(self, child: Child) -> None:
        """It is over."""
        del self._by_pid[child.pid]
        del self._pids[child.task.index]

    def result(self, pid: int) -> Reaped | None:
        """How a child ended; None while it has not. ChildProcessError: somebody else was told."""
        try:
            reaped, status, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            if pid not in self._results:
                raise
            return self._results.pop(pid)
        return (status, usage, time.monotonic()) if reaped else None

    def reap_early(self) -> bool:
        """Take all results that there are, before a handler of the host's takes them; the rest is done in turn."""
        before = len(self._results)
        for pid in list(self._by_pid):
            with suppress(ChildProcessError):
                reaped, status, usage = os.wait4(pid, os.WNOHANG)
                if reaped:
                    self._results[pid] = status, usage, time.monotonic()
        return len(self._results) > before
