"""The two ways to wait for children without missing one, a signal, or a deadline.

In a process of our own the signals are blocked and fetched: one system call a wake-up, and no moment in which one could
be missed. In a host program its signals and children are its own: a descriptor for each child of ours, and poll.
Nothing here reaps: whoever waits does, child by child.
"""

from __future__ import annotations

import math
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from taskrun.executors.local.catch import Catcher, hold_signals, keep_late
from taskrun.executors.local.orphans import Orphans
from taskrun.interrupt import heeded

Woken = tuple[Iterable[int], Sequence[int]]  # children that look over: reap each before asking for the next; signals

NOTHING: Woken = ((), ())
_LONGEST = 86_400.0
_POLLING = 0.05
_NOTHING_TO_HOLD = nullcontext()
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT
_ENDS = (1, 2, 3)  # CLD_EXITED, CLD_KILLED, CLD_DUMPED; being stopped is no end
_SENT = (0, -1, -6, 0x80)  # SI_USER, SI_QUEUE, SI_TKILL, SI_KERNEL (a terminal)
_MOST_PIDS = 1 << 22  # Linux has no larger ones


class Watch(Protocol):
    """What an executor waits with."""

    def add(self, pid: int) -> None:
        """Watch a child from now on."""

    def discard(self, pid: int) -> None:
        """It has been reaped."""

    def undisturbed(self) -> AbstractContextManager[None]:
        """Around a start: nobody reaps the new child, or raises anything, before it is known."""

    def block(self, timeout: float | None) -> Woken:
        """Sleep until something has happened, at most `timeout` seconds; may wake for nothing."""

    def close(self) -> None:
        """Put signals and descriptors back as they were."""


def watch(reap: Callable[[], bool], orphans: Orphans, *, owns_process: bool) -> Watch:
    """The way that fits: to block signals takes the main thread of a process of our own, and sigtimedwait.

    `reap`: see `Catcher`. `orphans`: only that way there are any.
    UsageError where no exit status could be had.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if owns_process and is_main and hasattr(signal, "sigtimedwait") and not is_accompanied():
        return SignalWatch(orphans)
    catcher = hold_signals()
    if catcher is not None:
        catcher.reap = reap
    if sys.platform == "linux":
        return PollWatch(catcher)
    else:  # noqa: RET505 (a type checker for Linux leaves this out)
        from taskrun.executors.local.kqueue import KqueueWatch

        return KqueueWatch(catcher)


def is_accompanied() -> bool:
    """Whether another thread would take a signal that we block: a library's of a Python file, such as NumPy's."""
    own = threading.get_native_id()
    child = 1 << (signal.SIGCHLD - 1)
    try:
        for thread in map(int, os.listdir("/proc/self/task")):
            if thread != own and not _blocked(thread) & child:
                return True
    except OSError:
        return threading.active_count() > 1
    return False


def _blocked(thread: int) -> int:
    """The mask of a thread of ours; one that has just ended blocks everything."""
    try:
        with open(f"/proc/self/task/{thread}/status", "rb") as file:
            return next(int(line[7:], 16) for line in file if line.startswith(b"SigBlk:"))
    except (FileNotFoundError, ProcessLookupError):
        return -1


def looks_over(pid: int) -> bool:
    """Whether a child is over, which is not reaped here, or is no child of ours any more."""
    try:
        return os.waitid(os.P_PID, pid, _PEEK) is not None
    except ChildProcessError:
        return True


class SignalWatch:
    """Signals blocked from construction to `close`, and fetched; no child inherits that (see spawn)."""

    def __init__(self, orphans: Orphans) -> None:
        self._orphans = orphans
        orphans.is_alone = True
        self._children: dict[int, None] = {}
        self._may_be_more = False
        self._fetched = {*heeded(lambda number: signal.getsignal(number) is signal.SIG_IGN), signal.SIGCHLD}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._fetched)
        # Where SIGCHLD is ignored (one can inherit that) the kernel throws exit statuses away.
        self._child_action = signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def add(self, pid: int) -> None:
        self._children[pid] = None

    def discard(self, pid: int) -> None:
        self._children.pop(pid, None)

    def undisturbed(self) -> AbstractContextManager[None]:
        return _NOTHING_TO_HOLD

    def block(self, timeout: float | None) -> Woken:
        """One child at a time: what takes its place is started before anybody looks at the next."""
        if self._may_be_more:
            found = signal.sigtimedwait(self._fetched, 0)  # however many have ended, a Ctrl-C is heard
            if found is not None and found.si_signo != signal.SIGCHLD:
                return self._told(found)
            self._may_be_more = False
            if zombie := _any_zombie():
                return self._ends(zombie), ()
        if timeout is None:
            found = signal.sigwaitinfo(self._fetched)
        else:
            found = signal.sigtimedwait(self._fetched, max(0.0, min(timeout, _LONGEST)))
        if found is None:
            zombie = _any_zombie()
            if zombie and zombie not in self._children and not self._orphans.bury(zombie):
                self._orphans.reap()  # another's, behind which others may be hidden
            return NOTHING
        if found.si_signo != signal.SIGCHLD:
            return self._told(found)
        return self._ends(found.si_pid if found.si_code in _ENDS else 0), ()

    def _told(self, found: signal.struct_siginfo) -> Woken:
        return ((), (found.si_signo,)) if self._is_sent(found) else NOTHING

    def _is_sent(self, found: signal.struct_siginfo) -> bool:
        """Whether somebody sent that signal.

        Where a stop (Ctrl-Z) or a debugger interrupts sigtimedwait, and the time is over when it goes on, CPython
        returns what happened to lie in memory: other numbers, and SIGHUP that nobody sent.
        """
        is_known = found.si_signo in self._fetched and found.si_code in _SENT
        return is_known and not found.si_errno and 0 <= found.si_pid <= _MOST_PIDS

    def _ends(self, first: int) -> Iterable[int]:
        """Of several SIGCHLD that wait only the first is kept, so others may have ended with it."""
        if first not in self._children:
            return self._hidden()
        self._may_be_more = True
        return (first,)

    def _hidden(self) -> Iterator[int]:
        """All that are over, where another's child was met first."""
        last = 0
        while (pid := _any_zombie()) and pid != last:
            if pid in self._children:
                yield pid
            elif not self._orphans.bury(pid):
                break  # another's, behind which ours may be hidden
            last = pid
        if not pid:
            return
        for pid in list(self._children):
            if os.waitid(os.P_PID, pid, _PEEK) is not None:
                yield pid

    def close(self) -> None:
        self._orphans.let_go()
        # What comes between the last wait and the end of the run asks for nothing that is not done already; unless
        # somebody is still to read what it came to.
        while (late := signal.sigtimedwait(self._fetched, 0)) is not None:
            if late.si_signo != signal.SIGCHLD and self._is_sent(late):
                keep_late(late.si_signo)
        signal.signal(signal.SIGCHLD, self._child_action)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


