"""The journal of a run: held, recovered, appended to; what is on record and what is in memory are always the same.

Who reads the scheduler's stream appends each batch here before anything else happens with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from taskrun.errors import StateError
from taskrun.journal.appending import Appender
from taskrun.journal.compacting import compact
from taskrun.journal.lines import to_lines
from taskrun.journal.lists import Lists
from taskrun.journal.lock import Lock
from taskrun.journal.noting import records_of
from taskrun.journal.reading import JOURNAL, cannot
from taskrun.journal.records import Records
from taskrun.journal.recovering import open_end, recover
from taskrun.journal.syncing import Syncer
from taskrun.journal.weighing import is_mostly_history
from taskrun.model import AnyRecord, Event, RunRecord


def _no_look(records: Records) -> None:
    """Whatever there is, the run goes on."""


class Log(Protocol):
    """Where the events of a run go before anybody sees them."""

    records: Records

    def append(self, events: Sequence[Event]) -> None:
        """Put a batch on record."""

    def amend(self, records: Sequence[AnyRecord]) -> None:
        """Put on record what no event leaves: a takeover, a reset, what a user marks as done."""

    def check(self) -> None:
        """Raise StateError where nothing more can go on record, which is known within a second."""

    def part_with(self, last: Callable[[], None]) -> None:
        """What is to be done when the journal is closed and whole, and the state is still held."""

    def close(self) -> None:
        """Nothing follows."""


class Journal:
    """The journal on disk. Its directory is held until `close`. `is_read`: the records are all that is in it."""

    def __init__(
        self, lock: Lock, appender: Appender, records: Records, run: RunRecord, *, is_read: bool = True
    ) -> None:
        self.records = records
        self._is_read = is_read
        self._last: Callable[[], None] | None = None
        self._run = run.run
        self._lock = lock
        self._appender = appender
        self._lists = Lists()
        for digest, paths in records.paths.items():
            self._lists.know(digest, paths)
        for digest, figures in records.figures.items():
            self._lists.know(digest, figures)
        self._syncer = Syncer(appender, lock)
        self._is_open = True

    @classmethod
    def open(
        cls, directory: str, *, source: str, run: RunRecord, look: Callable[[Records], None] = _no_look
    ) -> Journal:
        """Hold `directory` for `run`, recover what is there, and put the run on record; before that, `look` at what
        there is: where it raises, nothing is put there.

        `source` names what the study was made from: a directory that holds the state of another one is refused.
        Raises StateHeldError where another run holds it, StateError where it cannot be read or written.
        """
        _make(directory)
        lock = Lock.take(directory, run)
        try:
            path = os.path.join(directory, JOURNAL)
            descriptor, tail, records = recover(path, source=source)
            journal = cls(lock, Appender(path, descriptor, tail), records, run)
        except StateError:
            lock.release()
            raise
        with ExitStack() as leaving:
            leaving.callback(journal._let_go)
            look(records)
            journal._append([run])
            journal._syncer.start()
            leaving.pop_all()
        return journal

    @classmethod
    def resume(cls, directory: str, *, run: RunRecord, is_known: Callable[[], bool]) -> Journal | None:
        """Hold `directory` for `run` and append to its journal without reading it; None where, once it is held, the
        journal is not the one that `is_known`, or was not left by a clean end. Raises as `open`.
        """
        lock = Lock.take(directory, run)
        with ExitStack() as leaving:
            leaving.callback(lock.release)
            path = os.path.join(directory, JOURNAL)
            found = open_end(path) if is_known() else None
            if found is None:
                return None
            journal = cls(lock, Appender(path, *found), Records(), run, is_read=False)
            leaving.pop_all()
        with ExitStack() as leaving:
            leaving.callback(journal._let_go)
            journal._append([run])
            journal._syncer.start()
            leaving.pop_all()
        return journal

    def append(self, events: Sequence[Event]) -> None:
        """Put a batch of events on record, in one write; raises StateError when that cannot be done any more, and from
        then on each time.
        """
        self.amend(records_of(events, self._run))

    def amend(self, records: Sequence[AnyRecord]) -> None:
        """Put records that no event leaves on record, in one write; raises StateError as `append` does."""
        if records:
            self._syncer.check()
            self._append(records)

    def check(self) -> None:
        """Raise StateError where nothing more can go on record: the disk is full, the directory deleted, taken over.

        Asks the system nothing: the thread beside does that once a second.
        """
        self._syncer.check()
        self._appender.check_failed()

    def part_with(self, last: Callable[[], None]) -> None:
        """See `Log.part_with`."""
        self._last = last

    def close(self) -> None:
        """Sync, mark, let the directory go; a journal that a run which came to its end leaves mostly as history is
        compacted. Raises StateError where the last of it may not be on disk.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._syncer.stop()
        try:
            self._syncer.check()
            self._appender.sync()
            self._appender.check()
            self._compact()
            if self._last is not None:
                self._lock.touch()  # it is still ours
                self._last()
        finally:
            self._let_go()

    def _append(self, records: Sequence[AnyRecord]) -> None:
        self._appender.write(to_lines(self._lists.pack_all(records)))
        apply = self.records.apply
        for record in records:
            apply(record)
        self._syncer.wake()

    def _compact(self) -> None:
        has_ended = self._is_read and self._run in self.records.run_ends
        if has_ended and is_mostly_history(self.records, self._appender.size):
            self._lock.touch()  # it is still ours
            compact(self._appender.path, self.records)

    def _let_go(self) -> None:
        self._is_open = False
        self._appender.close()
        self._lock.release()


class MemoryJournal:
    """A journal that writes nothing: for a dry run, and for a manager that keeps no state."""

    def __init__(self, records: Records, run: str = "") -> None:
        self.records = records
        self._run = run

    def append(self, events: Sequence[Event]) -> None:
        """Take the batch in."""
        self.amend(records_of(events, self._run))

    def amend(self, records: Sequence[AnyRecord]) -> None:
        """Take the records in."""
        for record in records:
            self.records.apply(record)

    def check(self) -> None:
        """Memory does not go away."""

    def part_with(self, last: Callable[[], None]) -> None:
        """There is no state to be held."""

    def close(self) -> None:
        """Nothing follows."""


def _make(directory: str) -> None:
    """The state directory, which version control is to leave alone."""
    ignore = os.path.join(directory, ".gitignore")
    try:
        os.makedirs(directory, exist_ok=True)
        if not os.path.lexists(ignore):
            with open(ignore, "w", encoding="ascii") as file:
                file.write("*\n")
    except OSError as error:
        raise cannot("make", directory, error) from None
