"""What there is to share, what tasks ask of it, and who asks for more than there will ever be. Pure.

Memory is counted in bytes, everything else in units of its own; amounts are exact. The cores that a task is bound to
are a pool of their own, which no file can name: who is pinned asks for as many of them as it asks for cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import did_you_mean
from taskrun.quantity import parse_memory, parse_number, show_number, show_size

if TYPE_CHECKING:
    from taskrun.model import Traits

CORES, MEMORY, GPUS = "cores", "memory", "gpus"
PINNED = "pinned cores"
OF_THE_MACHINE = (CORES, MEMORY, GPUS)
GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # what libraries take for a task's cores

Request = tuple[tuple[str, Fraction], ...]
Units = Mapping[str, Sequence[str]]

NO_UNITS: Units = {}


class Supply(Struct, frozen=True):
    """The total of each pool, and the ids of those that come in units told apart: gpus, and cores to be bound to."""

    pools: Mapping[str, Fraction]
    units: Units = NO_UNITS


class Shortage(Struct, frozen=True):
    """A task that asks for more of a pool than there is; `there` is None where nobody says how much that is."""

    task: str
    step: str
    pool: str
    asks: Fraction
    there: Fraction | None

    @property
    def what(self) -> str:
        """The sentence without its hint."""
        if self.there is None:
            return f"{self.task} asks for {self._asked}, and nobody says how much of that there is"
        verb = "is" if self.pool == MEMORY or self.there == 1 else "are"
        return f"{self.task} asks for {self._asked}, and there {verb} {show_amount(self.pool, self.there)}"

    @property
    def _asked(self) -> str:
        amount = show_amount(self.pool, self.asks)
        if self.pool == MEMORY:
            return f"{amount} of memory"
        if self.pool in OF_THE_MACHINE:
            return f"{amount} {self.pool if self.asks != 1 else self.pool.removesuffix('s')}"
        return f"{amount} of the pool {self.pool!r}"

    def hint(self, known: Iterable[str], *, is_typed: bool = True) -> str:
        """What to do about it; `known` are the pools that there are, `is_typed` as in `saying`."""
        amount = show_amount(self.pool, self.asks)
        said = saying(self.pool, self.asks, is_typed=is_typed)
        if self.there is not None and (self.pool in OF_THE_MACHINE or not is_typed):
            return f"ask for less, or say how much there is to share, as {said}"
        if self.there is not None:
            return f"ask for less, or say that there is more: `pools: {{{self.pool}: {amount}}}` or {said}"
        by_file = f"`pools: {{{self.pool}: {amount}}}` or " if is_typed else ""
        return did_you_mean(self.pool, known) or f"say it, as {by_file}{said}"


def show_amount(pool: str, amount: Fraction) -> str:
    """An amount of a pool as people write it."""
    return show_size(int(amount)) if pool == MEMORY else show_number(amount)


def saying(pool: str, amount: Fraction, *, is_typed: bool) -> str:
    """How to say how much there is of a pool: with the option where a command was typed, else to the library."""
    shown = show_amount(pool, amount)
    return f"--pool {pool}={shown}" if is_typed else f"pools={{{pool!r}: {repr(shown) if pool == MEMORY else shown}}}"


def parse_total(pool: str, text: str) -> Fraction:
    """How much there is of a pool; ValueError where that text cannot say it."""
    if pool == MEMORY:
        return Fraction(parse_memory(text))
    total = parse_number(text)
    if pool == CORES and (total < 1 or total.denominator != 1):
        raise ValueError(f"{text} is not a whole number of cores, at least 1")
    if total < 0:
        raise ValueError(f"{text} is negative")
    if pool == GPUS and total.denominator != 1:
        raise ValueError(f"{text} is not a whole number of gpus")
    return total


def threads(cores: Fraction) -> int:
    """How many threads use so many cores: a whole number, at least one."""
    return max(1, ceil(cores))


def asked(traits: Traits) -> Request:
    """All that a task takes while it runs."""
    return (*traits.request, (PINNED, traits.cores)) if traits.is_pinned else traits.request


def clamped(request: Request, pools: Mapping[str, Fraction]) -> Request:
    """The request as it is served: who asks for more cores than there are gets all of them."""
    return tuple(
        (pool, min(amount, pools.get(pool, Fraction(0))) if pool in (CORES, PINNED) else amount)
        for pool, amount in request
    )


def shortage(request: Request, pools: Mapping[str, Fraction]) -> tuple[str, Fraction, Fraction] | None:
    """The first pool that can never satisfy a request, what it asks and what there is; cores are clamped instead."""
    for pool, amount in request:
        there = pools.get(pool, Fraction(0))
        if amount > there and pool not in (CORES, PINNED):
            return pool, amount, there
    return None


def shortages(
    tasks: Iterable[tuple[str, str, Traits]], pools: Mapping[str, Fraction], *, is_strict: bool = False
) -> Iterator[Shortage]:
    """Of each step the first task (given by name, step and traits) that asks for more of a pool than there is.

    A pool of the machine's that is not among `pools` is not looked at; neither are cores, but where it `is_strict`.
    """
    looked_at: set[tuple[str, int]] = set()
    said: set[tuple[str, str]] = set()
    for task, step, traits in tasks:
        key = step, id(traits)  # equal traits are one object
        if key in looked_at:
            continue
        looked_at.add(key)
        for pool, asks in traits.request:
            there = pools.get(pool)
            is_open = pool in OF_THE_MACHINE and (there is None or (pool == CORES and not is_strict))
            if asks and not is_open and (there is None or asks > there) and (step, pool) not in said:
                said.add((step, pool))
                yield Shortage(task, step, pool, asks, there)
