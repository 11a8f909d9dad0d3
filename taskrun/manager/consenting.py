"""Before much is done again because commands were changed, somebody may want to be asked.

What there is to say is found by what is on record alone: no file is looked at.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from taskrun.errors import TaskrunError
from taskrun.freshness import signed_command
from taskrun.graph import Study
from taskrun.journal import Journal, Log, Records
from taskrun.manager.keeping import OnDisk
from taskrun.manager.running import Options, selection
from taskrun.model import Past, RunRecord, Status

_MUCH = 600.0  # seconds
_SUCCEEDED = Status.SUCCEEDED.value


class Redone(Struct, frozen=True):
    """So many tasks, which took so many seconds together, succeeded under other commands than they have now."""

    tasks: int
    seconds: float


class DeclinedError(TaskrunError):
    """Somebody was asked, and said no; nothing was run."""

    exit_status = 1

    def __init__(self) -> None:
        super().__init__("nothing was run")


class Consent(OnDisk):
    """Keeps on disk, and asks before the first word of a run goes on record; DeclinedError where the answer is no."""

    def __init__(self, study: Study, options: Options, agrees: Callable[[Redone], bool]) -> None:
        self._study = study
        self._options = options
        self._agrees = agrees

    def open(self, state: str, *, source: str, run: RunRecord) -> Log:
        """See `Keeping.open`."""
        return Journal.open(state, source=source, run=run, look=self._look)

    def _look(self, records: Records) -> None:
        redone = to_redo(self._study, self._options, records)
        if redone.seconds > _MUCH and not self._agrees(redone):
            raise DeclinedError


def to_redo(study: Study, options: Options, records: Records) -> Redone:
    """What a run would do again because commands changed; nothing where all that is on record did not take long."""
    if sum(_seconds(past) for past in records.pasts()) <= _MUCH:
        return Redone(0, 0.0)
    count, seconds = 0, 0.0
    _, selected = selection(study, options)
    for task in map(study.graph.tasks.__getitem__, selected):
        past = records.past(task.name)
        if past is None or past.start is None or task.traits.always:
            continue
        took = _seconds(past)
        if took and signed_command(task) != past.start.signature.command:
            count, seconds = count + 1, seconds + took
    return Redone(count, seconds)


def _seconds(past: Past) -> float:
    """How long the last attempt took, where it succeeded."""
    end = past.end
    return end.seconds if end is not None and end.status == _SUCCEEDED else 0.0
