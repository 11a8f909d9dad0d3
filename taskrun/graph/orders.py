"""What tasks come after without a file, but for those that they need for their files: each pair has one edge.

Gathers stay shared. Of one that many tasks need, each of them but for a few, they share the pieces in between, whose
bounds are multiples of powers of two: 50,000 tasks that leave out one each of 50,000 have about 16 edges each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence

from taskrun.graph import Draft, Edge

_Members = tuple[int, ...]  # known by their identity, so each has to live as long as what knows it

_MOST_ROWS = 64  # about so many parts of one gather at most, that do not overlap, are left out as wholes


class Orders:
    """Enters edges without a file into a draft that has those with one."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._sets: dict[int, tuple[_Members, frozenset[int]]] = {}
        self._meetings: dict[tuple[int, int], bool] = {}
        self._holding: dict[tuple[int, int], bool] = {}
        self._rows: dict[tuple[int, ...], _Row] = {}

    def enter(
        self, consumer: int, others: Iterable[int | _Members], files: Sequence[int], edge: Edge = Edge.ORDER
    ) -> None:
        """`consumer` comes after `others` (tasks, or all of some), but for those that the nodes `files` stand for.

        Where `edge` is ANY, a node of `files` that stands for some of `others` may fail too.
        """
        tasks = {node for node in files if node >= 0}
        gathers = [self._draft.members(node) for node in files if node < 0]
        for other in others:
            if isinstance(other, tuple):
                for node in self._left(other, tasks, gathers):
                    self._draft.need(consumer, node, edge)
            elif other not in tasks and not any(other in self._set(members) for members in gathers):
                self._draft.need(consumer, other, edge)
            if edge.is_any:
                for node in files:
                    if self._holds(other, node):
                        self._draft.need(consumer, node, edge)

    def _left(self, members: _Members, tasks: set[int], gathers: Sequence[_Members]) -> Iterator[int]:
        """The nodes for what is left of `members` without `tasks` and all of `gathers`."""
        if not tasks and not gathers:
            return self._row(members, ()).but_for(())
        holes = self._set(members) & tasks
        large = []
        for other in gathers:
            if self._meet(members, other):
                if len(other) * _MOST_ROWS > len(members):
                    large.append(other)
                else:
                    holes |= self._set(members) & self._set(other)
        for other in large:
            holes -= self._set(other)
        return self._row(members, large).but_for(holes)

    def _row(self, members: _Members, without: Sequence[_Members]) -> _Row:
        key = (id(members), *map(id, without))
        row = self._rows.get(key)
        if row is None:
            gone = [self._set(other) for other in without]
            left = tuple([each for each in members if not any(each in other for other in gone)]) if gone else members
            self._set(members)  # keeps it, and so its identity
            row = self._rows[key] = _Row(self._draft, left)
        return row

    def _set(self, members: _Members) -> frozenset[int]:
        found = self._sets.get(id(members))
        if found is None:
            found = self._sets[id(members)] = members, frozenset(members)
        return found[1]

    def _holds(self, other: int | _Members, node: int) -> bool:
        """Whether all that a node stands for is (among) the other."""
        if not isinstance(other, tuple):
            return node == other
        if node >= 0:
            return node in self._set(other)
        key = id(other), node
        found = self._holding.get(key)
        if found is None:
            found = self._holding[key] = self._set(other).issuperset(self._draft.members(node))
        return found

    def _meet(self, members: _Members, others: _Members) -> bool:
        key = id(members), id(others)
        found = self._meetings.get(key)
        if found is None:
            found = self._meetings[key] = not self._set(members).isdisjoint(self._set(others))
        return found


class _Row:
    """Tasks that several others come after, but each of them for a few."""

    def __init__(self, draft: Draft, members: _Members) -> None:
        self._draft = draft
        self._members = members
        self._sorted: list[int] = []
        self._nodes: dict[tuple[int, int], int] = {}

    def but_for(self, holes: Collection[int]) -> Iterator[int]:
        """The nodes that stand for all without `holes`, which are some of them."""
        if holes and not self._sorted:
            self._sorted = sorted(self._members)
        places = sorted([bisect_left(self._sorted, hole) for hole in holes])
        return (self._node(start, stop) for start, stop in _pieces(len(self._members), places))

    def _node(self, start: int, stop: int) -> int:
        node = self._nodes.get((start, stop))
        if node is None:
            is_whole = stop - start == len(self._members)
            node = self._draft.gather(self._members if is_whole else tuple(self._sorted[start:stop]))
            self._nodes[start, stop] = node
        return node


def _pieces(size: int, holes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """From where to where there are no holes below `size`, in few pieces, of which those for other holes are many."""
    if not holes and size:
        yield 0, size
        return
    start = 0
    for hole in (*holes, size):
        while start < hole:
            length = start & -start or 1 << size.bit_length()
            while start + length > hole:
                length >>= 1
            yield start, start + length
            start += length
        start = hole + 1
