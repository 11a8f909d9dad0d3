"""One run of a study: its state, an executor, a judge and the scheduler put together.

A `Run` holds the state from the moment it exists until it is closed. A preview goes the same way with an executor, a
judge and a journal that change nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from taskrun.errors import StateError, UsageError
from taskrun.executors.base import Executor, Judge
from taskrun.executors.foretold import ForetoldExecutor
from taskrun.executors.local import LocalExecutor, hold_signals
from taskrun.freshness import successions
from taskrun.graph import Study
from taskrun.journal import MemoryJournal, Records
from taskrun.judge import DryJudge, FileJudge
from taskrun.machine import boot_id
from taskrun.manager.foreseeing import durations, ends_of, foresight
from taskrun.manager.invocation import invocation, steady_clock
from taskrun.manager.keeping import ON_DISK, Keeping
from taskrun.manager.outliving import foretold, left_behind
from taskrun.manager.sealing import seal_at_end
from taskrun.manager.totals import supply, warnings
from taskrun.model import Event, Handle, RunFinished, RunRecord, Status, TakeoverRecord, Task
from taskrun.names import select
from taskrun.policy import DEFAULT, Policy
from taskrun.pools import CORES
from taskrun.scheduler import Unrecorded, no_hurry, nobody_left, schedule
from taskrun.sweep.kept_outline import keep_outline

Batch = tuple[Event, ...]

_MOST_KEPT = 256  # events; then those who show them are told, whatever has been started


class Options(Struct, frozen=True, kw_only=True):
    """What a run is asked for. `jobs`: the cores to share (None: the usable ones); `state`: an absolute directory.

    `select`: what was typed; `tasks`: names of tasks to take besides, whatever else is called so.
    `keeping`: what that is good for. `strict`: a task that asks for more cores than there are is refused.
    `owns_process`: the process has nothing else to do (the `taskrun` command); a host program's children, signals and
    current directory are left alone.
    """

    state: str
    keeping: Keeping = ON_DISK
    jobs: Fraction | None = None
    select: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    force: bool = False
    only: bool = False
    strict: bool = False
    policy: Policy = DEFAULT
    grace: float = 10.0
    owns_process: bool = False


class Run:
    """One run of a study: its state is held from here on until `close`, and so are, in a host program's main thread,
    the signals that stop it. Whoever closed it gives them to the host with `hand_on_signals`. The host's handlers of
    other signals come while it waits, or while somebody looks at what it has yielded.

    Raises StateHeldError where another run holds the state, StateError where it cannot be had, SweepError for what no
    pool can ever satisfy, UsageError where this program would never learn how a command ended.
    """

    def __init__(
        self, study: Study, options: Options, *, executor_class: type[LocalExecutor] = LocalExecutor
    ) -> None:
        self.study = study
        self._options = options
        self.now = steady_clock()
        self._chosen, self.selected = selection(study, options)
        self.supply = supply(
            study, self.selected, jobs=options.jobs, is_strict=options.strict, is_typed=options.owns_process
        )
        record = _this_run(options, self.supply.pools, total=len(self.selected))
        self._process = os.getpid()
        with ExitStack() as leaving:
            self._signals = None if options.owns_process else hold_signals(is_quiet=True)
            if self._signals is not None:
                leaving.callback(self._signals.close)
            self._journal = options.keeping.open(options.state, source=study.source, run=record)
            leaving.callback(self._journal.close)
            self.records = self._journal.records
            self._journal.amend(_successions(study, self.records, self.now()))
            keep_outline(study, options.state)
            self._open = left_behind(study.graph, self.records, selected=self.selected, state=options.state)
            self._executor = executor_class(
                study.root, options.state, record.run, self.supply,
                grace=options.grace, owns_process=options.owns_process,
                foresight=foresight(study, self.records, options.keeping), is_recorded=ends_of(self.records),
            )  # fmt: skip
            leaving.callback(self._executor.stop)
            if self._signals is not None:
                self._executor.interrupt(self._signals.received())
            self._leaving = leaving.pop_all()

    @property
    def state(self) -> str:
        """The state directory."""
        return self._options.state

    @property
    def is_forced(self) -> bool:
        """Whether tasks are to run however fresh."""
        return self._options.force

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about this machine and this study."""
        tasks = self.study.graph.tasks
        return tuple(warnings(map(tasks.__getitem__, sorted(self.selected)), self.supply.pools))

    def stream(self, patience: Callable[[], float | None]) -> Generator[Batch, None, None]:
        """Run, and yield what happens, already on record, when what was told to start has been started.

        `patience` bounds the next wait in seconds: when it is over, an empty batch comes, so that a reader can draw.
        A reader that leaves early (it closes this, or throws something into it) terminates what runs; that is recorded.
        """
        is_left = False
        judge = FileJudge(
            self.study.graph, self.records,
            root=self.study.root, state=self._options.state, is_lasting=self._options.keeping.is_lasting,
            policy=self._options.policy, doubtful=self.records.doubtful(boot_id()),
        )  # fmt: skip
        batches = _batches(
            self.study, self._options, self._executor, judge, self.records,
            chosen=self._chosen, selected=self.selected, open_attempts=self._open, now=self.now, patience=patience,
            is_left=lambda: is_left,
        )  # fmt: skip
        kept: list[Event] = []
        with closing(judge), closing(batches):
            for batch in batches:
                try:
                    if batch:
                        self._journal.append(batch)
                    else:
                        self._journal.check()
                    if batch and isinstance(batch[-1], RunFinished):
                        self._seal(batch[-1])
                except StateError as error:
                    yield from self._given_out(tuple(kept))
                    for rest in _unrecorded(batches, error):
                        yield from self._given_out(rest)
                    raise
                kept += batch
                if batch and not isinstance(batch[-1], RunFinished) and len(kept) < _MOST_KEPT:
                    continue
                given, kept = tuple(kept), []
                try:
                    yield from self._given_out(given)
                except BaseException:
                    is_left = os.getpid() == self._process
                    for rest in self._rest(batches) if is_left else ():
                        self._journal.append(rest)
                    raise
                if os.getpid() != self._process:
                    raise UsageError("a run goes on in the process that began it, not in one that was forked off")

    def _seal(self, end: RunFinished) -> None:
        """Where all of the study is done, the next run need not read all of it to see that. What outlived its runner
        has begun before this run, and may be older than what it needs.
        """
        done = end.counts[Status.SUCCEEDED.value] + end.counts[Status.FRESH.value]
        if done == len(self.study.graph) and not self._open:
            seal_at_end(self.study, self.records, self._journal, self._options.state)

    def _given_out(self, batch: Batch) -> Generator[Batch, None, None]:
        """While the reader looks at it, the host's handlers come."""
        if self._signals is None:
            yield batch
            return
        try:
            self._signals.open_up()
            yield batch
        finally:
            self._signals.shut()

    def _rest(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """What comes when the reader has left. Signals from before are heard; one that comes now means impatience."""
        if self._signals is not None:
            self._signals.received()
        return batches

    def tell_of_lingering(self, tell: Callable[[Mapping[int, str], float], None]) -> None:
        """Have somebody told what `close` waits for, once that takes long: see `Lingering`."""
        self._executor.lingering.tell = tell

    def close(self) -> None:
        """Sync and let the state go; raises StateError where the last of it may not be on disk."""
        if os.getpid() == self._process:
            self._leaving.close()


def _unrecorded(batches: Generator[Batch, None, None], error: StateError) -> Iterator[Batch]:
    """Nothing can be put on record any more: what runs comes to its end, and nobody is told that it succeeded."""
    yield batches.throw(Unrecorded(str(error)))
    for _ in batches:
        yield ()


def preview(study: Study, options: Options, executor: Executor) -> Generator[Batch, None, None]:
    """What a run would do, given to `executor`, which does nothing: no lock, no directory, no file."""
    records = options.keeping.read(options.state, source=study.source)
    chosen, selected = selection(study, options)
    log = MemoryJournal(records)
    log.amend(_successions(study, records, time.time()))
    left = foretold(study.graph, records, selected=selected, state=options.state)
    judge = DryJudge(
        study.graph, records,
        root=study.root, policy=options.policy, doubtful=records.doubtful(boot_id()),
        left={index: each.ended is None for index, each in left.items()},
    )  # fmt: skip
    batches = _batches(
        study, options, ForetoldExecutor(executor, left) if left else executor, judge, records,
        chosen=chosen, selected=selected, open_attempts={index: each.handle for index, each in left.items()},
        now=steady_clock(), patience=no_hurry,
    )  # fmt: skip
    with closing(batches):
        for batch in batches:
            log.append(batch)
            yield batch


def _successions(study: Study, records: Records, now: float) -> list[TakeoverRecord]:
    return successions(study.graph, records.pasts(), records.past, salt=records.salt, now=now)


def selection(study: Study, options: Options) -> tuple[Sequence[int], set[int]]:
    """The tasks that the user named (all where none is), and those with what they need."""
    tasks = study.graph.tasks
    if not options.select and not options.tasks:
        return range(len(tasks)), set(range(len(tasks)))
    found = set(select(tasks, options.select)) if options.select else set[int]()
    found.update(index for name in options.tasks if (index := study.graph.index(name)) is not None)
    chosen = sorted(found)
    return chosen, set(chosen) if options.only else study.graph.closure(chosen)


def _batches(
    study: Study,
    options: Options,
    executor: Executor,
    judge: Judge,
    records: Records,
    *,
    chosen: Sequence[int],
    selected: set[int],
    open_attempts: dict[int, Handle],
    now: Callable[[], float],
    patience: Callable[[], float | None],
    is_left: Callable[[], bool] = nobody_left,
) -> Generator[Batch, None, None]:
    def succeeded_before(task: Task) -> bool:
        past = records.past(task.name)
        return past is not None and past.end is not None and past.end.status == Status.SUCCEEDED.value

    def began(task: Task) -> float | None:
        past = records.past(task.name)
        return past.start.time if past is not None and past.start is not None else None

    return schedule(
        study.graph,
        executor=executor,
        judge=judge,
        now=now,
        attempts=lambda task: records.attempts(task.name),
        began=began,
        policy=options.policy,
        expected=durations(study, records),
        selected=selected,
        done_before=succeeded_before,
        forced=set(chosen) if options.force else frozenset(),
        open_attempts=open_attempts,
        grace=options.grace,
        patience=patience,
        is_left=is_left,
    )


def _this_run(options: Options, pools: Mapping[str, Fraction], *, total: int) -> RunRecord:
    return replace(
        invocation(),
        total=total,
        select=(*options.tasks, *options.select),
        only=options.only,
        force=options.force,
        cores=float(pools[CORES]),
        pools={pool: float(amount) for pool, amount in pools.items() if pool != CORES},
    )
