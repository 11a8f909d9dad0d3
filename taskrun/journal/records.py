"""What the journal says, in memory: the records applied one after another, the latest of each task kept.

Reading the file and running a study both end here, so what a later run will read is what this one goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from typing import assert_never

from msgspec import structs

from taskrun.journal.doubting import Last, casting_doubt, in_doubt
from taskrun.model import (
    AnyRecord,
    ConfirmRecord,
    EndRecord,
    Figure,
    Handle,
    HeaderRecord,
    ListRecord,
    Past,
    ResetRecord,
    RunEndRecord,
    RunRecord,
    SkipRecord,
    SpawnRecord,
    StartRecord,
    SyncedRecord,
    TakeoverRecord,
)

_NO_HEADER = HeaderRecord(format=0, source="", salt="")


class Records:
    """The past of each task, and the runs. `salt` is "" where there is no journal yet."""

    def __init__(self) -> None:
        self.header = _NO_HEADER
        self.runs: dict[str, RunRecord] = {}
        self.run_ends: dict[str, RunEndRecord] = {}
        self.paths: dict[str, tuple[str, ...]] = {}
        self.figures: dict[str, tuple[Figure, ...]] = {}
        self._pasts: dict[str, Past] = {}
        # What is on record of a task; never changed by who reads it. Asked so often that it is the dictionary's own.
        self.past: Callable[[str], Past | None] = self._pasts.get
        self._serial = 0
        self._run = ""  # whose records these are
        self._time = 0.0
        self._lasts: dict[str, Last] = {}

    @property
    def salt(self) -> str:
        """Salts the hashes of values."""
        return self.header.salt

    @property
    def last_run(self) -> RunRecord | None:
        """The run that began last; what only changed the records is none."""
        return next((run for run in reversed(self.runs.values()) if run.command is None), None)

    def pasts(self) -> Iterator[Past]:
        """All tasks that are on record."""
        return iter(self._pasts.values())

    def gone(self, index: Callable[[str], int | None]) -> list[str]:
        """The tasks that had an attempt, and for which `index` has no number."""
        return [
            past.name
            for past in self._pasts.values()
            if (past.start is not None or past.end is not None) and index(past.name) is None
        ]

    def attempts(self, name: str) -> int:
        """How many attempts a task has had in its life."""
        past = self._pasts.get(name)
        return past.attempts if past is not None else 0

    def open_starts(self) -> list[str]:
        """The tasks whose last attempt has no end on record."""
        return [past.name for past in self._pasts.values() if past.start is not None and past.end is None]

    def doubtful(self, boot: str) -> Collection[str]:
        """The tasks whose success is of the minute before an unclean end under another boot than this one, and whose
        content nobody has looked at since.
        """
        lasts = [last for run, last in self.unended().items() if self.runs[run].boot != boot]
        return in_doubt(self.pasts(), lasts) if lasts else ()

    def unended(self) -> dict[str, Last]:
        """The last record of each run that has no end on record: it was killed, or is still on."""
        lasts = self._lasts | ({self._run: Last(self._time, self._serial)} if self._run else {})
        return {run: last for run, last in lasts.items() if run not in self.run_ends}

    def live_runs(self) -> set[str]:
        """The runs that still count: the last one, those that a task's record names, those that put one in doubt."""
        runs = {past.start.run for past in self._pasts.values() if past.start is not None}
        runs |= {past.skip.run for past in self._pasts.values() if past.skip is not None}
        runs |= casting_doubt(self.pasts(), {run: last for run, last in self.unended().items() if run not in runs})
        last = self.last_run
        return runs if last is None else runs | {last.run}

    def keep(self, *, runs: Container[str], lists: Container[str]) -> None:
        """Drop the runs and lists that nothing refers to, as a compact journal does."""
        self.runs = {run: record for run, record in self.runs.items() if run in runs}
        self.run_ends = {run: record for run, record in self.run_ends.items() if run in runs}
        self._lasts = {run: last for run, last in self._lasts.items() if run in runs}
        self.paths = {digest: paths for digest, paths in self.paths.items() if digest in lists}
        self.figures = {digest: figures for digest, figures in self.figures.items() if digest in lists}

    def apply(self, record: AnyRecord) -> None:
        """Take in the next record; lists that a start names must have come before it."""
        match record:  # a million records: ordered by how many there are of each
            case StartRecord():
                self._start(record)
            case EndRecord():
                self._end(record)
            case SpawnRecord():
                past = self._past(record.task)
                if past.start is not None and past.start.attempt == record.attempt and past.end is None:
                    past.spawn = record
            case SkipRecord():
                self._past(record.task).skip = record
                self._time = record.time
            case RunRecord():
                self._begin(record)
            case RunEndRecord():
                self.run_ends[record.run] = record
            case ListRecord():
                self._list(record)
            case HeaderRecord():
                self.header = record
            case ConfirmRecord():
                self._confirm(record)
            case TakeoverRecord():
                self._take_over(record)
            case ResetRecord():
                attempts = max(self.attempts(record.task), record.attempts)
                self._pasts[record.task] = Past(record.task, attempts=attempts)
                self._time = record.time
            case SyncedRecord():
                pass  # it is about the file
            case _:
                assert_never(record)

    def _begin(self, run: RunRecord) -> None:
        """A run that is on record already was put there again by a compaction, with the time of its last record."""
        if self._run and self._run not in self.run_ends:
            self._lasts[self._run] = Last(self._time, self._serial)
        if run.run in self.runs:
            self._run = ""
            self._lasts[run.run] = Last(run.time, self._serial)
        else:
            self._run, self._time = run.run, run.time
            self.runs[run.run] = run

    def _list(self, record: ListRecord) -> None:
        if record.paths:
            self.paths[record.digest] = record.paths
        if record.figures:
            self.figures[record.digest] = record.figures

    def _past(self, name: str) -> Past:
        past = self._pasts.get(name)
        if past is None:
            past = self._pasts[name] = Past(name)
        return past

    def _start(self, record: StartRecord) -> None:
        self._time = record.time
        self._serial += 1
        if record.paths is not None or record.figures is not None:
            record = self._whole(record)
        known = self._pasts.get(record.task)
        attempts = record.attempt if known is None else max(known.attempts, record.attempt)
        past = Past(record.task, record, None, None, None, self._serial, 0, attempts)
        if known is not None and record.remake:
            past.ran = known.ran
        self._pasts[record.task] = past

    def _end(self, record: EndRecord) -> None:
        past = self._past(record.task)
        if past.start is None or past.start.run == self._run:  # what an earlier run began may have ended long ago
            self._time = record.time
        self._serial += 1
        if past.start is not None and past.start.attempt != record.attempt:  # refused: it never started
            past.start = None
        past.spawn = None
        past.end = record
        past.ended = self._serial
        if past.start is None or not past.start.remake:
            past.ran = self._serial
        past.skip = None
        past.attempts = max(past.attempts, record.attempt)

    def _confirm(self, record: ConfirmRecord) -> None:
        self._time = record.time
        past = self._pasts.get(record.task)
        if past is None or past.start is None or past.end is None or past.end.attempt != record.attempt:
            return
        inputs = self.figures.get(record.seen, ()) if record.seen is not None else record.inputs
        if inputs is not None:
            past.start = structs.replace(past.start, inputs=inputs)
            past.seen = self._serial
        if record.outputs is not None:
            past.end = structs.replace(past.end, outputs=record.outputs)
        past.is_confirmed = past.is_confirmed or inputs is not None or record.outputs is not None
        past.skip = None

    def _take_over(self, record: TakeoverRecord) -> None:
        self._time = record.time
        past = self._pasts.get(record.origin)
        if past is None or past.start is None or past.end is None:
            return
        del self._pasts[record.origin]
        signature = structs.replace(past.start.signature, env=record.env)
        past.start = structs.replace(past.start, task=record.task, signature=signature, step=record.step)
        past.end = structs.replace(past.end, task=record.task, step=None)
        past.name, past.skip = record.task, None
        past.attempts = max(past.attempts, self.attempts(record.task))
        self._pasts[record.task] = past

    def _whole(self, record: StartRecord) -> StartRecord:
        """The start with its long lists in place, each of them one object for all starts."""
        signature, inputs = record.signature, record.inputs
        if record.paths is not None:
            signature = structs.replace(signature, inputs=self.paths.get(record.paths, ()))
        if record.figures is not None:
            inputs = self.figures.get(record.figures, ())
        return structs.replace(record, signature=signature, inputs=inputs, paths=None, figures=None)


def handle_of(records: Records, past: Past, *, boot: str, host: str) -> Handle:
    """How to look for what lives of an attempt without an end, on the machine `host` since its `boot`.

    The same boot id is the same machine, whatever its name; another one under this machine's name is a restart, since
    when nothing can be found by what only that attempt's environment held.
    """
    start, spawn = past.start, past.spawn
    assert start is not None, f"{past.name} has no attempt"
    handle = Handle(start.run, start.attempt, start.round, gpus=start.gpus, pinned=start.pinned)
    run = records.runs.get(start.run)
    if run is None:
        return handle
    if run.boot != boot:
        return handle if run.host == host else structs.replace(handle, host=run.host)
    if spawn is None:
        return handle
    return structs.replace(handle, pid=spawn.pid, ticks=spawn.ticks, namespace=spawn.namespace)
