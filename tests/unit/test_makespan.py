"""How long a run takes in the fake clock, beside what nobody can beat: the longest path, or all work on all cores."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pytest
from fakes import FakeExecutor, asking, graph, run, task
from hypothesis import given, settings
from hypothesis import strategies as st

from taskrun.graph import Draft, Graph
from taskrun.model import RunFinished, Started

Spec = Sequence[tuple[str, float, Sequence[str]]]  # name, seconds, needs


def fan(width: int, dice: random.Random) -> Spec:
    """One task, many that need it, one that needs these."""
    names = [f"w{i}" for i in range(width)]
    return [("first", 1.0, ()), *((name, dice.uniform(1, 10), ["first"]) for name in names), ("last", 1.0, names)]


def long_tail(width: int, dice: random.Random) -> Spec:
    """Most are quick and a few take very long."""
    return [(f"w{i}", dice.paretovariate(1.3), ()) for i in range(width)]


def swept(groups: int, points: int, dice: random.Random) -> Spec:
    """Simulate, parse, and a plot over each group; the larger the value the longer it takes."""
    found: list[tuple[str, float, Sequence[str]]] = []
    for group in range(groups):
        for point in range(points):
            seconds = dice.uniform(0.5, 1.5) * (point + 1)
            found.append((f"sim{group}-{point}", seconds, ()))
            found.append((f"parse{group}-{point}", seconds / 10, [f"sim{group}-{point}"]))
        found.append((f"plot{group}", 2.0, [f"parse{group}-{point}" for point in range(points)]))
    return found


def montage(images: int, dice: random.Random) -> Spec:
    """A mosaic of images: project, compare neighbours, fit a background, correct, add up."""
    project = [(f"project{i}", dice.uniform(10, 20), ()) for i in range(images)]
    compare = [(f"diff{i}", dice.uniform(1, 3), [f"project{i}", f"project{(i + 1) % images}"]) for i in range(images)]
    fit = [("concat", 5.0, [name for name, _, _ in compare]), ("model", 20.0, ["concat"])]
    correct = [(f"correct{i}", dice.uniform(1, 3), ["model", f"project{i}"]) for i in range(images)]
    return [*project, *compare, *fit, *correct, ("add", 30.0, [name for name, _, _ in correct]), ("show", 5.0, ["add"])]


def chains(count: int, length: int, dice: random.Random) -> Spec:
    """A few long chains: who takes one after the other has cores idle at the end."""
    return [
        (f"c{i}-{j}", dice.uniform(0.5, 2), [f"c{i}-{j - 1}"] if j else ()) for i in range(count) for j in range(length)
    ]


SHAPES: dict[str, Spec] = {
    "fan": fan(400, random.Random(1)),
    "long tail": long_tail(1000, random.Random(2)),
    "sweep": swept(10, 24, random.Random(3)),
    "montage": montage(400, random.Random(4)),
    "chains": chains(10, 30, random.Random(5)),
}


def made(spec: Spec) -> Graph:
    draft = Draft()
    for index, (name, _, _) in enumerate(spec):
        draft.add(task(index, name))
    for index, (_, _, needs) in enumerate(spec):
        members = tuple(found for name in needs if (found := draft.index_of(name)) is not None)
        if members:
            draft.need(index, draft.gather(members))
    return draft.build()


def least(spec: Spec, cores: int) -> float:
    """Nobody can be quicker: the longest path, or the work spread evenly."""
    ends: dict[str, float] = {}
    for name, seconds, needs in spec:
        ends[name] = seconds + max((ends[need] for need in needs), default=0.0)
    return max(*ends.values(), sum(seconds for _, seconds, _ in spec) / cores)


def took(spec: Spec, cores: int, *, expected: Callable[[str], float | None] | None = None) -> float:
    seconds = {name: seconds for name, seconds, _ in spec}
    executor = FakeExecutor(pools={"cores": cores}, seconds=seconds)
    known = None if expected is None else lambda task: expected(task.name)
    events = run(made(spec), executor, expected=known)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].counts["succeeded"] == len(spec)
    return executor.time


@pytest.mark.parametrize("cores", [2, 4, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_with_a_history_nearly_no_time_is_lost(shape: str, cores: int) -> None:
    spec = SHAPES[shape]
    seconds = {name: seconds for name, seconds, _ in spec}
    bound = 1.08 if (shape, cores) == ("montage", 8) else 1.03  # its one long chain in the middle cannot be shared
    assert took(spec, cores, expected=seconds.__getitem__) <= bound * least(spec, cores)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_history_that_is_a_quarter_off_helps_too(shape: str) -> None:
    spec, dice = SHAPES[shape], random.Random(6)
    seconds = {name: seconds * dice.uniform(0.75, 1.25) for name, seconds, _ in spec}
    assert took(spec, 4, expected=seconds.__getitem__) <= 1.04 * least(spec, 4)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_history_no_core_is_idle_while_something_could_run(shape: str) -> None:
    """Graham's bound for any order that never leaves a core idle."""
    spec = SHAPES[shape]
    assert took(spec, 4) <= (2 - 1 / 4) * least(spec, 4)
    assert took(spec, 4, expected=lambda name: None) == took(spec, 4)


def test_groups_that_have_begun_are_finished_first_as_long_as_there_is_much_to_do() -> None:
    spec = swept(30, 4, random.Random(7))
    seconds = {name: seconds for name, seconds, _ in spec}
    executor = FakeExecutor(pools={"cores": 2}, seconds=seconds)
    events = run(made(spec), executor, expected=lambda task: seconds[task.name])
    begun: Mapping[str, float] = {event.task.name: event.time for event in events if isinstance(event, Started)}
    assert begun["plot0"] < begun["sim3-0"]
    assert begun["plot9"] < begun["sim14-0"]


def test_the_longest_goes_first_in_the_tail_and_priority_before_that() -> None:
    traits = {"b": asking(priority=1)}
    world = graph("a; b; c; d < a", traits)
    seconds = {"a": 1.0, "b": 1.0, "c": 3.0, "d": 5.0}
    executor = FakeExecutor(pools={"cores": 1}, seconds=seconds)
    run(world, executor, expected=lambda task: seconds[task.name])
    assert [name for _, name in executor.starts] == ["b", "a", "d", "c"]


def test_nobody_is_asked_how_long_it_takes_where_nothing_runs() -> None:
    from fakes import FakeJudge

    asked: list[str] = []
    run(graph("a; b < a"), FakeExecutor(), FakeJudge(fresh=("a", "b")), expected=lambda task: asked.append(task.name))
    assert asked == []


@settings(max_examples=60)
@given(st.data())
def test_every_graph_runs_to_its_end_whatever_is_expected(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    names = [f"t{i}" for i in range(count)]
    spec = [
        (name, data.draw(st.floats(0.1, 9)), data.draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else ())
        for i, name in enumerate(names)
    ]
    guesses = {name: data.draw(st.one_of(st.none(), st.floats(0, 9))) for name in names}
    cores = data.draw(st.integers(1, 4))
    time = took(spec, cores, expected=guesses.__getitem__)
    assert least(spec, cores) - 1e-6 <= time <= (2 - 1 / cores) * least(spec, cores) + 1e-6
