"""A line as bash has it, up to the cursor: its words, and where the text begins that bash is going to replace.

To readline a word also ends at `=`, `:` and other characters (COMP_WORDBREAKS), so that it replaces only the end of
`sim/topology=me`: an answer must be cut there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANKS = " \t\n"
_ARROWS = "<>"
_KEPT = "$@"  # where one of these breaks a word, readline replaces it too (its special prefixes)
_UNSAFE = re.compile(r"[^\w@%+=:,./-]")


class Line(NamedTuple):
    """Words as a program gets them, redirections left out; the last one is what is being completed.

    `written`: the last one as it stands there, `start`: from where on bash replaces that; `quote`: the one that is open
    at its end, or "". `is_redirect`: it is the file of a redirection.
    """

    words: list[str]
    written: str
    start: int
    quote: str
    is_redirect: bool

    def reply(self, value: str, *, is_whole: bool) -> str:
        """What bash is to put in place of the text from `start` on, so that the last word becomes `value`.

        A space ends a whole word; where a quote is open bash closes it.
        """
        rest = _quoted(value[len(self.words[-1]) :], self.quote)
        return (self.written + rest)[self.start :] + (" " if is_whole and not self.quote else "")


def read_line(line: str, breaks: str) -> Line:
    """Take a command line apart as a shell does, whatever is still open at its end."""
    reader = _Reader(line, frozenset(breaks))
    while reader.at < len(line):
        reader.step()
    return reader.line()


class _Reader:
    """Goes through a line character by character; `word` is None between words."""

    def __init__(self, text: str, breaks: frozenset[str]) -> None:
        self.at = 0
        self._text = text
        self._breaks = breaks
        self._words: list[str] = []
        self._word: str | None = None
        self._begin = self._start = self._before = 0
        self._quote = ""
        self._is_redirect = False  # of the word that is being read, or comes next

    def step(self) -> None:
        """Take the next character, and what belongs to it."""
        char = self._text[self.at]
        self.at += 1
        if not self._quote and char in _BLANKS:
            self._end_word()
        elif not self._quote and char in _ARROWS:
            if self._word is not None and self._word.isdigit():
                self._word = None  # the number of a descriptor
            self._end_word()
            self._is_redirect = True
        else:
            self._take(char)

    def line(self) -> Line:
        """What came of it."""
        if self._word is None:
            return Line([*self._words, ""], "", 0, "", self._is_redirect)
        written = self._text[self._begin :]
        return Line([*self._words, self._word], written, self._start - self._begin, self._quote, self._is_redirect)

    def _end_word(self) -> None:
        if self._word is not None:
            if not self._is_redirect:
                self._words.append(self._word)
            self._is_redirect = False
        self._word = None

    def _take(self, char: str) -> None:
        if self._word is None:
            self._word, self._begin, self._start = "", self.at - 1, self.at - 1
        if char == "\\" and self._is_escape():
            self._word += self._text[self.at]
            self.at += 1
        elif char == self._quote:
            self._quote = ""
            self._start = self._before  # what stands in quotes that are closed breaks no word
        elif not self._quote and char in "'\"":
            self._quote = char
            self._before, self._start = self._start, self.at
        else:
            self._word += char
            if not self._quote and char in self._breaks:
                self._start = self.at - (char in _KEPT)

    def _is_escape(self) -> bool:
        """Whether the backslash just read takes the next character's meaning."""
        following = self._text[self.at : self.at + 1]
        return bool(following) and self._quote != "'" and (not self._quote or following in '"\\$`')


def _quoted(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        return re.sub(r'(["\\$`])', r"\\\1", text)
    return _UNSAFE.sub(lambda match: "\\" + match[0], text)