def _any_zombie() -> int:
    """Some child that is over, still unreaped; 0 where there is none. Only for a process that is ours alone."""
    try:
        found = os.waitid(os.P_ALL, 0, _PEEK)
    except ChildProcessError:
        return 0
    return found.si_pid if found is not None else 0


class PollWatch:
    """A pidfd for each child; where there is none (an old kernel, no descriptor left) it is asked at intervals."""

    def __init__(self, catcher: Catcher | None) -> None:
        self._catcher = catcher
        self._poll = select.poll()
        self._fds: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        self._asked: dict[int, None] = {}
        if catcher is not None:
            self._poll.register(catcher.fd, select.POLLIN)

    def add(self, pid: int) -> None:
        try:
            fd = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self._asked[pid] = None
            return
        self._fds[pid] = fd
        self._pids[fd] = pid
        self._poll.register(fd, select.POLLIN)

    def discard(self, pid: int) -> None:
        self._asked.pop(pid, None)
        fd = self._fds.pop(pid, None)
        if fd is not None:
            del self._pids[fd]
            self._poll.unregister(fd)
            os.close(fd)

    def undisturbed(self) -> AbstractContextManager[None]:
        return _NOTHING_TO_HOLD if self._catcher is None else self._catcher.undisturbed()

    def block(self, timeout: float | None) -> Woken:
        if self._asked:
            timeout = _POLLING if timeout is None else min(timeout, _POLLING)
        if self._catcher is None:
            return self._ended(timeout), ()
        catcher = self._catcher
        ended = catcher.sleep(lambda: self._ended(0 if catcher.inbox else timeout))
        return ended, catcher.received()

    def _ended(self, timeout: float | None) -> Sequence[int]:
        ready = self._poll.poll(None if timeout is None else math.ceil(max(0.0, min(timeout, _LONGEST)) * 1000))
        ended = [self._pids[fd] for fd, _ in ready if fd in self._pids]
        return ended + [pid for pid in self._asked if looks_over(pid)] if self._asked else ended

    def close(self) -> None:
        for pid in list(self._fds):
            self.discard(pid)
        if self._catcher is not None:
            self._catcher.close()
