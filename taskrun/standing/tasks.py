"""What the records say of a task, and who runs it now; the last word is its process, where its runner is gone."""

from __future__ import annotations

import os
from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from taskrun.graph import Graph
from taskrun.journal import JOURNAL, Follower, Holder, Records, read_holder, read_journal
from taskrun.model import Cause, EndRecord, Past, RunRecord, StartRecord, Status
from taskrun.standing.orphans import Orphan, end_of, look_for

_LOOKS = 5  # as long as runs come and go while the journal is read
_STATUSES = {status.value: status for status in Status}
_BY_ITSELF = (None, Cause.EXIT.value, Cause.SIGNAL.value)  # causes that the exit code or the signal says already
_NOT_SEEN = "its runner is gone, and so is it"
_BY_ITSELF_THEN = "it ended by itself when its runner was gone, which is not on record yet"


class Standing(Struct, frozen=True, gc=False):
    """How one task stands. `cause` is the word of the design where it failed.

    `orphan`: there for an attempt without an end on record whose run is gone. Where it has ended, that end is in `past`
    as if it were on record.
    """

    past: Past
    status: Status
    cause: str | None = None
    orphan: Orphan | None = None

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
    def retry_due(self) -> float | None:
        """When the run that is on tries it again, where it failed and waits for that."""
        return self.past.end.due if self.status is Status.WAITING and self.past.end is not None else None

    @property
    def is_to_look_at(self) -> bool:
        """Whether it failed by itself: what somebody cancelled is no failure to look at."""
        return self.status is Status.FAILED and self.cause != Cause.CANCELLED.value

    @property
    def why(self) -> str:
        """In words, where there is something to say."""
        if self.past.skip is not None:
            return self.past.skip.reason
        if self.retry_due is not None and self.past.end is not None:
            return f"{outcome(self.past.end)}, to be tried again"
        if self.orphan is not None and self.status is Status.RUNNING:
            return f"its runner is gone, and it runs on ({self.orphan.where})"
        said = ""
        if self.status is Status.FAILED:
            said = outcome(self.past.end) if self.past.end is not None else f"{self.cause}: {self._not_seen}"
        return "; ".join(filter(None, (said, _BY_ITSELF_THEN if self.is_unrecorded else "")))

    @property
    def is_unrecorded(self) -> bool:
        """Whether it has ended by itself, its runner being gone, and that is not on record yet."""
        return self.orphan is not None and self.orphan.ended is not None

    @property
    def _not_seen(self) -> str:
        if self.orphan is not None and self.orphan.is_unknown:
            return f"it may still run on {self.orphan.handle.host}, and there is no telling from here"
        return _NOT_SEEN

    @property
    def kept(self) -> Standing:
        """The same, whatever goes on record later."""
        return Standing(replace(self.past), self.status, self.cause, self.orphan)


def outcome(end: EndRecord) -> str:
    """How an attempt ended that did not succeed: `exit code 3`, `killed by SIGKILL`, `missing input: ...`."""
    said = end.cause or ""
    if end.cause in _BY_ITSELF:
        said = f"killed by {end.signal}" if end.signal is not None else f"exit code {end.exit_code}"
    return f"{said}: {end.message}" if end.message else said


class OnRecord(Struct, frozen=True):
    """What is on record of a study, and which run holds its state, the directory `state`; `root` is the study's."""

    records: Records
    holder: Holder | None
    state: str = ""
    root: str | None = None

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

    def standing(self, name: str, *, ok_codes: Collection[int] = ()) -> Standing:
        """How the task called `name` stands. `ok_codes`: the exit codes that mean success besides 0."""
        past = self.records.past(name)
        if past is None:
            return Standing(Past(name), Status.WAITING)
        if past.start is not None and past.end is None:
            return self._open(past, past.start, ok_codes)
        if past.skip is not None:
            return Standing(past, Status.SKIPPED)
        if past.end is not None:
            if self._is_to_be_retried(past, past.end):
                return Standing(past, Status.WAITING)
            return Standing(past, _STATUSES[past.end.status], past.end.cause)
        return Standing(past, Status.WAITING)

    def gone(self, graph: Graph) -> list[str]:
        """The tasks that had an attempt, and that the study has no more."""
        return self.records.gone(graph.index)

    def _open(self, past: Past, start: StartRecord, ok_codes: Collection[int]) -> Standing:
        """How an attempt without an end stands; a run that skipped the task since may have left it as it was."""
        if self.holder is not None and self.holder.run == start.run:
            return Standing(past, Status.RUNNING)
        orphan = look_for(self.records, past, state=self.state)
        if orphan.survivor is not None:
            return Standing(replace(past, skip=None), Status.RUNNING, orphan=orphan)
        if orphan.ended is None and past.skip is not None:
            return Standing(past, Status.SKIPPED)
        if orphan.ended is None:
            return Standing(past, Status.FAILED, Cause.INTERRUPTED.value, orphan)
        paths = start.signature.outputs if self.root is not None else ()
        missing = [path for path in paths if not os.path.exists(os.path.join(self.root or "", path))]
        end = end_of(past.name, orphan.ended, ok_codes=ok_codes, missing=missing)
        return Standing(replace(past, end=end, spawn=None, skip=None), _STATUSES[end.status], end.cause, orphan)

    def _is_to_be_retried(self, past: Past, end: EndRecord) -> bool:
        """Whether the run that is on tries it again by itself."""
        return (
            end.due is not None
            and past.start is not None
            and self.holder is not None
            and self.holder.run == past.start.run
        )


def look_up(directory: str, *, source: str | None = None, root: str | None = None) -> OnRecord:
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
    return OnRecord(records, holder, directory, root)


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
        return OnRecord(self._follower.records, holder, self._directory)


def _moment(directory: str, holder: Holder | None) -> object:
    """What differs where another run holds the state; where none does, where one has written since."""
    if holder is not None:
        return holder.run
    try:
        found = os.stat(os.path.join(directory, JOURNAL))
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
