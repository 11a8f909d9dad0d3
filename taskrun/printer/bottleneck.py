"""Which pool a run waits for most, as far as that can be known before it begins. Pure.

Each task weighs what it asks of a pool times as long as its like took; the pool whose whole amount is busy longest with
that is the bottleneck. Where all tasks have their place at once there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from taskrun.history import History
from taskrun.model import Traits
from taskrun.pools import CORES, GPUS, MEMORY, clamped, show_amount

Group = tuple[str, Traits, int]  # a step, what some of its tasks ask for, and how many these are

_SOME_TIME = 1.0  # seconds, where nobody knows


def bottleneck(groups: Iterable[Group], pools: Mapping[str, Fraction], history: History) -> str:
    """`2 cores, shared by 12 tasks`, "" where nothing has to wait."""
    busy: dict[str, float] = {}
    asked: dict[str, Fraction] = {}
    takers: dict[str, int] = {}
    for step, traits, count in groups:
        seconds = history.expected(step) or _SOME_TIME
        for pool, amount in clamped(traits.request, pools):
            if amount:
                asked[pool] = asked.get(pool, Fraction(0)) + amount * count
                takers[pool] = takers.get(pool, 0) + count
                busy[pool] = busy.get(pool, 0.0) + float(amount / pools[pool]) * count * seconds
    scarce = [pool for pool in busy if asked[pool] > pools[pool]]
    if not scarce:
        return ""
    narrowest = max(scarce, key=busy.__getitem__)
    return f"{_shown(narrowest, pools[narrowest])}, shared by {takers[narrowest]} tasks"


def _shown(pool: str, there: Fraction) -> str:
    amount = show_amount(pool, there)
    if pool == MEMORY:
        return f"{amount} of memory"
    if pool in (CORES, GPUS):
        return f"{amount} {pool.removesuffix('s') if there == 1 else pool}"
    return f"{amount} {pool}"
