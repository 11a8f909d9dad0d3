"""How long a run takes in the fake clock, beside what nobody can beat: the longest path, or all work on all cores."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from fakes import FakeExecutor, asking, graph, run
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import SHAPES, least, made, swept, took

from taskrun.model import Started


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


def test_moments_change_no_order() -> None:
    """Whoever declared an order is not surprised by another one for the sake of what nobody can notice."""
    seconds = {"a": 0.01, "b": 0.05, "c": 0.2, "d": 0.6}
    executor = FakeExecutor(pools={"cores": 1}, seconds=seconds)
    run(graph("a; b; c; d < a"), executor, expected=lambda task: seconds[task.name])
    assert [name for _, name in executor.starts] == ["a", "d", "b", "c"]


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
