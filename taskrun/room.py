"""What is in use, what fits, and which waiting task takes the place that is free.

Amounts are whole numbers, scaled per pool, so that after any sequence each pool is full again; where units are told
apart, what fits hangs on what is left of each of them, not on their sum. Waiting tasks are kept by what they ask for:
choosing costs the number of kinds, not of tasks. A task is known here by its turn only: a number, smaller ones first.

No task is overtaken more than 10 times per core by tasks that take from a pool it is short of. Each kind counts how
often its first task was overtaken so; when that number has grown by the limit since its oldest waiting task came, what
a later task leaves of each pool must be enough for the kind, so that its share fills up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import lcm

from taskrun.model import NOTHING_SPECIAL, Grant
from taskrun.pools import GPUS, NO_UNITS, PINNED, Request, clamped, shortage
from taskrun.units import Units

OVERTAKINGS_PER_CORE = 10


class _Kind:
    """What some tasks ask for, alike in all of them, and those of them that wait."""

    __slots__ = ("ages", "asks", "overtaken", "queue")

    def __init__(self, asks: dict[int, int]) -> None:
        self.asks = asks  # amount by pool, none of them 0
        self.queue: list[tuple[int, list[int]]] = []  # a heap of turns, each with the group of `ages` it counts in
        self.ages: deque[list[int]] = deque()  # [value of `overtaken` when they came, how many of these still wait]
        self.overtaken = 0

    def is_starving(self, limit: int) -> bool:
        return self.overtaken - self.ages[0][0] >= limit


class Room:
    """The pools, what is in use of them, and the waiting tasks. `units`: see `Executor.units`."""

    def __init__(
        self,
        pools: Mapping[str, Fraction],
        requests: Iterable[Request],
        units: Mapping[str, Sequence[str]] = NO_UNITS,
    ) -> None:
        self.pools = dict(pools)
        distinct = {request: clamped(request, pools) for request in requests}
        self._pool_names = list(pools)
        self._scales = [self._scale(pool, distinct.values()) for pool in self._pool_names]
        self._totals = [int(pools[pool] * scale) for pool, scale in zip(self._pool_names, self._scales, strict=True)]
        self._free = list(self._totals)
        self._units = {
            place: Units(units[pool], self._scales[place])
            for place, pool in enumerate(self._pool_names)
            if pool in units
        }
        self._kinds: list[_Kind] = []
        self._kind_of: dict[Request, int] = {}
        by_asks: dict[tuple[tuple[int, int], ...], int] = {}
        for request, served in distinct.items():
            assert shortage(request, pools) is None, f"nothing can ever satisfy {request}"
            asks = self._scaled(served)
            kind = by_asks.setdefault(tuple(sorted(asks.items())), len(self._kinds))
            if kind == len(self._kinds):
                self._kinds.append(_Kind(asks))
            self._kind_of[request] = kind
        self._waiting: list[_Kind] = []  # the kinds whose queue is not empty
        self._starving: list[_Kind] = []
        self._first: int | None = None
        self._is_known = False  # whether `_first` still holds
        self._limit = max(OVERTAKINGS_PER_CORE, int(OVERTAKINGS_PER_CORE * pools["cores"]))

    def _scale(self, pool: str, requests: Iterable[Request]) -> int:
        amounts = [amount for request in requests for name, amount in request if name == pool]
        return lcm(self.pools[pool].denominator, *(amount.denominator for amount in amounts))

    def _scaled(self, request: Request) -> dict[int, int]:
        asks: dict[int, int] = {}
        for pool, amount in request:
            if amount:
                place = self._pool_names.index(pool)
                asks[place] = asks.get(place, 0) + int(amount * self._scales[place])
        return asks

    @property
    def limit(self) -> int:
        """How often a task may be overtaken by tasks that take from a pool it is short of."""
        return self._limit

    @property
    def is_idle(self) -> bool:
        """Whether each pool is full."""
        return self._free == self._totals

    def free(self, pool: str) -> Fraction:
        """What is left of a pool; less than nothing where attempts of an earlier run hold more than there is."""
        place = self._pool_names.index(pool)
        return Fraction(self._free[place], self._scales[place])

    def kind(self, request: Request) -> int:
        """The number that stands for a request in all that follows."""
        return self._kind_of[request]

    def queue(self, kind: int, turn: int) -> None:
        """A task of this kind is to run, at this turn."""
        entry = self._kinds[kind]
        if not entry.queue:
            self._waiting.append(entry)
        if not entry.ages or entry.ages[-1][0] != entry.overtaken:
            entry.ages.append([entry.overtaken, 0])
        group = entry.ages[-1]
        group[1] += 1
        heappush(entry.queue, (turn, group))
        if entry.queue[0][0] == turn:  # behind others of its kind it changes nothing
            self._is_known = False

    def renumber(self, turns: Sequence[int]) -> None:
        """Each turn is another one now."""
        for kind in self._waiting:
            kind.queue = [(turns[turn], group) for turn, group in kind.queue]
            heapify(kind.queue)
        self._is_known = False

    def first(self) -> int | None:
        """The turn of the waiting task that is next: the earliest that fits and that nobody's claim keeps back."""
        if self._is_known:
            return self._first
        best: int | None = None
        for kind in self._waiting:
            turn = kind.queue[0][0]
            if (best is None or turn < best) and self._fits(kind) and not self._is_kept_back(kind):
                best = turn
        self._first, self._is_known = best, True
        return best

    def take(self, kind: int, turn: int) -> Grant:
        """Let the task that is `first` have what its kind asks for; which gpus and cores these are."""
        entry = self._kinds[kind]
        first, group = heappop(entry.queue)
        assert first == turn, f"turn {turn} is not the first of its kind, {first} is"
        group[1] -= 1
        while entry.ages and not entry.ages[0][1]:
            entry.ages.popleft()
        if not entry.queue:
            self._waiting.remove(entry)
        grant = self._grant(entry) if self._units else NOTHING_SPECIAL
        self.hold(kind, grant)
        if len(self._waiting) > 1 or self._starving or entry not in self._waiting:
            self._count_overtakings(entry, turn)
            self._starving = [waiting for waiting in self._waiting if waiting.is_starving(self._limit)]
        return grant

    def hold(self, kind: int, grant: Grant = NOTHING_SPECIAL) -> None:
        """Hold what a kind asks for, free or not: for an attempt that runs already, and has what `grant` says."""
        self._is_known = False
        for pool, amount in self._kinds[kind].asks.items():
            self._free[pool] -= amount
        if grant is not NOTHING_SPECIAL:
            for pool, ids in self._granted(grant):
                self._units[pool].hold(ids, self._kinds[kind].asks.get(pool, 0))

    def give_back(self, kind: int, grant: Grant = NOTHING_SPECIAL) -> None:
        """A task of this kind needs its place no more, nor what it was granted."""
        self._is_known = False
        for pool, amount in self._kinds[kind].asks.items():
            self._free[pool] += amount
            assert self._free[pool] <= self._totals[pool], f"more {self._pool_names[pool]} than there are"
        if grant is not NOTHING_SPECIAL:
            for pool, ids in self._granted(grant):
                self._units[pool].give_back(ids, self._kinds[kind].asks.get(pool, 0))

    def _grant(self, kind: _Kind) -> Grant:
        """Units for a kind that fits; they are held by nobody yet."""
        found = {
            self._pool_names[pool]: units.choose(kind.asks[pool])
            for pool, units in self._units.items()
            if pool in kind.asks
        }
        if not found:
            return NOTHING_SPECIAL
        return Grant(found.get(GPUS, ()), tuple(map(int, found.get(PINNED, ()))))

    def _granted(self, grant: Grant) -> Iterator[tuple[int, Sequence[str]]]:
        for pool in self._units:
            yield pool, grant.gpus if self._pool_names[pool] == GPUS else tuple(map(str, grant.pinned))

    def _fits(self, kind: _Kind) -> bool:
        free = self._free
        for pool, amount in kind.asks.items():
            if free[pool] < amount:
                return False
        return not self._units or self._units_fit(kind)

    def _units_fit(self, kind: _Kind) -> bool:
        return all(units.fits(kind.asks[pool]) for pool, units in self._units.items() if pool in kind.asks)

    def _is_short(self, kind: _Kind, pool: int) -> bool:
        amount = kind.asks[pool]
        return self._free[pool] < amount or (pool in self._units and not self._units[pool].fits(amount))

    def _is_kept_back(self, kind: _Kind) -> bool:
        if not self._starving:
            return False
        turn = kind.queue[0][0]
        return any(starving.queue[0][0] < turn and self._would_lack(starving, kind) for starving in self._starving)

    def _would_lack(self, kind: _Kind, other: _Kind) -> bool:
        """Whether `kind`, once `other` has its share, would be short of a pool that `other` takes from."""
        shared = [(pool, amount) for pool, amount in other.asks.items() if pool in kind.asks]
        return any(
            self._free[pool] - amount < kind.asks[pool]
            or (pool in self._units and not self._units[pool].would_fit(kind.asks[pool], after=amount))
            for pool, amount in shared
        )

    def _count_overtakings(self, taker: _Kind, turn: int) -> None:
        """`taker` has just had its share; this overtook the kinds with an earlier task that it made or left short."""
        for kind in self._waiting:
            if kind.queue[0][0] < turn and any(
                pool in kind.asks and self._is_short(kind, pool) for pool in taker.asks
            ):
                kind.overtaken += 1
