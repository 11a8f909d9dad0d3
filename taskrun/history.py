"""How long tasks take, by step, and what that says about the time to go, and about which are worth a shim.

Pure: durations, counts and the time are passed in.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

_Sum = list[float]  # how many, and their seconds together

# What earlier runs say counts like so many tasks of this run: enough for a first guess, soon outvoted.
_WEIGHT_OF_EARLIER = 4.0
# A task that runs longer than its like is taken to have this part of its time so far still before it.
_REST_OF_OVERDUE = 0.1
# Longer than this, in seconds, and a task's result is worth a process that keeps it should the runner die.
_LONG = 1.0
_LONG_FOR_OTHERS = 0.25  # seconds in the mean: some of its like may take several times as long
# What so many tasks of a step, or the first ones of so many steps, have in common is taken for a rule.
_ENOUGH_TASKS = 3
_ENOUGH_STEPS = 8
_BEYOND = 1e300  # no number, or none to be near to
_NOTHING: _Sum = [0.0, 0.0]


def _count(known: _Sum, seconds: float) -> None:
    known[0] += 1.0
    known[1] += max(seconds, 0.0)


def _add(sums: dict[str, _Sum], key: str, seconds: float) -> None:
    known = sums.get(key)
    if known is None:
        known = sums[key] = [0.0, 0.0]
    _count(known, seconds)


class History:
    """Mean durations of tasks by step; this run's count more than those of earlier ones."""

    __slots__ = ("_all", "_earlier", "_now")

    def __init__(self, earlier: Iterable[tuple[str, float]] = ()) -> None:
        self._earlier: dict[str, _Sum] = {}
        self._now: dict[str, _Sum] = {}
        self._all: _Sum = [0.0, 0.0]
        for step, seconds in earlier:
            _add(self._earlier, step, seconds)
            _count(self._all, seconds)

    def add(self, step: str, seconds: float) -> None:
        """A task of this run took so long."""
        _add(self._now, step, seconds)
        _count(self._all, seconds)

    def expected(self, step: str) -> float | None:
        """Seconds that a task of this step is likely to take; of any step where none of it has been seen."""
        mean = self.mean(step, 1.0)
        if mean is not None:
            return mean
        count, total = self._all
        return total / count if count else None

    def mean(self, step: str, least: float) -> float | None:
        """Seconds that a task of this step is likely to take; None where fewer than `least` tasks of it are known."""
        count, total = self._now.get(step, _NOTHING)
        earlier = self._earlier.get(step)
        if earlier is None:
            return total / count if count >= least else None
        seen, seconds = earlier
        weight = min(seen, _WEIGHT_OF_EARLIER)
        return (total + seconds / seen * weight) / (count + weight) if count + seen >= least else None

    def has_steps(self, least: int) -> bool:
        """Whether tasks of at least so many steps are known."""
        if max(len(self._now), len(self._earlier)) >= least:
            return True
        return len(self._now.keys() | self._earlier.keys()) >= least


class Foresight:
    """Whether a task about to start is likely to take long. What nothing is known of may.

    `earlier`: name, step and seconds of what succeeded before this run, None for the seconds of a task whose last
    attempt nobody saw end; asked for when the first task starts, so that a run in which nothing does pays nothing.
    """

    __slots__ = ("_earlier", "_history", "_own")

    def __init__(self, earlier: Callable[[], Iterable[tuple[str, str, float | None]]] = lambda: ()) -> None:
        self._earlier = earlier
        self._own: dict[str, float] = {}
        self._history: History | None = None

    def is_long(self, task: str, step: str) -> bool:
        """Whether it is to be expected that a task takes more than a second: because it did before; else because its
        step takes long; else, once many steps have shown the same, because all do.
        """
        history = self._history or self._known()
        own = self._own.get(task)
        if own is not None:
            return own > _LONG
        mean = history.mean(step, _ENOUGH_TASKS)
        if mean is None and history.has_steps(_ENOUGH_STEPS):
            mean = history.expected(step)
        return mean is None or mean > _LONG_FOR_OTHERS

    def add(self, step: str, seconds: float) -> None:
        """A task of this run has succeeded after so long."""
        (self._history or self._known()).add(step, seconds)

    def distrust(self, task: str) -> None:
        """Nobody saw how an attempt of the task ended: whatever its like take, the next one is not to be lost too."""
        if self._history is None:
            self._known()
        self._own[task] = math.inf

    def _known(self) -> History:
        earlier = list(self._earlier())
        self._own = {task: math.inf if seconds is None else seconds for task, _, seconds in earlier}
        self._history = History((step, seconds) for _, step, seconds in earlier if seconds is not None)
        return self._history


