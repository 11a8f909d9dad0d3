"""Brace expansions: where one may still be open, so that a comma or `..` in a value would mean something.

A `}` closes one for certain only behind a comma: bash takes `{a}b,c}` for `a}b` and `c`.
"""

from __future__ import annotations

import re

# `${` begins no brace expansion, but `\${` does.
_OPENER = re.compile(r"(?<!\$)\{|(?<=\\\$)\{|(?<=\$\$)\{")
# What a word goes on with behind an unquoted brace, as far as all shells read it alike.
_GOES_ON = re.compile(
    r"""(?:[^ \t\n;&|<>()'"\\`$]|\\.|'[^']*'|"(?:[^"\\`$]|\\.)*"|\$(?:\w+|\{\w+\}|(?![({'"\[])))*""", re.DOTALL
)
_ENDS = re.compile(r"[ \t\n;&|)']|[<>](?!\()")  # also in a quote that stays open: what it holds is one piece


class Braces:
    """The braces of one word whose quoting is known."""

    def __init__(self) -> None:
        self._have_commas: list[bool] = []

    @property
    def are_open(self) -> bool:
        """Whether what comes next may stand in a brace expansion."""
        return bool(self._have_commas)

    def read(self, char: str) -> None:
        """The word goes on with this unquoted character."""
        if char == "{":
            self._have_commas.append(False)
        elif char == "," and self._have_commas:
            self._have_commas[-1] = True
        elif char == "}" and self._have_commas[-1:] == [True]:
            self._have_commas.pop()


def open_stretches(text: str) -> list[tuple[int, int]]:
    """Behind which braces, and up to where, a brace expansion may be open in a text of unknown quoting.

    Each brace is followed as if it were unquoted, for otherwise it opens nothing.
    """
    found: list[tuple[int, int]] = []
    for opener in _OPENER.finditer(text):
        match = _GOES_ON.match(text, opener.end())
        assert match is not None, "the pattern matches nothing at all, too"
        if not _ENDS.match(text, match.end()):
            return [*found, (opener.end(), len(text))]
        found.append((opener.end(), match.end()))
    return found
