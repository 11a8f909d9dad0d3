"""Writes a journal anew with nothing but what still counts: one start, spawn, end and skip of each task.

Starts and ends keep their order among each other, because "ran since" goes by it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterable, Iterator

from taskrun.journal.lines import to_line, to_lines
from taskrun.journal.lists import Lists
from taskrun.journal.records import Records
from taskrun.model import AnyRecord, Past, SyncedRecord

_BATCH = 1000


def compact(path: str, records: Records) -> bool:
    """Replace the journal at `path` by a compact one that says the same; False where there is no room for it.

    That is no error: a long journal costs time and nothing else.
    """
    lists = Lists()
    runs, _ = records.referred()
    temporary = f"{path}.new"
    try:
        with open(temporary, "wb") as file:
            for lines in _batches(live_records(records, runs, lists)):
                file.write(lines)
            file.write(to_line(SyncedRecord(upto=file.tell())))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_directory(os.path.dirname(path))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    records.keep(runs=runs, lists=lists.written)
    return True


def sync_directory(directory: str) -> None:
    """Make sure that what was made or renamed in it outlives a crash of the machine."""
    descriptor = os.open(directory or ".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def live_records(records: Records, runs: Container[str], lists: Lists) -> Iterator[AnyRecord]:
    """What a compact journal holds, in order."""
    yield records.header
    yield from (record for run, record in records.runs.items() if run in runs)
    for _, record in sorted(_events(records.pasts()), key=lambda event: event[0]):
        yield from lists.pack(record)
    yield from (record for run, record in records.run_ends.items() if run in runs)


def _events(pasts: Iterable[Past]) -> Iterator[tuple[tuple[int, int], AnyRecord]]:
    for past in pasts:
        if past.start is not None:
            yield (past.started, 0), past.start
        if past.spawn is not None:
            yield (past.started, 1), past.spawn
        if past.end is not None:
            yield (past.ended, 0), past.end
        if past.skip is not None:
            yield (max(past.started, past.ended), 2), past.skip


def _batches(records: Iterator[AnyRecord]) -> Iterator[bytes]:
    batch: list[AnyRecord] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield to_lines(batch)
            batch.clear()
    yield to_lines(batch)
