"""The content of files as digests: read once, remembered as long as size, mtime, ctime and inode are what they were.

Little is read on the spot; much is read by a thread of its own, and whoever asked asks again.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from operator import itemgetter
from queue import SimpleQueue

from taskrun.digests import blake2b
from taskrun.freshness.looks import Directory, Look, Without, files_below, look_at, size_of

AT_ONCE = 8 << 20  # bytes that are read on the spot, at most, between two calls of `refill`
_BLOCK = 1 << 20
_NOTHING: Without = frozenset()
_TRIES = 3  # for a file that changes while it is read
_CHANGING = ""
_GIVEN_UP_FOR = 10.0  # seconds for which nobody waits again for a file that did not stand still

_Place = tuple[str, Without]  # a path, and what of a directory there is left out
_Places = SimpleQueue[_Place | None]


class Contents:
    """Digests by the path of a file. `waits`: whoever asks gets all at once, however long that takes."""

    def __init__(self, *, waits: bool = False) -> None:
        self._waits = waits
        self._known: dict[_Place, tuple[Look, str]] = {}
        self._left = AT_ONCE
        self._asked: set[_Place] = set()
        self._given_up: dict[_Place, float] = {}  # when the thread could not read a file, by the steady clock
        self._places: _Places | None = None
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def refill(self) -> None:
        """From here on so much is read on the spot again."""
        self._left = AT_ONCE

    def of(self, path: str, look: Look, *, waits: bool = False) -> str | None:
        """The digest of what lies there, "" where it cannot be had; None: it is being read, ask again."""
        if look is None:
            return ""
        place = path, look.without if isinstance(look, Directory) else _NOTHING
        known = self._known.get(place)
        if known is not None and known[0] == look:
            return known[1]
        if time.monotonic() - self._given_up.get(place, -_GIVEN_UP_FOR) < _GIVEN_UP_FOR:
            return _CHANGING
        size = size_of(look)
        if not (waits or self._waits) and size > self._left:
            self._ask(place)
            return None
        self._left -= size
        return self._read(place, look)

    def close(self) -> None:
        """Read nothing more."""
        self._is_over.set()
        if self._places is not None and self._thread is not None:
            self._places.put(None)
            self._thread.join()

    def _read(self, place: _Place, look: Look) -> str:
        """The digest of the content that goes with this look; "" where the file is not what it was then."""
        seen, digest = _stable_digest(place, look, self._is_over)
        if not self._is_over.is_set():
            self._known[place] = seen, digest
        return digest if seen == look else _CHANGING

    def _ask(self, place: _Place) -> None:
        if place in self._asked:
            return
        self._asked.add(place)
        if self._places is None:
            self._places = SimpleQueue()
            self._thread = threading.Thread(
                target=self._work, args=(self._places,), name="taskrun-contents", daemon=True
            )
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # which the thread inherits
            try:
                self._thread.start()
            except RuntimeError:  # the system has none for us: who asks waits
                self._places = self._thread = None
                self._work_on(place)
                return
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._places.put(place)

    def _work(self, places: _Places) -> None:
        while (place := places.get()) is not None:
            if self._is_over.is_set():
                return
            self._work_on(place)

    def _work_on(self, place: _Place) -> None:
        look = look_at(*place)
        if look is not None and self._read(place, look) == _CHANGING:
            self._given_up[place] = time.monotonic()
        self._asked.discard(place)


def _stable_digest(place: _Place, look: Look, is_over: threading.Event) -> tuple[Look, str]:
    """A look, and the digest of what was there at that look; "" for a file that does not stand still."""
    for _ in range(_TRIES):
        digest = _digest(place, look, is_over)
        now = look_at(*place)
        if now == look:
            return look, digest
        look = now
    return look, _CHANGING


def _digest(place: _Place, look: Look, is_over: threading.Event) -> str:
    """Of a file's content, or of the names and contents of a directory's files."""
    path, without = place
    try:
        if not isinstance(look, Directory):
            return _file_digest(path, is_over)
        found = blake2b(digest_size=16)
        for name, entry in sorted(files_below(path, os.stat(path), without), key=itemgetter(0)):
            is_file = entry is not None and stat.S_ISREG(entry.st_mode)
            inside = _file_digest(os.path.join(path, os.fsdecode(name)), is_over) if is_file else "-"
            found.update(b"%b\0%b\0" % (name, inside.encode()))
        return found.hexdigest()
    except OSError:
        return ""


def _file_digest(path: str, is_over: threading.Event) -> str:
    found = blake2b(digest_size=16)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "-"
        while not is_over.is_set() and (block := os.read(descriptor, _BLOCK)):
            found.update(block)
    finally:
        os.close(descriptor)
    return found.hexdigest()
