"""What a run now would do with tasks, by what is on record and how their files look; nothing is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from taskrun.cli.source import Opened
from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.model import NEVER_RAN, Finished, Found, Reason, Skipped, Started, Status, Temp


class Prospect(Struct, frozen=True, gc=False):
    """What a run now would do with a task. `would_run`: None where that hangs on what comes out of others.

    `refused`: why it could not be run; `missing`: what input that is, and whose. `has_failed`: by itself, its runner
    being gone; a run takes that for its result.
    """

    would_run: bool | None
    reasons: tuple[Reason, ...] = ()
    refused: str = ""
    missing: str = ""
    has_failed: bool = False

    @property
    def is_fresh(self) -> bool | None:
        """Whether a run now would leave it alone; None where nobody knows."""
        return None if self.would_run is None else not (self.would_run or self.refused or self.has_failed)

    @property
    def why(self) -> str:
        """Why it would be executed, or could not."""
        return self.refused or "; ".join(map(str, self.reasons))


Forecast = dict[int, Prospect]
FRESH = Prospect(False)
UNKNOWN = Prospect(None)


def forecast(opened: Opened, records: Records, chosen: Collection[int] | None = None) -> Forecast:
    """By index what would become of the `chosen` tasks and all that they need; of all tasks where there is no choice.

    `records` is what is on record, and is no more afterwards: what would run is in there as if it had.
    """
    from taskrun.executors.idle import IdleExecutor
    from taskrun.manager import Options, preview
    from taskrun.manager.keeping import AlreadyRead
    from taskrun.manager.totals import roomy

    graph = opened.study.graph
    names = () if chosen is None else tuple([graph.tasks[index].name for index in _concerned(graph, chosen)])
    found: Forecast = {}
    options = Options(state=opened.state, keeping=AlreadyRead(records), tasks=names)
    for batch in preview(opened.study, options, IdleExecutor(roomy(graph.tasks, Fraction(1)))):
        for event in batch:
            if isinstance(event, Found):
                found[event.task.index] = FRESH
            elif isinstance(event, Started):
                found[event.task.index] = _stale(event.reasons)
            elif isinstance(event, Finished):
                if (end := _ended(event)) is not None or event.task.index not in found:
                    found[event.task.index] = end or FRESH
            elif isinstance(event, Skipped):
                index = graph.index(event.culprit)
                culprit = UNKNOWN if index is None else found.get(index, UNKNOWN)
                missing = f"{culprit.missing}; {event.culprit} needs it" if culprit.missing else event.reason
                found[event.task.index] = Prospect(False, refused=event.reason, missing=missing)
    return found


def _ended(event: Finished) -> Prospect | None:
    """Of what could not be executed, or has ended by itself already; None where it ends well."""
    if event.settled.status is not Status.FAILED:
        return None
    if event.settled.cause in NEVER_RAN:
        missing = event.settled.message
        return Prospect(False, refused=missing, missing=missing)
    return Prospect(False, has_failed=True)


def _stale(reasons: Sequence[Reason]) -> Prospect:
    is_certain = any(reason.is_certain for reason in reasons)
    return Prospect(True if is_certain else None, tuple(reasons))


def _concerned(graph: Graph, chosen: Collection[int]) -> Collection[int]:
    """Tasks by which that of the chosen ones is decided: what they need, and whoever may want what is gone."""
    found = graph.closure(chosen)
    reached: Collection[int] = found
    while reached:
        reached = graph.closure(_users_of_temporary(graph, reached)) - found
        found |= reached
    return found


def _users_of_temporary(graph: Graph, indices: Collection[int]) -> Iterator[int]:
    for index in indices:
        if graph.tasks[index].traits.temp is not Temp.NO:
            for user in graph.users[index]:
                yield from (user,) if user >= 0 else graph.users[user]
