"""Small worlds for the core: an executor that owns the clock, a judge that knows all, graphs written in one line.

They run, record, and object to the impossible: waiting for nothing for ever, more than a pool holds, one task twice at
once, anything after the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.base import Attempt, Fresh, Lacks, Pending, Refused, Stale, Verdict
from taskrun.graph import Draft, Edge, Graph
from taskrun.model import (
    NOTHING_SPECIAL,
    Adopted,
    Argv,
    Cause,
    Ended,
    Event,
    Finished,
    Found,
    Grant,
    Handle,
    Happening,
    Identified,
    Interrupted,
    Prepared,
    Reason,
    ReasonKind,
    Recovered,
    Retrying,
    RunFinished,
    RunStarted,
    Settled,
    Signature,
    Skipped,
    Spawned,
    Started,
    Status,
    Step,
    Stopping,
    Task,
    Tick,
    Traits,
)
from taskrun.pools import GPUS, asked
from taskrun.scheduler import Batch, schedule

STEP = Step("step")
TRUE = Argv(("true",))
ONE_CORE = Traits()
EDGES = {".": Edge.ORDER, "?": Edge.ANY, "!": Edge.FILE_ANY}


def asking(cores: str | int = 1, priority: int = 0, *, pinned: bool = False, **pools: str | int) -> Traits:
    """The traits of a task that asks for so much."""
    request = (("cores", Fraction(cores)), *((pool, Fraction(amount)) for pool, amount in pools.items()))
    return Traits(request=request, priority=Fraction(priority), is_pinned=pinned)


def task(index: int, name: str, traits: Traits = ONE_CORE) -> Task:
    return Task(index=index, name=name, step=STEP, action=TRUE, traits=traits)


def graph(text: str, traits: Mapping[str, Traits] | None = None) -> Graph:
    """`"a; b; c < a b"`: c needs a and b. `.a` is an edge of order only, `?a` one for whatever became of it, `!a` one
    for its file, whatever became of it; `(a,b)` is a gather.
    """
    draft = Draft()
    entries = [entry.partition("<") for entry in text.split(";")]
    for index, (name, _, _) in enumerate(entries):
        draft.add(task(index, name.strip(), (traits or {}).get(name.strip(), ONE_CORE)))
    for consumer, (_, _, needs) in enumerate(entries):
        for word in needs.split():
            draft.need(consumer, node_of(draft, word.lstrip(".?!")), EDGES.get(word[0], Edge.FILE))
    return draft.build()


def node_of(draft: Draft, word: str) -> int:
    found = [draft.index_of(name) for name in word.strip("()").split(",")]
    return draft.gather(tuple(index for index in found if index is not None))


class Left(Struct, frozen=True):
    """What an earlier run left behind: an attempt that is dead, or goes on for `seconds` and ends somehow; or it lives
    on another machine and `is_reachable` by no signal.
    """

    seconds: float | None = None
    exit_code: int | None = None
    is_reachable: bool = True


class _Process(Struct):
    task: Task
    attempt: Attempt
    start: float
    end: Ended
    adopted: bool = False
    due: int = 0  # the number of its end
    grant: Grant = NOTHING_SPECIAL


class FakeExecutor:
    """Runs nothing and takes its time for it: `seconds` and `ends` (fields of `Ended`) by the task's name; a list of
    ends is one for each round, the last one for all that follow.
    """

    def __init__(
        self,
        *,
        pools: Mapping[str, int | Fraction] | None = None,
        seconds: Mapping[str, float] | None = None,
        ends: Mapping[str, Mapping[str, object] | Sequence[Mapping[str, object]]] | None = None,
        stubborn: Iterable[str] = (),
        interrupts: Iterable[tuple[float, int, str]] = (),
        left: Mapping[str, Left] | None = None,
        units: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.units = units or {}
        self.shares: dict[tuple[str, str], Fraction] = {}  # by pool and id, what is in use of each unit
        self.pools = {pool: Fraction(amount) for pool, amount in (pools or {"cores": 2}).items()}
        self.time = 0.0
        self.starts: list[tuple[float, str]] = []
        self.kills: list[tuple[float, str, bool]] = []
        self.stopped = False
        self._seconds = seconds or {}
        self._ends = ends or {}
        self._stubborn = frozenset(stubborn)
        self._interrupts = sorted(interrupts)
        self._left = left or {}
        self._processes: dict[int, _Process] = {}
        self._due: list[tuple[float, int, int]] = []  # when, a number, whose
        self._number = 0
        self._said: list[Happening] = []
        self._just_ended: set[int] = set()
        self._distant: set[int] = set()
        self._used: dict[str, int | Fraction] = dict.fromkeys(self.pools, 0)
        self._amounts: dict[int, dict[str, int | Fraction]] = {}

    def now(self) -> float:
        return self.time

    @property
    def running(self) -> list[str]:
        return [process.task.name for process in self._processes.values()]

    # the protocol

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        assert not self.stopped, f"{task.name} started after the end"
        assert task.index not in self._processes, f"{task.name} started twice at once"
        for pool, amount in self._asks(task).items():
            self._used[pool] += amount
            self._share(task, pool, Fraction(amount), grant, -1 if handle is None else 0)
            enough = self._used[pool] <= self.pools[pool] or not amount
            assert enough or handle is not None, f"{task.name} takes more {pool} than there is"
        if handle is None:
            self.starts.append((self.time, task.name))
            end = self._ends.get(task.name, {"exit_code": 0})
            if not isinstance(end, Mapping):
                end = end[min(attempt.round, len(end)) - 1]
            self._begin(task, attempt, self._seconds.get(task.name, 1.0), end)
            self._processes[task.index].grant = grant
            self._said.append(Spawned(task.index, Handle("now", attempt.number, attempt.round, pid=1 + task.index)))
        else:
            self._adopt(task, attempt, self._left.get(task.name, Left()), handle)

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        assert not self.stopped, "waiting after the end"
        if self._said:
            said, self._said = self._said, []
            return said
        self.time = max(self.time, self._next_moment(timeout))
        found: list[Happening] = []
        self._just_ended.clear()
        while self._interrupts and self._interrupts[0][0] <= self.time:
            found.append(Interrupted(*self._interrupts.pop(0)[1:]))
        while self._due and self._due[0][0] <= self.time:
            found.extend(self._end(*heappop(self._due)))
        return found or [Tick()]

    def kill(self, task: Task, *, force: bool) -> bool:
        assert not self.stopped, f"{task.name} killed after the end"
        self.kills.append((self.time, task.name, force))
        process = self._processes.get(task.index)
        assert process or task.index in self._just_ended, f"{task.name} killed, but it does not run"
        assert task.index not in self._distant, f"{task.name} killed, but it is out of reach"
        if process is not None and (force or task.name not in self._stubborn):
            process.end = Ended(task.index, process.attempt.number, process.start, self.time, None, _killer(force))
            if process.adopted:
                process.end = replace(process.end, signal=None, cause=Cause.LOST)
            self._have_due(self.time, task.index)
        return process is not None

    def stop(self) -> None:
        left = [process.task.name for index, process in self._processes.items() if index not in self._distant]
        assert not left, f"left behind: {left}"
        self.stopped = True

    # the world

    def _share(self, task: Task, pool: str, amount: Fraction, grant: Grant, sign: int) -> None:
        """Take (-1) or give back (1) units: entirely, or a share of one, of which nobody else has too much."""
        if pool not in self.units or not amount:
            return
        ids = grant.gpus if pool == GPUS else tuple(map(str, grant.pinned))
        if not sign:  # of an earlier run: nobody knows
            return
        assert len(ids) == max(1, amount), f"{task.name} asks for {amount} {pool} and has {ids}"
        assert len(set(ids)) == len(ids)
        for each in ids:
            assert each in self.units[pool]
            share = self.shares.get((pool, each), Fraction(0)) - sign * min(amount, Fraction(1))
            assert 0 <= share <= 1, f"{pool} {each} is in use {share} times"
            self.shares[pool, each] = share

    def _asks(self, task: Task) -> dict[str, int | Fraction]:
        """What a task holds, whole amounts as such; found once for tasks that share their traits."""
        asks = self._amounts.get(id(task.traits))
        if asks is None:
            exact = {pool: min(amount, self.pools.get(pool, Fraction(0))) for pool, amount in asked(task.traits)}
            asks = {pool: int(amount) if amount.denominator == 1 else amount for pool, amount in exact.items()}
            self._amounts[id(task.traits)] = asks
        return asks

    def _begin(self, task: Task, attempt: Attempt, seconds: float, end: Mapping[str, object]) -> None:
        ended = Ended(task.index, attempt.number, self.time, self.time + seconds, **end)  # type: ignore[arg-type]
        self._processes[task.index] = _Process(task, attempt, self.time, ended)
        self._have_due(self.time + seconds, task.index)

    def _adopt(self, task: Task, attempt: Attempt, left: Left, handle: Handle) -> None:
        assert not self.starts, "an attempt of an earlier run is looked for first"
        if left.seconds is None:
            self._begin(task, attempt, 0.0, {"cause": Cause.INTERRUPTED})
        else:
            end = {"cause": Cause.LOST} if left.exit_code is None else {"exit_code": left.exit_code}
            self._begin(task, attempt, left.seconds, end)
            self._said.append(Spawned(task.index, replace(handle, is_reachable=left.is_reachable)))
            self._distant.update(() if left.is_reachable else (task.index,))
        self._processes[task.index].adopted = True

    def _have_due(self, moment: float, index: int) -> None:
        self._number += 1
        self._processes[index].due = self._number
        heappush(self._due, (moment, self._number, index))

    def _next_moment(self, timeout: float | None) -> float:
        moments = [due[0] for due in (self._due[:1] + self._interrupts[:1])]
        if timeout is not None:
            moments.append(self.time + timeout)
        assert moments, "waiting for nothing, for ever"
        return min(moments)

    def _end(self, moment: float, number: int, index: int) -> Iterator[Happening]:
        process = self._processes.get(index)
        if process is not None and process.due == number:  # else it was killed before
            del self._processes[index]
            for pool, amount in self._asks(process.task).items():
                self._used[pool] -= amount
                self._share(process.task, pool, Fraction(amount), process.grant, 0 if process.adopted else 1)
            self._just_ended.add(index)
            yield process.end


def _killer(force: bool) -> str:
    return "SIGKILL" if force else "SIGTERM"


class FakeJudge:
    """Finds the tasks `fresh` that it was told, refuses what it was told, and asks for patience where it was told.

    `lacks`: makers, by who reads what they made and is gone; once they ran, it is there. `lines`: what tasks wrote
    last, by name.
    """

    def __init__(
        self,
        *,
        fresh: Iterable[str] = (),
        refused: Mapping[str, Refused] | None = None,
        unprepared: Mapping[str, Refused] | None = None,
        pending: Mapping[str, int] | None = None,
        lacks: Mapping[str, Iterable[Task]] | None = None,
        unsettled: Mapping[str, int] | None = None,
        lines: Mapping[str, str] | None = None,
    ) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.settled: list[Ended] = []
        self._fresh = frozenset(fresh)
        self._refused = refused or {}
        self._unprepared = unprepared or {}
        self._pending = dict(pending or {})
        self._unsettled = dict(unsettled or {})
        self._lines = lines or {}
        self._lacks = {name: {maker.index: maker.name for maker in makers} for name, makers in (lacks or {}).items()}
        self._gone = {name for makers in self._lacks.values() for name in makers.values()}
        self._wanted: set[str] = set()
        self.discarded: list[str] = []

    def verdict(self, task: Task, ran: Iterable[int], *, is_forced: bool = False) -> Verdict:
        self.asked.append((task.name, list(ran)))
        if self._pending.get(task.name, 0):
            self._pending[task.name] -= 1
            return Pending()
        if task.name in self._refused:
            return self._refused[task.name]
        if task.name in self._fresh and not is_forced and task.name not in self._wanted & self._gone:
            return Fresh(is_gone=task.name in self._gone)
        makers = {index: name for index, name in self._lacks.get(task.name, {}).items() if name in self._gone}
        if makers:
            self._wanted.update(makers.values())
            return Lacks(tuple(makers), Refused(Cause.MISSING_INPUT, "it is gone"))
        return FORCED if is_forced else NEW

    def prepare(self, task: Task) -> Prepared | Refused:
        return self._unprepared.get(task.name, PREPARED)

    def settle(self, task: Task, ended: Ended) -> Settled | Pending:
        if self._unsettled.get(task.name, 0):
            self._unsettled[task.name] -= 1
            return Pending()
        self.settled.append(ended)
        if ended.cause is None and ended.exit_code == 0:
            self._gone.discard(task.name)
            return WELL
        return Settled(
            Status.FAILED,
            ended.cause or (Cause.SIGNAL if ended.signal else Cause.EXIT),
            ended.message,
            last_line=self._lines.get(task.name, ""),
        )

    def discard(self, task: Task) -> None:
        self.discarded.append(task.name)


FRESH = Fresh()
FORCED = Stale((Reason(ReasonKind.FORCED),))
NEW = Stale((Reason(ReasonKind.NEW),))
PREPARED = Prepared(Signature(("true",)))
WELL = Settled(Status.SUCCEEDED)


def batches(graph: Graph, executor: FakeExecutor, judge: FakeJudge | None = None, **how: object) -> Iterator[Batch]:
    """What the scheduler yields, the clock being the executor's."""
    return schedule(graph, executor=executor, judge=judge or FakeJudge(), now=executor.now, **how)  # type: ignore[arg-type]


