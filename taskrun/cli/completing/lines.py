"""A line as bash has it, up to the cursor: its words, and where the text begins that bash is going to replace.

To readline a word also ends at `=`, `:` and other characters (COMP_WORDBREAKS), so that it replaces only the end of
`sim/topology=me`: an answer must be cut there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANKS = " \t\n"
_UNSAFE = re.compile(r"[^\w@%+=:,./-]")


class Line(NamedTuple):
    """Words as a program gets them; the last one, which is being completed, also as it is `written`.

    What bash replaces of that begins at `start`; `quote` is the quote that is open at its end, or "".
    """

    words: list[str]
    written: str
    start: int
    quote: str

    def reply(self, value: str, *, is_whole: bool) -> str:
        """What bash is to put in place of the text from `start` on, so that the last word becomes `value`.

        A space ends a whole word; where a quote is open bash closes it.
        """
        rest = _quoted(value[len(self.words[-1]) :], self.quote)
        return (self.written + rest)[self.start :] + (" " if is_whole and not self.quote else "")


def read_line(line: str, breaks: str) -> Line:
    """Take a command line apart as a shell does, whatever is still open at its end."""
    words: list[str] = []
    word = None
    begin = start = 0
    quote = ""
    at = 0
    while at < len(line):
        char = line[at]
        at += 1
        if not quote and char in _BLANKS:
            if word is not None:
                words.append(word)
            word = None
            continue
        if word is None:
            word, begin, start = "", at - 1, at - 1
        if char == "\\" and quote != "'" and at < len(line) and (not quote or line[at] in '"\\$`'):
            word += line[at]
            at += 1
        elif char == quote:
            quote = ""
            start = at
        elif not quote and char in "'\"":
            quote = char
            start = at
        else:
            word += char
            if not quote and char in breaks:
                start = at
    if word is None:
        return Line([*words, ""], "", 0, "")
    return Line([*words, word], line[begin:], start - begin, quote)


def _quoted(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        return re.sub(r'(["\\$`])', r"\\\1", text)
    return _UNSAFE.sub(lambda match: "\\" + match[0], text)