class Nearby:
    """How long tasks are likely to take by what others of their step took, at the same values or at values near them.

    A step has a mean; each value of each of its names makes that longer or shorter by some factor of its own, and a
    value that nobody has seen by that of the number next to it. `earlier`: step, values and seconds of tasks.
    """

    __slots__ = ("_all", "_steps")

    def __init__(self, earlier: Iterable[tuple[str, Sequence[str], float]]) -> None:
        self._steps: dict[str, _Means] = {}
        self._all: _Sum = [0.0, 0.0]
        for step, values, seconds in earlier:
            means = self._steps.get(step)
            if means is None:
                means = self._steps[step] = _Means(len(values))
            means.add(values, seconds)
            _count(self._all, seconds)

    def expected(self, step: str, values: Sequence[str]) -> float | None:
        """Seconds; those of all tasks where none of the step is known, None where none is known at all."""
        means = self._steps.get(step)
        if means is not None:
            return means.expected(values)
        count, total = self._all
        return total / count if count else None


class _Means:
    """What the tasks of one step took: in all, and by each value of each of its names."""

    __slots__ = ("_all", "_by_value", "_numbers")

    def __init__(self, names: int) -> None:
        self._all: _Sum = [0.0, 0.0]
        self._by_value: list[dict[str, _Sum]] = [{} for _ in range(names)]
        self._numbers: list[list[tuple[float, str]] | None] = [None] * names

    def add(self, values: Sequence[str], seconds: float) -> None:
        _count(self._all, seconds)
        for known, value in zip(self._by_value, values, strict=False):
            _add(known, value, seconds)

    def expected(self, values: Sequence[str]) -> float:
        count, total = self._all
        mean = found = total / count
        if not mean:
            return 0.0
        for name, (known, value) in enumerate(zip(self._by_value, values, strict=False)):
            seen = known.get(value) or known.get(self._next_to(name, value))
            if seen is not None:
                found *= seen[1] / seen[0] / mean
        return found

    def _next_to(self, name: int, value: str) -> str:
        """The number nearest to one that nobody has seen; "" where there is none."""
        numbers = self._numbers[name]
        if numbers is None:
            pairs = ((_number(known), known) for known in self._by_value[name])
            numbers = self._numbers[name] = sorted((number, known) for number, known in pairs if number is not None)
        number = _number(value)
        if number is None or not numbers:
            return ""
        spot = bisect_left(numbers, (number, ""))
        return min(numbers[max(spot - 1, 0) : spot + 1], key=lambda near: abs(near[0] - number))[1]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < _BEYOND else None


class Running:
    """A running task as an estimate sees it: its step, the cores it holds and when it started."""

    __slots__ = ("cores", "started", "step")

    def __init__(self, step: str, cores: float, started: float) -> None:
        self.step = step
        self.cores = cores
        self.started = started

    def elapsed(self, now: float) -> float:
        """Seconds that it has been running."""
        return max(now - self.started, 0.0)


def time_to_go(
    history: History,
    left: Mapping[str, float],
    running: Iterable[Running],
    *,
    now: float,
    slots: float,
    cores: Mapping[str, float],
) -> float | None:
    """Seconds until all is done, or None where nothing is known yet.

    `left`: tasks to execute that have not started, by step (those that will be found fresh left out); `cores`: what a
    task of a step takes of the `slots` there are. The work is spread over the slots, but no task is quicker than it is.
    """
    running = list(running)
    means = {step: history.expected(step) for step in {*left, *(task.step for task in running)}}
    overdue = _stretched(means, running, now)
    if any(means[step] is None for step, count in left.items() if count > 0):
        return None
    longest = work = 0.0
    for task in running:
        rest = _rest(means[task.step], task.elapsed(now))
        if rest is None:
            return None
        longest = max(longest, rest)
        work += rest * task.cores
    for step, count in left.items():
        if count > 0:
            each = max(means[step] or 0.0, overdue.get(step, 0.0))
            longest = max(longest, each)
            work += each * count * cores.get(step, 1.0)
    return max(longest, work / max(slots, 1.0))


def _stretched(means: Mapping[str, float | None], running: Iterable[Running], now: float) -> dict[str, float]:
    """Where every running task of a step is overdue, the next ones of it will not be quicker than these."""
    shortest: dict[str, float] = {}
    for task in running:
        elapsed = task.elapsed(now)
        shortest[task.step] = min(shortest.get(task.step, elapsed), elapsed)
    return {step: elapsed for step, elapsed in shortest.items() if elapsed > (means[step] or 0.0)}


def _rest(mean: float | None, elapsed: float) -> float | None:
    if mean is None:
        return None
    return mean - elapsed if elapsed < mean else elapsed * _REST_OF_OVERDUE
