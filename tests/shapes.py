"""Graphs shaped as real ones are, with seconds for each task; the least time that they take, and what a run takes.

In the fake clock; shared by the tests of the order and by the benchmark.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from fakes import FakeExecutor, run, task

from taskrun.graph import Draft, Graph
from taskrun.model import RunFinished

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
