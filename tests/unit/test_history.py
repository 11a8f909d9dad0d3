"""Durations by step, and the time to go."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.history import Foresight, History, Nearby, Running, time_to_go


def to_go(
    history: History, left: Mapping[str, int], *running: Running, now: float = 0.0, slots: float = 2.0, **cores: float
) -> float | None:
    return time_to_go(history, left, running, now=now, slots=slots, cores=cores)


def test_nothing_is_expected_of_a_step_before_anything_is_known() -> None:
    assert History().expected("sim") is None


def test_a_step_takes_what_its_tasks_took() -> None:
    history = History()
    history.add("sim", 2.0)
    history.add("sim", 4.0)
    assert history.expected("sim") == 3.0


def test_a_step_never_seen_takes_what_the_others_took() -> None:
    assert History([("sim", 2.0), ("parse", 4.0)]).expected("graph") == 3.0


def test_this_run_outvotes_many_earlier_ones() -> None:
    history = History(("sim", 100.0) for _ in range(1000))
    assert history.expected("sim") == 100.0
    for _ in range(36):
        history.add("sim", 1.0)
    assert history.expected("sim") == pytest.approx(10.9)


def test_the_work_that_is_left_is_spread_over_the_slots() -> None:
    assert to_go(History([("sim", 3.0)]), {"sim": 8}) == 12.0


def test_no_task_is_quicker_than_it_is() -> None:
    assert to_go(History([("sim", 3.0)]), {"sim": 1}, slots=64) == 3.0


def test_a_task_of_two_cores_takes_two_slots() -> None:
    assert to_go(History([("sim", 3.0)]), {"sim": 8}, sim=2.0) == 24.0


def test_running_tasks_count_with_what_is_left_of_them() -> None:
    history = History([("sim", 10.0)])
    assert to_go(history, {}, Running("sim", 1.0, 0.0), Running("sim", 1.0, 2.0), now=4.0) == 8.0


def test_an_overdue_task_is_taken_to_end_soon() -> None:
    assert to_go(History([("sim", 1.0)]), {}, Running("sim", 1.0, 0.0), now=50.0) == pytest.approx(5.0)


def test_where_all_running_tasks_of_a_step_are_overdue_the_next_are_taken_for_no_quicker() -> None:
    history = History([("sim", 1.0)])
    assert to_go(history, {"sim": 10}, Running("sim", 1.0, 0.0), now=50.0, slots=1) == pytest.approx(505.0)


def test_without_any_duration_nobody_can_know() -> None:
    assert to_go(History(), {"sim": 1}) is None
    assert to_go(History(), {}, Running("sim", 1.0, 0.0), now=5.0) is None


def test_nothing_left_takes_no_time() -> None:
    assert to_go(History(), {"sim": 0}) == 0.0


@given(
    durations=st.lists(st.tuples(st.sampled_from("ab"), st.floats(-1e9, 1e9))),
    left=st.dictionaries(st.sampled_from("abc"), st.integers(-2, 10**6)),
    starts=st.lists(st.floats(0, 1e10)),
    now=st.floats(0, 1e10),
    slots=st.floats(0, 1e4),
)
def test_whatever_is_known_the_time_to_go_is_a_number_or_unknown(
    durations: list[tuple[str, float]], left: dict[str, int], starts: list[float], now: float, slots: float
) -> None:
    running = [Running("a", 1.0, start) for start in starts]
    found = time_to_go(History(durations), left, running, now=now, slots=slots, cores={"b": 0.0})
    assert found is None or 0.0 <= found < float("inf")


def test_what_nothing_is_known_of_may_take_long() -> None:
    assert Foresight().is_long("sim/i=1", "sim")


def test_a_step_is_known_once_three_of_it_have_ended() -> None:
    foresight = Foresight()
    for known in (True, True, True, False):
        assert foresight.is_long("sim/i=9", "sim") is known
        foresight.add("sim", 0.2)
    assert foresight.is_long("parse", "parse"), "another step is not"


def test_where_others_take_a_quarter_of_a_second_one_may_take_long() -> None:
    foresight = Foresight(lambda: [("work/a", "work", 0.4)])
    for seconds in (0.1, 0.2, 0.6):
        foresight.add("work", seconds)
    assert foresight.is_long("work/b", "work")
    assert not foresight.is_long("work/a", "work"), "it has shown what it takes itself"


def test_a_slow_step_is_long_in_this_run_and_the_next() -> None:
    foresight = Foresight()
    for _ in range(3):
        foresight.add("sim", 5.0)
    assert foresight.is_long("sim/i=9", "sim")
    later = Foresight(lambda: [(f"sim/i={i}", "sim", 5.0) for i in range(3)])
    assert later.is_long("sim/i=9", "sim")


def test_what_a_task_took_itself_counts_most() -> None:
    foresight = Foresight(lambda: [("work/a", "work", 12.0), *((f"work/{i}", "work", 0.1) for i in range(99))])
    assert foresight.is_long("work/a", "work")
    assert not foresight.is_long("work/1", "work")
    assert not foresight.is_long("work/new", "work")


def test_what_nobody_saw_end_is_not_lost_a_second_time() -> None:
    foresight = Foresight(lambda: [("work/a", "work", None), *((f"work/{i}", "work", 0.1) for i in range(9))])
    assert foresight.is_long("work/a", "work")
    assert not foresight.is_long("work/1", "work")
    foresight.distrust("work/1")
    assert foresight.is_long("work/1", "work")
    assert not foresight.is_long("work/2", "work")


def test_of_many_quick_steps_the_next_one_is_taken_to_be_quick_too() -> None:
    foresight = Foresight()
    for number in range(8):
        assert foresight.is_long("new", "new")
        foresight.add(f"step{number}", 0.1)
    assert not foresight.is_long("new", "new")


def test_earlier_runs_are_asked_for_only_when_something_starts() -> None:
    asked = []
    foresight = Foresight(lambda: asked.append(1) or [])
    assert not asked
    foresight.is_long("a", "a")
    foresight.is_long("b", "b")
    assert asked == [1]


# tasks at points nearby

SWEPT = [("sim", (topology, buffer), float(factor) * int(buffer)) for topology, factor in (("mesh", 1), ("torus", 3))
         for buffer in ("10", "20", "40")]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (("mesh", "20"), 20.0),
        (("torus", "40"), 120.0),
        (("torus", "38"), 120.0),  # nearest to 40
        (("torus", "1e3"), 120.0),
        (("torus", "-7"), 30.0),
        (("ring", "10"), 20.0),  # a value like no other has the mean of all
    ],
)
def test_a_task_takes_about_what_others_took_near_its_point(values: tuple[str, ...], seconds: float) -> None:
    assert Nearby(SWEPT).expected("sim", values) == pytest.approx(seconds)


def work(act: Callable[[], object]) -> int:
    """How many instructions of Python a call takes."""
    count = 0

    def step(frame: FrameType, event: str, argument: object) -> Callable[..., object]:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return step

    before = sys.gettrace()
    gc.disable()  # hypothesis has a callback in Python for each collection
    sys.settrace(step)
    try:
        act()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def test_what_is_expected_of_a_step_costs_the_same_however_many_are_known() -> None:
    assert cost_of_questions(10) == cost_of_questions(1000)


def cost_of_questions(steps: int) -> list[int]:
    """About a step of which nothing is known, where so many others are."""
    names = [f"step{number}" for number in range(steps)]
    history, near = History((name, 1.0) for name in names), Nearby((name, (), 1.0) for name in names)
    foresight = Foresight(lambda: [(name, name, 1.0) for name in names])
    foresight.add("step0", 1.0)
    return [
        work(lambda: history.expected("new")),
        work(lambda: near.expected("new", ())),
        work(lambda: foresight.is_long("new", "new")),
        work(lambda: foresight.add("new", 1.0)),
    ]


def test_of_a_step_that_never_ran_the_mean_of_all_is_expected() -> None:
    assert Nearby([("sim", ("a",), 2.0), ("parse", (), 4.0)]).expected("plot", ("a",)) == 3.0
    assert Nearby([]).expected("plot", ()) is None


def test_what_took_no_time_is_expected_to_take_none() -> None:
    assert Nearby([("sim", ("a",), 0.0)]).expected("sim", ("b",)) == 0.0
