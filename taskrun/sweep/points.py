"""The points of a sweep: how many there are, what they look like in some names, which of them two steps share.

A big product is never built: each member of a union is kept as independent blocks of axes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from taskrun.errors import NOWHERE, Place
from taskrun.sweep.blocks import Row, picker
from taskrun.sweep.limits import MOST_VALUES
from taskrun.sweep.members import Member

_NO_COLUMNS: Mapping[str, Place] = {}
_MOST_COMPARED = 5_000_000  # rows that may be made only to see which of them the members of a union have in common


class Points:
    """All points, those of its `members`: `names` in sweep order, where each stands, which are columns of a CSV file.

    Without `has_all_names` something was so wrong that there may be others: nobody can say which name is unknown.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        name_place: Mapping[str, Place],
        place: Place = NOWHERE,
        csv_columns: Mapping[str, Place] = _NO_COLUMNS,
        has_all_names: bool = True,
    ) -> None:
        self.names = tuple(name_place)
        self.place = place
        self.name_place = name_place
        self.csv_columns = csv_columns
        self.has_all_names = has_all_names
        self.members = members
        self._projected: dict[tuple[str, ...], Sequence[Row]] = {}

    def count(self, names: Collection[str]) -> int:
        """The number of rows of `project(names)`, without making them.

        Of a union whose members have rows in common and are too large to compare: their sum, which may be more. (More
        than `MOST_VALUES`, of one member alone, are too many for anybody: no need to compare.)
        """
        members = [member for member in self.members if member.has(names)]
        counts = [member.count(names) for member in members]
        total = sum(counts)
        if max(counts, default=0) > MOST_VALUES or total > _MOST_COMPARED or _are_apart(members, names):
            return total
        return len(self.project(tuple(name for name in self.names if name in names)))

    def total(self, leaving_out: Collection[str] = ()) -> int:
        """The number of points, where some names (a CSV file's unused columns) do not count; see `count`."""
        total = 0
        for names, members in self._alike(leaving_out).items():
            some = sum(member.count(names) for member in members)
            if not _are_apart(members, names) and some <= _MOST_COMPARED:
                some = len({row for member in members for row in member.walk(names)})
            total += some
        return total

    def project(self, names: tuple[str, ...]) -> Sequence[Row]:
        """The different rows that points have in `names`, in sweep order; points that lack one do not count."""
        found = self._projected.get(names)
        if found is None:
            lists = [member.project(names) for member in self.members if member.has(names)]
            found = lists[0] if len(lists) == 1 else list(dict.fromkeys(chain.from_iterable(lists)))
            self._projected[names] = found
        return found

    def rows(self, leaving_out: Collection[str] = ()) -> Iterator[tuple[str | None, ...]]:
        """All points in order, None where a member of a union lacks the name; `leaving_out` as in `total`."""
        shown = [name for name in self.names if name not in leaving_out]
        seen: dict[tuple[str, ...], set[Row]] = {}
        alike = self._alike(leaving_out)
        for member in self.members:
            names = tuple(name for name in shown if name in member.names)
            places = [names.index(name) if name in names else None for name in shown]
            before = seen.setdefault(names, set()) if len(alike[names]) > 1 else None
            for row in member.walk(names):
                if before is not None:
                    if row in before:
                        continue
                    before.add(row)
                yield row if len(row) == len(shown) else tuple(None if at is None else row[at] for at in places)

    def join(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> Sequence[tuple[int, ...]]:
        """For each row of `project(consumer)` the indices of the rows of `project(producer)` that share a point.

        Indices ascend (sweep order); equal results are one object; without a partner the result is empty.
        """
        if set(producer) <= set(consumer):
            return self._join_one(consumer, producer)
        if set(consumer) <= set(producer):
            return self._join_all(consumer, producer)
        return self._join_some(consumer, producer)

    def _join_one(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> Sequence[tuple[int, ...]]:
        """A consumer that has all of the producer's names has the one partner that looks like it."""
        singles = {row: (index,) for index, row in enumerate(self.project(producer))}
        return [singles[row] for row in map(picker(consumer, producer), self.project(consumer))]

    def _join_all(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> Sequence[tuple[int, ...]]:
        """A producer that has all of the consumer's names goes to the one consumer that looks like it."""
        found: dict[Row, list[int]] = {row: [] for row in self.project(consumer)}
        for index, row in enumerate(map(picker(producer, consumer), self.project(producer))):
            found[row].append(index)
        return [tuple(some) for some in found.values()]

    def _join_some(self, consumer: tuple[str, ...], producer: tuple[str, ...]) -> Sequence[tuple[int, ...]]:
        found: dict[Row, tuple[int, ...]] = dict.fromkeys(self.project(consumer), ())
        if len(self.members) == 1:
            found.update(self.members[0].partners(consumer, producer))
            return list(found.values())
        index = {row: i for i, row in enumerate(self.project(producer))}
        same: dict[tuple[int, ...], tuple[int, ...]] = {}
        for member in self.members:
            if not (member.has(consumer) and member.has(producer)):
                continue
            here = [index[row] for row in member.project(producer)]
            merged: dict[tuple[int, int], tuple[int, ...]] = {}
            kept: list[tuple[tuple[int, ...], tuple[int, ...]]] = []  # what `merged` knows by its id must stay
            for row, partners in member.partners(consumer, producer):
                before = found[row]
                union = merged.get((id(before), id(partners)))
                if union is None:
                    kept.append((before, partners))
                    union = tuple(sorted({*before, *(here[i] for i in partners)}))
                    union = merged[id(before), id(partners)] = same.setdefault(union, union)
                found[row] = union
        return list(found.values())

    def _alike(self, leaving_out: Collection[str]) -> dict[tuple[str, ...], list[Member]]:
        """The members by the names that they have: only the points of alike ones can be equal."""
        found: dict[tuple[str, ...], list[Member]] = {}
        for member in self.members:
            names = tuple(name for name in self.names if name in member.names and name not in leaving_out)
            found.setdefault(names, []).append(member)
        return found


def _are_apart(members: Sequence[Member], names: Collection[str]) -> bool:
    """Whether there is nothing to compare: no two members, or a name that has no value in two of them."""
    if len(members) < 2:
        return True
    for name in names:
        values = [member.values(name) for member in members]
        if sum(map(len, values)) == len(set().union(*values)):
            return True
    return False
