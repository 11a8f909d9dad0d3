"""What was measured as tables that read well on a terminal and in Markdown, with the goals and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from measure import MIB, Spread

NOTHING = "–"
Show = Callable[[float], str]


class Goal(NamedTuple):
    """What was measured, in which unit, and what it may be at most; `found` is None where it could not be."""

    row: str
    what: str
    found: Spread | None
    most: float
    show: Show

    @property
    def is_met(self) -> bool:
        """By the median."""
        return self.found is not None and self.found.median <= self.most


class Report(NamedTuple):
    """A row of the suite: its title, its table, its goals, and what a reader has to know."""

    row: str
    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()


def ratio(value: float) -> str:
    return f"{value:.2f}"


def ratio_exactly(value: float) -> str:
    return f"{value:.3f}"


def micro(value: float) -> str:
    """Seconds, as microseconds."""
    return f"{value * 1e6:.0f} µs"


def milli(value: float) -> str:
    """Seconds, as milliseconds."""
    return f"{value * 1e3:.1f} ms" if value < 0.0995 else f"{value * 1e3:.0f} ms"


def seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def mib(value: float) -> str:
    """Bytes, as MiB."""
    return f"{value / MIB:.0f} MiB"


def number(value: float) -> str:
    return f"{value:,.0f}"


def whole(found: Spread | None, show: Show) -> str:
    """The median and, where they differ from it, the least and the most."""
    if found is None:
        return NOTHING
    middle, least, most = map(show, found)
    return middle if least == most else f"{middle} ({least.removesuffix(_unit(least))}–{most})"


def _unit(shown: str) -> str:
    return shown[shown.index(" ") :] if " " in shown else ""


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table with columns as wide as what stands in them; figures to the right."""
    rows = [list(head), *map(list, lines)]
    wide = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rule = [("-" * width if not column else "-" * (width - 1) + ":") for column, width in enumerate(wide)]
    return "\n".join(_line(row, wide) for row in [rows[0], rule, *rows[1:]])


def _line(row: Sequence[str], wide: Sequence[int]) -> str:
    first, *rest = zip(row, wide, strict=True)
    return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])} |"


def goals_table(goals: Iterable[Goal], *, judged: bool) -> str:
    """All goals and, where it is `judged`, whether they are met; what could not be measured is not."""
    lines = []
    for goal in goals:
        verdict = NOTHING if goal.found is None or not judged else "met" if goal.is_met else "NOT MET"
        lines.append([f"({goal.row}) {goal.what}", goal.show(goal.most), whole(goal.found, goal.show), verdict])
    return markdown(["goal", "at most", "median (min–max)", ""], lines)


def report_text(report: Report) -> str:
    """A section: title, table, notes."""
    parts = [f"### ({report.row}) {report.title}", markdown(report.head, report.lines), *report.notes]
    return "\n\n".join(parts)
