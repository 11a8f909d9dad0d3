"""What is due when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskrun.timers import Timers


def test_what_is_due_comes_in_order_of_its_moment_then_as_it_was_set() -> None:
    timers: Timers[str] = Timers()
    for moment, what in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "d")):
        timers.set(moment, what)
    assert timers.next_due() == 1.0
    assert timers.due(0.5) == []
    assert timers.due(3.0) == ["a", "b", "c"]
    assert len(timers) == 1
    assert timers.next_due() == 9.0


def test_a_cancelled_timer_is_never_due() -> None:
    timers: Timers[str] = Timers()
    first = timers.set(1.0, "a")
    timers.set(2.0, "b")
    timers.cancel(first)
    timers.cancel(first)
    timers.cancel(None)
    assert timers.next_due() == 2.0
    assert timers.due(5.0) == ["b"]
    assert timers.next_due() is None


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans())), st.lists(st.integers(0, 25)))
def test_each_timer_is_due_once_or_cancelled(entries: list[tuple[int, bool]], looks: list[int]) -> None:
    timers: Timers[int] = Timers()
    for number, (moment, cancelled) in enumerate(entries):
        timer = timers.set(moment, number)
        if cancelled:
            timers.cancel(timer)
    found: list[int] = []
    for now in [*sorted(looks), 100]:
        found += timers.due(now)
    kept = [number for number, (_, cancelled) in enumerate(entries) if not cancelled]
    assert found == sorted(kept, key=lambda number: entries[number][0])
    assert len(timers) == 0
