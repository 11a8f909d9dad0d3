"""Signals in a host program: those that stop a run are caught while it is on in the main thread, then handed on.

The host's handlers for others are called all the same, but never in the middle of something: what they raise comes
out of a wait, or of the host's own code. Several runs of one process share all this, so that it does not matter which
of them ends first. What a run was stopped by was meant for the host too: `hand_on_signals` gives it to the host's own
handlers once these are back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from taskrun.descriptors import above_standard
from taskrun.errors import UsageError
from taskrun.interrupt import STOPPING

Action = Callable[[int, FrameType | None], object] | int | None
_Result = TypeVar("_Result")

_DEAF = (
    "this program ignores SIGCHLD, so that nobody could learn how a command ended; "
    "call signal.signal(signal.SIGCHLD, signal.SIG_DFL) first, or run this in the main thread"
)


class Catcher:
    """One run's share, from construction in the main thread to `close`.

    `reap` takes the exit statuses of all children of the run that are over, and says whether there were any: called
    before a handler of the host's that may take those of all children. `is_quiet`: all of it is as `undisturbed`, from
    the first moment to the last.
    """

    def __init__(self, *, is_quiet: bool = False) -> None:
        self.inbox: list[int] = []
        self.is_quiet = is_quiet
        self.reap: Callable[[], bool] = _nothing_to_reap
        self._installed = _join(self)
        self.fd = self._installed.reading

    def sleep(self, wait: Callable[[], _Result]) -> _Result:
        """Call `wait` with `fd` readable from the moment in which a signal arrives; the host's handlers come meanwhile.

        Without it a poll just begun sleeps through a signal: its handler runs between two instructions, and another
        thread may have been interrupted.
        """
        return self._installed.sleep(wait) if _is_main() else wait()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Hold the host's handlers up meanwhile: they may raise what they like, and take exit statuses of children."""
        if not _is_main():
            yield
            return
        with self._installed.keep_out():
            yield

    def open_up(self) -> None:
        """Until `shut` the host's handlers come, and first those that had to wait."""
        if _is_main():
            self._installed.open_up()

    def shut(self) -> None:
        """Hold them up again. In another thread there is nothing to do: the main one has opened up before it left."""
        if _is_main():
            self._installed.shut()

    def received(self) -> list[int]:
        """The signals since the last call."""
        taken, self.inbox = self.inbox, []
        return taken

    def close(self) -> None:
        """Let go; the last one puts the old handlers back."""
        _leave(self)


def hold_signals(*, is_quiet: bool = False) -> Catcher | None:
    """For a run in a host program: what comes from now on until `close` stops that run and nothing else.

    None outside the main thread: there are no handlers there. UsageError where no exit status could be had: SIGCHLD
    is ignored, and only the main thread can change that.
    """
    if _is_main():
        return Catcher(is_quiet=is_quiet)
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        raise UsageError(_DEAF)
    return None


def keep_late(number: int) -> None:
    """A signal of the `taskrun` command's that came when its run was over."""
    _late.append(number)


def hand_on_late() -> None:
    """As if it came now: nothing of the run is left that it could harm."""
    late = _late[:]
    _late.clear()
    for number in late:
        signal.raise_signal(number)


def hand_on_signals() -> None:
    """Give what was caught to the host's own handlers, each signal once; nothing where another run is still on.

    To be called last of all: a SIGTERM that the host does not handle ends the process here and now.
    """
    if not _is_main() or (_installed is not None and _installed.members):
        return
    # Those whose default ends the process come first: nothing that a SIGINT raises may swallow them.
    numbers = sorted({*_caught}, key=lambda number: (number == signal.SIGINT, number))
    _caught.clear()
    for number in numbers:
        signal.raise_signal(number)


