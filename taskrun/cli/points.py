"""`taskrun points`: the points of a sweep, one a line; made as they are printed, because there may be any number."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import click

from taskrun.cli.source import Opened, source_of, source_options
from taskrun.graph import Study
from taskrun.printer.width import width

Point = tuple[str | None, ...]

_BETWEEN = "  "
_LACKING = "-"
_PLAIN = re.compile(r"""[^\s"'-]\S*|-\S+""")


@click.command("points", short_help="Print the points of the sweep, one a line.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects; a name that a point lacks is absent.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_json: bool
) -> None:
    """Print the points of FILE's sweep (default: sweep.yaml): a line with the names, then one line for each combination
    of values. SELECT leaves the points that the selected tasks belong to. A value with blanks is quoted; - stands where
    a point lacks the name. SELECT: steps, task names, globs, and name=value to narrow.

    \b
        taskrun points topology=mesh
    """
    opened = source_of(words, file, state_dir, name).open()
    points = _points(opened)
    if as_json:
        _print_json(opened.study.names, points)
    else:
        _print_table(opened.study, points)


def _points(opened: Opened) -> Iterable[Point]:
    """All points, or those of the selected tasks; one without names where there is no sweep."""
    study = opened.study
    points: Iterable[Point] = study.points if study.names else [()]
    return _narrowed(points, opened) if opened.select else points


def _narrowed(points: Iterable[Point], opened: Opened) -> Iterator[Point]:
    names, tasks = opened.study.names, opened.study.graph.tasks
    rows: dict[tuple[str, ...], set[tuple[str | None, ...]]] = {}
    for index in opened.chosen:
        rows.setdefault(tasks[index].step.names, set()).add(tasks[index].values)
    tests = [(tuple(map(names.index, some)), found) for some, found in rows.items()]
    return (point for point in points if any(tuple([point[at] for at in places]) in found for places, found in tests))


def _print_json(names: Sequence[str], points: Iterable[Point]) -> None:
    from taskrun.cli.jsons import dumps

    def pair(name: str, value: str | None) -> str:
        return "" if value is None else f"{dumps(name)}: {dumps(value)}"

    cells = [_Cells(partial(pair, name)) for name in names]
    separator = "["
    for point in points:
        pairs = [column[value] for column, value in zip(cells, point, strict=True)]
        sys.stdout.write(f"{separator}{{{', '.join(filter(None, pairs))}}}")
        separator = ",\n "
    sys.stdout.write("]\n")


class _Cells(dict[str | None, str]):
    """How each value of a name is written, found once."""

    def __init__(self, write: Callable[[str | None], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: str | None) -> str:
        found = self[value] = self._write(value)
        return found


# --- for people -------------------------------------------------------------------------------------------------------


def _print_table(study: Study, points: Iterable[Point]) -> None:
    widths = [*_widths(study)[:-1], 0]  # nothing stands behind the last one
    heads = [_padded(name, wide) for name, wide in zip(study.names, widths, strict=False)]
    sys.stdout.write(_BETWEEN.join(heads) + "\n")
    cells = [_Cells(partial(_cell, wide)) for wide in widths]
    for point in points:
        sys.stdout.write(_BETWEEN.join([column[value] for column, value in zip(cells, point, strict=False)]) + "\n")


def _widths(study: Study) -> list[int]:
    """What the columns take: seen from the tasks, of which there are never as many as there may be points."""
    values: dict[str, set[str]] = {name: set() for name in study.names}
    for task in study.graph.tasks:
        for name, value in zip(task.step.names, task.values, strict=True):
            values[name].add(value)
    return [max([len(name), *(width(_shown(value)) for value in found)]) for name, found in values.items()]


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - width(text))


def _cell(wide: int, value: str | None) -> str:
    return _padded(_shown(value), wide)


def _shown(value: str | None) -> str:
    """The value, in double quotes and with escapes where it would not be one word of one line, or looks quoted."""
    if value is None:
        return _LACKING
    if _PLAIN.fullmatch(value) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=not value.replace("\n", "").isprintable())
