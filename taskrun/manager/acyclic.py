"""What needs what, edge by edge, in an order where each stands after all that it needs: a circle is refused at once.

Nodes are numbers from 0 in the order in which they were added, and at first they stand so. An edge to a node that
stands before costs one comparison, and little more does one that moves an end of it, where nothing hangs on that end,
to an end of the line. Otherwise both ends are followed at the same time, one by what needs it and the other by what it
needs, until the smaller side is known whole; that side moves (after Haeupler, Kavitha, Mathew, Sen and Tarjan,
"Incremental cycle detection", 2012), so that a chain costs n log n whatever the order of its edges.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

_FEW = 16  # up to so many needs of one node are looked through one by one
_NOTHING: tuple[int, ...] = ()
_STRIDE = 1 << 20  # between the labels of neighbours at the ends of the line


class Circle(Exception):
    """An edge would close a circle: each of `nodes` needs the next, and the last the first, by that very edge."""

    def __init__(self, nodes: Sequence[int]) -> None:
        self.nodes = tuple(nodes)
        super().__init__(self.nodes)


class Acyclic:
    """Nodes and what they need."""

    def __init__(self) -> None:
        self._needs: list[list[int] | tuple[int, ...]] = []  # a list from the first need on
        self._many: dict[int, set[int]] = {}
        self._line: Line | None = None  # not before something has to stand elsewhere than at its number
        self._is_used = bytearray()  # as far as there is a line
        self._users: list[list[int]] | None = None  # not before somebody has to follow them

    def __len__(self) -> int:
        return len(self._needs)

    def add(self, needs: tuple[int, ...] = _NOTHING) -> int:
        """A new node, which needs these others, each named once."""
        node = len(self._needs)
        self._needs.append(needs)
        if self._line is not None:
            self._line.append()
            self._is_used.append(0)
            if self._users is not None:
                self._users.append([])
            for other in needs:
                self._note_use(node, other)
        return node

    def needs(self, node: int) -> Sequence[int]:
        """What a node needs, in the order in which that was said."""
        return self._needs[node]

    def need(self, node: int, other: int) -> bool:
        """`node` needs `other`; False where that was said before. Raises Circle where `other` needs `node`."""
        if self._is_known(node, other):
            return False
        line = self._line
        if line is None:
            if other >= node:
                self._put_in_order(self._drawn_up(), node, other)
        elif not line.precedes(other, node):
            self._put_in_order(line, node, other)
        found = self._needs[node]
        if isinstance(found, list):
            found.append(other)
        else:
            self._needs[node] = [*found, other]
        if node in self._many:
            self._many[node].add(other)
        if self._line is not None:
            self._note_use(node, other)
        return True

    def forget(self, node: int, count: int) -> None:
        """Take back the last `count` needs of a node. The order stays as good as it was."""
        found = self._needs[node]
        assert isinstance(found, list)
        assert 0 <= count <= len(found), "more is taken back than was said"
        for _ in range(count):
            other = found.pop()
            if node in self._many:
                self._many[node].discard(other)
            if self._users is not None:
                self._users[other].remove(node)

    def _is_known(self, node: int, other: int) -> bool:
        found = self._needs[node]
        if len(found) < _FEW:
            return other in found
        many = self._many.get(node)
        if many is None:
            many = self._many[node] = set(found)
        return other in many

    def _note_use(self, node: int, other: int) -> None:
        self._is_used[other] = 1
        if self._users is not None:
            self._users[other].append(node)

    # --- the order

    def _drawn_up(self) -> Line:
        """The line, of all nodes by their numbers."""
        self._line = Line()
        for _ in self._needs:
            self._line.append()
        self._is_used = bytearray(len(self._needs))
        for others in self._needs:
            for other in others:
                self._is_used[other] = 1
        return self._line

    def _put_in_order(self, line: Line, node: int, other: int) -> None:
        """Have `other`, which stands behind `node`, stand before it."""
        if node == other:
            raise Circle([node])
        if not self._is_used[node]:
            line.move([node], behind=line.last)
        elif not self._needs[other]:
            line.move([other], before=line.first)
        else:
            self._move_the_smaller_side(line, node, other)

    def _move_the_smaller_side(self, line: Line, node: int, other: int) -> None:
        users, precedes = self._all_users(), line.precedes
        ahead, behind = [node], [other]
        forth = _follow(ahead, other, users.__getitem__, lambda each: precedes(each, other))
        back = _follow(behind, node, self._needs.__getitem__, lambda each: precedes(node, each))
        try:
            while True:
                if next(forth, None) is None:
                    return line.move(ahead, behind=other)
                if next(back, None) is None:
                    return line.move(behind, before=node)
        except _Reached:
            raise Circle(self._way_around(node, other)) from None

    def _all_users(self) -> list[list[int]]:
        if self._users is None:
            users: list[list[int]] = [[] for _ in self._needs]
            for node, others in enumerate(self._needs):
                for other in others:
                    users[other].append(node)
            self._users = users
        return self._users

    def _way_around(self, node: int, other: int) -> list[int]:
        """From `node` over `other` to the one that needs `node`, the shortest way."""
        came_from = {other: other}
        reached = [other]
        for each in reached:
            if each == node:
                break
            for more in self._needs[each]:
                if more not in came_from:
                    came_from[more] = each
                    reached.append(more)
        around = [node]
        while around[-1] != other:
            around.append(came_from[around[-1]])
        return [node, *around[:0:-1]]


class _Reached(Exception):
    """The goal of a search."""


def _follow(
    found: list[int], goal: int, neighbours: Callable[[int], Sequence[int]], is_between: Callable[[int], bool]
) -> Iterator[bool]:
    """Add to `found` what is reached from it; a step for each edge, _Reached at the goal."""
    seen = set(found)
    for node in found:
        for other in neighbours(node):
            if other == goal:
                raise _Reached
            if other not in seen and is_between(other):
                seen.add(other)
                found.append(other)
            yield True


class Line:
    """Nodes in a row in which any of them can be moved, by labels that are spread anew where they come too close.

    (Bender, Cole, Demaine, Farach-Colton and Zito, "Two simplified algorithms for maintaining order in a list", 2002.)
    """

    def __init__(self) -> None:
        self._label = array("q")
        self._next = array("q")
        self._before = array("q")
        self.first = self.last = -1

    def precedes(self, one: int, other: int) -> bool:
        """Whether `one` stands before `other`."""
        return self._label[one] < self._label[other]

    def append(self) -> None:
        """A new node at the end."""
        last, node = self.last, len(self._label)
        self._label.append(self._label[last] + _STRIDE if last >= 0 else 0)
        self._next.append(-1)
        self._before.append(last)
        self.last = node
        if last >= 0:
            self._next[last] = node
        else:
            self.first = node

    def move(self, nodes: list[int], *, behind: int = -1, before: int = -1) -> None:
        """Put nodes, in the order in which they stand, directly behind a node that is none of them, or before it."""
        nodes.sort(key=self._label.__getitem__)
        for node in nodes:
            self._unlink(node)
        place = behind if before < 0 else self._before[before]
        label, step = self._room_behind(place, len(nodes))
        for node in nodes:
            label += step
            self._link(node, place, label)
            place = node

    def _unlink(self, node: int) -> None:
        before, after = self._before[node], self._next[node]
        if before >= 0:
            self._next[before] = after
        else:
            self.first = after
        if after >= 0:
            self._before[after] = before
        else:
            self.last = before

    def _link(self, node: int, before: int, label: int) -> None:
        """Put a node behind `before` (-1: at the front)."""
        after = self._next[before] if before >= 0 else self.first
        self._label[node] = label
        self._before[node], self._next[node] = before, after
        if before >= 0:
            self._next[before] = node
        else:
            self.first = node
        if after >= 0:
            self._before[after] = node
        else:
            self.last = node

    def _room_behind(self, before: int, count: int) -> tuple[int, int]:
        """A label and a step: adding the one to the other gives labels for so many nodes behind `before`."""
        if before < 0:
            first = self._label[self.first] if self.first >= 0 else 0
            return first - (count + 1) * _STRIDE, _STRIDE
        after = self._next[before]
        if after < 0:
            return self._label[before], _STRIDE
        if self._label[after] - self._label[before] <= count:
            self._spread(before, count)
        return self._label[before], (self._label[after] - self._label[before]) // (count + 1)

    def _spread(self, node: int, more: int) -> None:
        """Label the neighbourhood of a node anew, as much of it as it takes to have room for `more` behind it."""
        label = self._label
        first = last = node
        count, bits = 1 + more, 1
        while True:
            bits += 1
            low = label[node] >> bits << bits
            high = low + (1 << bits)
            while self._before[first] >= 0 and label[self._before[first]] >= low:
                first, count = self._before[first], count + 1
            while self._next[last] >= 0 and label[self._next[last]] < high:
                last, count = self._next[last], count + 1
            if count * 2 * 4**bits <= 6**bits:  # sparse enough: less than 1.5 ** bits of 2 ** bits labels are taken
                break
        step = (1 << bits) // count
        each = first
        while True:
            label[each] = low
            low += step * (1 + more) if each == node else step
            if each == last:
                return
            each = self._next[each]
