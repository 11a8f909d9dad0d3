"""The loop: asks the judge what is fresh, starts what fits, waits, and yields what happened.

It owns no policy, no status and no clock. A batch with `Started` is yielded before the executor starts anything of it,
and everything that has happened is yielded before the loop blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.base import (
    NOTHING_SPECIAL,
    Attempt,
    Executor,
    Fresh,
    Judge,
    Pending,
    Refused,
    Stale,
)
from taskrun.graph import Graph
from taskrun.model import (
    Adopted,
    Cause,
    Ended,
    Event,
    Finished,
    Found,
    Handle,
    Happening,
    Identified,
    Interrupted,
    Prepared,
    Reason,
    ReasonKind,
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
from taskrun.room import Room
from taskrun.scheduler.order import Order
from taskrun.timers import Timers

Batch = tuple[Event, ...]

BATCH = 256  # events at most in one batch
CHUNK = 64  # decisions at most between two looks at what happened
ASK_AGAIN = 0.05  # seconds until the judge is asked again what it could not say yet
LAST_WAIT = 10.0  # seconds that a killed task is waited for when nobody reads on

TERMINATE, KILL = 2, 3  # the levels of an interruption that ask what runs to end, and end it

STOPPED = "the run was stopped"
_FORCED = Stale((Reason(ReasonKind.FORCED),))


class Terms(Struct, frozen=True, kw_only=True):
    """What a run goes by besides its plan; see `schedule`."""

    attempts: Callable[[Task], int]
    forced: Collection[int]
    open_attempts: Mapping[int, Handle]
    grace: float
    patience: Callable[[], float | None]
    is_left: Callable[[], bool]


class _Live(Struct):
    """An attempt that the executor has been given. `handle` finds the one of an earlier run; `asked`: to end."""

    task: Task
    kind: int
    attempt: Attempt
    handle: Handle | None = None
    asked: bool = False
    timer: int | None = None


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
        self._room = Room(executor.pools, (each.request for each in traits.values()))
        self._kinds = {key: self._room.kind(each.request) for key, each in traits.items()}
        self._undecided: list[int] = []  # a heap of the turns of ready tasks that the judge was not asked about
        self._pending: list[int] = []  # turns of those where it could not say yet
        self._reasons: dict[int, tuple[Reason, ...]] = {}
        self._starting: list[_Live] = []
        self._live: dict[int, _Live] = {}
        self._last: dict[int, Attempt] = {}  # of tasks that had an attempt and may have another
        self._timers: Timers[int] = Timers()  # tasks that were asked to end, to be killed
        self._events: list[Event] = []
        self._is_urgent = False
        self._level = 0
        self._signal = ""
        self._cancelled: set[int] = set()  # tasks that we stopped ourselves: nobody's failure
        self._has_ticked = False

    # the loop

    def batches(self) -> Generator[Batch, None, None]:
        try:
            self._say(RunStarted(self._now(), self._plan.total))
            yield from self._tell()
            self._heed_reader()
            if not self._level:
                self._begin()
            while self._live or (self._plan.left and not self._level):
                self._fill()
                if self._has_ticked and not self._events:
                    yield ()
                if self._events and (self._is_urgent or not self._is_deciding or len(self._events) >= BATCH):
                    yield from self._tell()
                self._heed_reader()
                if self._starting:
                    self._launch()
                self._wait()
            self._wind_up()
            yield from self._tell()
        finally:
            try:
                self._end_all()
            finally:
                self._executor.stop()

    @property
    def _is_deciding(self) -> bool:
        return bool(self._undecided) and not self._level

    def _say(self, event: Event) -> None:
        self._events.append(event)
        self._is_urgent = True

    def _tell(self) -> Iterator[Batch]:
        events, self._events, self._is_urgent = self._events, [], False
        for start in range(0, len(events), BATCH):
            yield tuple(events[start : start + BATCH])

    def _begin(self) -> None:
        """First of all look for what earlier runs left behind; it holds its place until it is known to be over."""
        alive = {
            index: handle for index, handle in self._terms.open_attempts.items() if self._plan.status(index) is not None
        }
        for index, handle in alive.items():
            task = self._tasks[index]
            live = _Live(task, self._kinds[id(task.traits)], Attempt(handle.attempt, handle.round), handle)
            self._room.hold(live.kind)
            self._last[index] = Attempt(max(handle.attempt, self._terms.attempts(task)), 0)
            self._starting.append(live)
        change = self._plan.begin(alive)
        self._launch()
        self._undecided = [self._turn_of[index] for index in change.ready]
        heapify(self._undecided)
        self._follow(Change((), change.skipped))
        if alive:
            self._look(0.0)

    def _wind_up(self) -> None:
        assert self._room.is_idle, "something is held that nothing uses"
        never = self._plan.stop()
        for index in never:
            self._say(Skipped(self._now(), self._tasks[index], "", STOPPED))
        stopped_by = self._signal if never or self._cancelled else None
        self._say(RunFinished(self._now(), self._plan.final_counts(), stopped_by, len(self._cancelled)))

    # deciding and starting

    def _fill(self) -> None:
        """Give free places to the next tasks in turn, deciding no more than a chunk of them; then decide ahead."""
        if self._level:
            return
        decisions = 0
        while True:
            turn = self._room.first()
            if self._undecided and (turn is None or self._undecided[0] < turn):
                if decisions == CHUNK:
                    return
                decisions += 1
                self._decide(heappop(self._undecided))
            elif turn is None:
                return
            else:
                self._start(turn)

    def _decide(self, turn: int) -> None:
        index = self._task_at[turn]
        task = self._tasks[index]
        verdict = self._judge.verdict(task, self._plan.ran(index))
        if index in self._terms.forced and not isinstance(verdict, Refused):
            verdict = _FORCED
        match verdict:
            case Stale(reasons):
                self._reasons[index] = reasons
                self._room.queue(self._kinds[id(task.traits)], turn)
            case Fresh():
                self._events.append(Found(self._now(), task))
                self._follow(self._plan.find_fresh(index))
            case Refused():
                self._refuse(task, verdict)
            case Pending():
                self._pending.append(turn)
            case _:
                assert_never(verdict)

    def _refuse(self, task: Task, refused: Refused) -> None:
        moment = self._now()
        number = self._next_attempt(task).number
        ended = Ended(task.index, number, moment, moment, cause=refused.cause, message=refused.message)
        self._say(Finished(moment, task, ended, Settled(Status.FAILED, refused.cause, refused.message)))
        self._follow(self._plan.refuse(task.index))

    def _start(self, turn: int) -> None:
        task = self._tasks[self._task_at[turn]]
        kind = self._kinds[id(task.traits)]
        self._room.take(kind, turn)
        reasons = self._reasons.pop(task.index)
        prepared = self._judge.prepare(task)
        if isinstance(prepared, Prepared):
            attempt = self._next_attempt(task)
            self._plan.start(task.index)
            self._starting.append(_Live(task, kind, attempt))
            self._say(Started(self._now(), task, attempt.number, attempt.round, prepared, reasons))
        else:
            self._room.give_back(kind)
            self._refuse(task, prepared)

    def _next_attempt(self, task: Task) -> Attempt:
        last = self._last.get(task.index)
        return Attempt(self._terms.attempts(task) + 1) if last is None else Attempt(last.number + 1, last.round + 1)

    def _launch(self) -> None:
        """Start what has been told."""
        starting, self._starting = self._starting, []
        for live in starting:
            self._live[live.task.index] = live
            self._executor.start(live.task, live.attempt, NOTHING_SPECIAL, live.handle)

    def _follow(self, change: Change) -> None:
        for index in change.ready:
            heappush(self._undecided, self._turn_of[index])
        for index, culprit in change.skipped:
            if culprit in self._cancelled:
                self._say(Skipped(self._now(), self._tasks[index], "", STOPPED))
                continue
            name = self._tasks[culprit].name
            how = "is not on record as succeeded" if self._plan.status(culprit) is None else "failed"
            self._say(Skipped(self._now(), self._tasks[index], name, f"{name!r} {how}"))

    # waiting, and what comes of it

    def _wait(self) -> None:
        timeout = self._patience()
        if timeout is None and not self._live:
            assert self._level or not self._plan.left, "waiting for nothing, for ever"
            return
        self._look(timeout)

    def _look(self, timeout: float | None) -> None:
        """See what happened, for at most so long."""
        self._has_ticked = False
        for happening in self._executor.wait(timeout):
            self._take_in(happening)
        for index in self._timers.due(self._now()):
            self._executor.kill(self._tasks[index], force=True)
        if self._pending and not self._undecided:
            self._undecided, self._pending = sorted(self._pending), []

    def _patience(self) -> float | None:
        if self._is_deciding or self._is_urgent:
            return 0.0
        timeout = self._terms.patience() if self._live else None
        if self._pending and not self._level:
            timeout = ASK_AGAIN if timeout is None else min(ASK_AGAIN, timeout)
        due = self._timers.next_due()
        if due is not None:
            left = max(0.0, due - self._now())
            timeout = left if timeout is None else min(left, timeout)
        return timeout

    def _take_in(self, happening: Happening) -> None:
        match happening:
            case Ended():
                self._take_end(happening)
            case Spawned(index, handle):
                live = self._live[index]
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
        self._room.give_back(live.kind)
        self._timers.cancel(live.timer)
        if _is_without_result(live, ended):
            settled = self._judge.settle(live.task, ended)
            self._say(Recovered(self._now(), live.task, ended, settled))
            self._follow(self._plan.recover(ended.task))
            return
        # What was asked to end and did may have left half of its work, whatever it says of itself.
        if live.asked and ended.cause is not Cause.COULD_NOT_START:
            ended = replace(ended, cause=Cause.CANCELLED)
            self._cancelled.add(ended.task)
        settled = self._judge.settle(live.task, ended)
        self._last.pop(ended.task, None)
        self._say(Finished(self._now(), live.task, ended, settled))
        self._follow(self._plan.finish(ended.task, succeeded=settled.status is Status.SUCCEEDED))

    def _interrupt(self, level: int, signal: str) -> None:
        if level <= self._level:
            return
        self._level, self._signal = level, signal
        self._say(Stopping(self._now(), level, signal, len(self._live)))
        for index, live in self._live.items() if level > 1 else ():
            live.asked = True
            self._timers.cancel(live.timer)
            if level == TERMINATE:
                live.timer = self._timers.set(self._now() + self._terms.grace, index)
            self._executor.kill(live.task, force=level > 2)

    # leaving early

    def _heed_reader(self) -> None:
        """Once the reader has left, end what runs; what it was told of, but was not started yet, never is."""
        if self._level >= TERMINATE or not self._terms.is_left():
            return
        told, self._starting = self._starting, []
        self._interrupt(TERMINATE, self._signal)
        for live in told:
            index, moment = live.task.index, self._now()
            self._live[index] = live
            live.asked = True
            self._take_end(Ended(index, live.attempt.number, moment, moment))

    def _end_all(self) -> None:
        """Nothing that runs outlives the run, even closed: ask it to end, and kill it after the grace."""
        for force, patience in ((False, self._terms.grace), (True, LAST_WAIT)):
            for live in self._live.values():
                self._executor.kill(live.task, force=force)
            self._see_off(self._now() + patience)

    def _see_off(self, deadline: float) -> None:
        while self._live and self._now() < deadline:
            for happening in self._executor.wait(deadline - self._now()):
                if isinstance(happening, Ended):
                    self._see_end(happening)
                elif isinstance(happening, Interrupted):
                    return  # somebody has lost patience

    def _see_end(self, ended: Ended) -> None:
        """Nobody is told of this end any more; but half of an output is not left in the place of a whole one."""
        live = self._live.pop(ended.task, None)
        if live is not None and ended.cause is not Cause.LOST:
            self._judge.settle(live.task, replace(ended, cause=Cause.CANCELLED))


def _is_without_result(live: _Live, ended: Ended) -> bool:
    """Whether the end of an attempt of an earlier run says nothing, so that its task is to be judged anew."""
    if live.handle is None:
        return False
    return ended.cause is Cause.INTERRUPTED or (ended.cause is Cause.LOST and not live.asked)
