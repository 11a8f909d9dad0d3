"""What holds for any graph with retries, timeouts, failures that are allowed, policies, held steps and stops.

The executor of `fakes` checks at every instant that no pool is exceeded, no task runs twice at once, and nobody waits
for ever; the loop itself, that all pools are full at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from fakes import EDGES, TRUE, FakeExecutor, FakeJudge, asking, batches, told
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from taskrun.events import exit_status
from taskrun.graph import Draft, Edge, Graph
from taskrun.model import (
    Cause,
    Event,
    Finished,
    Found,
    Retries,
    Retrying,
    RunFinished,
    Skipped,
    Started,
    Status,
    Step,
    Task,
    Traits,
)
from taskrun.policy import OnFailure, Policy, parse_limit

FAILS: Mapping[str, object] = {"exit_code": 1}
WELL: Mapping[str, object] = {"exit_code": 0}
WORLDS = given(size=st.integers(0, 24), seed=st.integers(0, 2**32))
GRACE = 3.0


class World(Struct):
    """A graph and all that will happen to it. `ends`: by task, one for each attempt, the last for all that follow."""

    graph: Graph
    policy: Policy = Policy()
    cores: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    ends: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)
    stubborn: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    interrupts: list[tuple[float, int, str]] = field(default_factory=list)

    def run(self) -> list[Event]:
        executor = FakeExecutor(
            pools={"cores": self.cores, "token": 1},
            seconds=self.seconds, ends=self.ends, stubborn=self.stubborn, interrupts=self.interrupts,
        )  # fmt: skip
        judge = FakeJudge(fresh=self.fresh)
        events = [
            event
            for batch in batches(self.graph, executor, judge, policy=self.policy, grace=GRACE)
            for event in batch
        ]
        assert executor.stopped
        assert executor.running == []
        return events


def random_traits(random: Random) -> Traits:
    cores, level, token = random.choice(["0", "1/2", "1", "1", "2"]), random.choice([0, 0, 1]), random.choice([0, 0, 1])
    traits = asking(cores, level, token=token)
    retries = Retries(random.choice([0, 0, 1, 2]), random.choice([0.0, 1.0, 4.5]), random.choice([1.0, 2.0]))
    timeout = random.choice([None, None, 1.5, 4.0])
    return replace(traits, retries=retries, timeout=timeout, allow_failure=random.random() < 0.2)


def random_graph(size: int, random: Random, *, density: float = 1.0) -> Graph:
    draft = Draft()
    steps = [Step(name) for name in ("sim", "parse", "plot")[: random.randint(1, 3)]]
    places = list(range(size))
    random.shuffle(places)
    for index in range(size):
        draft.add(Task(index, f"t{index}", random.choice(steps), TRUE, traits=random_traits(random)))
    for later in range(size):
        for _ in range(random.choice([0, 1, 1, 2]) if random.random() < density else 0):
            members = tuple(places[random.randrange(later)] for _ in range(random.choice([1, 1, 3])) if later)
            if members:
                edge = random.choice([Edge.FILE, Edge.FILE, Edge.ORDER, *EDGES.values()])
                draft.need(places[later], draft.gather(members), edge)
    return draft.build()


def world(size: int, seed: int, policy: Policy) -> World:
    random = Random(seed)
    made = World(random_graph(size, random, density=random.choice([0.0, 0.5, 1.0])), policy, random.randint(1, 4))
    names = [task.name for task in made.graph.tasks]
    share = random.choice([0.1, 0.4, 0.9])
    made.seconds = {name: random.choice([0.0, 1.0, 1.0, 2.0, 5.0]) for name in names}
    made.ends = {name: [FAILS if random.random() < share else WELL for _ in range(3)] for name in names}
    made.stubborn = {name for name in names if random.random() < 0.2}
    made.fresh = {name for name in names if random.random() < 0.1}
    return made


# the oracle


def attempts(made: World, task: Task) -> tuple[int, str]:
    """How many attempts a task has, if it runs, and how the last one ends."""
    timeout, most = task.traits.timeout, task.traits.retries.most
    is_slow = timeout is not None and made.seconds[task.name] > timeout
    ends = ["failed" if is_slow or end is FAILS else "succeeded" for end in made.ends[task.name]]
    for number, end in enumerate(ends[: most + 1], 1):
        if end == "succeeded":
            return number, end
    return most + 1, "failed"


def expected(made: World) -> dict[str, tuple[int, str]]:
    """For each task its attempts and its end, where nothing stops the run."""
    graph = made.graph
    found: dict[int, tuple[int, str]] = {}
    for node in graph.order:
        if node < 0:
            continue
        strict = [need for need in graph.needs[node] if not graph.edge(node, need).is_any]
        needed = [member for need in strict for member in graph.members(need)]
        if not all(is_good(made, member, found[member][1]) for member in needed):
            found[node] = 0, "skipped"
        elif graph.tasks[node].name in made.fresh:
            found[node] = 0, "fresh"
        else:
            found[node] = attempts(made, graph.tasks[node])
    return {graph.tasks[node].name: end for node, end in found.items()}


def is_good(made: World, index: int, end: str) -> bool:
    is_broken = made.policy.on_failure is not OnFailure.IGNORE and not made.graph.tasks[index].traits.allow_failure
    return end in ("succeeded", "fresh") or (end == "failed" and not is_broken)


def outcome(events: list[Event]) -> dict[str, tuple[int, str]]:
    """For each task its attempts and its end, which comes once."""
    starts = Counter(event.task.name for event in events if isinstance(event, Started))
    found: dict[str, tuple[int, str]] = {}
    for event in events:
        if isinstance(event, Finished | Found | Skipped):
            assert event.task.name not in found, f"two ends: {told(events)}"
            status = event.settled.status.value if isinstance(event, Finished) else type(event).__name__.lower()
            found[event.task.name] = starts[event.task.name], {"found": "fresh"}.get(status, status)
    return found


def check_shape(made: World, events: list[Event]) -> RunFinished:
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert [event.time for event in events] == sorted(event.time for event in events)
    found = outcome(events)
    assert set(found) == {task.name for task in made.graph.tasks}
    counts = dict.fromkeys(last.counts, 0)
    for _, end in found.values():
        counts[end] += 1
    assert counts == last.counts
    return last


def real_failures(events: list[Event]) -> list[Finished]:
    """Those that count, in their order."""
    ends = [event for event in events if isinstance(event, Finished) and event.settled.status is Status.FAILED]
    return [end for end in ends if end.settled.cause is not Cause.CANCELLED and not end.task.traits.allow_failure]


# the laws


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(0, 24),
    seed=st.integers(0, 2**32),
    mode=st.sampled_from([OnFailure.CONTINUE, OnFailure.IGNORE]),
)
def test_each_task_has_the_attempts_and_the_end_that_the_oracle_says(size: int, seed: int, mode: OnFailure) -> None:
    made = world(size, seed, Policy(mode, may_hold=False))
    events = made.run()
    last = check_shape(made, events)
    assert outcome(events) == expected(made)
    assert last.stopped_by is None
    bad = last.counts["skipped"] or real_failures(events)
    assert exit_status(last) == (1 if bad else 0)


@settings(max_examples=200, deadline=None)
@WORLDS
def test_a_retry_starts_when_it_is_due_and_not_before(size: int, seed: int) -> None:
    made = world(size, seed, Policy(may_hold=False))
    due: dict[str, float] = {}
    for event in made.run():
        if isinstance(event, Retrying):
            traits = event.task.traits
            assert event.due == event.time + traits.retries.delay * traits.retries.factor ** (event.retry - 1)
            due[event.task.name] = event.due
        elif isinstance(event, Started) and event.task.name in due:
            assert event.time >= due.pop(event.task.name)
    assert due == {}


@settings(max_examples=200, deadline=None)
@WORLDS
def test_no_attempt_lasts_longer_than_its_timeout_and_the_grace(size: int, seed: int) -> None:
    made = world(size, seed, Policy(may_hold=False))
    for event in made.run():
        if isinstance(event, Finished | Retrying):
            timeout = event.task.traits.timeout
            took = event.ended.end - event.ended.start
            is_over_time = timeout is not None and took > timeout - 1e-9 and event.settled.cause is Cause.TIMEOUT
            assert timeout is None or took <= timeout + GRACE + 1e-9
            assert (event.settled.cause is Cause.TIMEOUT) == is_over_time


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(0, 24),
    seed=st.integers(0, 2**32),
    mode=st.sampled_from(OnFailure),
    limit=st.sampled_from([None, "1", "3", "20%", "100%"]),
)
def test_once_failures_are_enough_nothing_starts_and_what_was_not_started_names_the_culprit(
    size: int, seed: int, mode: OnFailure, limit: str | None
) -> None:
    policy = Policy(mode, parse_limit(limit) if limit else None, may_hold=False)
    made = world(size, seed, policy)
    events = made.run()
    last = check_shape(made, events)
    assert last.stopped_by is None
    oracle = expected(made)
    failures = fresh = 0
    enough = False
    for event in events:
        if isinstance(event, Finished) and event.settled.cause is not Cause.CANCELLED:
            is_given_up = enough and event.settled.status is Status.FAILED  # a retry that did not come any more
            assert is_given_up or oracle[event.task.name][1] == event.settled.status.value
            failures += event in real_failures([event])
        fresh += isinstance(event, Found)
        if isinstance(event, Started):
            assert not enough
        if isinstance(event, Skipped) and event.reason.startswith("nothing more was started"):
            assert enough
            assert event.culprit in {end.task.name for end in real_failures(events)}
        enough = enough or policy.is_enough(failures, len(made.graph) - fresh)
    assert not any(isinstance(event, Skipped) and not event.culprit for event in events)
    if mode is not OnFailure.KILL:
        assert last.cancelled == 0
    assert exit_status(last) == (1 if last.counts["skipped"] or real_failures(events) or last.cancelled else 0)


@settings(max_examples=200, deadline=None)
@given(fails=st.lists(st.booleans(), max_size=20), most=st.integers(1, 5))
def test_one_after_another_the_tasks_up_to_the_last_failure_that_is_borne_are_executed(
    fails: list[bool], most: int
) -> None:
    draft = Draft()
    for index in range(len(fails)):
        draft.add(Task(index, f"t{index}", Step("sim"), TRUE))
    ends = {f"t{index}": [FAILS if is_bad else WELL] for index, is_bad in enumerate(fails)}
    made = World(draft.build(), Policy(most=parse_limit(str(most)), may_hold=False), ends=ends)
    made.seconds = dict.fromkeys(ends, 1.0)
    places = [index for index, is_bad in enumerate(fails) if is_bad]
    executed = places[most - 1] + 1 if len(places) >= most else len(fails)
    starts = [event.task.index for event in made.run() if isinstance(event, Started)]
    assert starts == list(range(executed))


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(0, 60),
    seed=st.integers(0, 2**32),
    mode=st.sampled_from(OnFailure),
    is_stopped=st.booleans(),
)
def test_whatever_is_held_back_or_stopped_each_task_comes_to_one_end(
    size: int, seed: int, mode: OnFailure, is_stopped: bool
) -> None:
    made = world(size, seed, Policy(mode))
    random = Random(seed)
    if is_stopped:
        levels = sorted(random.choice([1, 2, 3]) for _ in range(random.randint(1, 3)))
        moments = sorted(random.choice([0.0, 0.5, 1.0, 2.5, 6.0]) for _ in levels)
        made.interrupts = [(moment, level, f"S{level}") for moment, level in zip(moments, levels, strict=True)]
    check_shape(made, made.run())


@settings(max_examples=200, deadline=None)
@given(size=st.integers(0, 60), seed=st.integers(0, 2**32), cores=st.integers(1, 4))
def test_a_step_that_fails_alike_is_tried_sixteen_times_and_no_more_but_for_what_ran(
    size: int, seed: int, cores: int
) -> None:
    random = Random(seed)
    draft = Draft()
    for index in range(size):
        draft.add(Task(index, f"t{index}", Step("sim"), TRUE))
    good = {f"t{index}" for index in range(size) if random.random() < 0.02}
    made = World(draft.build(), cores=cores)
    made.seconds = {f"t{index}": random.choice([1.0, 2.0]) for index in range(size)}
    made.ends = {f"t{index}": [WELL if f"t{index}" in good else FAILS] for index in range(size)}
    events = made.run()
    starts = [event.task.name for event in events if isinstance(event, Started)]
    if good & set(starts) or size <= 16:
        assert len(starts) == size
    else:
        assert 16 <= len(starts) <= 16 + cores - 1
