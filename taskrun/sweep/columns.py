"""CSV files as rows of values whose names are the columns.

Cells are kept as they are written; a mistake is reported with the place in the CSV file itself.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator

from msgspec import Struct

from taskrun.errors import Place
from taskrun.sweep.blocks import Row
from taskrun.sweep.content import may_never_end
from taskrun.sweep.limits import MOST_VALUES
from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.ranges import ValuesError
from taskrun.sweep.reading import check_name
from taskrun.sweep.values import check_text, shown_beside

_MOST_SHOWN = 10  # mistakes of one file: who has more has one mistake


class Columns(Struct, frozen=True):
    """A header, and the different rows under it."""

    header: tuple[Scalar, ...]
    rows: tuple[Row, ...]


def read_columns(file: Scalar, directory: str, findings: Findings) -> Columns | None:
    """Read the CSV file that a sweep names; None where it cannot serve at all (noted)."""
    shown = shown_beside(file.place, file.text)
    findings.witness.table(file.text, directory)
    path = os.path.join(directory, file.text)
    try:
        if may_never_end(path):
            findings.mistake(file.place, f"{file.text!r} is no regular file")
            return None
        with open(path, encoding="utf-8-sig", newline="") as lines:
            return _read(_Records(lines, shown), file, findings)
    except UnicodeDecodeError:
        findings.mistake(file.place, f"{file.text!r} is not UTF-8")
    except OSError as error:
        hint = "the path starts from the directory of the sweep file" if isinstance(error, FileNotFoundError) else ""
        findings.mistake(file.place, f"{file.text!r} cannot be read: {error.strerror}", hint)
    except ValueError as error:  # a NUL in the path
        findings.mistake(file.place, f"{file.text!r} cannot be read: {error}")
    return None


class _Records:
    """The records that are not blank, each with the place where it begins."""

    def __init__(self, lines: Iterator[str], shown: str) -> None:
        self._reader = csv.reader(lines, strict=True)
        self._shown = shown

    def __iter__(self) -> Iterator[tuple[Place, list[str]]]:
        begin = 1
        for cells in self._reader:
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield Place(self._shown, begin, 1), cells
            begin = self._reader.line_num + 1

    def here(self) -> Place:
        """Where reading stopped."""
        return Place(self._shown, max(self._reader.line_num, 1), 1)


def _read(records: _Records, file: Scalar, findings: Findings) -> Columns | None:
    body = iter(records)
    try:
        place, cells = next(body)
        header = _header(place, cells, findings)
        rows = _rows(body, len(header), findings)
    except StopIteration:
        findings.mistake(file.place, f"{file.text!r} is empty", "its first line names the columns")
        return None
    except csv.Error as error:
        findings.mistake(records.here(), f"this is no CSV: {error}")
        return None
    except ValuesError as error:
        findings.mistake(file.place, f"{file.text!r}: {error.what}")
        return None
    if rows is not None and not rows:
        findings.mistake(file.place, f"{file.text!r} has no rows below its header")
    return Columns(header, rows or ())


def _header(place: Place, cells: list[str], findings: Findings) -> tuple[Scalar, ...]:
    """The names, without the spaces around them, each where it stands (as far as no name before it is quoted)."""
    if len(cells) == 1 and any(mark in cells[0] for mark in ";\t"):
        findings.mistake(place, f"a single column {cells[0]!r}", "columns are separated by commas")
        return ()
    header: dict[str, Scalar] = {}
    column = 1
    for cell in cells:
        name = Scalar(cell.strip(), Place(place.file, place.line, column + len(cell) - len(cell.lstrip())))
        column += len(cell) + 1
        if name.text in header:
            findings.mistake(name.place, f"two columns are called {name.text!r}")
        check_name(name, "a column", findings)
        header[name.text] = name
    return tuple(header.values()) if len(header) == len(cells) else ()


def _rows(body: Iterator[tuple[Place, list[str]]], width: int, findings: Findings) -> tuple[Row, ...] | None:
    """The rows of as many cells as there are names; None where there are others."""
    rows: dict[Row, None] = {}
    wrong = 0
    spaced = False
    for place, cells in body if width else ():
        if len(cells) != width:
            wrong += 1
            if wrong <= _MOST_SHOWN:
                findings.mistake(place, f"{_cells(len(cells))} in this row, {_cells(width)} in the header")
            continue
        row = _row(cells, place, findings)
        spaced = _hint_spaces(row, place, findings) if not spaced else True
        rows[row] = None
        if len(rows) > MOST_VALUES:
            raise ValuesError(f"more than {MOST_VALUES:,} rows")
    return None if wrong or not width else tuple(rows)


def _row(cells: list[str], place: Place, findings: Findings) -> Row:
    try:
        return tuple([check_text(cell) for cell in cells])
    except ValuesError as error:
        findings.mistake(place, f"a cell of this row {error.what}")
        return tuple(cells)


def _hint_spaces(row: Row, place: Place, findings: Findings) -> bool:
    """Said once a file: who puts spaces after commas does so in each line."""
    for cell in row:
        if cell != cell.strip():
            findings.hint(place, f"the spaces of {cell!r} belong to the value", "remove them if they should not")
            return True
    return False


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"
