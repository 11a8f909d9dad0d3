"""What comes of a task's end: it is told, or tried again; others become ready, or are skipped; the policy is heeded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from taskrun.executors.base import Refused
from taskrun.model import Cause, Ended, Finished, RunFinished, Settled, Skipped, Status, Task
from taskrun.plan import Change, Plan
from taskrun.policy import Policy
from taskrun.scheduler.consumed import Consumption
from taskrun.scheduler.holding import Holding
from taskrun.scheduler.live import Live
from taskrun.scheduler.numbers import Numbers
from taskrun.scheduler.order import Order
from taskrun.scheduler.stop import Blame, Stop
from taskrun.scheduler.telling import Telling
from taskrun.scheduler.undecided import Undecided
from taskrun.scheduler.waiting import Waiting


class Ends:
    """Moves the plan where something is over. What becomes ready goes to the `undecided`."""

    def __init__(
        self,
        tasks: tuple[Task, ...],
        plan: Plan,
        order: Order,
        *,
        policy: Policy,
        stop: Stop,
        cancelled: Collection[int],
        consumption: Consumption,
        numbers: Numbers,
        undecided: Undecided,
        telling: Telling,
        now: Callable[[], float],
    ) -> None:
        self._tasks = tasks
        self._plan = plan
        self._stop = stop
        self._cancelled = cancelled
        self._consumption = consumption
        self._numbers = numbers
        self._undecided = undecided
        self._turn_of = order.turn_of
        self._telling = telling
        self._now = now
        self.waiting = Waiting()
        self.holding = Holding(tasks, plan, policy, self.waiting.has_begun)

    def finish(self, end: Finished) -> None:
        """A task has ended; for good, if it has no retry left."""
        if end.task.traits.retries.most and self.waiting.wants(end):
            if not self._stop.level:
                self._numbers.go_on(end.task, end.ended.attempt)
                self._plan.retry(end.task.index)
                self._telling.say(self.waiting.put(end))
                return
            self._stop.give_up()
        self._finish(end)

    def refuse(self, task: Task, refused: Refused) -> None:
        """A ready task cannot be executed."""
        moment, number = self._now(), self._numbers.next(task).number
        ended = Ended(task.index, number, moment, moment, cause=refused.cause, message=refused.message)
        end = Finished(moment, task, ended, Settled(Status.FAILED, refused.cause, refused.message))
        self._telling.say(end)
        self.follow(self._plan.refuse(task.index))
        self._stop.count(task)
        self.look_again(self.holding.take(end))

    def pass_over(self, index: int) -> None:
        """A ready task of a step that was given up."""
        culprit, reason = self.holding.blame(index)
        self.follow(self._plan.pass_over(index, culprit), Blame(self._tasks[culprit].name, reason))

    def heed(self, live: Collection[Live]) -> bool:
        """Whether the run ends from now on because of failures; once it ends, nothing is tried again."""
        is_over = self._stop.heed(live)
        if self._stop.level and self.waiting.ends:
            self._give_up()
        return is_over

    def tend(self) -> None:
        """Some have waited long enough for their retry."""
        for index in self.waiting.due(self._now()):
            self.follow(self._plan.resume(index))

    def look_again(self, indices: Iterable[int]) -> None:
        """Have it decided anew what becomes of ready tasks."""
        self._undecided.add(*map(self._turn_of.__getitem__, indices))

    def follow(self, change: Change, blame: Blame | None = None) -> None:
        """Tell what follows from a move."""
        if change.ready:
            self.look_again(change.ready)
        for index, culprit in change.skipped:
            said = blame or self._blame(culprit)
            self._telling.say(Skipped(self._now(), self._tasks[index], said.culprit, said.reason))

    def wind_up(self) -> None:
        """The run is over."""
        never = self._plan.stop()
        blame = self._stop.blame
        for index in never:
            self._telling.say(Skipped(self._now(), self._tasks[index], blame.culprit, blame.reason))
        stopped_by = self._stop.stopped_by(has_left=bool(never))
        counts, cancelled = self._plan.final_counts(), len(self._cancelled)
        self._telling.say(RunFinished(self._now(), counts, stopped_by, cancelled, self._plan.allowed))

    def _finish(self, end: Finished) -> None:
        index, is_success = end.task.index, end.settled.status is Status.SUCCEEDED
        self._numbers.forget(end.task)
        if self.waiting.failed:
            self.waiting.forget(end.task)
        self._telling.say(end)
        self.follow(self._plan.finish(index, succeeded=is_success))
        if is_success:
            self._consumption.done(index)
        elif end.settled.cause is Cause.CANCELLED:
            self._stop.note_cancelled()
        else:
            self._stop.count(end.task)
        if end.task.step.name not in self.holding.cleared:
            self.look_again(self.holding.take(end))

    def _give_up(self) -> None:
        """What waits for its retry has failed for good."""
        self._stop.give_up()
        for end in self.waiting.give_up():
            if self._plan.status(end.task.index) is Status.WAITING:
                self._finish(replace(end, time=self._now()))

    def _blame(self, culprit: int) -> Blame:
        if culprit in self._cancelled:
            return self._stop.blame
        name = self._tasks[culprit].name
        how = "is not on record as succeeded" if self._plan.status(culprit) is None else "failed"
        return Blame(name, f"{name!r} {how}")
