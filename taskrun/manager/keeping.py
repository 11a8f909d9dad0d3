"""What a run remembers, and for how long: on disk for the next one, or in memory for as long as the program lives.

A run asks its keeping for a journal and does not know which of the two it has.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from taskrun.journal import Journal, Log, MemoryJournal, Records, read_journal
from taskrun.model import RunRecord


class Keeping(Protocol):
    """How the state directory `state` is used. `is_lasting`: what lies there is found again."""

    @property
    def is_lasting(self) -> bool: ...

    def open(self, state: str, *, source: str, run: RunRecord) -> Log:
        """The journal of a run, held until it is closed. StateHeldError, or StateError where it cannot be had."""

    def read(self, state: str, *, source: str) -> Records:
        """What is on record, without a lock. StateError where it cannot be read."""


class OnDisk:
    """Implements `Keeping`: a journal in the state directory, which one run at a time holds."""

    is_lasting = True

    def open(self, state: str, *, source: str, run: RunRecord) -> Log:
        """See `Keeping.open`."""
        return Journal.open(state, source=source, run=run)

    def read(self, state: str, *, source: str) -> Records:
        """See `Keeping.read`."""
        return read_journal(state, source=source) or Records()


class InMemory:
    """Implements `Keeping`: nothing is on record, nobody is kept out; `state` holds logs and scripts meanwhile."""

    is_lasting = False

    def open(self, state: str, *, source: str, run: RunRecord) -> Log:
        """See `Keeping.open`."""
        return MemoryJournal(Records(), run.run)

    def read(self, state: str, *, source: str) -> Records:
        """See `Keeping.read`."""
        return Records()


class AlreadyRead:
    """Implements `Keeping` for whoever only looks, and has read what is on record."""

    is_lasting = True

    def __init__(self, records: Records) -> None:
        self._records = records

    def open(self, state: str, *, source: str, run: RunRecord) -> Log:
        """Nothing is put on record here."""
        raise AssertionError("who only looks runs nothing")

    def read(self, state: str, *, source: str) -> Records:
        """See `Keeping.read`."""
        return self._records


ON_DISK = OnDisk()
IN_MEMORY = InMemory()


class Scratch:
    """A private temporary directory that lives as long as this object, and no longer than the process that made it."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._rooms = 0

    def room(self) -> str:
        """A new place in it for one run, so that no log is overwritten by that of the next. OSError as of `mkdtemp`."""
        if self._path is None:
            import tempfile

            self._path = tempfile.mkdtemp(prefix="taskrun-")
            weakref.finalize(self, _remove, self._path, os.getpid())
        self._rooms += 1
        return os.path.join(self._path, str(self._rooms))


def _remove(path: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child, which ends before the program does
    import shutil

    shutil.rmtree(path, ignore_errors=True)
