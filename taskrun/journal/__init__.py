"""What is on record: append, recover, compact, hold; a reader needs no lock and a run never writes half a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskrun.journal.following import Follower
from taskrun.journal.lock import Holder, held, read_holder
from taskrun.journal.reading import JOURNAL, is_begun, no_journal, read_header, read_journal, read_last_run
from taskrun.journal.records import Records, handle_of
from taskrun.journal.writing import Journal, Log, MemoryJournal

if TYPE_CHECKING:
    from taskrun.journal.repairing import Repaired, advice, repair
    from taskrun.journal.verifying import Damage, Verdict, verify

__all__ = [
    "JOURNAL",
    "Damage",
    "Follower",
    "Holder",
    "Journal",
    "Log",
    "MemoryJournal",
    "Records",
    "Repaired",
    "Verdict",
    "advice",
    "handle_of",
    "held",
    "is_begun",
    "no_journal",
    "read_header",
    "read_holder",
    "read_journal",
    "read_last_run",
    "repair",
    "verify",
]

_RARE = {
    "Damage": "verifying",
    "Repaired": "repairing",
    "Verdict": "verifying",
    "advice": "repairing",
    "repair": "repairing",
    "verify": "verifying",
}


def __getattr__(name: str) -> object:
    """What no run needs is imported when it is first asked for (PEP 562)."""
    if name not in _RARE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_RARE[name]}"), name)
