"""What is on record: append, recover, compact, hold; a reader needs no lock and a run never writes half a line."""

from __future__ import annotations

from taskrun.journal.following import Follower
from taskrun.journal.lock import Holder, read_holder
from taskrun.journal.reading import JOURNAL, read_header, read_journal
from taskrun.journal.records import Records, open_attempts
from taskrun.journal.writing import Journal, Log, MemoryJournal

__all__ = [
    "JOURNAL",
    "Follower",
    "Holder",
    "Journal",
    "Log",
    "MemoryJournal",
    "Records",
    "open_attempts",
    "read_header",
    "read_holder",
    "read_journal",
]
