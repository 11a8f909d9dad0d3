"""Signals in a host program: caught while a run waits in the main thread, and put back when the last such run is over.

Several runs of one process share the handlers, so that it does not matter which of them ends first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from taskrun.interrupt import heeded

Action = Callable[[int, FrameType | None], object] | int | None


class Catcher:
    """One run's share: `fd` is readable when a signal may have come, `received` tells which."""

    def __init__(self) -> None:
        self.inbox: list[int] = []
        self.fd = _join(self)

    def received(self) -> list[int]:
        """The signals since the last call."""
        _distribute()
        taken, self.inbox = self.inbox, []
        return taken

    def close(self) -> None:
        """Let go; the last one puts the old handlers back."""
        _leave(self)


class _Installed:
    """The handlers and the pipe: Python writes each signal's number into it in the very moment of its arrival.

    A handler alone would not do: it runs between two instructions, so that a poll just begun sleeps through it.
    """

    def __init__(self) -> None:
        self.members: list[Catcher] = []
        self.heeded = frozenset(int(number) for number in heeded(_is_ignored))
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self._writing, False)
        self._old_fd = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        # A handler that was not set from Python (None) could not be put back, so it stays.
        present = {number: signal.getsignal(number) for number in self.heeded}
        self._old: dict[int, Action] = {number: old for number, old in present.items() if old is not None}
        for number in self._old:
            signal.signal(number, _ignore)

    def remove(self) -> None:
        for number, old in self._old.items():
            if signal.getsignal(number) is _ignore:
                signal.signal(number, old)
        signal.set_wakeup_fd(self._old_fd)
        os.close(self.reading)
        os.close(self._writing)


_installed: _Installed | None = None


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _ignore(number: int, frame: FrameType | None) -> None:
    """What matters has happened: the number is in the pipe."""


def _join(catcher: Catcher) -> int:
    global _installed
    if _installed is None:
        _installed = _Installed()
    _installed.members.append(catcher)
    return _installed.reading


def _leave(catcher: Catcher) -> None:
    global _installed
    if _installed is None or catcher not in _installed.members:
        return
    _installed.members.remove(catcher)
    if not _installed.members:
        _installed.remove()
        _installed = None


def _distribute() -> None:
    if _installed is None:
        return
    try:
        numbers = os.read(_installed.reading, 4096)
    except BlockingIOError:
        return
    for number in numbers:
        if number in _installed.heeded:
            for catcher in _installed.members:
                catcher.inbox.append(number)
