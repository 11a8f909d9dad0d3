"""The units of a pool that are told apart: which of them a task gets, entirely or a share of one.

Whole numbers of units are units that nobody else has a share of; less than one unit is a share of a single one, of the
fullest that has it left, so that whole ones stay free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Units:
    """Units by id; amounts are whole numbers, `size` of them to a unit."""

    def __init__(self, ids: Sequence[str], size: int) -> None:
        self._ids = tuple(ids)
        self._size = size
        self._left = [size] * len(self._ids)

    def fits(self, amount: int) -> bool:
        """Whether there is place for so much now."""
        return _places(self._left, amount, self._size) is not None

    def would_fit(self, amount: int, *, after: int) -> bool:
        """Whether there would be place for so much once somebody else, for whom there is place, has had `after`."""
        left = self._left[:]
        places = _places(left, after, self._size)
        if places is None:
            return False
        for place in places:
            left[place] -= min(after, self._size)
        return _places(left, amount, self._size) is not None

    def choose(self, amount: int) -> tuple[str, ...]:
        """The ids of the units that who comes next and takes so much should have."""
        places = _places(self._left, amount, self._size)
        assert places is not None, f"no place for {amount} in {self._left}"
        return tuple([self._ids[place] for place in places])

    def hold(self, ids: Iterable[str], amount: int) -> None:
        """Let these be in use, free or not; ids that there are none of are not counted."""
        for place in self._known(ids):
            self._left[place] -= min(amount, self._size)

    def give_back(self, ids: Iterable[str], amount: int) -> None:
        """These are in use no more."""
        for place in self._known(ids):
            self._left[place] += min(amount, self._size)
            assert self._left[place] <= self._size, f"more of {self._ids[place]} than there is"

    def _known(self, ids: Iterable[str]) -> list[int]:
        return [self._ids.index(each) for each in ids if each in self._ids]


def _places(left: Sequence[int], amount: int, size: int) -> list[int] | None:
    if amount < size:
        fitting = [(there, place) for place, there in enumerate(left) if there >= amount]
        return [min(fitting)[1]] if fitting else None
    assert amount % size == 0, "more than one unit, and no whole number of them"
    free = [place for place, there in enumerate(left) if there == size]
    count = amount // size
    return free[:count] if len(free) >= count else None
