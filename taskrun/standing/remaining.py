"""How long a study has still to go, from what is on record of its tasks; nothing is said where nothing is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from taskrun.errors import UsageError
from taskrun.graph import Graph
from taskrun.history import History, Running, time_to_go
from taskrun.model import UNSEEN, Cause, RunRecord, Status
from taskrun.names import select
from taskrun.standing.tasks import OnRecord, Standing


class Remaining(Struct, frozen=True):
    """Seconds to go, with so many cores."""

    seconds: float
    cores: Fraction


def is_left(standing: Standing, run: RunRecord | None) -> bool:
    """Whether the run that is on (None: the next one) has still to start the task, as far as records can tell."""
    if standing.status is Status.RUNNING:
        return False
    if run is None:
        return standing.status is not Status.SUCCEEDED
    return not is_over(standing, run) and (run.force or standing.status is not Status.SUCCEEDED)


def is_over(standing: Standing, run: RunRecord) -> bool:
    """Whether a run has ended or skipped the task; what it found fresh is not on record."""
    if standing.past.skip is not None and standing.past.skip.run == run.run:
        return True
    end = standing.past.end
    if end is None or end.time < run.time or standing.retry_due is not None:
        return False
    return not _is_to_be_judged_anew(standing, run)


def _is_to_be_judged_anew(standing: Standing, run: RunRecord) -> bool:
    """Whether the attempt of an earlier run was found to be over without a result."""
    start = standing.past.start
    is_unseen = standing.cause is not None and Cause(standing.cause) in UNSEEN
    return is_unseen and start is not None and start.run != run.run


def remaining(
    graph: Graph,
    standings: Sequence[Standing],
    on_record: OnRecord,
    chosen: Collection[int],
    *,
    now: float,
    usable: Callable[[], Fraction],
    unseen: int = 0,
) -> Remaining | None:
    """What the run that is on, else one of the `chosen` tasks with what they need, has still to go.

    `standings` are those of all tasks; `unseen` further tasks wait of which nothing is known.
    """
    run = on_record.run
    indices = tasks_of(graph, run) if run is not None else _with_needs(graph, chosen)
    left: Counter[str] = Counter()
    cores: dict[str, float] = {}
    running = []
    due = now  # of the last retry that somebody waits for
    for index in indices:
        standing, task = standings[index], graph.tasks[index]
        step = task.step.name
        if standing.status is Status.RUNNING:
            running.append(Running(step, float(task.traits.cores), standing.began))
        elif is_left(standing, run):
            left[step] += 1
            due = max(due, standing.retry_due or now)
            if step not in cores:
                cores[step] = float(task.traits.cores)
    if unseen:
        left[""] += unseen
    if not left and not running:
        return None
    slots = Fraction(run.cores) if run is not None and run.cores is not None else usable()
    seconds = time_to_go(
        History(_took(graph, standings)), left, running, now=now, slots=float(slots), cores=_within(cores, slots)
    )
    return Remaining(max(seconds, due - now), slots) if seconds is not None else None


def tasks_of(graph: Graph, run: RunRecord) -> Collection[int]:
    """The tasks of a run, as it was asked for them; all where they cannot be told any more."""
    everything = range(len(graph))
    if not run.select:
        return everything
    try:
        chosen = select(graph.tasks, run.select)
    except UsageError:
        return everything
    return chosen if run.only else graph.closure(chosen)


def _with_needs(graph: Graph, chosen: Collection[int]) -> Collection[int]:
    return chosen if len(chosen) == len(graph) else graph.closure(chosen)


def _took(graph: Graph, standings: Iterable[Standing]) -> Iterator[tuple[str, float]]:
    """The step and the seconds of each task that succeeded in its last attempt."""
    for task, standing in zip(graph.tasks, standings, strict=True):
        took = standing.past.took
        if took is not None and standing.status is Status.SUCCEEDED:
            yield task.step.name, took


def _within(cores: dict[str, float], slots: Fraction) -> dict[str, float]:
    """Who asks for more cores than there are gets all of them."""
    return {step: min(asked, float(slots)) for step, asked in cores.items()}
