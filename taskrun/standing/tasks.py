"""What the records say of a task, and who runs it now; the last word is its process, where its runner is gone."""

from __future__ import annotations

import os

from msgspec import Struct
from msgspec.structs import replace

from taskrun.graph import Graph
from taskrun.journal import JOURNAL, Follower, Holder, Records, read_holder, read_journal
from taskrun.machine import boot_id, find_process
from taskrun.model import Cause, EndRecord, Handle, Past, RunRecord, StartRecord, Status

_LOOKS = 5  # as long as runs come and go while the journal is read
_STATUSES = {status.value: status for status in Status}
_BY_ITSELF = (None, Cause.EXIT.value, Cause.SIGNAL.value)  # causes that the exit code or the signal says already
_NOT_SEEN = "its runner is gone, and so is it"


class Standing(Struct, frozen=True, gc=False):
    """How one task stands. `cause` is the word of the design where it failed."""

    past: Past
    status: Status
    cause: str | None = None

    @property
    def attempt(self) -> int:
        """The number of the last attempt, 0 where there was none."""
        start, end = self.past.start, self.past.end
        return max(start.attempt if start else 0, end.attempt if end else 0)

    @property
    def began(self) -> float:
        """When the last attempt began, in seconds since the epoch; 0 where there was none."""
        return self.past.start.time if self.past.start else 0.0

    @property
    def is_to_look_at(self) -> bool:
        """Whether it failed by itself: what somebody cancelled is no failure to look at."""
        return self.status is Status.FAILED and self.cause != Cause.CANCELLED.value

    @property
    def why(self) -> str:
        """In words, where there is something to say."""
        if self.past.skip is not None:
            return self.past.skip.reason
        if self.status is not Status.FAILED:
            return ""
        return _outcome(self.past.end) if self.past.end is not None else f"{self.cause}: {_NOT_SEEN}"

    @property
    def kept(self) -> Standing:
        """The same, whatever goes on record later."""
        return Standing(replace(self.past), self.status, self.cause)


def _outcome(end: EndRecord) -> str:
    """How an attempt ended that did not succeed: `exit code 3`, `killed by SIGKILL`, `missing input: ...`."""
    said = end.cause or ""
    if end.cause in _BY_ITSELF:
        said = f"killed by {end.signal}" if end.signal is not None else f"exit code {end.exit_code}"
    return f"{said}: {end.message}" if end.message else said


class OnRecord(Struct, frozen=True):
    """What is on record of a study, and which run holds its state."""

    records: Records
    holder: Holder | None

    @property
    def last_run(self) -> RunRecord | None:
        """The run that began last."""
        return self.records.last_run

    @property
    def run(self) -> RunRecord | None:
        """The run that is on; None too where its record has not come yet, or who holds the state runs nothing."""
        if self.holder is None or self.holder.command is not None:
            return None
        return self.records.runs.get(self.holder.run)

    def standing(self, name: str) -> Standing:
        """How the task called `name` stands."""
        past = self.records.past(name)
        if past is None:
            return Standing(Past(name), Status.WAITING)
        if past.skip is not None:
            return Standing(past, Status.SKIPPED)
        if past.end is not None:
            return Standing(past, _STATUSES[past.end.status], past.end.cause)
        if past.start is None:
            return Standing(past, Status.WAITING)
        if self._is_running(past, past.start):
            return Standing(past, Status.RUNNING)
        return Standing(past, Status.FAILED, Cause.INTERRUPTED.value)

    def gone(self, graph: Graph) -> list[str]:
        """The tasks that had an attempt, and that the study has no more."""
        return [
            past.name
            for past in self.records.pasts()
            if (past.start is not None or past.end is not None) and graph.index(past.name) is None
        ]

    def _is_running(self, past: Past, start: StartRecord) -> bool:
        """Whether an attempt without an end is in its run's hands, or its process outlives its runner."""
        if self.holder is not None and self.holder.run == start.run:
            return True
        run = self.records.runs.get(start.run)
        if run is None or run.boot != boot_id():
            return False
        handle = Handle(start.run, start.attempt, start.round)
        if past.spawn is not None:
            handle = replace(handle, pid=past.spawn.pid, ticks=past.spawn.ticks, namespace=past.spawn.namespace)
        return find_process(start.task, handle) is not None


def look_up(directory: str, *, source: str | None = None) -> OnRecord:
    """What is on record in a state directory; takes no lock. Raises StateError where it cannot be read.

    Who holds the state is asked before and after: a run that came or went meanwhile would look like a dead one's.
    """
    before = _moment(directory, read_holder(directory))
    for _ in range(_LOOKS):
        records = read_journal(directory, source=source) or Records()
        holder = read_holder(directory)
        after = _moment(directory, holder)
        if after == before:
            break
        before = after
    return OnRecord(records, holder)


class Watch:
    """Looks again and again at a state directory during a run, reading no more than what came since the last look."""

    def __init__(self, directory: str, *, source: str) -> None:
        self._directory = directory
        self._follower = Follower(directory, source=source)

    def look(self) -> OnRecord:
        """As `look_up`."""
        before = _moment(self._directory, read_holder(self._directory))
        for _ in range(_LOOKS):
            self._follower.catch_up()
            holder = read_holder(self._directory)
            after = _moment(self._directory, holder)
            if after == before:
                break
            before = after
        return OnRecord(self._follower.records, holder)


def _moment(directory: str, holder: Holder | None) -> object:
    """What differs where another run holds the state; where none does, where one has written since."""
    if holder is not None:
        return holder.run
    try:
        found = os.stat(os.path.join(directory, JOURNAL))
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
