"""What holds for any graph, durations, failures, requests, stops and leftovers of earlier runs.

The executor of `fakes` checks at every instant that no pool is exceeded, no task runs twice at once, and nobody waits
for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from fakes import EDGES, FakeExecutor, FakeJudge, Left, asking, batches, task, told
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from taskrun.executors.base import Refused
from taskrun.graph import Draft, Edge, Graph
from taskrun.model import (
    Cause,
    Event,
    Finished,
    Found,
    Handle,
    Recovered,
    RunFinished,
    RunStarted,
    Skipped,
    Started,
    Status,
)
from taskrun.pools import PINNED

KINDS = [
    asking(cores, level, token=token) for cores in ("0", "1/2", "1", "2", "9") for token in (0, 1) for level in (0, 1)
]
UNIT_KINDS = [
    *(asking(0, level, gpus=gpus) for gpus in ("1/3", "1/2", "1", "2") for level in (0, 1)),
    *(asking(cores, pinned=True, gpus=gpus) for cores in (1, 2, 9) for gpus in ("0", "1/2", "1")),
]
WORLDS = given(size=st.integers(0, 14), seed=st.integers(0, 2**32))


class World(Struct):
    """A graph and all that will happen to it."""

    graph: Graph
    cores: int
    seconds: dict[str, float] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unprepared: set[str] = field(default_factory=set)
    pending: dict[str, int] = field(default_factory=dict)
    stubborn: set[str] = field(default_factory=set)
    interrupts: list[tuple[float, int, str]] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)
    selected: set[int] | None = None
    done: set[str] = field(default_factory=set)

    def executor(self) -> FakeExecutor:
        ends: Mapping[str, Mapping[str, object]] = {name: {"exit_code": 1} for name in self.fails}
        return FakeExecutor(
            pools={"cores": self.cores, "token": 1, "gpus": 2, PINNED: self.cores},
            units={"gpus": ("0", "GPU-x"), PINNED: tuple(map(str, range(self.cores)))},
            seconds=self.seconds,
            ends=ends,
            stubborn=self.stubborn,
            interrupts=self.interrupts,
            left=self.left,
        )

    def judge(self) -> FakeJudge:
        no = Refused(Cause.MISSING_INPUT, "")
        return FakeJudge(
            fresh=self.fresh,
            refused=dict.fromkeys(self.refused, no),
            unprepared=dict.fromkeys(self.unprepared, no),
            pending=self.pending,
        )

    def batches(self, executor: FakeExecutor) -> Iterator[tuple[Event, ...]]:
        return batches(
            self.graph,
            executor,
            self.judge(),
            selected=self.selected,
            done_before=lambda task: task.name in self.done,
            open_attempts={task.index: Handle("before", 1, 1) for task in self.graph.tasks if task.name in self.left},
            grace=3,
        )

    def is_selected(self, index: int) -> bool:
        return self.selected is None or index in self.selected


def random_graph(size: int, random: Random) -> Graph:
    draft = Draft()
    places = list(range(size))
    random.shuffle(places)  # what a task needs may be declared after it
    for index in range(size):
        draft.add(task(index, f"t{index}", random.choice(random.choice([KINDS, UNIT_KINDS]))))
    for later in range(size):
        for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
            members = tuple(places[random.randrange(later)] for _ in range(random.choice([1, 1, 2, 4])) if later)
            if members:
                edge = random.choice([Edge.FILE, Edge.FILE, Edge.ORDER, *EDGES.values()])
                draft.need(places[later], draft.gather(members), edge)
    return draft.build()


def world(size: int, seed: int, *, stops: bool = False, leftovers: bool = False) -> World:
    random = Random(seed)
    found = random_graph(size, random)
    names = [task.name for task in found.tasks]
    share = random.choice([0.0, 0.1, 0.3])

    def some(chance: float) -> set[str]:
        return {name for name in names if random.random() < chance}

    made = World(found, random.randint(1, 4))
    made.seconds = {name: float(random.choice([0, 1, 1, 2, 5])) for name in names}
    made.fails, made.refused, made.unprepared = some(share), some(share / 3), some(share / 3)
    made.fresh = some(random.choice([0.0, 0.5, 1.0]))
    made.pending = {name: random.randint(1, 3) for name in some(0.2)}
    made.stubborn = some(0.3)
    if stops:
        levels = sorted(random.choice([1, 2, 3]) for _ in range(random.randint(1, 3)))
        moments = sorted(random.choice([0.0, 0.5, 1.0, 2.5, 6.0]) for _ in levels)
        made.interrupts = [(moment, level, f"S{level}") for moment, level in zip(moments, levels, strict=True)]
    if leftovers:
        ways = [Left(), Left(seconds=3), Left(seconds=3, exit_code=0), Left(seconds=0, exit_code=1)]
        made.left = {name: random.choice(ways) for name in some(0.4)}
        for each in found.tasks:  # nothing was started before what it needs had ended
            if any(found.tasks[index].name in made.left for index in found.needed(each.index)):
                made.left.pop(each.name, None)
    if random.random() < 0.4 and size:
        chosen = {random.randrange(size) for _ in range(random.randint(1, size))}
        made.selected = chosen if random.random() < 0.5 else found.closure(chosen)
        made.done = some(0.5)
    return made


# the oracle: what becomes of each task when nobody stops the run


def expected(made: World) -> dict[str, str]:
    """`succeeded`, `failed`, `fresh` or `skipped` for each selected task, found in one walk."""
    graph = made.graph
    becomes: dict[int, str] = {}
    ran: set[int] = set()
    for node in graph.order:
        if node < 0 or not made.is_selected(node):
            continue
        name = graph.tasks[node].name
        left = made.left.get(name)
        strict = [need for need in graph.needs[node] if not graph.edge(node, need).is_any]
        needed = [member for need in strict for member in graph.members(need)]
        holds = ran.isdisjoint(graph.needed(node)) or (name in made.fresh and name not in made.refused)
        if not all(is_good(made, becomes, member) for member in needed):
            becomes[node] = "skipped"
        elif left is not None and left.exit_code is not None and holds:
            becomes[node] = "failed" if left.exit_code else "succeeded"
            ran.add(node)
        elif name in made.refused:
            becomes[node] = "failed"
        elif name in made.fresh:
            becomes[node] = "fresh"
        else:
            becomes[node] = "failed" if name in made.unprepared | made.fails else "succeeded"
            ran.update({node} if name not in made.unprepared else ())
    return {graph.tasks[node].name: end for node, end in becomes.items()}


def is_good(made: World, becomes: Mapping[int, str], index: int) -> bool:
    if made.is_selected(index):
        return becomes[index] in ("succeeded", "fresh")
    return made.graph.tasks[index].name in made.done


def final(event: Event) -> str | None:
    match event:
        case Finished():
            return event.settled.status.value
        case Found():
            return "fresh"
        case Skipped():
            return "skipped"
    return None


def ends_of(events: list[Event]) -> dict[str, str]:
    """The final status of each task, which comes once."""
    ends: dict[str, str] = {}
    for event in events:
        end = final(event)
        if end is not None and isinstance(event, Finished | Found | Skipped):
            assert event.task.name not in ends, f"two ends: {told(events)}"
            ends[event.task.name] = end
    return ends


def check_order(made: World, events: list[Event]) -> None:
    """Whatever starts or is found fresh comes after the good end of all that it needs."""
    ended: dict[int, str] = {}
    for event in events:
        if isinstance(event, Started | Found):
            index = event.task.index
            for need in made.graph.needs[index]:
                for member in filter(made.is_selected, made.graph.members(need)):
                    assert member in ended
                    assert made.graph.edge(index, need).is_any or ended[member] in ("succeeded", "fresh")
        if (end := final(event)) is not None and isinstance(event, Finished | Found | Skipped):
            ended[event.task.index] = end


def check_shape(made: World, executor: FakeExecutor, events: list[Event]) -> None:
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert executor.stopped
    assert executor.running == []
    starts = [event.task.name for event in events if isinstance(event, Started)]
    assert len(set(starts)) == len(starts)
    assert sorted(starts) == sorted(name for _, name in executor.starts)
    assert set(ends_of(events)) == {task.name for task in made.graph.tasks if made.is_selected(task.index)}
    counts = dict.fromkeys(events[-1].counts, 0)
    for end in ends_of(events).values():
        counts[end] += 1
    assert counts == events[-1].counts


def check_culprits(made: World, events: list[Event]) -> None:
    """Who is blamed failed before, or is left out of the run and not on record; and is needed, however far up."""
    failed: set[str] = set()
    for event in events:
        if isinstance(event, Finished) and event.settled.status is Status.FAILED:
            failed.add(event.task.name)
        elif isinstance(event, Skipped) and event.culprit:
            culprit = made.graph.index(event.culprit)
            assert culprit is not None
            assert culprit in made.graph.closure([event.task.index])
            out = not made.is_selected(culprit) and event.culprit not in made.done
            assert event.culprit in failed or out


@settings(max_examples=250, deadline=None)
@WORLDS
def test_each_task_ends_as_the_oracle_says(size: int, seed: int) -> None:
    made = world(size, seed)
    executor = made.executor()
    events = [event for batch in made.batches(executor) for event in batch]
    check_shape(made, executor, events)
    check_order(made, events)
    check_culprits(made, events)
    assert ends_of(events) == expected(made)
    assert events[-1].stopped_by is None  # type: ignore[union-attr]


@settings(max_examples=150, deadline=None)
@WORLDS
def test_attempts_of_earlier_runs_end_before_anything_is_decided_about_their_tasks(size: int, seed: int) -> None:
    made = world(size, seed, leftovers=True)
    executor = made.executor()
    events = [event for batch in made.batches(executor) for event in batch]
    check_shape(made, executor, events)
    check_culprits(made, events)
    assert ends_of(events) == expected(made)
    recovered = [event.task.name for event in events if isinstance(event, Recovered)]
    lost = {name for name, left in made.left.items() if left.exit_code is None}
    selected = {each.name for each in made.graph.tasks if made.is_selected(each.index)}
    assert lost & selected <= set(recovered) <= made.left.keys() & selected
    assert len(set(recovered)) == len(recovered)
    decided: set[str] = set()
    for event in events:
        if isinstance(event, Recovered):
            assert event.task.name not in decided
        elif isinstance(event, Started | Finished | Found | Skipped):
            decided.add(event.task.name)


@settings(max_examples=250, deadline=None)
@WORLDS
def test_a_stopped_run_ends_each_task_once_and_says_that_it_was_stopped(size: int, seed: int) -> None:
    made = world(size, seed, stops=True, leftovers=seed % 3 == 0)
    executor = made.executor()
    events = [event for batch in made.batches(executor) for event in batch]
    check_shape(made, executor, events)
    check_culprits(made, events)
    cancelled = [event for event in events if isinstance(event, Finished) and event.settled.cause is Cause.CANCELLED]
    never = [event for event in events if isinstance(event, Skipped) and not event.culprit]
    assert (events[-1].stopped_by is not None) == bool(cancelled or never)  # type: ignore[union-attr]
    if not cancelled and not never:
        assert ends_of(events) == expected(made)


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 14), seed=st.integers(0, 2**32), batch=st.integers(0, 30))
def test_a_run_left_at_any_moment_leaves_nothing_behind(size: int, seed: int, batch: int) -> None:
    made = world(size, seed, leftovers=seed % 2 == 0)
    executor = made.executor()
    stream = made.batches(executor)
    for number, _ in enumerate(stream):
        if number == batch:
            stream.close()  # type: ignore[attr-defined]
    assert executor.stopped
    assert executor.running == []


@settings(max_examples=100, deadline=None)
@WORLDS
def test_a_start_is_yielded_before_the_executor_hears_of_it(size: int, seed: int) -> None:
    made = world(size, seed)
    executor = made.executor()
    yielded: set[str] = set()
    for batch in made.batches(executor):
        assert len(batch) <= 256
        assert {name for _, name in executor.starts} == yielded
        yielded |= {event.task.name for event in batch if isinstance(event, Started)}
