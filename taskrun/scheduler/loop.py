"""The loop: asks the judge what is fresh, starts what fits, waits, and yields what happened.

It owns no policy, no status and no clock. A batch with `Started` is yielded before the executor starts anything of it,
and everything that has happened is yielded before the loop blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import assert_never

from msgspec.structs import replace

from taskrun.executors.base import Attempt, Executor, Fresh, Judge, Lacks, Pending, Refused, Stale
from taskrun.graph import Graph
from taskrun.model import (
    Adopted,
    Cause,
    Ended,
    Event,
    Finished,
    Found,
    Grant,
    Happening,
    Identified,
    Interrupted,
    Prepared,
    Reason,
    Recovered,
    RunFinished,
    RunStarted,
    Settled,
    Skipped,
    Spawned,
    Started,
    Status,
    Stopping,
    Task,
    Tick,
)
from taskrun.plan import Change, Plan
from taskrun.pools import asked
from taskrun.room import Room
from taskrun.scheduler.consumed import Consumption
from taskrun.scheduler.left_reading import LeftReading
from taskrun.scheduler.live import Live, see_off
from taskrun.scheduler.numbers import Numbers
from taskrun.scheduler.order import Order
from taskrun.scheduler.premature import Premature
from taskrun.scheduler.stop import KILL, TERMINATE, Stop
from taskrun.scheduler.terms import Terms, Unrecorded
from taskrun.scheduler.undecided import Undecided

Batch = tuple[Event, ...]

BATCH = 256  # events at most in one batch
CHUNK = 64  # decisions at most between two looks at what happened
ASK_AGAIN = 0.05  # seconds until the judge is asked again what it could not say yet
STOPPED = "the run was stopped"


class Loop:
    """One run, and what it holds meanwhile."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        *,
        order: Order,
        executor: Executor,
        judge: Judge,
        now: Callable[[], float],
        terms: Terms,
    ) -> None:
        self._tasks = graph.tasks
        self._plan = plan
        self._turn_of, self._task_at = order.turn_of, order.task_at
        self._executor = executor
        self._judge = judge
        self._now = now
        self._terms = terms
        traits = {id(task.traits): task.traits for task in map(self._tasks.__getitem__, plan.selected)}
        self._room = Room(executor.pools, map(asked, traits.values()), executor.units)
        self._kinds = {key: self._room.kind(asked(each)) for key, each in traits.items()}
        self._undecided = Undecided()
        self._reasons: dict[int, tuple[Reason, ...]] = {}
        self._kept_back: dict[int, Found] = {}  # fresh tasks that may have to run after all, to be told at the end
        self._settling: list[tuple[Live, Ended]] = []  # over, but their outputs are still being read
        self._consumption = Consumption(graph, judge)
        self._left_reading = LeftReading(graph, plan)
        self._premature = Premature(plan, terms.forced)
        self._starting: list[Live] = []
        self._live: dict[int, Live] = {}
        self._numbers = Numbers(terms.attempts)
        self._events: list[Event] = []
        self._is_urgent = False
        self._tells_first = False  # the judge is to find on record how an attempt of an earlier run has ended
        self._stop = Stop(executor, now, terms.grace)
        self._has_ticked = False

    # the loop

    def batches(self) -> Generator[Batch, None, None]:
        try:
            self._say(RunStarted(self._now(), self._plan.total))
            yield from self._tell()
            self._heed_reader()
            if not self._stop.level:
                self._begin()
            while self._live or self._is_settling or (self._plan.left and not self._stop.level):
                if self._tells_first:
                    yield from self._tell()
                self._fill()
                if self._has_ticked and not self._events:
                    yield ()
                if self._events and (self._is_urgent or not self._is_deciding or len(self._events) >= BATCH):
                    yield from self._tell()
                self._heed_reader()
                self._launch()
                self._wait()
            self._wind_up()
            yield from self._tell()
        except Unrecorded as trouble:
            yield from self._drain(str(trouble))
        finally:
            try:
                see_off(
                    self._live, executor=self._executor, judge=self._judge, now=self._now, grace=self._terms.grace
                )
            finally:
                self._executor.stop()

    @property
    def _is_settling(self) -> bool:
        return bool(self._settling) and self._stop.level < KILL

    @property
    def _is_deciding(self) -> bool:
        return bool(self._undecided) and not self._stop.level

    def _say(self, event: Event) -> None:
        self._events.append(event)
        self._is_urgent = True

    def _tell(self) -> Iterator[Batch]:
        events, self._events, self._is_urgent, self._tells_first = self._events, [], False, False
        for start in range(0, len(events), BATCH):
            yield tuple(events[start : start + BATCH])

    def _drain(self, why: str) -> Iterator[Batch]:
        """Start nothing, settle nothing: what is not on record has not happened. What runs comes to its end, unless it
        was asked to: then nobody waits for longer than the grace.
        """
        self._starting = []
        yield (Stopping(self._now(), 1, "", len(self._live), why),)
        while self._live and self._stop.level < TERMINATE:
            for happening in self._executor.wait(self._terms.patience()):
                if isinstance(happening, Ended):
                    self._live.pop(happening.task, None)
                elif isinstance(happening, Interrupted) and happening.level > 1:
                    return
            yield ()

    def _begin(self) -> None:
        """First of all look for what earlier runs left behind; it holds its place until it is known to be over."""
        alive = {
            index: handle for index, handle in self._terms.open_attempts.items() if self._plan.status(index) is not None
        }
        for index, handle in alive.items():
            task, had = self._tasks[index], Grant(handle.gpus, handle.pinned)
            live = Live(task, self._kinds[id(task.traits)], Attempt(handle.attempt, handle.round), handle, grant=had)
            self._room.hold(live.kind, had)
            self._numbers.begin_after(task, handle)
            self._starting.append(live)
        self._left_reading.begin(alive)
        change = self._plan.begin(alive)
        self._launch()
        self._undecided.begin(self._turn_of[index] for index in change.ready)
        self._follow(Change((), change.skipped))
        if alive:
            self._look(0.0)

    def _wind_up(self) -> None:
        assert self._room.is_idle, "something is held that nothing uses"
        self._events.extend(self._kept_back.values())
        for index in self._kept_back:
            self._consumption.done(index)
        for index in (never := self._plan.stop()):
            self._say(Skipped(self._now(), self._tasks[index], "", STOPPED))
        stopped_by = self._stop.signal if never or self._stop.cancelled else None
        self._say(RunFinished(self._now(), self._plan.final_counts(), stopped_by, len(self._stop.cancelled)))

    # deciding and starting

    def _fill(self) -> None:
        """Give free places to the next tasks in turn, deciding no more than a chunk of them; then decide ahead."""
        if self._stop.level:
            return
        decisions = 0
        while True:
            turn = self._room.first()
            if self._undecided and (turn is None or self._undecided.first < turn):
                if decisions == CHUNK:
                    return
                decisions += 1
                self._decide(self._undecided.take())
            elif turn is None:
                return
            else:
                self._start(turn)

    def _decide(self, turn: int) -> None:
        index = self._task_at[turn]
        if index in self._reasons or self._plan.status(index) is not Status.READY:
            return  # it waits again, or was asked about since
        task, ran = self._tasks[index], self._plan.ran(index)
        holds = index in self._premature and not ran
        verdict = Fresh() if holds else self._judge.verdict(task, ran, is_forced=index in self._terms.forced)
        match verdict:
            case Stale() if self._left_reading.holds_up(index, turn):
                pass  # judged anew when they are over
            case Stale(reasons):
                self._premature.forget(index)
                self._reasons[index] = reasons
                self._room.queue(self._kinds[id(task.traits)], turn)
            case Fresh() if index in self._premature:
                self._finish(self._premature.take(index, self._now()))
            case Fresh():
                self._find_fresh(task, verdict)
            case Refused():
                self._refuse(task, verdict)
            case Lacks():
                self._reopen(task, verdict)
            case Pending():
                self._undecided.put_off(turn)
            case _:
                assert_never(verdict)

    def _find_fresh(self, task: Task, fresh: Fresh) -> None:
        found = Found(self._now(), task, fresh.attempt, fresh.confirmed)
        if fresh.is_gone:
            self._kept_back[task.index] = found
        else:
            self._events.append(found)
            self._consumption.done(task.index)
        self._follow(self._plan.find_fresh(task.index))

    def _reopen(self, task: Task, lacks: Lacks) -> None:
        """What it reads is gone: have it made again."""
        if any(self._plan.status(maker) is not Status.FRESH for maker in lacks.makers):
            self._refuse(task, lacks.refused)
        elif any(map(self._plan.is_in_use, lacks.makers)):  # others read what they would make again
            self._undecided.put_off(self._turn_of[task.index])
        else:
            for maker in lacks.makers:
                self._kept_back.pop(maker, None)
                self._plan.reopen(maker)
            self._undecided.add(*map(self._turn_of.__getitem__, lacks.makers))

    def _refuse(self, task: Task, refused: Refused) -> None:
        moment, number = self._now(), self._numbers.next(task).number
        ended = Ended(task.index, number, moment, moment, cause=refused.cause, message=refused.message)
        self._say(Finished(moment, task, ended, Settled(Status.FAILED, refused.cause, refused.message)))
        self._follow(self._plan.refuse(task.index))

    def _start(self, turn: int) -> None:
        task = self._tasks[self._task_at[turn]]
        kind = self._kinds[id(task.traits)]
        grant = self._room.take(kind, turn)
        reasons = self._reasons.pop(task.index, None)
        if reasons is None or self._plan.status(task.index) is not Status.READY:
            self._room.give_back(kind, grant)  # since it was put there, what it needs was found to be gone
            return
        prepared = self._judge.prepare(task)
        if isinstance(prepared, Prepared):
            attempt = self._numbers.next(task)
            self._plan.start(task.index)
            self._starting.append(Live(task, kind, attempt, grant=grant))
            self._say(Started(self._now(), task, attempt.number, attempt.round, prepared, reasons, grant))
        else:
            self._room.give_back(kind, grant)
            self._refuse(task, prepared)

    def _launch(self) -> None:
        """Start what has been told."""
        starting, self._starting = self._starting, []
        for live in starting:
            self._live[live.task.index] = live
            self._executor.start(live.task, live.attempt, live.grant, live.handle)

    def _follow(self, change: Change) -> None:
        self._undecided.add(*map(self._turn_of.__getitem__, change.ready))
        for index, culprit in change.skipped:
            if culprit in self._stop.cancelled:
                self._say(Skipped(self._now(), self._tasks[index], "", STOPPED))
                continue
            name = self._tasks[culprit].name
            how = "is not on record as succeeded" if self._plan.status(culprit) is None else "failed"
            self._say(Skipped(self._now(), self._tasks[index], name, f"{name!r} {how}"))

    # waiting, and what comes of it

    def _wait(self) -> None:
        timeout = self._patience()
        if timeout is None and not self._live:
            assert self._stop.level or not self._plan.left, "waiting for nothing, for ever"
            return
        self._look(timeout)

    def _look(self, timeout: float | None) -> None:
        """See what happened, for at most so long."""
        self._has_ticked = False
        for happening in self._executor.wait(timeout):
            self._take_in(happening)
        self._stop.kill_overdue()
        settling, self._settling = self._settling, []
        for live, ended in settling:
            self._settle(live, ended)
        self._undecided.ask_again()

    def _patience(self) -> float | None:
        if self._is_deciding or self._is_urgent:
            return 0.0
        timeout = self._terms.patience() if self._live else None
        if self._settling or (self._undecided.is_pending and not self._stop.level):
            timeout = ASK_AGAIN if timeout is None else min(ASK_AGAIN, timeout)
        return self._stop.patience(timeout)

    def _take_in(self, happening: Happening) -> None:
        match happening:
            case Ended():
                self._take_end(happening)
            case Spawned(index, handle):
                live = self._live[index]
                live.is_reachable = handle.is_reachable
                told = Identified if live.handle is None else Adopted
                self._say(told(self._now(), live.task, handle))
            case Tick():
                self._has_ticked = True
            case Interrupted(level, signal):
                self._interrupt(KILL if self._terms.is_left() else level, signal)  # nobody but us is waited for
            case _:
                assert_never(happening)

    def _take_end(self, ended: Ended) -> None:
        live = self._live.pop(ended.task)
        self._room.give_back(live.kind, live.grant)
        if self._stop.has_ended(live, ended):
            ended = replace(ended, cause=Cause.CANCELLED)
        self._settle(live, ended)

    def _settle(self, live: Live, ended: Ended) -> None:
        settled = self._judge.settle(live.task, ended)
        if isinstance(settled, Pending):
            self._settling.append((live, ended))
            return
        finished = Finished(self._now(), live.task, ended, settled)
        if self._premature.is_to_judge_anew(live, finished, is_stopping=self._stop.level > 0):
            self._say(Recovered(self._now(), live.task, ended, settled))
            self._tells_first = True
            self._follow(self._plan.recover(ended.task))
        else:
            self._finish(finished)
        if live.handle is not None:
            self._undecided.add(*self._left_reading.let_go())

    def _finish(self, end: Finished) -> None:
        index, is_success = end.task.index, end.settled.status is Status.SUCCEEDED
        self._numbers.forget(end.task)
        self._say(end)
        self._follow(self._plan.finish(index, succeeded=is_success))
        if is_success:
            self._consumption.done(index)

    def _interrupt(self, level: int, signal: str) -> None:
        if level > self._stop.level:
            self._say(Stopping(self._now(), level, signal, len(self._live)))
            for left in self._stop.raise_to(level, signal, self._live.values()):  # it has no end on record
                self._room.give_back(self._live.pop(left.task.index).kind)
                self._follow(self._plan.recover(left.task.index))

    def _heed_reader(self) -> None:
        """Once the reader has left, end what runs; what it was told of, but was not started yet, never is."""
        if self._stop.level >= TERMINATE or not self._terms.is_left():
            return
        told, self._starting = self._starting, []
        self._interrupt(TERMINATE, self._stop.signal)
        for live in told:
            live.asked, self._live[live.task.index] = True, live
            self._take_end(Ended(live.task.index, live.attempt.number, moment := self._now(), moment))
