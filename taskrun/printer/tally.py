"""How far a run is: what has become of its tasks, what runs, and how long it will take.

One tally per run, told of each event before anything is said about it.
"""

from __future__ import annotations

from taskrun.history import Running, time_to_go
from taskrun.model import (
    NEVER_RAN,
    UNSEEN,
    Adopted,
    Cause,
    Event,
    Finished,
    Found,
    Recovered,
    Retrying,
    RunStarted,
    Skipped,
    Started,
    Status,
    Task,
    Traits,
)
from taskrun.printer.setting import Outset

_NO_MEASURE = UNSEEN | NEVER_RAN | {Cause.CANCELLED}


class Underway(Running):
    """A running task, and which attempt of this run it is."""

    __slots__ = ("round", "task")

    def __init__(self, task: Task, cores: float, started: float, round: int) -> None:
        super().__init__(task.step.name, cores, started)
        self.task = task
        self.round = round


class Tally:
    """Counts of what became of the tasks. `running` is in the order in which they started."""

    def __init__(self, outset: Outset) -> None:
        self.total = sum(outset.selected.values())
        self.retried = 0  # those that succeeded after a retry
        self.succeeded = self.failed = self.cancelled = self.fresh = self.skipped = 0
        self.running: dict[int, Underway] = {}
        self.began: float | None = None
        self.now = 0.0
        self._slots = outset.slots
        self._history = outset.history
        self._cores: dict[str, float] = {}
        self._traits: Traits | None = None
        self._asked = 1.0
        self._spared = dict(outset.done)
        self._stale: dict[str, int] = {}  # done before, and run all the same
        self._fresh: dict[str, int] = {}
        self._due: dict[int, float] = {}  # by task that waits for its retry: when that is
        self._failed_once: dict[int, int] = {}  # by task that is, or was, tried again: the attempts that failed
        self._left = {step: count - self._spared.get(step, 0) for step, count in outset.selected.items()}

    @property
    def settled(self) -> int:
        """Tasks of which this run will say no more."""
        return self.succeeded + self.failed + self.cancelled + self.fresh + self.skipped

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are succeeded, failed (or cancelled), fresh and skipped, by the words of `Status`."""
        failed = self.failed + self.cancelled
        counted = (Status.SUCCEEDED, self.succeeded), (Status.FAILED, failed), (Status.FRESH, self.fresh)
        return {status.value: count for status, count in (*counted, (Status.SKIPPED, self.skipped))}

    @property
    def percent(self) -> int:
        """100 only when nothing is left."""
        return self.settled * 100 // self.total if self.total else 100

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return max(self.now - self.began, 0.0) if self.began is not None else 0.0

    def time_to_go(self) -> float | None:
        """Seconds until all is done, or None where nobody can know yet; fresh tasks count neither way."""
        if not self.running and self.settled >= self.total:
            return 0.0
        left = {step: count + self._stale_rest(step) for step, count in self._left.items()}
        found = time_to_go(
            self._history, left, self.running.values(), now=self.now, slots=self._slots, cores=self._cores
        )
        return max(found, max(self._due.values()) - self.now) if self._due and found is not None else found

    def _stale_rest(self, step: str) -> float:
        """How many of those that were done before will run again, if it goes on as it went with the others so far."""
        stale, fresh = self._stale.get(step, 0), self._fresh.get(step, 0)
        if not stale + fresh:
            stale, fresh = sum(self._stale.values()), self.fresh
        return self._spared.get(step, 0) * stale / (stale + fresh) if stale else 0.0

    def round(self, task: Task) -> int:
        """Which attempt of this run is on, or was last; 1 where none was."""
        underway = self.running.get(task.index)
        return underway.round if underway else self._failed_once.get(task.index, 1)

    def take(self, event: Event) -> None:
        """Count an event."""
        if event.time > self.now:
            self.now = event.time
        if isinstance(event, Found):
            self.fresh += 1
            self._spare(event.task.step.name)
        elif isinstance(event, Started):
            self._start(event.task, event.time, event.round)
        elif isinstance(event, Finished):
            self._finish(event)
        elif isinstance(event, Skipped):
            self.skipped += 1
            self._leave(event.task)
        elif isinstance(event, Adopted):
            self._start(event.task, event.time, event.handle.round)
        elif isinstance(event, Recovered):
            self._put_back(event.task)
        elif isinstance(event, Retrying):
            self._failed_once[event.task.index] = event.retry
            self._due[event.task.index] = event.due
            self._put_back(event.task)
        elif isinstance(event, RunStarted):
            self.total = event.total
            self.began = event.time

    def _start(self, task: Task, time: float, round: int) -> None:
        traits, step = task.traits, task.step.name
        if traits is not self._traits:  # equal ones are one object, and an exact number is slow to convert
            self._traits = traits
            self._asked = float(traits.cores)
        self._cores[step] = self._asked
        if self._due:
            self._due.pop(task.index, None)
        if task.index not in self.running:
            self._use(step)
        self.running[task.index] = Underway(task, self._asked, time, round)

    def _put_back(self, task: Task) -> None:
        if self.running.pop(task.index, None) is not None:
            self._left[task.step.name] = self._left.get(task.step.name, 0) + 1

    def _finish(self, event: Finished) -> None:
        task, cause = event.task, event.settled.cause
        if self._due:
            self._due.pop(task.index, None)
        self._leave(task)
        if event.settled.status is Status.SUCCEEDED:
            self.succeeded += 1
            if self._failed_once:
                self.retried += task.index in self._failed_once
        elif cause is Cause.CANCELLED:
            self.cancelled += 1
        else:
            self.failed += 1
        if cause not in _NO_MEASURE:
            self._history.add(task.step.name, event.ended.seconds)

    def _leave(self, task: Task) -> None:
        if self.running.pop(task.index, None) is None:
            self._use(task.step.name)

    def _use(self, step: str) -> None:
        """One task of the step less to execute; one that was done before if there is no other."""
        left = self._left.get(step, 0)
        if left > 0:
            self._left[step] = left - 1
        elif self._spared.get(step, 0) > 0:
            self._spared[step] -= 1
            self._stale[step] = self._stale.get(step, 0) + 1

    def _spare(self, step: str) -> None:
        """One task of the step less that is done before; one to execute if there is no other."""
        self._fresh[step] = self._fresh.get(step, 0) + 1
        if self._spared.get(step, 0) > 0:
            self._spared[step] -= 1
        elif self._left.get(step, 0) > 0:
            self._left[step] -= 1
