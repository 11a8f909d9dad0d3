"""Which ready tasks run: asks the judge, and queues what is to run for its turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import assert_never

from taskrun.executors.base import Fresh, Judge, Lacks, Pending, Refused, Stale
from taskrun.graph import Graph
from taskrun.model import Found, Reason, Status, Task
from taskrun.plan import Plan
from taskrun.room import Room
from taskrun.scheduler.consumed import Consumption
from taskrun.scheduler.ends import Ends
from taskrun.scheduler.holding import Stance
from taskrun.scheduler.left_reading import LeftReading
from taskrun.scheduler.order import Order
from taskrun.scheduler.premature import Premature
from taskrun.scheduler.telling import Telling
from taskrun.scheduler.undecided import Undecided


class Deciding:
    """`kinds`: by the identity of a task's traits, what it asks the `room` for."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        order: Order,
        *,
        judge: Judge,
        room: Room,
        kinds: Mapping[int, int],
        forced: Collection[int],
        undecided: Undecided,
        ends: Ends,
        consumption: Consumption,
        telling: Telling,
        now: Callable[[], float],
    ) -> None:
        self._tasks = graph.tasks
        self._plan = plan
        self._turn_of, self._task_at = order.turn_of, order.task_at
        self._judge = judge
        self._room = room
        self._kinds = kinds
        self._forced = forced
        self._undecided = undecided
        self._ends = ends
        self._consumption = consumption
        self._telling = telling
        self._now = now
        self._held = ends.holding.held
        self._reasons: dict[int, tuple[Reason, ...]] = {}
        self._kept_back: dict[int, Found] = {}  # fresh tasks that may have to run after all, to be told at the end
        self.left_reading = LeftReading(graph, plan)
        self.premature = Premature(plan, forced)

    def decide(self, turn: int) -> None:
        """Find out what becomes of the ready task with this turn."""
        index = self._task_at[turn]
        if index in self._reasons or not self._plan.is_ready(index):
            return  # it waits again, or was asked about since
        task, ran = self._tasks[index], self._plan.ran(index)
        holds = index in self.premature and not ran
        verdict = Fresh() if holds else self._judge.verdict(task, ran, is_forced=index in self._forced)
        match verdict:
            case Stale() if self.left_reading.holds_up(index, turn):
                pass  # judged anew when they are over
            case Stale(reasons):
                self.premature.forget(index)
                if not (self._held and self._is_held(index)):
                    self._reasons[index] = reasons
                    self._room.queue(self._kinds[id(task.traits)], turn)
            case Fresh() if index in self.premature:
                self._ends.finish(self.premature.take(index, self._now()))
            case Fresh():
                self._find_fresh(task, verdict)
            case Refused():
                self._ends.refuse(task, verdict)
            case Lacks():
                self._reopen(task, verdict)
            case Pending():
                self._undecided.put_off(turn)
            case _:
                assert_never(verdict)

    def take(self, index: int) -> tuple[Reason, ...] | None:
        """Why a task whose turn has come runs; None where it does not: what it needs was found to be gone since it was
        queued, or its step is held back.
        """
        reasons = self._reasons.pop(index, None)
        if reasons is None or not self._plan.is_ready(index):
            return None
        return None if self._held and self._is_held(index) else reasons

    def wind_up(self) -> None:
        """What was kept back is fresh after all."""
        self._telling.add(*self._kept_back.values())
        for index in self._kept_back:
            self._consumption.done(index)

    def _is_held(self, index: int) -> bool:
        stance = self._ends.holding.stance(index)
        if stance is Stance.GIVEN_UP:
            self._ends.pass_over(index)
        return stance is not Stance.RUNS

    def _find_fresh(self, task: Task, fresh: Fresh) -> None:
        found = Found(self._now(), task, fresh.attempt, fresh.confirmed)
        if fresh.is_gone:
            self._kept_back[task.index] = found
        else:
            self._telling.add(found)
            self._consumption.done(task.index)
        self._ends.follow(self._plan.find_fresh(task.index))

    def _reopen(self, task: Task, lacks: Lacks) -> None:
        """What it reads is gone: have it made again."""
        if any(self._plan.status(maker) is not Status.FRESH for maker in lacks.makers):
            self._ends.refuse(task, lacks.refused)
        elif any(map(self._plan.is_in_use, lacks.makers)):  # others read what they would make again
            self._undecided.put_off(self._turn_of[task.index])
        else:
            for maker in lacks.makers:
                self._kept_back.pop(maker, None)
                self._plan.reopen(maker)
            self._undecided.add(*map(self._turn_of.__getitem__, lacks.makers))
