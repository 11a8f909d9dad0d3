"""What the terminal can do: found once, for each stream, and passed as values.

Nobody else asks a stream whether it is a terminal, or the environment about colour.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TextIO

from msgspec import Struct

COLOUR_CHOICES = ("auto", "always", "never")
_USUAL_COLUMNS = 80
_USUAL_ROWS = 24


class Style(Enum):
    """How a piece of text is shown: termcolor's names of a colour and its attributes."""

    GOOD = ("green", ())
    BAD = ("red", ())
    SPARED = ("yellow", ())
    PROGRESS = ("magenta", ())
    LOUD = ("cyan", ("bold",))
    STRONG = (None, ("bold",))
    FAINT = (None, ("dark",))


Paint = Callable[[str, Style], str]


class Terminal(Struct, frozen=True):
    """What one stream can show. `drawable`: a line can be drawn over; `unicode`: `×`, `←` and `█` can be written."""

    drawable: bool = False
    colour: bool = False
    unicode: bool = True

    @property
    def paint(self) -> Paint:
        """Puts a text into a style, or leaves it where there is no colour."""
        return _coloured if self.colour else _plain


def look(stream: TextIO | None, *, color: str, environment: Mapping[str, str]) -> Terminal:
    """What `stream` can show, where `--color` says `color` and `environment` is the process's."""
    is_terminal = stream is not None and not stream.closed and stream.isatty()
    dumb = environment.get("TERM") == "dumb"
    return Terminal(
        drawable=is_terminal and not dumb,
        colour=_wants_colour(color, environment, is_terminal=is_terminal, dumb=dumb),
        unicode=_carries(stream, "×←█░…–"),
    )


def can_ask(answers: TextIO | None, questions: TextIO | None) -> bool:
    """Whether somebody sits there to be asked: both streams are a terminal's."""
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (answers, questions))


def is_in_front(stream: TextIO) -> bool:
    """Whether the stream's terminal is ours to draw on now: not while the shell has us in the background."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # no terminal, or not that of our session: nobody else is there to be disturbed
        return True


def columns(stream: TextIO) -> int:
    """How wide the stream's terminal is now; asked anew whenever something is drawn."""
    return _size(stream)[0] or _USUAL_COLUMNS


def rows(stream: TextIO) -> int:
    """How high the stream's terminal is now."""
    return _size(stream)[1] or _USUAL_ROWS


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        return os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):  # no terminal any more, or a stream without a file
        return 0, 0


def _wants_colour(color: str, environment: Mapping[str, str], *, is_terminal: bool, dumb: bool) -> bool:
    """An option before the environment; there, as in termcolor, NO_COLOR before FORCE_COLOR; empty is not set."""
    if color != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return is_terminal and not dumb


def _carries(stream: TextIO | None, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _plain(text: str, style: Style) -> str:
    return text


def _coloured(text: str, style: Style) -> str:
    from termcolor import colored  # only where there is colour

    colour, attributes = style.value
    return colored(text, colour, attrs=attributes, force_color=True)
