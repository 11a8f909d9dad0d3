"""The loop: starts what fits, waits, and yields what happened.

It owns no policy, no status and no clock. A batch with `Started` is yielded before the executor starts anything of it,
and everything that has happened is yielded before the loop blocks. An empty batch says that all has been started, and
is known as a process: now, and not before, there is time for a reader to show what it was told of.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import assert_never

from taskrun.executors.base import Attempt, Executor, Judge, Pending
from taskrun.graph import Graph
from taskrun.model import (
    DRAIN,
    KILL,
    TERMINATE,
    Adopted,
    Cause,
    Ended,
    Finished,
    Grant,
    Happening,
    Identified,
    Interrupted,
    Prepared,
    Recovered,
    RunStarted,
    Spawned,
    Started,
    Stopping,
    Tick,
)
from taskrun.plan import Change, Plan
from taskrun.pools import asked
from taskrun.room import Room
from taskrun.scheduler.consumed import Consumption
from taskrun.scheduler.deciding import Deciding
from taskrun.scheduler.endings import Endings
from taskrun.scheduler.ends import Ends
from taskrun.scheduler.live import Live, see_off
from taskrun.scheduler.numbers import Numbers
from taskrun.scheduler.order import Order
from taskrun.scheduler.stop import Stop
from taskrun.scheduler.telling import BATCH, Batch, Telling
from taskrun.scheduler.terms import Terms, Unrecorded
from taskrun.scheduler.undecided import Undecided
from taskrun.scheduler.urgency import Urgency

CHUNK = 64  # decisions at most between two looks at what happened
ASK_AGAIN = 0.05  # seconds until the judge is asked again what it could not say yet


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
        self._settling: list[tuple[Live, Ended]] = []  # over, but their outputs are still being read
        self._starting: list[Live] = []
        self._live: dict[int, Live] = {}
        self._numbers = Numbers(terms.attempts)
        self._has_ticked = self._owes = False
        self._order = order
        self._urgency = Urgency(graph, plan, terms.expected, cores=float(executor.pools["cores"]))
        consumption = Consumption(graph, judge)
        self._telling = Telling()
        self._endings = Endings(executor, now, terms.grace)
        self._stop = Stop(plan, terms.policy, self._endings, telling=self._telling, now=now)
        self._ends = Ends(
            graph.tasks, plan, order, policy=terms.policy, stop=self._stop, cancelled=self._endings.cancelled,
            consumption=consumption, numbers=self._numbers, undecided=self._undecided, telling=self._telling, now=now,
        )  # fmt: skip
        self._deciding = Deciding(
            graph, plan, order, judge=judge, room=self._room, kinds=self._kinds, forced=terms.forced,
            undecided=self._undecided, ends=self._ends, consumption=consumption, telling=self._telling, now=now,
        )  # fmt: skip

    # the loop

    def batches(self) -> Generator[Batch, None, None]:
        telling = self._telling
        try:
            telling.say(RunStarted(self._now(), self._plan.total))
            yield from telling.tell()
            self._heed_reader()
            if not self._stop.level:
                self._begin()
            while self._live or self._is_settling or (self._plan.left and not self._stop.level):
                has_news = telling.comes_first
                if has_news:
                    yield from telling.tell()
                self._fill()
                has_news |= self._has_ticked and not telling.events
                if telling.events and (telling.is_urgent or not self._is_deciding or len(telling.events) >= BATCH):
                    has_news = True
                    yield from telling.tell()
                self._heed_reader()
                if self._starting:
                    self._launch()
                    self._owes = True  # an empty batch, once it is on record what was started
                elif has_news or self._owes:
                    self._owes = False
                    yield ()
                    self._heed_reader()
                self._wait()
            self._wind_up()
            yield from telling.tell()
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

    def _drain(self, why: str) -> Iterator[Batch]:
        """Start nothing, settle nothing: what is not on record has not happened. What runs comes to its end, unless it
        was asked to: then nobody waits for longer than the grace.
        """
        self._starting = []
        yield (Stopping(self._now(), DRAIN, "", len(self._live), why),)
        while self._live and self._stop.level < TERMINATE:
            for happening in self._executor.wait(self._until(self._endings.next_due(), self._terms.patience())):
                if isinstance(happening, Ended):
                    self._endings.seen(self._live.pop(happening.task), happening)
                elif isinstance(happening, Interrupted) and happening.level > DRAIN:
                    return
            self._endings.tend()
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
        self._deciding.left_reading.begin(alive)
        change = self._plan.begin(alive)
        self._launch()
        self._undecided.begin(self._turn_of[index] for index in change.ready)
        self._ends.follow(Change((), change.skipped))
        if alive:
            self._look(0.0)

    def _wind_up(self) -> None:
        assert self._room.is_idle, "something is held that nothing uses"
        self._deciding.wind_up()
        self._ends.wind_up()

    # starting

    def _fill(self) -> None:
        """Give free places to the next tasks in turn, deciding no more than a chunk of them; then decide ahead."""
        decisions = 0
        while not self._stop.level:
            turn = self._room.first()
            if self._undecided and (turn is None or self._undecided.first < turn):
                if decisions == CHUNK:
                    return
                decisions += 1
                self._deciding.decide(self._undecided.take())
                if self._stop.is_to_heed:
                    self._heed_failures()
            elif turn is not None:
                self._start(turn)
            elif self._live or not self._free_some():
                return

    def _free_some(self) -> bool:
        """Where nothing can happen any more, let some of those go that are held back."""
        if self._starting or self._settling or self._undecided.is_pending or self._ends.waiting.ends:
            return False
        freed = self._ends.holding.free_some()
        self._ends.look_again(freed)
        return bool(freed)

    def _start(self, turn: int) -> None:
        if self._urgency.is_due():
            self._put_longest_first()
            return
        task = self._tasks[self._task_at[turn]]
        kind = self._kinds[id(task.traits)]
        grant = self._room.take(kind, turn)
        reasons = self._deciding.take(task.index)
        if reasons is None:
            self._room.give_back(kind, grant)
            return
        prepared = self._judge.prepare(task)
        if isinstance(prepared, Prepared):
            attempt = self._numbers.next(task)
            self._plan.start(task.index)
            self._starting.append(Live(task, kind, attempt, grant=grant))
            self._telling.say(Started(self._now(), task, attempt.number, attempt.round, prepared, reasons, grant))
        else:
            self._room.give_back(kind, grant)
            self._ends.refuse(task, prepared)
            if self._stop.is_to_heed:
                self._heed_failures()

    def _put_longest_first(self) -> None:
        turns = self._order.renew(self._tasks, self._urgency.ranks(self._order.ranks))
        self._room.renumber(turns)
        self._undecided.renumber(turns)
        self._deciding.left_reading.renumber(turns)

    def _launch(self) -> None:
        """Start what has been told."""
        starting, self._starting = self._starting, []
        for live in starting:
            self._live[live.task.index] = live
            self._executor.start(live.task, live.attempt, live.grant, live.handle)
            if live.task.traits.timeout is not None:
                began = None if live.handle is None else self._terms.began(live.task)
                self._endings.watch(live, self._now() if began is None else began)

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
        self._endings.tend()
        settling, self._settling = self._settling, []
        for live, ended in settling:
            self._settle(live, ended)
        if self._ends.waiting.ends:
            self._ends.tend()
        if self._stop.is_to_heed:
            self._heed_failures()
        self._undecided.ask_again()

    def _patience(self) -> float | None:
        if self._owes or self._is_deciding or self._telling.is_urgent:
            return 0.0
        waiting = self._ends.waiting
        timeout = self._terms.patience() if self._live or waiting.ends else None
        if self._settling or (self._undecided.is_pending and not self._stop.level):
            timeout = ASK_AGAIN if timeout is None else min(ASK_AGAIN, timeout)
        if waiting.ends:
            timeout = self._until(waiting.next_due(), timeout)
        return self._until(self._endings.next_due(), timeout)

    def _until(self, moment: float | None, timeout: float | None) -> float | None:
        """Seconds until a moment, or a timeout that is over before."""
        if moment is None:
            return timeout
        left = max(0.0, moment - self._now())
        return left if timeout is None else min(left, timeout)

    def _take_in(self, happening: Happening) -> None:
        match happening:
            case Ended():
                self._take_end(happening)
            case Spawned(index, handle):
                live = self._live[index]
                live.is_reachable = handle.is_reachable
                told = Identified if live.handle is None else Adopted
                self._telling.say(told(self._now(), live.task, handle))
            case Tick():
                self._has_ticked = True
            case Interrupted(level, signal):
                self._interrupt(KILL if self._terms.is_left() else level, signal)  # nobody but us is waited for
            case _:
                assert_never(happening)

    def _take_end(self, ended: Ended) -> None:
        live = self._live.pop(ended.task)
        self._room.give_back(live.kind, live.grant)
        self._settle(live, self._endings.seen(live, ended))

    def _settle(self, live: Live, ended: Ended) -> None:
        settled = self._judge.settle(live.task, ended)
        if isinstance(settled, Pending):
            self._settling.append((live, ended))
            return
        finished = Finished(self._now(), live.task, ended, settled)
        if self._deciding.premature.is_to_judge_anew(live, finished, is_stopping=self._stop.level > 0):
            self._telling.say(Recovered(self._now(), live.task, ended, settled))
            self._telling.comes_first = True
            self._ends.follow(self._plan.recover(ended.task))
        else:
            self._ends.finish(finished)
        if live.handle is not None:
            self._undecided.add(*self._deciding.left_reading.let_go())

    # ending

    def _heed_failures(self) -> None:
        """See whether the run ends because of them; what was told of, but not started yet, then never is."""
        if self._ends.heed(self._live.values()) and self._stop.level >= TERMINATE:
            self._leave_behind()
            self._take_back()

    def _interrupt(self, level: int, signal: str) -> None:
        self._stop.interrupt(level, signal, self._live.values())
        if self._stop.level >= TERMINATE:
            self._leave_behind()

    def _leave_behind(self) -> None:
        """What cannot be ended from here is left as it is, and has no end on record."""
        for left in [live for live in self._live.values() if not live.is_reachable]:
            self._room.give_back(left.kind, left.grant)
            del self._live[left.task.index]
            self._ends.follow(self._plan.recover(left.task.index))

    def _heed_reader(self) -> None:
        """Once the reader has left, end what runs; what it was told of, but was not started yet, never is."""
        if self._stop.heard < TERMINATE and self._terms.is_left():
            self._interrupt(TERMINATE, self._stop.signal)
            self._take_back()

    def _take_back(self) -> None:
        told, self._starting = self._starting, []
        for live in told:
            live.asked, self._live[live.task.index] = Cause.CANCELLED, live
            self._take_end(Ended(live.task.index, live.attempt.number, moment := self._now(), moment))
