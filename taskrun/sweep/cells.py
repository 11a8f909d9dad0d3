"""A column: what one placeholder or text comes to in each task of a step, one text a task or a list of them.

Work on a column is done once for each different list: tasks that gather the same files share one tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from msgspec import Struct

from taskrun.errors import Place

List = tuple[str, ...]


class RowMistake(Exception):
    """What is wrong in one task of a step, the `row`-th; most likely in others too. None: surely in all."""

    def __init__(self, row: int | None, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.row = row
        self.what = what
        self.hint = hint
        self.place: Place | None = None


@contextmanager
def at(place: Place) -> Iterator[None]:
    """Whatever is wrong in some row in here is wrong at `place`, where nothing nearer is known."""
    try:
        yield
    except RowMistake as mistake:
        mistake.place = mistake.place or place
        raise


class Column(Struct, frozen=True):
    """Aligned with the rows of a step: either one text a row (`singles`) or a list a row (`lists`)."""

    singles: Sequence[str] | None = None
    lists: Sequence[List] = ()

    @staticmethod
    def of(lists: Sequence[List]) -> Column:
        """A column of lists; of single texts where each list has one."""
        if all(len(some) == 1 for some in lists):
            return Column([some[0] for some in lists])
        return Column(None, lists)

    def as_lists(self) -> Sequence[List]:
        """Each row as a list."""
        return self.lists if self.singles is None else list(zip(self.singles, strict=True))

    def map(self, change: Callable[[str], str]) -> Column:
        """Each text changed; a ValueError of `change` becomes the mistake of its row."""
        if self.singles is not None:
            return Column(_mapped(change, self.singles))
        return Column(None, per_list(self.lists, lambda some: tuple(map(change, some))))


def _mapped(change: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    known: dict[str, str] = {}
    result = []
    for row, text in enumerate(texts):
        found = known.get(text)
        if found is None:
            try:
                found = known[text] = change(text)
            except ValueError as error:
                raise RowMistake(row, str(error)) from None
        result.append(found)
    return result


def per_list(lists: Iterable[List], change: Callable[[List], List]) -> list[List]:
    """Each list changed, the same tuple but once."""
    known: dict[int, List] = {}
    result = []
    for row, some in enumerate(lists):
        found = known.get(id(some))
        if found is None:
            try:
                found = known[id(some)] = change(some)
            except ValueError as error:
                raise RowMistake(row, str(error)) from None
        result.append(found)
    return result


def gathered(groups: Iterable[tuple[int, ...]], source: Sequence[List]) -> list[List]:
    """For each group of rows of another step the lists of these rows, one after the other."""
    known: dict[int, List] = {}
    result = []
    for group in groups:
        if len(group) == 1:
            result.append(source[group[0]])
            continue
        found = known.get(id(group))
        if found is None:
            found = known[id(group)] = tuple(chain.from_iterable([source[row] for row in group]))
        result.append(found)
    return result


def joined(columns: Sequence[Sequence[List]], rows: int) -> list[List]:
    """The lists of several columns put together row by row, each text once; equal long ones are one tuple."""
    if not columns:
        return [()] * rows
    if len(columns) == 1:
        (lists,) = columns
        return list(lists) if all(len(some) < 2 for some in lists) else per_list(lists, _distinct)
    known: dict[tuple[int, ...], List] = {}
    result = []
    for parts in zip(*columns, strict=True):
        if sum(map(len, parts)) <= 4:
            result.append(_distinct(tuple(chain.from_iterable(parts))))
            continue
        key = tuple(map(id, parts))
        found = known.get(key)
        if found is None:
            found = known[key] = _distinct(tuple(chain.from_iterable(parts)))
        result.append(found)
    return result


def filled(pieces: Sequence[str], columns: Sequence[Sequence[str]], rows: int) -> list[str]:
    """The literal pieces of a template with the texts of each row between them."""
    if not columns:
        return [pieces[0]] * rows
    if len(columns) == 1 and pieces[0] == pieces[1] == "":
        return list(columns[0])
    pattern = "%s".join(piece.replace("%", "%%") for piece in pieces)
    return list(map(pattern.__mod__, zip(*columns, strict=True)))


def _distinct(some: List) -> List:
    if len(some) < 2:
        return some
    distinct = dict.fromkeys(some)
    return some if len(distinct) == len(some) else tuple(distinct)
