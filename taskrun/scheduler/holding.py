"""Steps that fail everywhere alike: what is left of one waits until it was tried elsewhere in the sweep.

When the first tasks of a step to end all failed alike, as many others, spread evenly over what remains, are tried. If
these fail alike too, the rest is given up; whatever ends otherwise frees it. What waits does so ready and judged; where
nothing else can happen any more, some of it is tried, so that nobody waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec import Struct, field

from taskrun.model import Cause, Finished, Settled, Status, Task
from taskrun.plan import Plan
from taskrun.policy import HELD_BACK, Policy

ENOUGH = 8  # so many ends make a rule, and so many more confirm it

_Kind = tuple[Cause | None, int | None, str | None, str]
_SAYS_NOTHING = frozenset({Cause.CANCELLED, Cause.INTERRUPTED, Cause.MISSING_INPUT})
_HAS_NO_LOG = Cause.COULD_NOT_START  # of such a one the system's words tell which is which; of others they name files
_LEFT = (Status.WAITING, Status.READY)


class Stance(Enum):
    """What a held step means for one of its tasks that is to run."""

    RUNS = "runs"
    WAITS = "waits"
    GIVEN_UP = "given up"


class _Watched(Struct):
    """A step of which every task that ended has failed alike. `trials`: by task, those whose ends decide."""

    kind: _Kind
    culprit: int
    ends: int = 0
    trials: set[int] | None = None
    tried: int = 0
    parked: list[int] = field(default_factory=list)
    reason: str = ""


class Holding:
    """`held`: what is held, by step; `cleared`: the steps of which tasks succeeded, or failed in different ways.

    `has_begun`: whether a task has failed and is tried again, which goes on whatever becomes of its step.
    """

    def __init__(self, tasks: Sequence[Task], plan: Plan, policy: Policy, has_begun: Callable[[int], bool]) -> None:
        self._tasks = tasks
        self._plan = plan
        self._policy = policy
        self._has_begun = has_begun
        self.cleared: set[str] = set()
        self._watched: dict[str, _Watched] = {}
        self.held: dict[str, _Watched] = {}
        self._members: dict[str, list[int]] = {}  # by step, once one was held

    # what it is told, and which tasks are to be looked at again because of that

    def take(self, end: Finished) -> Sequence[int]:
        """A task has ended for good."""
        step = end.task.step.name
        if step in self.cleared or not self._policy.holds(end.task):
            return ()
        if end.settled.status is Status.SUCCEEDED:
            return self._clear(step)
        if end.settled.cause in _SAYS_NOTHING or end.ended.is_shortage:
            return self._go_on(step)
        watched, kind = self._watched.get(step), _kind(end)
        if watched is None:
            watched = self._watched[step] = _Watched(kind, end.task.index)
        if watched.kind != kind:
            return self._clear(step)
        watched.ends += 1
        if watched.trials is None:
            return self._hold(step, watched) if watched.ends == ENOUGH else ()
        if watched.reason:
            return ()
        watched.tried += end.task.index in watched.trials
        return self._give_up(watched, end) if watched.tried == ENOUGH else self._go_on(step)

    def free_some(self) -> Sequence[int]:
        """Nothing else can happen any more: try some of those that wait."""
        return [index for watched in self.held.values() for index in self._try(watched, watched.parked)]

    # what it is asked

    def stance(self, index: int) -> Stance:
        """What becomes of a task that is to run now; one that `waits` is kept here."""
        watched = self.held.get(self._tasks[index].step.name)
        if watched is None or watched.trials is None or self._has_begun(index):
            return Stance.RUNS
        if watched.reason:
            return Stance.GIVEN_UP
        if index in watched.trials:
            return Stance.RUNS
        watched.parked.append(index)
        return Stance.WAITS

    def blame(self, index: int) -> tuple[int, str]:
        """Why a task is given up: whose failure it was, and the reason."""
        watched = self.held[self._tasks[index].step.name]
        return watched.culprit, watched.reason

    # steps

    def _clear(self, step: str) -> Sequence[int]:
        """It does not fail alike everywhere."""
        self.cleared.add(step)
        watched = self._watched.pop(step, None)
        self.held.pop(step, None)
        return watched.parked if watched is not None else ()

    def _hold(self, step: str, watched: _Watched) -> Sequence[int]:
        watched.trials = set()
        self.held[step] = watched
        return self._try(watched, self._remaining(step))

    def _go_on(self, step: str) -> Sequence[int]:
        """Have others tried in place of those that came to an end that says nothing."""
        watched = self.held.get(step)
        if watched is None or watched.reason or watched.trials is None:
            return ()
        still = (*_LEFT, Status.RUNNING)
        if watched.tried + sum(self._plan.status(index) in still for index in watched.trials) >= ENOUGH:
            return ()
        return self._try(watched, self._remaining(step))

    def _try(self, watched: _Watched, remaining: Sequence[int]) -> Sequence[int]:
        """Choose points that are still to be tried, spread evenly; those that were waiting here are set free."""
        if watched.trials is None or watched.reason:
            return ()
        others = [index for index in remaining if index not in watched.trials]
        chosen = _spread(others, ENOUGH - watched.tried)
        watched.trials.update(chosen)
        freed = [index for index in watched.parked if index in watched.trials]
        watched.parked = [index for index in watched.parked if index not in watched.trials]
        return freed

    def _give_up(self, watched: _Watched, end: Finished) -> Sequence[int]:
        step = end.task.step.name
        said = _said(end.settled, watched.kind)
        watched.reason = f"{HELD_BACK}: all {watched.ends} tasks of {step!r} that were tried failed alike ({said})"
        parked, watched.parked = watched.parked, []
        return parked

    def _remaining(self, step: str) -> Sequence[int]:
        """The tasks of a step that may still run, in the order of the sweep."""
        if not self._members:
            for index in self._plan.selected:
                self._members.setdefault(self._tasks[index].step.name, []).append(index)
        left = (index for index in self._members[step] if self._plan.status(index) in _LEFT)
        return [index for index in left if not self._has_begun(index)]


def _kind(end: Finished) -> _Kind:
    """Failures of one kind are alike."""
    ended, settled = end.ended, end.settled
    words = settled.last_line or (settled.message if settled.cause is _HAS_NO_LOG else "")
    return settled.cause, ended.exit_code, ended.signal, words


def _said(settled: Settled, kind: _Kind) -> str:
    cause, exit_code, signal, _ = kind
    if cause is Cause.EXIT:
        return f"exit code {exit_code}"
    if cause is Cause.SIGNAL:
        return f"killed by {signal}"
    return f"{cause.value}: {settled.message}" if cause is not None else settled.message


def _spread(indices: Sequence[int], count: int) -> Sequence[int]:
    """So many of them, as far apart as can be; the last one always."""
    if len(indices) <= count:
        return indices
    return [indices[(place + 1) * len(indices) // count - 1] for place in range(count)]
