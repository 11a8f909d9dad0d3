"""Writes a journal anew with nothing but what still counts: one start, spawn, end and skip of each task.

Starts and ends keep their order among each other, because "ran since" goes by it. What was confirmed or taken over
stands in them; of a reset only the count of the attempts is left. A run without an end stands there twice: the second
time where its last record was, with the time of that one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain

from msgspec import structs

from taskrun.journal.checksums import Tail
from taskrun.journal.lines import to_line, to_lines
from taskrun.journal.lists import Lists
from taskrun.journal.records import Records
from taskrun.model import AnyRecord, ConfirmRecord, EndRecord, Past, ResetRecord, StartRecord, SyncedRecord

_BATCH = 1000


def sync_directory(directory: str) -> None:
    """Make sure that what was made or renamed in it outlives a crash of the machine."""
    descriptor = os.open(directory or ".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def compact(path: str, records: Records, *, sync: Callable[[str], None] = sync_directory) -> Tail | None:
    """Replace the journal at `path` by a compact one that says the same; None where there is no room for it.

    That is no error: a long journal costs time and nothing else.
    """
    try:
        return rewrite(path, records, sync=sync)
    except OSError:
        return None


def rewrite(path: str, records: Records, *, sync: Callable[[str], None] = sync_directory) -> Tail:
    """Replace the journal at `path`, or leave it as it is and raise OSError.

    It is no error where the directory cannot be synced: after a crash of the machine the old journal may be there
    again, which says the same.
    """
    lists = Lists()
    runs = records.live_runs()
    temporary = f"{path}.new"
    try:
        tail = write_whole(temporary, _batches(live_records(records, runs, lists)))
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):
        sync(os.path.dirname(path))
    records.keep(runs=runs, lists=lists.written)
    return tail


def write_whole(path: str, batches: Iterable[bytes]) -> Tail:
    """A journal of these lines that is on disk, as its mark says."""
    tail = Tail()
    with open(path, "wb") as file:
        for lines in batches:
            file.write(lines)
            tail = tail.after(lines)
        mark = to_line(SyncedRecord(upto=tail.size, crc=tail.crc))
        file.write(mark)
        file.flush()
        os.fsync(file.fileno())
    return tail.after(mark)


def live_records(records: Records, runs: Container[str], lists: Lists) -> Iterator[AnyRecord]:
    """What a compact journal holds, in order."""
    yield records.header
    yield from (record for run, record in records.runs.items() if run in runs)
    for _, record in sorted(chain(events(records.pasts()), _unended(records, runs)), key=lambda event: event[0]):
        yield from lists.pack(record)
    yield from (record for run, record in records.run_ends.items() if run in runs)


def _unended(records: Records, runs: Container[str]) -> Iterator[tuple[tuple[int, int], AnyRecord]]:
    """Where a run without an end was at its last record, and when."""
    for run, last in records.unended().items():
        if run in runs:
            yield (last.serial, 3), structs.replace(records.runs[run], time=last.time)


def events(pasts: Iterable[Past]) -> Iterator[tuple[tuple[int, int], AnyRecord]]:
    """What still counts of these tasks, each with its place among all."""
    for past in pasts:
        numbers = (record.attempt for record in (past.start, past.end) if record is not None)
        if past.attempts > max(numbers, default=0):
            yield (0, 0), ResetRecord(task=past.name, time=0.0, attempts=past.attempts)
        if past.start is not None:
            yield (past.started, 0), _as_run(past.start)
        if past.spawn is not None:
            yield (past.started, 1), past.spawn
        if past.end is not None:
            yield (past.ended, 0), past.end
            if past.is_confirmed:
                yield (past.ended, 1), _confirmation(past.end)
            if past.seen and past.start is not None:
                yield (past.seen, 1), _sight(past.end, past.start)
        if past.skip is not None:
            yield (max(past.started, past.ended, past.seen), 2), past.skip


def _as_run(start: StartRecord) -> StartRecord:
    """When it ran before a remake is not kept: who comes after it may run once more than it must, never less."""
    return structs.replace(start, remake=False) if start.remake else start


def _confirmation(end: EndRecord) -> ConfirmRecord:
    return ConfirmRecord(task=end.task, attempt=end.attempt, time=end.time, outputs=end.outputs)


def _sight(end: EndRecord, start: StartRecord) -> ConfirmRecord:
    return ConfirmRecord(task=end.task, attempt=end.attempt, time=end.time, inputs=start.inputs)


def _batches(records: Iterator[AnyRecord]) -> Iterator[bytes]:
    batch: list[AnyRecord] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield to_lines(batch)
            batch.clear()
    yield to_lines(batch)
