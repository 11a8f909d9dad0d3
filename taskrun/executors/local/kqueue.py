"""Waiting where there are no pidfds: kqueue, on macOS and the BSDs.

The same rules as in `wait`: nothing here reaps.
"""

from __future__ import annotations

import select
import sys
from contextlib import AbstractContextManager, nullcontext

from taskrun.executors.local.catch import Catcher

if sys.platform != "linux":

    class KqueueWatch:
        """One event for each child's end."""

        def __init__(self, catcher: Catcher | None) -> None:
            self._catcher = catcher
            self._queue = select.kqueue()
            self._over: list[int] = []
            if catcher is not None:
                readable = select.kevent(catcher.fd, select.KQ_FILTER_READ, select.KQ_EV_ADD)
                self._queue.control([readable], 0)

        def add(self, pid: int) -> None:
            end = select.kevent(
                pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
            )
            try:
                self._queue.control([end], 0)
            except ProcessLookupError:
                self._over.append(pid)  # quicker than we were

        def discard(self, pid: int) -> None:
            """The event came once and is gone."""

        def undisturbed(self) -> AbstractContextManager[None]:
            return nullcontext() if self._catcher is None else self._catcher.undisturbed()

        def block(self, timeout: float | None) -> tuple[list[int], list[int]]:
            over, self._over = self._over, []
            if over:
                timeout = 0
            if self._catcher is None:
                return over + self._ended(timeout), []
            catcher = self._catcher
            over += catcher.sleep(lambda: self._ended(0 if catcher.inbox else timeout))
            return over, catcher.received()

        def _ended(self, timeout: float | None) -> list[int]:
            events = self._queue.control(None, 64, timeout)
            return [event.ident for event in events if event.filter == select.KQ_FILTER_PROC]

        def close(self) -> None:
            self._queue.close()
            if self._catcher is not None:
                self._catcher.close()