class _Installed:
    """The handlers, and the pipe into which Python writes the number of each signal while somebody listens.

    A handler that was not set from Python (None) could not be put back, so it stays; what the host ignores stays
    ignored, but for SIGCHLD: where that is ignored the kernel throws exit statuses away.
    """

    def __init__(self, member: Catcher) -> None:
        self.members = [member]
        self.reading = self._writing = -1
        self._pipe: list[int] = []
        self._hosts_fd: int | None = None
        self._is_closed = True  # to the host's handlers
        self.late: list[int] = []  # what they have to be called for
        self._old: dict[int, Action] = {}
        self._ours: dict[int, Action] = {}

    def install(self) -> None:
        """To be undone with `remove` if it raises: a handler of the host's may do that until it is replaced."""
        for number in signal.valid_signals():
            old = signal.getsignal(number)
            if number in STOPPING and old not in (None, signal.SIG_IGN):
                self._replace(number, old, _note)
            elif number == signal.SIGCHLD and old is signal.SIG_IGN:
                self._replace(number, old, signal.SIG_DFL)
            elif number not in STOPPING and callable(old):
                self._replace(number, old, _pass_on)
        self._pipe = [above_standard(descriptor) for descriptor in os.pipe()]
        self.reading, self._writing = self._pipe
        for descriptor in self._pipe:
            os.set_blocking(descriptor, False)

    def _replace(self, number: int, old: Action, new: Action) -> None:
        self._old[number], self._ours[number] = old, new
        signal.signal(number, new)

    def shut(self) -> None:
        """Hold the host's handlers up until `open_up`."""
        self._is_closed = True

    def open_up(self) -> None:
        """To the host's handlers, and first to those that had to wait."""
        self._is_closed = False
        self._catch_up()

    @contextmanager
    def keep_out(self) -> Iterator[None]:
        before, self._is_closed = self._is_closed, True
        try:
            yield
        finally:
            self._is_closed = before
            self._catch_up()

    def sleep(self, wait: Callable[[], _Result]) -> _Result:
        with self.keep_out(), self.listening():
            try:
                self.open_up()
                return wait()
            finally:
                self._is_closed = True  # no call, in which a handler could come first

    @contextmanager
    def listening(self) -> Iterator[None]:
        """The host has its own descriptor for this back whenever its own code runs, and misses no number."""
        before, outer = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False), self._hosts_fd
        self._hosts_fd = before if outer is None else outer
        try:
            yield
        finally:
            now = _set_wakeup_fd(before)
            if now != self._writing:  # changed by a handler meanwhile
                _set_wakeup_fd(now)
            self._hosts_fd = outer
            self._forward(now if now != self._writing else before)

    def _forward(self, fd: int) -> None:
        try:
            numbers = os.read(self.reading, 4096)
        except BlockingIOError:
            return
        theirs = bytes(number for number in numbers if number not in STOPPING or number not in self._old)
        if theirs and fd >= 0:
            with suppress(OSError):  # full, or closed by its owner
                os.write(fd, theirs)

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """Call the host's own handler, now or as soon as it does no harm."""
        if self._is_closed:
            self.late.append(number)
            return
        old = self._old.get(number)
        if callable(old) and (number != signal.SIGCHLD or self._is_hosts_child()):
            old(number, frame)

    def _is_hosts_child(self) -> bool:
        """A child has ended: ours are reaped first, and where it was the host's, the host may take what it finds.

        What ends in this very moment it takes too: then the result of a task of ours is lost.
        """
        while any(member.reap() for member in self.members):
            pass
        return _is_anyone_over()

    def _catch_up(self) -> None:
        while self.late and not self._is_closed:
            self.pass_on(self.late.pop(0), sys._getframe())

    def remove(self) -> None:
        """Put the old handlers back, and call those that had to wait. Each may raise as soon as it is back."""
        self.hang_up()
        self._restore()

    def hang_up(self) -> None:
        """Listen no more, for ever."""
        hosts, self._hosts_fd = self._hosts_fd, None
        if hosts is not None:
            _set_wakeup_fd(hosts)
        while self._pipe:
            os.close(self._pipe.pop())

    def _restore(self) -> None:
        try:
            while self._old:
                number, old = next(iter(self._old.items()))
                if signal.getsignal(number) == self._ours[number]:  # else the host has set another one meanwhile
                    signal.signal(number, old)
                self._old.pop(number, None)
            while self.late:
                signal.raise_signal(self.late.pop(0))
        finally:
            if self._old or self.late:
                self._restore()


_installed: _Installed | None = None
_caught: list[int] = []
_late: list[int] = []


def _note(number: int, frame: FrameType | None) -> None:
    if _installed is not None and _installed.members:
        _caught.append(number)
        for member in _installed.members:
            member.inbox.append(number)
        return
    _remove()  # the last one was closed in another thread, which could not
    signal.raise_signal(number)


def _pass_on(number: int, frame: FrameType | None) -> None:
    if _installed is not None and _installed.members:
        _installed.pass_on(number, frame)
        return
    _remove()  # as above
    signal.raise_signal(number)


def _join(catcher: Catcher) -> _Installed:
    global _installed
    if _installed is None:
        _caught.clear()  # whoever ran before did not want it
        installed = _installed = _Installed(catcher)
        try:
            installed.install()
        except BaseException:
            installed.members.clear()
            _remove()
            raise
        if not catcher.is_quiet:
            installed.open_up()
        return installed
    if catcher.is_quiet:
        _installed.shut()
    _installed.members.append(catcher)
    return _installed


def _leave(catcher: Catcher) -> None:
    if _installed is None or catcher not in _installed.members:
        return
    if not _is_main():
        _installed.members.remove(catcher)
        return
    if _installed.members == [catcher]:
        _installed.shut()
        _installed.hang_up()
    _installed.members.remove(catcher)
    if not _installed.members:
        _remove()
    elif catcher.is_quiet:
        _installed.open_up()


def _remove() -> None:
    global _installed
    installed = _installed
    if installed is not None:
        try:
            installed.remove()
        finally:
            _installed = None


def _forget() -> None:
    """In a forked child: it has the handlers that it would have without us, and what was caught is its parent's."""
    _caught.clear()
    if _installed is not None:
        _installed.members.clear()
        _installed.late.clear()
        _remove()


os.register_at_fork(after_in_child=_forget)


def _nothing_to_reap() -> bool:
    return False


def _is_anyone_over() -> bool:
    """Whether a child waits to be reaped, or to be looked at for having stopped."""
    flags = os.WEXITED | os.WSTOPPED | os.WCONTINUED | os.WNOHANG | os.WNOWAIT
    try:
        return os.waitid(os.P_ALL, 0, flags) is not None
    except ChildProcessError:
        return False


def _set_wakeup_fd(fd: int) -> int:
    try:
        return signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
    except (OSError, ValueError):  # its owner has closed it
        return signal.set_wakeup_fd(-1)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
