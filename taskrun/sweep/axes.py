"""What stands under `sweep:`, as products of axes: names, tied names, CSV files, unions, and `--set` in place of them.

Mistakes are noted and reading goes on, so that all names are known to whoever checks placeholders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import NOWHERE, Place, UsageError, did_you_mean
from taskrun.sweep.blocks import Axis, Row, Singles
from taskrun.sweep.limits import MOST_VALUES
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.schema import FileKeys, Spread
from taskrun.sweep.values import read_scalar, read_values, selecting

if TYPE_CHECKING:
    from taskrun.sweep.columns import Columns

CSV_KEY = "csv"


class Product(Struct, frozen=True):
    """The axes of a mapping, in its order."""

    axes: tuple[Axis, ...]
    place: Place


def tied_names(key: Scalar) -> list[Scalar]:
    """The names of a key such as `topology, dims`, each with its place; a single one of any other key."""
    names = []
    at = 0
    for part in key.text.split(","):
        start = at + len(part) - len(part.lstrip())
        column = key.place.column + start if key.plain else key.place.column
        names.append(Scalar(part.strip(), Place(key.place.file, key.place.line, column), key.plain))
        at += len(part) + 1
    return names


class AxisReader:
    """Reads all members of a sweep, and knows each name's first place and what it is bound to.

    `has_all_names`: nothing was so wrong that a name of the sweep may be missing.
    """

    def __init__(self, directory: str, sets: Mapping[str, Sequence[str]], findings: Findings) -> None:
        self.name_place: dict[str, Place] = {}
        self.csv_columns: dict[str, Place] = {}
        self.has_all_names = True
        self._bound: dict[str, str] = {}
        self._directory = directory
        self._sets = sets
        self._findings = findings
        self._files: dict[str, Columns | None] = {}

    def read(self, sweep: Node | None) -> list[Product]:
        """The members in their order: one for a mapping, one for each item of a list, one point without a sweep."""
        products = self._members(sweep) if sweep else [Product((), NOWHERE)]
        self._check_spelling()
        self._check_sets()
        return products

    def _members(self, sweep: Node) -> list[Product]:
        if isinstance(sweep, Table):
            return [self._product(sweep)]
        if isinstance(sweep, Scalar):
            hint = "as `x: [1, 2]`: a name, a colon and a blank, its values" if sweep.text else "leave `sweep` out"
            self.has_all_names = False
            self._findings.mistake(sweep.place, "`sweep` must hold names and their values", hint)
            return []
        if not sweep.items:
            self._findings.mistake(sweep.place, "the list under `sweep` is empty", "leave `sweep` out")
        products = []
        for item in sweep.items:
            if isinstance(item, Table):
                products.append(self._product(item))
            else:
                self.has_all_names = False
                self._findings.mistake(item.place, "each item of a `sweep` list must be a mapping of names to values")
        return products

    def _product(self, table: Table) -> Product:
        if not table.entries:
            self._findings.mistake(table.place, "a sweep without names", "leave `sweep` out")
        axes: list[Axis] = []
        taken: dict[str, Place] = {}
        for entry in table.entries.values():
            axis, places = self._axis(entry)
            for name, place in places.items():
                if name in taken:
                    self._findings.mistake(place, f"{name!r} has its values already, in {taken[name]}")
            if taken.keys().isdisjoint(axis.names):
                axes.append(axis)
            taken |= places
            for name, place in places.items():
                self.name_place.setdefault(name, place)
        return Product(tuple(axes), table.place)

    def _axis(self, entry: Entry) -> tuple[Axis, dict[str, Place]]:
        if entry.key.text == CSV_KEY:
            return self._csv_axis(entry)
        if "," in entry.key.text:
            return self._tied_axis(entry)
        name = entry.key.text
        if name in FileKeys.__struct_fields__ and _is_no_values(entry.value):
            self._findings.mistake(entry.key.place, f"`{name}` is a key of the top level", "it stands beside `sweep`")
            return Axis((), ()), {}
        values = self._sets.get(name)
        if values is None:
            values = read_values(entry.value, name, directory=self._directory, findings=self._findings)
        return Axis((name,), Singles(values)), {name: entry.key.place}

    def _csv_axis(self, entry: Entry) -> tuple[Axis, dict[str, Place]]:
        columns = self._columns(entry.value)
        places = {name.text: name.place for name in columns.header} if columns else {}
        self.has_all_names = self.has_all_names and bool(places)
        for name, place in places.items():
            self.csv_columns.setdefault(name, place)
            self._bound.setdefault(name, f"a column of {place.file}")
        return Axis(tuple(places), columns.rows if columns and places else ()), places

    def _columns(self, file: Node) -> Columns | None:
        path = read_scalar(file, f"`{CSV_KEY}`", self._findings, hint="it is the path of a CSV file")
        if path is None or not isinstance(file, Scalar):
            return None
        if path not in self._files:
            from taskrun.sweep.columns import read_columns  # hardly any sweep has one

            self._files[path] = read_columns(file, self._directory, self._findings)
        return self._files[path]

    def _tied_axis(self, entry: Entry) -> tuple[Axis, dict[str, Place]]:
        names = tied_names(entry.key)
        places: dict[str, Place] = {}
        for name in names:
            if name.text in places:
                self._findings.mistake(name.place, f"{name.text!r} stands twice in the key {entry.key.text!r}")
            places[name.text] = name.place
            self._bound.setdefault(name.text, f"tied to others by the key {entry.key.text!r}")
        rows = self._rows(entry, len(names))
        return Axis(tuple(places), rows if len(places) == len(names) else ()), places

    def _rows(self, entry: Entry, width: int) -> Sequence[Row]:
        key, node = entry.key.text, entry.value
        example = "a list of rows such as [" + ", ".join(name.text.upper() for name in tied_names(entry.key)) + "]"
        if not isinstance(node, Listing):
            self._findings.mistake(node.place, f"{key!r} needs {example}")
            return ()
        if not node.items:
            self._findings.mistake(node.place, f"{key!r} has no values: its list is empty")
        if len(node.items) > MOST_VALUES:
            self._findings.mistake(node.place, f"{key!r} has {len(node.items):,} rows, {MOST_VALUES:,} at most")
            return ()
        rows: dict[Row, None] = {}
        for item in node.items:
            row = self._row(item, key, width, example)
            if row in rows:
                self._findings.hint(item.place, f"this row of {key!r} stands here a second time", "it counts once")
            if row is not None:
                rows[row] = None
        return list(rows)

    def _row(self, item: Node, key: str, width: int, example: str) -> Row | None:
        if not isinstance(item, Listing):
            self._findings.mistake(item.place, f"each row of {key!r} must be a list", f"{key!r} needs {example}")
            return None
        if len(item.items) != width:
            count = f"{len(item.items)} value{'s' * (len(item.items) != 1)}"
            self._findings.mistake(item.place, f"{count} in this row, {width} names in {key!r}")
            return None
        cells = [read_scalar(cell, f"a value of {key!r}", self._findings) for cell in item.items]
        row = tuple(cell for cell in cells if cell is not None)
        return row if len(row) == width else None

    def _check_spelling(self) -> None:
        """A column may be a name of the file in other capitals; the names of the file itself are checked as keys."""
        known = {name.lower(): name for name in self.name_place if name not in self.csv_columns}
        for name, place in self.csv_columns.items():
            other = known.setdefault(name.lower(), name)
            if other != name:
                self._findings.mistake(place, f"{name!r} and {other!r} differ only in capitals")

    def _check_sets(self) -> None:
        for name, values in self._sets.items():
            if name not in self.name_place and not self.has_all_names:
                continue
            if name not in self.name_place:
                hint = did_you_mean(name, self.name_place)
                raise UsageError(f"--set {name}: the sweep has no name {name!r}" + (f"; {hint}" if hint else ""))
            if name in self._bound:
                raise UsageError(
                    f"--set {name}: {name!r} is {self._bound[name]}, its values cannot be replaced alone; "
                    f"select instead: {selecting(name, values)}"
                )


def _is_no_values(node: Node) -> bool:
    """Whether a value looks like that of another key: a mapping, or mappings, that no name of a sweep can have."""
    if isinstance(node, Listing):
        return any(isinstance(item, Table) for item in node.items)
    return isinstance(node, Table) and node.entries.keys().isdisjoint(Spread.__struct_encode_fields__)
