"""A place in a shell's text, and the record of the placeholders that were met on the way.

The text holds `SLOT` where a placeholder stands. Whoever is not sure how a shell goes on from here raises `Doubt`:
all placeholders from there on then stand in an unclear part, and take no value that would need quoting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from taskrun.shell.mistakes import shorten
from taskrun.shell.spots import Document, Kind, Spot

SLOT = "\0"
BLANKS = " \t"
CONTINUATION = "\\\n"
ENDS_WORD = " \t\n;&|()<>"

_REDIRECT_FOLLOWS = re.compile(r"(?:\0|[0-9]|\\\n)*\}?(?:\\\n)*&?[<>]").match

_LAST_WORD = re.compile(r"[^ \t\n]*\Z")
_FAR = 30

# Deeper than anyone nests by hand, and far from Python's own limit.
_DEEPEST = 60


class Doubt(Exception):
    """How the text goes on hangs on the shell, or is an error for all of them."""


class Finished(Exception):
    """All placeholders have been met; the rest of the text does not matter."""


class Cursor:
    """Where the scan is. `limit` is the end of what is being read: of the text, or of a here-document's body."""

    def __init__(self, text: str, shell: str) -> None:
        self.text = text
        self.shell = shell
        self.at = 0
        self.limit = len(text)
        self.spots: list[Spot] = []
        self.documents: list[Document] = []
        self._wanted = text.count(SLOT)
        self._refusing: Kind | None = None
        self._document = -1
        self._depth = 0
        self._lead = ("", -1)

    def trouble(self) -> str:
        """Where the scan has ended, as a piece of a sentence."""
        if self.at >= self.limit:
            return ": something that opens before it is never closed"
        before = self.text[: self.at].rstrip(" \t\n")
        start = len(before) - len(_LAST_WORD.findall(before[-_FAR:])[0])
        line = self.text.count("\n", 0, start) + 1
        shown = self.text[start:].replace("\\\n", " ").partition("\n")[0].replace(SLOT, "{...}")
        where = f" in line {line} of the command" if line > 1 else ""
        return f" from {shorten(shown, _FAR)}{where} on"

    def peek(self, ahead: int = 0) -> str:
        """The character at the cursor, "" at the end."""
        place = self.at + ahead
        return self.text[place] if place < self.limit else ""

    def sees(self, text: str) -> bool:
        """Whether `text` stands at the cursor."""
        return self.text.startswith(text, self.at, self.limit)

    def lead(self, what: str) -> None:
        """Something that would take in what follows (a parameter's name, a backslash) ends at the cursor."""
        self._lead = (what, self.at)

    def follows(self) -> str:
        """What `lead` was told about this very place."""
        return self._lead[0] if self._lead[1] == self.at else ""

    def skip_continuation(self) -> None:
        """Step over a backslash and a newline, which no shell sees; what led up to them goes on after them."""
        what = self.follows()
        if what in ("$", "\\"):
            raise Doubt
        self.at += 2
        if what:
            self.lead(what)

    def place(self, kind: Kind, *, word_start: int = -1, role: str = "", in_braces: bool = False) -> None:
        """Record the placeholder at the cursor and step over it; `word_start` for a bare one."""
        after = self.follows()
        spot = Spot(kind=self._refusing or kind, after=after, document=self._document)
        if spot.kind is Kind.BARE:
            self._look_around(spot, word_start)
            spot.role = role
            spot.in_braces = in_braces
        spot.joins_lines = self._document >= 0 or self.shell == "ksh"  # where ksh does so hangs on much
        self.spots.append(spot)
        self.at += 1
        if after not in ("", "\\"):
            self.lead(after)
        if self._document < 0:
            self.finish()

    def finish(self) -> None:
        """Leave where nothing is left to be found out."""
        if len(self.spots) == self._wanted:
            raise Finished

    def _look_around(self, spot: Spot, word_start: int) -> None:
        ahead = self.at + 1
        while self.text.startswith(CONTINUATION, ahead):
            ahead += 2
        following = self.text[ahead] if ahead < self.limit else ""
        starts_process = following in ("<", ">") and self.text.startswith("(", ahead + 1)
        spot.glued = self.at > word_start or following not in ENDS_WORD or following == "(" or starts_process
        spot.before_redirect = _REDIRECT_FOLLOWS(self.text, self.at + 1) is not None
        spot.before_paren = following == "("
        before = self.text[self.at - 1] if self.at > word_start else ""
        spot.meets_dot = before in (".", SLOT) or following in (".", SLOT)

    @contextmanager
    def refusing(self, kind: Kind) -> Iterator[None]:
        """Placeholders met in here take no value that would need quoting."""
        outer = self._refusing
        self._refusing = outer or kind
        yield
        self._refusing = outer

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One more level of nesting."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Doubt
        yield
        self._depth -= 1

    @contextmanager
    def within(self, limit: int, document: int) -> Iterator[None]:
        """Read the body of a here-document, which ends at `limit`."""
        outer = (self.limit, self._document)
        self.limit, self._document = limit, document
        yield
        self.limit, self._document = outer

    @property
    def in_document(self) -> bool:
        """Whether what is being read is the body of a here-document."""
        return self._document >= 0

    def skip_to(self, end: str) -> str:
        """Step behind the next `end`; gives what stood before it."""
        place = self.text.find(end, self.at, self.limit)
        if place < 0:
            raise Doubt
        skipped = self.text[self.at : place]
        self.at = place + len(end)
        return skipped
