"""Reads what stands inside a word: quotes and everything that begins with a dollar sign or a backtick.

What is certain for all of the shells that we quote for is followed; the rest is a `Doubt`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from taskrun.shell.cursor import CONTINUATION, SLOT, Cursor, Doubt
from taskrun.shell.spots import Kind

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_ZSH_FLAG = re.compile(r"[#+=~^]+[A-Za-z_][A-Za-z0-9_]*")
# Single quotes in double-quoted braces are quotes for one expansion and text for the next: these are both.
_SAME_EITHER_WAY = re.compile(r"[^}{'\"`$\\\0]*")
_SAME_ESCAPED = re.compile(r"(?:[^}{'\"`$\\\0]|\\[A-Za-z0-9?\\])*")
_PLAIN_DOUBLE = re.compile(r"[^}{'\"`\\\0$]*(?:\$[A-Za-z_0-9@*#]+[^}{'\"`\\\0$]*)*")
_PLAIN_INDEX = re.compile(r"[^\]\['\"`\\()\n{};&|<>]*\]")


class Expansions(Cursor, ABC):
    """The parts of words; what `$(...)` holds is read by the class that knows commands."""

    @abstractmethod
    def substituted_commands(self) -> None:
        """Read commands up to the closing parenthesis."""

    def single(self) -> None:
        """From behind the opening single quote to behind the closing one."""
        while (char := self.peek()) != "'":
            if not char:
                raise Doubt
            if char == SLOT:
                self.place(Kind.SINGLE)
            else:
                self.at += 1
        self.at += 1

    def double(self) -> None:
        """From behind the opening double quote to behind the closing one."""
        while (char := self.peek()) != '"':
            if not char:
                raise Doubt
            self.quoted_piece(char, Kind.DOUBLE)
        self.at += 1

    def quoted_piece(self, char: str, kind: Kind) -> None:
        """One step through text in which dollars, backticks and backslashes are all that counts."""
        if char == SLOT:
            self.place(kind)
        elif self.sees(CONTINUATION):
            self.skip_continuation()
        elif char == "\\":
            self.backslash()
        elif char == "$":
            self.dollar(in_quotes=True)
        elif char == "`":
            self.backticks()
        else:
            self.at += 1

    def backslash(self) -> None:
        """A backslash and what it quotes; a placeholder right behind it has to know."""
        self.at += 1
        if self.peek() == SLOT:
            self.lead("\\")
        elif self.peek():
            self.at += 1

    def dollar(self, *, in_quotes: bool) -> None:
        """Whatever a dollar sign begins."""
        self.at += 1
        char = self.peek()
        if char == "(":
            self._parenthesis()
        elif char == "{":
            self.at += 1
            with self.refusing(Kind.PARAMETER), self.deeper():
                self._braces(in_quotes=in_quotes)
        elif char == "[":
            self._old_arithmetic()
        elif char == "'" and not in_quotes:
            self.at += 1
            self._escapes()
        elif char == SLOT:
            self.lead("$")
        elif self.sees(CONTINUATION):
            raise Doubt
        else:
            self._parameter()

    def _parameter(self) -> None:
        match = _ZSH_FLAG.match(self.text, self.at, self.limit) if self.shell == "zsh" else None
        match = match or _NAME.match(self.text, self.at, self.limit)
        if match:
            self.at = match.end()
            # What `$#` counts in zsh is decided by what follows.
            self.lead("$" if match[0] == "#" and self.shell == "zsh" else "x")

    def _parenthesis(self) -> None:
        self.at += 1
        if self.peek() != "(":
            with self.deeper():
                self.substituted_commands()
        else:
            self.at += 1
            self.arithmetic()

    def arithmetic(self, *, of_loop: bool = False) -> None:
        """From behind `((` to behind `))`; a subshell in a substitution may begin like this too, hence the doubt."""
        depth = 0
        with self.refusing(Kind.ARITHMETIC), self.deeper():
            while depth >= 0:
                char = self.peek()
                if char == "(":
                    depth += 1
                elif char == ")":
                    depth -= 1
                elif char == ";" and not of_loop:
                    raise Doubt
                self._calculation(char)
        if self.peek() != ")":
            raise Doubt
        self.at += 1

    def _calculation(self, char: str) -> None:
        if not char or char in "'\\":
            raise Doubt
        if char == SLOT:
            self.place(Kind.ARITHMETIC)
        elif char == "$":
            self.dollar(in_quotes=True)
        elif char == "`":
            self.backticks()
        elif char == '"':
            self.at += 1
            self._plain(_PLAIN_DOUBLE, '"')
        else:
            self.at += 1

    def _plain(self, pattern: re.Pattern[str], end: str) -> None:
        """Text up to `end` that no shell could read in another way; placeholders in it are refused by the caller."""
        while True:
            match = pattern.match(self.text, self.at, self.limit)
            assert match is not None, "the pattern matches nothing at all, too"
            self.at = match.end()
            if self.peek() == SLOT:
                self.place(Kind.UNCLEAR)
            elif self.sees(end):
                self.at += len(end)
                return
            else:
                raise Doubt

    def _old_arithmetic(self) -> None:
        match = _PLAIN_INDEX.match(self.text, self.at + 1, self.limit)
        if match is None:
            raise Doubt
        with self.refusing(Kind.ARITHMETIC):
            while self.at < match.end():
                if self.peek() == SLOT:
                    self.place(Kind.ARITHMETIC)
                else:
                    self.at += 1

    def _escapes(self) -> None:
        """From behind `$'` to behind the closing quote; some shells know no escapes there."""
        with self.refusing(Kind.ESCAPES):
            while (char := self.peek()) != "'":
                if not char or (char == "\\" and self.peek(1) == "'" and self.shell in ("sh", "dash")):
                    raise Doubt
                if char == SLOT:
                    self.place(Kind.ESCAPES)
                elif char == "\\" and self.peek(1) != SLOT:
                    self.at += 2
                else:
                    self.at += 1
        self.at += 1

    def _braces(self, *, in_quotes: bool) -> None:
        """From behind `${` to behind the closing brace."""
        if self.peek() in ("", " ", "\t", "\n", "|"):
            raise Doubt  # in some shells commands, in others a mistake
        while (char := self.peek()) != "}":
            if not char or (char == "{" and self.shell != "bash") or self.sees(CONTINUATION):
                raise Doubt  # a brace counts in some shells, in bash it is text
            if char == "'":
                self.at += 1
                if in_quotes:
                    self._plain(_SAME_EITHER_WAY, "'")
                else:
                    self.single()
            elif char == '"':
                self.at += 1
                if in_quotes:
                    self._plain(_PLAIN_DOUBLE, '"')
                else:
                    self.double()
            elif self.sees("$'") and in_quotes:
                self.at += 2
                self._plain(_SAME_ESCAPED, "'")
            elif self.sees("$'"):
                self.dollar(in_quotes=False)
            elif char in "<>" and self.peek(1) == "(":
                raise Doubt  # a process in one shell, text in another
            else:
                self.quoted_piece(char, Kind.PARAMETER)
        self.at += 1

    def backticks(self) -> None:
        """From an opening backtick to behind the closing one."""
        self.at += 1
        with self.refusing(Kind.BACKTICKS):
            while (char := self.peek()) != "`":
                if not char:
                    raise Doubt
                if char == SLOT:
                    self.place(Kind.BACKTICKS)
                elif char == "\\" and self.peek(1) not in ("", SLOT):
                    self.at += 2
                else:
                    self.at += 1
        self.at += 1
