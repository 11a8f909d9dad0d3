"""How much there is of each pool in a run: what the user says, else what the machine has; and who asks for too much.

The machine is asked only for what some task wants of it. What is said of a pool wins over what the machine has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from taskrun.errors import Mistake, SweepError, UsageError
from taskrun.graph import Study
from taskrun.machine import core_ids, usable_cores
from taskrun.model import Task
from taskrun.pools import (
    CORES,
    GPUS,
    MEMORY,
    OF_THE_MACHINE,
    PINNED,
    Shortage,
    Supply,
    asked,
    saying,
    shortages,
    show_amount,
)


def supply(
    study: Study, selected: Iterable[int], *, jobs: Fraction | None, is_strict: bool = False, is_typed: bool = True
) -> Supply:
    """What the selected tasks share; `jobs`: the cores (None: as the study says, else the usable ones). `is_typed`:
    a command was, so that hints name its options.

    Raises SweepError or UsageError for a task that can never have what it asks for, UsageError for a list of gpus that
    cannot be.
    """
    tasks = study.graph.tasks
    kinds = _kinds(tasks[index] for index in sorted(selected))
    wanted = {pool for task in kinds for pool, amount in asked(task.traits) if amount}
    pools = dict(study.pools)
    pools[CORES] = cores_of(study, jobs)
    if MEMORY in wanted and MEMORY not in pools:
        from taskrun.machine.memory import shared_memory

        pools[MEMORY] = shared_memory()
    units: dict[str, tuple[str, ...]] = {}
    if GPUS in wanted:
        units[GPUS] = _gpus(pools.get(GPUS), is_typed=is_typed)
        pools[GPUS] = Fraction(len(units[GPUS]))
    if PINNED in wanted:
        units[PINNED] = core_ids()
        pools[PINNED] = Fraction(len(units[PINNED]))
    found = [*_short(_kinds(tasks), study.pools), *_short(kinds, pools, is_strict=is_strict)]
    _refuse(study, found, pools, is_typed=is_typed)
    return Supply(pools, units)


def ample(
    study: Study, jobs: Fraction | None, *, is_strict: bool = False, is_typed: bool = True
) -> Mapping[str, Fraction]:
    """Pools in which everything has its place but what the user's own words rule out: for who runs nothing.

    A dry run may be meant for another machine, whose memory and gpus nobody knows here.
    """
    cores = cores_of(study, jobs)
    kinds = _kinds(study.graph.tasks)
    refuse_shortages(study, kinds, {**study.pools, CORES: cores}, is_strict=is_strict, is_typed=is_typed)
    return roomy(kinds, cores)


def roomy(tasks: Iterable[Task], cores: Fraction) -> Mapping[str, Fraction]:
    """Pools in which each of the tasks has its place."""
    pools: dict[str, Fraction] = {}
    for task in _kinds(tasks):
        for pool, amount in task.traits.request:
            pools[pool] = max(amount, pools.get(pool, amount))
    return {**pools, CORES: cores}


def cores_of(study: Study, jobs: Fraction | None) -> Fraction:
    """The cores to share."""
    if jobs is not None:
        return jobs
    return study.pools[CORES] if CORES in study.pools else usable_cores()


def refuse_shortages(
    study: Study,
    tasks: Iterable[Task],
    pools: Mapping[str, Fraction],
    *,
    is_strict: bool = False,
    is_typed: bool = True,
) -> None:
    """Raise for what no pool can ever satisfy: all of it together, each at its place where the study has one.

    A pool of the machine's that is not among `pools` is not looked at.
    """
    _refuse(study, _short(tasks, pools, is_strict=is_strict), pools, is_typed=is_typed)


def _short(tasks: Iterable[Task], pools: Mapping[str, Fraction], *, is_strict: bool = False) -> list[Shortage]:
    return list(shortages(((task.name, task.step.name, task.traits) for task in tasks), pools, is_strict=is_strict))


def _refuse(study: Study, found: Sequence[Shortage], pools: Mapping[str, Fraction], *, is_typed: bool) -> None:
    if not found:
        return
    found = list({(each.step, each.pool): each for each in reversed(found)}.values())[::-1]
    known = [*pools, *(pool for pool in OF_THE_MACHINE if pool not in pools)]
    mistakes = [
        Mistake(place, each.what, each.hint(known, is_typed=is_typed))
        for each in found
        if (place := study.places.get((each.step, each.pool))) is not None
    ]
    if len(mistakes) == len(found):
        raise SweepError(sorted(mistakes, key=lambda mistake: mistake.place.key))
    raise UsageError("\n".join(f"{each.what}; {each.hint(known, is_typed=is_typed)}" for each in found))


def _kinds(tasks: Iterable[Task]) -> Sequence[Task]:
    """The first task of each step and traits: equal traits are one object."""
    found: dict[tuple[int, int], Task] = {}
    for task in tasks:
        key = id(task.step), id(task.traits)
        if key not in found:
            found[key] = task
    return list(found.values())


def _gpus(said: Fraction | None, *, is_typed: bool) -> tuple[str, ...]:
    """The ids of the gpus; where it is said how many there are, nvidia-smi is not asked."""
    from taskrun.machine.gpus import VARIABLE, gpu_ids, visible

    if said is None:
        return gpu_ids(os.environ, saying=saying(GPUS, Fraction(2), is_typed=is_typed))
    listed = os.environ.get(VARIABLE)
    ids = tuple(map(str, range(int(said)))) if listed is None else visible(listed)
    if len(ids) < said:
        raise UsageError(
            f"{show_amount(GPUS, said)} gpus are to be shared, and {VARIABLE}={listed} lists {len(ids)}; "
            f"{saying(GPUS, Fraction(len(ids)), is_typed=is_typed)} shares these"
        )
    return ids[: int(said)]


def warnings(tasks: Iterable[Task], pools: Mapping[str, Fraction]) -> Iterator[str]:
    """What some tasks get other than they ask for: of each step the first."""
    steps: set[str] = set()
    for task in _kinds(tasks):
        traits = task.traits
        if traits.cores > pools[CORES] and task.step.name not in steps:
            steps.add(task.step.name)
            asks, there = show_amount(CORES, traits.cores), show_amount(CORES, pools[CORES])
            yield f"{task.name} asks for {asks} cores and gets all there are, {there}"
        if traits.is_pinned:
            yield from _pinning(task, pools[PINNED], steps)


def _pinning(task: Task, there: Fraction, steps: set[str]) -> Iterator[str]:
    if task.step.name in steps:
        return
    if not there:
        steps.add(task.step.name)
        yield f"{task.name}: `pin` does nothing on this system"
    elif task.traits.cores > there:
        steps.add(task.step.name)
        asks = show_amount(CORES, task.traits.cores)
        yield f"{task.name} is bound to all {show_amount(CORES, there)} cores that there are, not to {asks}"
