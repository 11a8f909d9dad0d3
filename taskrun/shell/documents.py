"""Here-documents: their delimiters, where their bodies end, and what stands in them.

Shells read a body line by line before they look into it, so a line decides where it ends, whatever it is part of.
"""

from __future__ import annotations

from msgspec import Struct

from taskrun.shell.cursor import BLANKS, CONTINUATION, ENDS_WORD, SLOT, Doubt
from taskrun.shell.expansions import Expansions
from taskrun.shell.spots import Document, Kind


class Announced(Struct):
    """A here-document whose operator was read and whose body is still to come."""

    delimiter: str
    quoted: bool
    strips_tabs: bool


class Documents(Expansions):
    """Reads here-documents; `substituted` says that a `$(...)` is around, in which shells are less strict."""

    def __init__(self, text: str, shell: str) -> None:
        super().__init__(text, shell)
        self.announced: list[Announced] = []
        self.substituted = False

    def announce(self) -> None:
        """From behind `<<` to behind the delimiter."""
        if self.in_document:
            raise Doubt
        strips_tabs = self.peek() == "-"
        self.at += strips_tabs
        while self.peek() in tuple(BLANKS) or self.sees(CONTINUATION):
            self.at += 1 if self.peek() != "\\" else 2
        if self.peek() == "#":
            raise Doubt
        start = self.at
        delimiter = self._delimiter()
        if self.at == start or not (delimiter.isascii() or self.shell in ("bash", "zsh")):
            raise Doubt
        quoted = self.text[start : self.at] != delimiter
        self.announced.append(Announced(delimiter=delimiter, quoted=quoted, strips_tabs=strips_tabs))

    def _delimiter(self) -> str:
        pieces = []
        while (char := self.peek()) and char not in ENDS_WORD:
            self.at += 1
            if char in "$`" + SLOT or self.text.startswith(CONTINUATION, self.at - 1):
                raise Doubt
            if char in "'\"":
                char = self.skip_to(char)
                if any(odd in char for odd in "\\$`\n" + SLOT):
                    raise Doubt
            elif char == "\\":
                char = self.peek()
                if char in ("", SLOT):
                    raise Doubt
                self.at += 1
            pieces.append(char)
        return "".join(pieces)

    def newline(self) -> None:
        """Step over a newline that ends a command, and read the bodies that were announced before it."""
        self.at += 1
        announced, self.announced = self.announced, []
        for document in announced:
            self._body(document)

    def _body(self, document: Announced) -> None:
        start = self.at
        end = self._end_of_body(document)
        behind = self.at
        self.at = start
        index = len(self.documents)
        first = len(self.spots)
        with self.within(end, index):
            while char := self.peek():
                if not document.quoted:
                    self.quoted_piece(char, Kind.EXPANDED)
                elif char == SLOT:
                    self.place(Kind.VERBATIM)
                else:
                    self.at += 1
        if self.at != end:
            raise Doubt
        self.at = behind
        self.documents.append(
            Document(
                delimiter=document.delimiter,
                quoted=document.quoted,
                strips_tabs=document.strips_tabs,
                substituted=self.substituted,
                texts=self.text[start:end].split(SLOT),
                first=first,
            )
        )
        self.finish()

    def _end_of_body(self, document: Announced) -> int:
        """Where the line with the delimiter begins; the cursor goes behind that line."""
        continued = ""
        while True:
            start = self.at
            if start >= self.limit:
                raise Doubt
            end = self.text.find("\n", start, self.limit)
            end = self.limit if end < 0 else end
            line = self.text[start:end]
            self.at = min(end + 1, self.limit)
            bare = line.lstrip("\t") if document.strips_tabs else line
            if document.delimiter in (bare, continued + line, continued + bare):
                if continued:
                    raise Doubt  # joined with the line before for some shells, for others not
                return start
            if bare.startswith(document.delimiter) and ")" in bare and (self.substituted or self.shell == "ksh"):
                raise Doubt  # bash lets this line end the document inside $(...), ksh anywhere
            is_continued = not document.quoted and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            continued = continued + bare[:-1] if is_continued else ""
