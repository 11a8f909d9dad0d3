"""Appends whole lines to an open file, or none; never leaves half of one before the next.

A write that fails or falls short (a full disk, a quota, a limit) is cut back to the last whole line, and nothing
follows it: what would come next may build on what was lost, also where there is room again.
"""

from __future__ import annotations

import os
import threading

from taskrun.errors import StateError
from taskrun.journal.checksums import Tail
from taskrun.journal.lines import to_line
from taskrun.journal.reading import cannot
from taskrun.model import SyncedRecord

_sync = os.fdatasync if hasattr(os, "fdatasync") else os.fsync


class Appender:
    """An open journal that ends in a whole line at its `tail`. Two threads may use it."""

    def __init__(self, path: str, descriptor: int, tail: Tail) -> None:
        self.path = path
        self._descriptor = descriptor
        self._tail = tail
        self._synced = 0
        self._unsynced = tail.size  # the byte up to which records go; marks are not worth a sync
        self._guard = threading.Lock()
        self._failure: StateError | None = None
        found = os.fstat(descriptor)
        self._file = (found.st_dev, found.st_ino)

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self._tail.size

    @property
    def is_dirty(self) -> bool:
        """Whether there are records that no sync has covered."""
        return self._unsynced > self._synced

    def write(self, lines: bytes) -> None:
        """Append whole lines in one write; raises StateError with the system's words, after cutting back, and from
        then on each time.
        """
        with self._guard:
            self._write(lines)
            self._unsynced = self._tail.size

    def sync(self) -> None:
        """Sync what has been written and append the mark that says so. Blocks nobody who writes meanwhile."""
        with self._guard:
            if not self.is_dirty:
                return
            tail = self._tail
        try:
            _sync(self._descriptor)
        except OSError as error:
            raise cannot("sync", self.path, error) from None
        with self._guard:
            self._synced = tail.size
            self._write(to_line(SyncedRecord(upto=tail.size, crc=tail.crc)))

    def check_failed(self) -> None:
        """Raise what a write has failed with."""
        if self._failure is not None:
            raise StateError(str(self._failure))

    def check(self) -> None:
        """Raise StateError where nothing more can go on record: a write has failed, or the file is not at its path any
        more, and what is written to it is lost.
        """
        self._look()

    def _look(self) -> int:
        """The size of the file, with all that `check` says."""
        self.check_failed()
        try:
            found = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            raise StateError(f"{self.path} was deleted or moved during the run; this run writes nothing more") from None
        except OSError as error:
            raise cannot("find", self.path, error) from None
        if (found.st_dev, found.st_ino) != self._file:
            raise StateError(f"{self.path} was replaced during the run; this run writes nothing more")
        return found.st_size

    def close(self) -> None:
        """Close the file as it is."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _write(self, lines: bytes) -> None:
        try:
            if self._look() > self._tail.size:  # smaller it may seem: a file server need not know yet
                raise StateError(
                    f"{self.path} was written to by another run meanwhile (was its lock deleted?); this one writes "
                    "nothing more"
                )
            self._write_out(lines)
        except StateError as failure:
            self._failure = self._failure or failure
            raise
        self._tail = self._tail.after(lines)

    def _write_out(self, lines: bytes) -> None:
        written = 0
        try:
            written = os.write(self._descriptor, lines)
            while written < len(lines):  # the system says why only when asked for the rest
                written += os.write(self._descriptor, lines[written:])
        except OSError as error:
            whole = lines.rfind(b"\n", 0, written) + 1
            self._cut_back(self._tail.after(lines[:whole]))
            raise cannot("write", self.path, error) from None

    def _cut_back(self, tail: Tail) -> None:
        try:
            os.ftruncate(self._descriptor, tail.size)
        except OSError as error:
            raise cannot("write", self.path, error) from None
        self._tail = tail
        self._unsynced = tail.size
