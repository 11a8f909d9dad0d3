"""The bar at the bottom: its text, and drawing it over itself.

The text is decided by a function; only `Screen` knows about the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from taskrun.printer.tally import Tally
from taskrun.printer.width import cut, printable, width
from taskrun.quantity import show_seconds
from taskrun.term import Paint, Style

Piece = tuple[str, Style]

_BETWEEN = "  "
_NARROW = 50  # columns under which there are only words
_NEARLY_DONE = 9.0  # seconds
_LONGEST = 30
_MOST_NAMES = 4


def bar_pieces(tally: Tally, room: int, *, unicode: bool) -> list[Piece]:
    """`██████░░░░░░   44%  12/27  ETA 12s  1 failed  2 running: sim/...`, in no more than `room` columns."""
    standing = [f"{tally.percent:3d}%", f"{tally.settled}/{tally.total}", eta(tally)]
    if room >= _NARROW:
        standing.insert(0, gauge(tally.percent, min(room // 4, _LONGEST), unicode=unicode))
    pieces = [(_BETWEEN.join(filter(None, standing)), Style.PROGRESS)]
    if tally.failed:
        pieces.append((f"{tally.failed} failed", Style.BAD))
    if tally.running:
        pieces.append((_running(tally), Style.PROGRESS))
    return _fitting(pieces, room, unicode=unicode)


def bar_text(pieces: Iterable[Piece], paint: Paint) -> str:
    """The pieces in their colours."""
    return _BETWEEN.join(paint(text, style) for text, style in pieces)


def bar_width(pieces: Iterable[Piece]) -> int:
    """Columns that they take together."""
    return width(_BETWEEN.join(text for text, _ in pieces))


def _fitting(pieces: Iterable[Piece], room: int, *, unicode: bool) -> list[Piece]:
    kept: list[Piece] = []
    for text, style in pieces:
        shown = cut(text, room, unicode=unicode)
        if not shown:
            break
        kept.append((shown, style))
        room -= width(shown) + len(_BETWEEN)
    return kept


def gauge(percent: int, length: int, *, unicode: bool) -> str:
    """How far it is, as a picture."""
    full = percent * length // 100
    return "█" * full + "░" * (length - full) if unicode else f"[{'#' * full}{'-' * (length - full)}]"


def eta(tally: Tally) -> str:
    """`ETA 12s`; at the end how long it took; nothing while nobody can know."""
    if tally.settled >= tally.total and not tally.running:
        return f"in {show_seconds(tally.elapsed)}"
    rest = tally.time_to_go()
    if not rest:
        return ""
    return f"ETA {show_seconds(rest) if rest > _NEARLY_DONE else f'{max(round(rest), 1)}s'}"  # nobody knows it better


def _running(tally: Tally) -> str:
    names = [printable(underway.task.name) for underway in islice(tally.running.values(), _MOST_NAMES)]
    return f"{len(tally.running)} running: {', '.join(names)}"


class Screen:
    """Makes what is to be written so that lines stand above a bar that stays at the bottom."""

    def __init__(self, columns: Callable[[], int]) -> None:
        self._columns = columns
        self._bar = 0  # columns of the bar that stands there

    @property
    def room(self) -> int:
        """Columns that a bar may take, so that a `^C` behind it, which the terminal itself writes, breaks no row."""
        return max(self._columns() - len("^C"), 1)

    @property
    def has_bar(self) -> bool:
        return self._bar > 0

    def forget(self) -> None:
        """The bar stands somewhere above, and somebody else writes below it."""
        self._bar = 0

    def drawn(self, lines: Sequence[str], bar: Sequence[Piece], paint: Paint) -> str:
        """What shows `lines`, and below them the bar, or none where it has no pieces."""
        text = self._erased() + "\n".join([*lines, bar_text(bar, paint)])
        self._bar = bar_width(bar)
        return text

    def _erased(self) -> str:
        """Takes back the bar, also where a terminal that became narrower has broken it into rows."""
        if not self._bar:
            return ""
        rows = -(-self._bar // max(self._columns(), 1))
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        return f"\r{up}\x1b[J"