def run(graph: Graph, executor: FakeExecutor, judge: FakeJudge | None = None, **how: object) -> list[Event]:
    """All that is told. Before time passes an empty batch always comes, so that whoever shows it can do so."""
    events: list[Event] = []
    since: float | None = None  # what was told then has not been shown yet
    for batch in batches(graph, executor, judge, **how):
        assert since in (None, executor.time), "what was told was kept while time passed"
        since = executor.time if batch else None
        events += batch
    return events


def told(events: Iterable[Event]) -> list[str]:
    """The events in words: `5 c failed exit`; processes and the run's own beginning are left out."""
    lines = [(event, _words(event)) for event in events]
    return [f"{event.time:g} {words}" for event, words in lines if words]


def _words(event: Event) -> str:
    match event:
        case Started():
            return f"{event.task.name} started"
        case Finished():
            cause = event.settled.cause
            return f"{event.task.name} {event.settled.status.value}" + (f" {cause.value}" if cause else "")
        case Skipped():
            return f"{event.task.name} skipped {event.culprit}".rstrip()
        case Found():
            return f"{event.task.name} fresh"
        case Retrying():
            return f"{event.task.name} retrying {event.retry} at {event.due:g} {event.settled.cause.value}"
        case Recovered():
            return f"{event.task.name} recovered"
        case Adopted():
            return f"{event.task.name} adopted"
        case Stopping():
            return f"stopping {event.level} {event.signal}, {event.running} running"
        case RunFinished():
            return "over" + (f", stopped by {event.stopped_by}" if event.stopped_by else "")
        case RunStarted() | Identified():
            return ""
