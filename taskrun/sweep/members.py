"""One product of a sweep: axes, coupled where `exclude` couples them, asked about without being built.

What is asked about some names touches only the blocks of axes that have them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, pairwise, product
from math import prod
from operator import itemgetter

from taskrun.errors import NOWHERE, Mistake, Place, SweepError
from taskrun.sweep.blocks import Axis, Block, Clause, Row, picker

_MOST_PAIRS = 20_000_000  # of tasks, in one join


class Member:
    """One product: a `sweep:` mapping, or one of a list of them. `clauses` are those that touch several `axes`."""

    def __init__(self, axes: Sequence[Axis], clauses: Sequence[Clause], place: Place = NOWHERE) -> None:
        self.place = place
        self.names = tuple(name for axis in axes for name in axis.names)
        whole = [clause for clause in clauses if set(self.names).issuperset(clause)]
        self.axes, self.clauses = _without_single(axes, whole)
        self._blocks = list(_blocks(self.axes, self.clauses))

    def has(self, names: Collection[str]) -> bool:
        """Whether the points of this member have all these names."""
        return set(self.names).issuperset(names)

    def count(self, names: Collection[str]) -> int:
        """The number of different rows that the points have in `names`."""
        return prod(block.count(_common(names, block.names)) for block in self._blocks)

    def project(self, names: tuple[str, ...]) -> Sequence[Row]:
        """These rows, in the order of their first point."""
        rows = self._unsorted(names)
        order = self._order(names)
        return list(rows) if order is None else [row for _, row in sorted(zip(order, rows, strict=True))]

    def walk(self, names: tuple[str, ...]) -> Iterable[Row]:
        """As `project`, one after the other where the order of the blocks allows it."""
        return self.project(names) if self._order_matters(names) else self._unsorted(names)

    def values(self, name: str) -> Collection[str]:
        """The values that a name has at the points."""
        block = next(block for block in self._blocks if name in block.names)
        return {row[0] for row in block.combinations((name,)).rows}

    def partners(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> Iterator[tuple[Row, tuple[int, ...]]]:
        """Each row of `consumer` with its partners' positions in `project(producer)`; equal results are one object."""
        parts = [(_common(consumer, block.names), _common(producer, block.names)) for block in self._blocks]
        self._check_size(consumer, producer)
        lists = [block.partners(a, b) for block, (a, b) in zip(self._blocks, parts, strict=True)]
        sizes = [len(block.combinations(b).rows) for block, (_, b) in zip(self._blocks, parts, strict=True)]
        places = self._order(producer)
        giving = [i for i, (_, theirs) in enumerate(parts) if theirs]
        if len(giving) == 1 and places is None:
            yield from zip(self._unsorted(consumer), map(itemgetter(*giving), product(*lists)), strict=True)
            return
        known: dict[tuple[int, ...], tuple[int, ...]] = {}
        for row, choice in zip(self._unsorted(consumer), product(*lists), strict=True):
            key = tuple(map(id, choice))
            found = known.get(key)
            if found is None:
                found = known[key] = _positions(choice, sizes, places)
            yield row, found

    def _unsorted(self, names: tuple[str, ...]) -> Iterable[Row]:
        """The product of the blocks' rows, whatever lies between their axes."""
        parts = [_common(names, block.names) for block in self._blocks]
        lists = [block.combinations(part).rows for block, part in zip(self._blocks, parts, strict=True)]
        pick = picker(tuple(chain.from_iterable(parts)), names)
        if not all(lists):
            return ()
        lists = [rows for rows, part in zip(lists, parts, strict=True) if part]
        if len(lists) == 1:
            return map(pick, lists[0])
        if all(len(part) < 2 for part in parts):
            return map(pick, product(*([value for (value,) in rows] for rows in lists)))
        return (pick(tuple(chain.from_iterable(row))) for row in product(*lists))

    def _order_matters(self, names: tuple[str, ...]) -> bool:
        """Whether blocks that have some of the names reach around each other."""
        used = [block for block in self._blocks if _common(names, block.names)]
        return any(before.strides[-1] < after.strides[0] for before, after in pairwise(used))

    def _order(self, names: tuple[str, ...]) -> Sequence[int] | None:
        """The place in the sweep of each row of `_unsorted`, or None where that is its own."""
        if not self._order_matters(names):
            return None
        lists = [block.combinations(_common(names, block.names)).offsets for block in self._blocks]
        offsets = [sum(choice) for choice in product(*lists)]
        places = [0] * len(offsets)
        for place, number in enumerate(sorted(range(len(offsets)), key=offsets.__getitem__)):
            places[number] = place
        return places

    def _check_size(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> None:
        """Refuse partners that no memory would hold; those who have all the same partners count once."""
        size = prod(
            block.pairs(_common(consumer, block.names), _common(producer, block.names)) for block in self._blocks
        )
        if size > _MOST_PAIRS:
            which = f"steps by ({', '.join(consumer)}) and by ({', '.join(producer)})"
            raise SweepError([Mistake(self.place, f"{which} make {size:,} dependencies", f"{_MOST_PAIRS:,} at most")])


def _common(names: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in others)


def _without_single(axes: Sequence[Axis], clauses: Sequence[Clause]) -> tuple[list[Axis], list[Clause]]:
    """Applies the clauses that touch one axis only; the others are left."""
    kept = list(axes)
    left = []
    for clause in clauses:
        touched = [i for i, axis in enumerate(kept) if not clause.keys().isdisjoint(axis.names)]
        if len(touched) > 1:
            left.append(clause)
            continue
        axis = kept[touched[0]]
        tests = [(axis.names.index(name), values) for name, values in clause.items()]
        rows = [row for row in axis.rows if not all(row[place] in values for place, values in tests)]
        kept[touched[0]] = Axis(axis.names, rows)
    return kept, left


def _blocks(axes: Sequence[Axis], clauses: Sequence[Clause]) -> Iterator[Block]:
    """The axes that clauses couple, directly or through others, put together."""
    strides = [prod(max(len(axis.rows), 1) for axis in axes[i + 1 :]) for i in range(len(axes))]
    groups = [{i} for i in range(len(axes))]
    for clause in clauses:
        touched = {i for i, axis in enumerate(axes) if not clause.keys().isdisjoint(axis.names)}
        joined = set().union(*(group for group in groups if group & touched))
        groups = [group for group in groups if not group & touched] + [joined]
    for group in sorted(groups, key=min):
        members = sorted(group)
        names = {name for i in members for name in axes[i].names}
        own = [clause for clause in clauses if names.issuperset(clause)]
        yield Block([axes[i] for i in members], [strides[i] for i in members], own)


def _positions(
    choice: Sequence[tuple[int, ...]], sizes: Sequence[int], places: Sequence[int] | None
) -> tuple[int, ...]:
    """The places in a product, of lists with these sizes, of all that is chosen from each of them."""
    found = [0]
    for some, size in zip(choice, sizes, strict=True):
        found = [before * size + i for before in found for i in some]
    return tuple(found) if places is None else tuple(sorted(places[i] for i in found))
