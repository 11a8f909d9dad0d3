"""Events, runs and journals for the tests of state: short ways to say what happened."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from msgspec import structs

from taskrun.journal import Journal, Log, Records, read_journal
from taskrun.machine import boot_id, host_name, namespace, start_ticks
from taskrun.model import (
    AnyRecord,
    Cause,
    Confirmed,
    Ended,
    Event,
    Figure,
    Finished,
    Found,
    Handle,
    Identified,
    Prepared,
    Record,
    ResetRecord,
    RunRecord,
    Settled,
    Shell,
    Signature,
    Skipped,
    Started,
    Status,
    Step,
    TakeoverRecord,
    Task,
)

STEP = Step("sim")
SOURCE = "sweep.yaml"


def this_run(run: str = "r1", **changes: object) -> RunRecord:
    """A run of this very process, with changes."""
    facts: dict[str, object] = {
        "run": run,
        "time": 1000.0,
        "host": host_name(),
        "boot": boot_id(),
        "pid": os.getpid(),
        "ticks": start_ticks(os.getpid()),
        "namespace": namespace(),
    }
    return RunRecord(**{**facts, **changes})  # type: ignore[arg-type]  # the keys are the fields


def new_task(name: str = "sim", index: int = 0, **keys: object) -> Task:
    """A task with a short command."""
    return Task(index, name, STEP, Shell("true"), **keys)  # type: ignore[arg-type]  # as a test gives them


def started(name: str = "sim", attempt: int = 1, signature: Signature | None = None, **prepared: object) -> Started:
    facts = Prepared(signature or Signature("true"), **prepared)  # type: ignore[arg-type]
    return Started(10.0, new_task(name), attempt, 1, facts)


def spawned(name: str = "sim", attempt: int = 1, run: str = "r1") -> Identified:
    return Identified(10.5, new_task(name), Handle(run, attempt, 1, 4321, 99, 7))


def finished(name: str = "sim", attempt: int = 1, outputs: tuple[Figure, ...] = ()) -> Finished:
    ended = Ended(0, attempt, 10.0, 12.0, exit_code=0, seconds=2.0)
    return Finished(12.0, new_task(name), ended, Settled(Status.SUCCEEDED, outputs=outputs))


def failed(name: str = "sim", attempt: int = 1, cause: Cause = Cause.EXIT, code: int | None = 3) -> Finished:
    ended = Ended(0, attempt, 10.0, 12.0, exit_code=code, seconds=2.0)
    return Finished(12.0, new_task(name), ended, Settled(Status.FAILED, cause, "it broke"))


def skipped(name: str = "sim") -> Skipped:
    return Skipped(13.0, new_task(name), "other", "other failed")


def confirmed(name: str = "sim", attempt: int = 1, **figures: tuple[Figure, ...]) -> Found:
    return Found(14.0, new_task(name), attempt, Confirmed(**figures))


def taken_over(name: str, origin: str) -> TakeoverRecord:
    return TakeoverRecord(task=name, origin=origin, time=15.0, env={"NEW": "cd34"}, step="sim")


def reset(name: str = "sim", attempts: int = 0) -> ResetRecord:
    return ResetRecord(task=name, time=16.0, attempts=attempts)


Entry = Event | AnyRecord


def enter(journal: Log, entries: Iterable[Entry]) -> None:
    """Put events and records on record, in their order."""
    for is_record, group in groupby(entries, lambda entry: isinstance(entry, Record)):
        if is_record:
            journal.amend([entry for entry in group if isinstance(entry, Record)])
        else:
            journal.append([entry for entry in group if not isinstance(entry, Record)])


def write(directory: Path, *batches: Sequence[Entry], run: str = "r1") -> bytes:
    """A journal with these batches, closed; its bytes."""
    journal = Journal.open(str(directory), source=SOURCE, run=this_run(run))
    for batch in batches:
        enter(journal, batch)
    journal.close()
    return (directory / "journal.jsonl").read_bytes()


def read(directory: Path) -> Records:
    found = read_journal(str(directory))
    assert found is not None
    return found


def said(records: Records) -> dict[str, object]:
    """All that records say, to be compared. Serials count only by their order."""
    pasts = sorted(records.pasts(), key=lambda past: past.name)
    serials = sorted({serial for past in pasts for serial in (past.started, past.ended, past.ran)} | {0})
    rank = {serial: position for position, serial in enumerate(serials)}
    since = {past.seen: bisect_right(serials, past.seen) for past in pasts}
    return {
        "header": records.header,
        "open": sorted(records.open_starts()),
        "pasts": [
            structs.astuple(
                structs.replace(
                    past, started=rank[past.started], ended=rank[past.ended], ran=rank[past.ran], seen=since[past.seen]
                )
            )
            for past in pasts
        ],
    }


def unmarked(content: bytes) -> bytes:
    """A journal's lines without its marks."""
    return b"".join(line for line in content.splitlines(keepends=True) if b'"synced"' not in line)
