"""What a run's records tell its executor: which tasks are likely to take long, and which ends are on record.

A run that keeps nothing has nobody to leave a result to, so none of its tasks is taken to be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from taskrun.graph import Study
from taskrun.history import Foresight, Nearby
from taskrun.journal import Records
from taskrun.manager.keeping import Keeping
from taskrun.model import Task


def foresight(study: Study, records: Records, keeping: Keeping) -> Foresight | None:
    """From how long the study's tasks took before; None where no result outlives the run."""

    def earlier() -> Iterator[tuple[str, str, float | None]]:
        for task in study.graph.tasks:
            past = records.past(task.name)
            if past is not None and (past.took is not None or past.was_lost):
                yield task.name, task.step.name, past.took

    return Foresight(earlier) if keeping.is_lasting else None


def durations(study: Study, records: Records) -> Callable[[Task], float | None]:
    """How long each task is likely to take: as before, or as others of its step did at values near its own.

    What is on record is looked through when the first is asked about.
    """
    known: list[Nearby] = []

    def expected(task: Task) -> float | None:
        past = records.past(task.name)
        took = past.took if past is not None else None
        if took is not None:
            return took
        if not known:
            known.append(Nearby(_successes(study, records)))
        return known[0].expected(task.step.name, task.values)

    return expected


def _successes(study: Study, records: Records) -> Iterator[tuple[str, tuple[str, ...], float]]:
    for task in study.graph.tasks:
        past = records.past(task.name)
        took = past.took if past is not None else None
        if took is not None:
            yield task.step.name, task.values, took


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
