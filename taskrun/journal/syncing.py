"""A thread of its own syncs the journal at most once a second and touches the lock: the loop waits for no disk.

Once a second it also looks whether the journal is still there. It blocks every signal, so that it takes none from the
thread that waits for them, and keeps no process alive.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from taskrun.errors import StateError
from taskrun.journal.appending import Appender
from taskrun.journal.lock import TOUCH_EVERY, Lock

_SYNC_EVERY = 1.0
_TOO_LONG = 3 * TOUCH_EVERY


class Syncer:
    """Cares for a held and open journal from `start` to `stop`."""

    def __init__(self, appender: Appender, lock: Lock) -> None:
        self._appender = appender
        self._lock = lock
        self._touched = time.time()
        self._is_dirty = threading.Event()
        self._is_over = threading.Event()
        self._failure: StateError | None = None
        self._thread = threading.Thread(target=self._work, name="taskrun-journal", daemon=True)

    def start(self) -> None:
        """Begin. The thread inherits the signal mask, so it is born with all of them blocked. StateError where the
        system has no thread for us.
        """
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        except RuntimeError:
            raise StateError("no thread can be started to keep the state; is `ulimit -u` reached?") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def check(self) -> None:
        """Raise what has gone wrong in the thread; look after the lock here where it was asleep (a suspended host)."""
        if self._failure is None and time.time() - self._touched > _TOO_LONG:
            self._try(self._touch)
        if self._failure is not None:
            raise self._failure

    def wake(self) -> None:
        """There is something to sync."""
        if not self._is_dirty.is_set():
            self._is_dirty.set()

    def stop(self) -> None:
        """Wait for the thread to end."""
        self._is_over.set()
        self._is_dirty.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_over.is_set():
            if self._is_dirty.wait(_SYNC_EVERY):
                self._is_dirty.clear()
                self._try(self._appender.sync)
                self._is_over.wait(_SYNC_EVERY)
            if self._is_over.is_set():
                return
            self._try(self._appender.check)
            if not 0 <= time.time() - self._touched < TOUCH_EVERY:
                self._try(self._touch)

    def _touch(self) -> None:
        self._touched = time.time()
        self._lock.touch()
        self._appender.check()

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except StateError as error:
            self._failure = self._failure or error
