"""What a run's records tell its executor: which tasks are likely to take long, and which ends are on record.

A run that keeps nothing has nobody to leave a result to, so none of its tasks is taken to be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from taskrun.graph import Study
from taskrun.history import Foresight
from taskrun.journal import Records
from taskrun.manager.keeping import Keeping


def foresight(study: Study, records: Records, keeping: Keeping) -> Foresight | None:
    """From how long the study's tasks took before; None where no result outlives the run."""

    def earlier() -> Iterator[tuple[str, str, float]]:
        for task in study.graph.tasks:
            past = records.past(task.name)
            took = past.took if past is not None else None
            if took is not None:
                yield task.name, task.step.name, took

    return Foresight(earlier) if keeping.is_lasting else None


def ends_of(records: Records) -> Callable[[str, int], bool]:
    """Whether the end of a task's attempt is on record."""

    def is_recorded(task: str, attempt: int) -> bool:
        past = records.past(task)
        if past is None:
            return False
        if past.end is not None and past.end.attempt >= attempt:
            return True
        return past.start is not None and past.start.attempt > attempt

    return is_recorded
