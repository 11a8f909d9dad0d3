"""Axes, and the blocks of axes that `exclude` couples: what combinations a block has, found without its whole product.

A point of a product has an *offset*, its number in the nested loops were nothing excluded; combinations are in the
order of their first point. Each row of an axis knows as a bit mask the clauses that it matches (a clause that does not
touch the axis is matched by every row): a point is excluded where the masks of its rows have a bit in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple, overload

Row = tuple[str, ...]
Clause = Mapping[str, frozenset[str]]
_Ways = tuple[tuple[int, int], ...]  # (offset, mask): how a combination can come about, no worse one among them
_Part = tuple[Row, int, _Ways]  # part of a combination, the offset of its first way, and its ways from there


class Axis(NamedTuple):
    """Names that vary together through different rows; a single name is an axis of its own."""

    names: tuple[str, ...]
    rows: Sequence[Row]


class Singles(Sequence[Row]):
    """The rows of a single name; its values are not made before a row is asked for."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values = values

    @cached_property
    def _rows(self) -> list[Row]:
        return list(zip(self._values, strict=True))

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]


class Combinations(NamedTuple):
    """Different rows of some names, in the order of their first point, and that point's offset."""

    rows: Sequence[Row]
    offsets: Sequence[int]


class Block:
    """Some axes of a product, in order, with their strides in it, and the clauses that touch several of them."""

    def __init__(self, axes: Sequence[Axis], strides: Sequence[int], clauses: Sequence[Clause]) -> None:
        self.axes = axes
        self.strides = strides
        self.names = tuple(name for axis in axes for name in axis.names)
        self._clauses = clauses
        self._every = (1 << len(clauses)) - 1
        self._alive: list[dict[int, bool]] = [
            {0: all(axis.rows for axis in axes[level:])} for level in range(len(axes) + 1)
        ]
        self._combinations: dict[tuple[str, ...], Combinations] = {}
        self._counts: dict[frozenset[str], int] = {}
        self._reduced: dict[tuple[tuple[str, ...], tuple[str, ...]], _Alike] = {}

    def combinations(self, names: tuple[str, ...]) -> Combinations:
        """The different rows that `names`, all of this block, take at its points."""
        found = self._combinations.get(names)
        if found is None:
            found = self._combinations[names] = self._single(names) if len(self.axes) == 1 else self._coupled(names)
        return found

    def count(self, names: Collection[str]) -> int:
        """The number of these rows, without making them where several axes are coupled."""
        key = frozenset(names)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = self._count_single(key) if len(self.axes) == 1 else self._count_coupled(key)
        return found

    def partners(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> list[tuple[int, ...]]:
        """For each row of `consumer`, which rows of `producer` share a point with it; equal results are one object."""
        left, right = self.combinations(consumer), self.combinations(producer)
        if not consumer:
            return [tuple(range(len(right.rows)))] * len(left.rows)
        if not producer:
            return [(0,)] * len(left.rows)
        alike = self._alike(consumer, producer)
        stand_in = alike.stand_in(consumer)
        both = _together(consumer, producer)
        to_left, to_right = picker(both, consumer), picker(both, producer)
        index = {row: i for i, row in enumerate(right.rows)}
        found: dict[Row, list[int]] = {}
        for row in alike.block.combinations(both).rows:
            found.setdefault(to_left(row), []).append(index[to_right(row)])
        same: dict[tuple[int, ...], tuple[int, ...]] = {}
        lists = {row: tuple(sorted(some)) for row, some in found.items()}
        lists = {row: same.setdefault(some, some) for row, some in lists.items()}
        return [lists[row] for row in map(stand_in, left.rows)]

    def pairs(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> int:
        """How many rows of `producer` the results of `partners` hold, those of alike consumers counted once."""
        if set(producer) <= set(consumer):
            return self.count(producer)
        return self._alike(consumer, producer).block.count(_together(consumer, producer))

    def _alike(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> _Alike:
        """This block with one row in place of all that the same clauses match, where only the consumer sees them."""
        known = self._reduced.get((consumer, producer))
        if known:
            return known
        axes = list(self.axes)
        stand_ins: dict[tuple[str, ...], dict[Row, Row]] = {}
        for level, axis in enumerate(self.axes):
            kept = tuple(name for name in axis.names if name in consumer)
            if len(self.axes) == 1 or not kept or not set(producer).isdisjoint(axis.names):
                continue
            first: dict[frozenset[int], Row] = {}
            mapped = {
                row: first.setdefault(_smallest(mask for _, mask in ways), row)
                for row, ways in self._groups(level, kept)
            }
            if len(first) == len(mapped):
                continue
            pick = picker(axis.names, kept)
            used = set(first.values())
            stand_ins[kept] = mapped
            axes[level] = Axis(axis.names, [row for row in axis.rows if pick(row) in used])
        block = Block(axes, self.strides, self._clauses) if stand_ins else self
        found = self._reduced[consumer, producer] = _Alike(block, stand_ins)
        return found

    def _single(self, names: tuple[str, ...]) -> Combinations:
        (axis,), (stride,) = self.axes, self.strides
        if names == axis.names:
            return Combinations(axis.rows, range(0, len(axis.rows) * stride, stride))
        if not names:
            return Combinations([()] * bool(axis.rows), [0] * bool(axis.rows))
        first: dict[Row, int] = {}
        for number, row in enumerate(map(picker(axis.names, names), axis.rows)):
            first.setdefault(row, number * stride)
        return Combinations(list(first), list(first.values()))

    def _coupled(self, names: tuple[str, ...]) -> Combinations:
        """Axis by axis, keeping only what some later row completes: the work is that of the result."""
        found: list[_Part] = [((), 0, ((0, self._every),))]
        order: list[str] = []
        for level, axis in enumerate(self.axes):
            kept = [name for name in axis.names if name in names]
            order += kept
            found = self._extend(level, self._groups(level, kept), found)
        pick = picker(tuple(order), names)
        found.sort(key=itemgetter(1))
        return Combinations([pick(row) for row, _, _ in found], [offset for _, offset, _ in found])

    def _groups(self, level: int, names: Sequence[str]) -> list[tuple[Row, _Ways]]:
        """The different rows of some names of an axis, each with the ways in which it comes about there."""
        axis, stride = self.axes[level], self.strides[level]
        pick = picker(axis.names, names)
        ways: dict[Row, list[tuple[int, int]]] = {}
        for number, (row, mask) in enumerate(zip(axis.rows, self._masks[level], strict=True)):
            ways.setdefault(pick(row), []).append((number * stride, mask))
        return [(row, _best(some)) for row, some in ways.items()]

    def _extend(self, level: int, groups: Sequence[tuple[Row, _Ways]], found: Iterable[_Part]) -> list[_Part]:
        """Each combination so far with each group that goes with it; equal ways have equal continuations."""
        continuations: dict[_Ways, list[_Part]] = {}
        extended: list[_Part] = []
        for row, offset, ways in found:
            more = continuations.get(ways)
            if more is None:
                joined = ((added, self._join(level, ways, group)) for added, group in groups)
                more = continuations[ways] = [(added, *_relative(some)) for added, some in joined if some]
            extended += [(row + added, offset + shift, then) for added, shift, then in more]
        return extended

    def _join(self, level: int, ways: _Ways, group: _Ways) -> _Ways:
        if len(ways) == len(group) == 1:
            (offset, mask), (more, other) = ways[0], group[0]
            return ((offset + more, mask & other),) if self._completes(level + 1, mask & other) else ()
        return _best(
            (offset + more, mask & other)
            for offset, mask in ways
            for more, other in group
            if self._completes(level + 1, mask & other)
        )

    def _completes(self, level: int, mask: int) -> bool:
        """Whether the axes from `level` on have rows that leave no bit of `mask`."""
        known = self._alive[level]
        answer = known.get(mask)
        if answer is None:
            kinds = self._kinds[level] if level < len(self.axes) else ()
            answer = known[mask] = any(self._completes(level + 1, mask & other) for other in kinds)
        return answer

    @cached_property
    def _masks(self) -> list[list[int]]:
        """Of each axis row by row, which clauses it matches; nobody asks an axis that stands alone."""
        return [_row_masks(axis, self._clauses) for axis in self.axes]

    @cached_property
    def _kinds(self) -> list[frozenset[int]]:
        """The different masks of each axis that are worth a try."""
        return [_smallest(masks) for masks in self._masks]

    def _count_single(self, names: frozenset[str]) -> int:
        (axis,) = self.axes
        if names.issuperset(axis.names):
            return len(axis.rows)
        return len(self.combinations(tuple(name for name in axis.names if name in names)).rows)

    def _count_coupled(self, names: frozenset[str]) -> int:
        """As `_coupled` finds them, but rows of an axis that match the same clauses are one kind with a number."""
        found: Counter[frozenset[int]] = Counter({frozenset({self._every}): 1})
        for level, axis in enumerate(self.axes):
            kinds: Counter[frozenset[int]] = Counter()
            for _, ways in self._groups(level, [name for name in axis.names if name in names]):
                kinds[frozenset(mask for _, mask in ways)] += 1
            extended: Counter[frozenset[int]] = Counter()
            for masks, number in found.items():
                for others, times in kinds.items():
                    extended[_smallest(mask & other for mask in masks for other in others)] += number * times
            found = extended
        return sum(number for masks, number in found.items() if 0 in masks)


class _Alike(NamedTuple):
    """A block with fewer rows, and for some names which of its rows stands for each of the whole block's."""

    block: Block
    rows: dict[tuple[str, ...], dict[Row, Row]]

    def stand_in(self, names: tuple[str, ...]) -> Callable[[Row], Row]:
        """The row that stands for a row of `names`."""
        if not self.rows:
            return tuple
        parts = [(picker(names, some), mapped) for some, mapped in self.rows.items()]
        changed = tuple(name for some in self.rows for name in some)
        order = tuple(name for name in names if name not in changed)
        keep, arrange = picker(names, order), picker(order + changed, names)
        return lambda row: arrange(sum((mapped[pick(row)] for pick, mapped in parts), keep(row)))


def _together(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return names + tuple(name for name in others if name not in names)


def picker(names: Sequence[str], wanted: Sequence[str]) -> Callable[[Row], Row]:
    """Takes the values of `wanted` out of a row of `names`."""
    places = [names.index(name) for name in wanted]
    if places == list(range(len(names))):
        return tuple
    if not places:
        return lambda row: ()
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place],)
    return itemgetter(*places)


def _row_masks(axis: Axis, clauses: Sequence[Clause]) -> list[int]:
    """A bit for each clause that a row matches as far as the clause touches this axis."""
    masks = [0] * len(axis.rows)
    everywhere = 0
    by_value: dict[str, dict[str, list[int]]] = {}
    for place, name in enumerate(axis.names if clauses else ()):
        at = by_value[name] = {}
        for i, row in enumerate(axis.rows):
            at.setdefault(row[place], []).append(i)
    for number, clause in enumerate(clauses):
        touched = [
            {i for value in values for i in by_value[name].get(value, ())}
            for name, values in clause.items()
            if name in by_value
        ]
        if not touched:
            everywhere |= 1 << number
            continue
        for i in set.intersection(*touched):
            masks[i] |= 1 << number
    return [mask | everywhere for mask in masks]


def _best(ways: Iterable[tuple[int, int]]) -> _Ways:
    """Without those that come later than another and can do no more."""
    kept: list[tuple[int, int]] = []
    for offset, mask in sorted(ways):
        if all(earlier & ~mask for _, earlier in kept):
            kept.append((offset, mask))
            if not mask:
                break
    return tuple(kept)


def _relative(ways: _Ways) -> tuple[int, _Ways]:
    """The first offset, and the ways as seen from there."""
    first = ways[0][0]
    return first, tuple((offset - first, mask) for offset, mask in ways)


def _smallest(masks: Iterable[int]) -> frozenset[int]:
    """Those that hold no other one whole."""
    different = set(masks)
    if 0 in different:
        return frozenset({0})
    if len(different) < 2:
        return frozenset(different)
    kept: list[int] = []
    for mask in sorted(different, key=int.bit_count):
        if all(other & ~mask for other in kept):
            kept.append(mask)
    return frozenset(kept)
