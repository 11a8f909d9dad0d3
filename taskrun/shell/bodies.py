"""What values make of the body of a here-document: no line may end it early, be misread, or lose its tabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskrun.model import as_run
from taskrun.shell.cursor import CONTINUATION, SLOT
from taskrun.shell.mistakes import QuoteError, shorten
from taskrun.shell.spots import Document

_OTHER_DELIMITER = "give the here-document another delimiter"
_NO_TABS = "write << in place of <<-"

_BACKSLASHED = re.compile(r"\\(.)", re.DOTALL)
_NO_UTF8 = re.compile("[\ud800-\udfff]")
# Shells that read a line byte by byte to compare it with the delimiter, and lose or choke on a byte over 127 there, or
# (ksh) on a backslash.
_BYTEWISE = ("sh", "dash", "ksh")


class Body:
    """The body of a here-document with placeholders."""

    def __init__(self, document: Document, shell: str | None) -> None:
        self._shell = shell
        self._document = document
        self._slots = range(document.first, document.first + len(document.texts) - 1)
        self._frame = [""] * (2 * len(document.texts) - 1)
        self._frame[0::2] = document.texts
        self._trap = _trap(document, shell)
        literal = SLOT.join(document.texts)
        self._own = len(self._trap.findall(re.sub(r".*\0.*", SLOT, literal)))
        self._is_risky = self._needs_check(literal)

    def _needs_check(self, literal: str) -> bool:
        """Whether values without a newline or a tab could do any harm."""
        document = self._document
        if document.substituted or self._shell in _BYTEWISE or CONTINUATION in literal:
            return True
        if document.strips_tabs and any(text[:1] == "\t" for text in document.texts[1:]):
            return True
        lines = [line.lstrip("\t").split(SLOT) for line in literal.split("\n") if SLOT in line]
        return any(re.fullmatch(".*".join(map(re.escape, texts)), document.delimiter) for texts in lines)

    def check(self, quoted: Sequence[str]) -> None:
        """Raise QuoteError where what goes in does not fit."""
        within = [as_run(quoted[slot], 1) for slot in self._slots]
        if not self._is_risky and not any("\n" in text or "\t" in text for text in within):
            return
        if self._document.strips_tabs:
            self._check_tabs(within)
        parts = self._frame[:]
        parts[1::2] = within
        text = "".join(parts)
        self._check_lines(text, within)
        if not self._document.quoted and CONTINUATION in text:
            self._check_lines(_BACKSLASHED.sub(_joined, text), within)
        if self._shell == "ksh" and _NO_UTF8.search(text):
            guilty = next(place for place, value in enumerate(within) if _NO_UTF8.search(value))
            raise QuoteError(self._slots[guilty], f"{shorten(within[guilty])} is no UTF-8, at which ksh hangs here")

    def _check_lines(self, text: str, within: Sequence[str]) -> None:
        found = self._trap.findall(text)
        if len(found) <= self._own:
            return
        line = found[0]
        guilty = next((place for place, value in enumerate(within) if line.strip("\t") in value), 0)
        what = f"it makes the line {shorten(line)} in the here-document, which a shell takes for its end"
        raise QuoteError(self._slots[guilty], what, _OTHER_DELIMITER)

    def _check_tabs(self, within: Sequence[str]) -> None:
        before = self._document.texts[0].rpartition("\n")[2]
        for place, value in enumerate(within):
            behind = self._document.texts[place + 1]
            at_start = not before.strip("\t")
            starts_behind = value.endswith("\n") or (at_start and not value)
            if (at_start and value[:1] == "\t") or "\n\t" in value or (starts_behind and behind[:1] == "\t"):
                what = "it makes a line that starts with a tab, which <<- takes away"
                raise QuoteError(self._slots[place], what, _NO_TABS)
            before = (before + value + behind).rpartition("\n")[2]


def _joined(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[0]


def _trap(document: Document, shell: str | None) -> re.Pattern[str]:
    """Lines that end the document, or that a shell misreads while it compares them with the delimiter."""
    delimiter = document.delimiter
    endings = [re.escape(delimiter) + "$"]
    if document.substituted:
        endings.append(re.escape(delimiter) + r".*\)")  # bash: inside $(...) the closing parenthesis may follow
    if shell == "ksh":
        endings.append(re.escape(delimiter) + r"\)")
    if shell in _BYTEWISE:
        prefixes = [re.escape(delimiter[:length]) for length in range(1, len(delimiter) + 1)]
        stumbles = r"(?:[^\0-\x7f]|\\)" if shell == "ksh" else r"[^\0-\x7f]"
        endings.append(f"(?:{'|'.join(prefixes)}){stumbles}.*" if prefixes else "(?!)")
    tabs = r"\t*" if document.strips_tabs else ""
    return re.compile(f"^{tabs}(?:{'|'.join(endings)})", re.MULTILINE)
