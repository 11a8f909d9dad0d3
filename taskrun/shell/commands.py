"""Reads commands: what separates them, which words are grammar, where a `case` pattern ends and a comment begins.

Only as much grammar as it takes to know the quoting of what comes next: a parenthesis may close a substitution, a
subshell or a pattern, and only the words before it tell.
"""

from __future__ import annotations

import re

from taskrun.shell.cursor import BLANKS, CONTINUATION, ENDS_WORD, SLOT, Doubt
from taskrun.shell.documents import Documents
from taskrun.shell.spots import Kind

# After these words another word of the grammar may follow, after any other word not.
_BEFORE_COMMAND = {"!", "{", "}", "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "time"}
_PUZZLING = {"coproc": "", "repeat": "zsh", "foreach": "zsh", "nocorrect": "zsh", "noglob": "zsh", "-": "zsh"}
_OPERATOR = re.compile(r"&>>?|;;&|;;|;&|;\||&&|\|\||\|&|[;&|]")
_MAY_STAND: dict[str, tuple[str, ...]] = {"word": (), "in": (), "pattern": ("|",)}
_PATTERN_FOLLOWS = (";;", ";&", ";;&", ";|")
_REDIRECTION = re.compile(r"<<<|<<|<>|<&|>>|>&|>\||<|>")
_SUBSCRIPTED = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*)?\[[^\n]{0,1000}?\]\+?=")
_OPTION_FOLLOWS = re.compile(r"(?:[ \t]|\\\n)+-").match
_KNOWS_PROCESSES = ("bash", "ksh", "zsh", "sh")


class _Grammar:
    """What the commands between two parentheses have come to. `cases`: what each open `case` waits for."""

    def __init__(self) -> None:
        self.cases: list[str] = []
        self.may_be_grammar = True
        self.is_name = ""
        self.is_target = False
        self.times: tuple[str, ...] = ()  # the options that `time` may still have right here

    @property
    def case(self) -> str:
        return self.cases[-1] if self.cases else ""


class Scanner(Documents):
    """Reads a whole text; `spots` and `documents` are then known, or those before the `Doubt`."""

    def scan(self) -> None:
        """Read the text to its end."""
        self._commands(_Grammar(), closing=False)

    def substituted_commands(self) -> None:
        outer = (self.announced, self.substituted)
        self.announced, self.substituted = [], True
        with self.deeper():
            self._commands(_Grammar(), closing=True, outer=bool(outer[0]))
        if self.announced:
            raise Doubt
        self.announced, self.substituted = outer

    def _commands(self, grammar: _Grammar, *, closing: bool, outer: bool = False) -> None:
        while char := self.peek():
            if char in BLANKS:
                self.at += 1
            elif self.sees(CONTINUATION):
                self.skip_continuation()
            elif char == "\n":
                if outer:
                    raise Doubt  # whose here-document begins here differs
                self.newline()
                self._separated(grammar)
            elif char == "#":
                self._comment()
            elif char in ";&|":
                self._operator(grammar)
            elif char == "(":
                self._opening(grammar)
            elif char == ")":
                if grammar.case == "pattern":
                    grammar.cases[-1] = "commands"
                    grammar.may_be_grammar = True
                    self.at += 1
                elif closing and not grammar.cases:
                    self.at += 1
                    return
                else:
                    raise Doubt
            elif char in "<>" and not self._starts_process():
                self._redirection(grammar)
            else:
                self._word(grammar)
        if closing or grammar.cases:
            raise Doubt

    def _separated(self, grammar: _Grammar) -> None:
        if grammar.is_target:
            raise Doubt
        grammar.times = ()
        if grammar.case not in ("word", "in"):
            grammar.may_be_grammar = True

    def _comment(self) -> None:
        with self.refusing(Kind.COMMENT):
            while self.peek() not in ("", "\n"):
                if self.peek() == SLOT:
                    self.place(Kind.COMMENT)
                else:
                    self.at += 1

    def _operator(self, grammar: _Grammar) -> None:
        match = _OPERATOR.match(self.text, self.at, self.limit)
        assert match is not None, "one of its characters was seen"
        operator = match[0]
        if self.text.startswith(CONTINUATION, match.end()) or grammar.is_target:
            raise Doubt
        self.at = match.end()
        if operator.startswith("&>"):
            grammar.is_target = True
            grammar.may_be_grammar = False
            return
        if grammar.case == "commands" and operator in _PATTERN_FOLLOWS:
            grammar.cases[-1] = "pattern"
        elif operator not in _MAY_STAND.get(grammar.case, (operator,)) or operator in _PATTERN_FOLLOWS:
            raise Doubt
        grammar.may_be_grammar = operator != "|" or grammar.case != "pattern"
        grammar.is_name = ""
        grammar.times = ()

    def _starts_process(self) -> bool:
        return self.peek(1) == "(" and self.shell in _KNOWS_PROCESSES

    def _opening(self, grammar: _Grammar) -> None:
        """A parenthesis at the start of a word."""
        self.at += 1
        grammar.times = ()
        if grammar.case == "pattern" and grammar.may_be_grammar:
            grammar.may_be_grammar = False
            return
        if self.peek() == "(" and grammar.may_be_grammar:
            self.at += 1
            self.arithmetic(of_loop=grammar.is_name == "for")
            grammar.is_name = ""
        elif grammar.may_be_grammar and not grammar.is_name:
            with self.deeper():
                self._commands(_Grammar(), closing=True)
        else:
            while self.peek() in tuple(BLANKS):
                self.at += 1
            if self.peek() != ")" or grammar.is_name == "in":
                raise Doubt
            self.at += 1
            grammar.is_name = ""
        grammar.may_be_grammar = True

    def _redirection(self, grammar: _Grammar) -> None:
        match = _REDIRECTION.match(self.text, self.at, self.limit)
        assert match is not None, "one of its characters was seen"
        if grammar.is_target or grammar.case in ("word", "in", "pattern"):
            raise Doubt
        self.at = match.end()
        if self.sees(CONTINUATION) or self.peek() == "#":
            raise Doubt
        if match[0] == "<<":
            self.announce()
        elif match[0] == "<<<" and self.shell == "dash":
            raise Doubt
        else:
            grammar.is_target = True
        grammar.may_be_grammar = False
        grammar.times = ()

    def _word(self, grammar: _Grammar) -> None:
        if grammar.may_be_grammar and grammar.case == "pattern":
            literal = self.word(role="pattern")
            if literal == "esac":
                self._close_case(grammar)
            else:
                grammar.may_be_grammar = False
            return
        literal = self.word(role="target" if grammar.is_target else "")
        options, grammar.times = grammar.times, ()
        if literal in options:
            grammar.times = options[options.index(literal) + 1 :]
        elif grammar.is_target:
            grammar.is_target = False
        elif grammar.case == "word":
            grammar.cases[-1] = "in"
        elif grammar.case == "in":
            if literal != "in":
                raise Doubt
            grammar.cases[-1] = "pattern"
            grammar.may_be_grammar = True
        elif grammar.is_name:
            self._name(grammar, literal)
        elif literal == "esac" and (grammar.cases or grammar.may_be_grammar):  # else an argument, as in `grep esac`
            self._close_case(grammar)
        elif literal and literal.endswith("()"):
            grammar.may_be_grammar = True
        elif grammar.may_be_grammar:
            self._grammar_word(grammar, literal)

    def _name(self, grammar: _Grammar, literal: str | None) -> None:
        """The word behind `for`, `select` or `function`, or the `in` or `do` behind that."""
        if grammar.is_name == "in":
            grammar.is_name = ""
            grammar.may_be_grammar = literal == "do"
            if literal not in ("in", "do", "{"):
                raise Doubt
            return
        grammar.may_be_grammar = True
        grammar.is_name = "in" if grammar.is_name == "for" else ""

    def _close_case(self, grammar: _Grammar) -> None:
        if not grammar.cases or not grammar.may_be_grammar:
            raise Doubt
        grammar.cases.pop()
        grammar.may_be_grammar = True

    def _grammar_word(self, grammar: _Grammar, literal: str | None) -> None:
        grammar.may_be_grammar = literal in _BEFORE_COMMAND
        grammar.times = ("-p", "--") if literal == "time" else ()
        if literal == "case":
            grammar.cases.append("word")
        elif literal in ("for", "select"):
            grammar.is_name = "for"
            grammar.may_be_grammar = True
        elif literal == "function":
            grammar.is_name = "function"
        elif literal == "[[" and self.shell != "dash":
            self._condition()
            grammar.may_be_grammar = True
        elif self._puzzles(literal):
            raise Doubt

    def _puzzles(self, literal: str | None) -> bool:
        """Whether what follows this word has a grammar of its own."""
        if literal == "time":
            return self.shell != "bash" and _OPTION_FOLLOWS(self.text, self.at) is not None
        return literal is not None and _PUZZLING.get(literal, "none") in ("", self.shell)

    def _condition(self) -> None:
        """From behind `[[` to behind `]]`: words, and operators that are no redirections."""
        is_pattern = False
        while char := self.peek():
            if char in BLANKS:
                self.at += 1
            elif self.sees(CONTINUATION):
                self.skip_continuation()
            elif char in "#;" or (char == "\n" and self.announced):
                raise Doubt
            elif is_pattern:
                self._regex()
                is_pattern = False
            elif char in "\n()<>&|" and not (char in "<>" and self._starts_process()):
                self.at += 1
            else:
                literal = self.word()
                if literal == "]]":
                    return
                is_pattern = literal == "=~"
        raise Doubt

    def _regex(self) -> None:
        """The word behind `=~`, in which parentheses and bars are no operators."""
        start = self.at
        depth = 0
        while char := self.peek():
            if char in " \t\n;&<>#" and (depth or char in ";&<>#"):
                raise Doubt
            if char in " \t\n" or (char == ")" and depth == 0):
                return
            if char in "()|":
                depth += {"(": 1, ")": -1, "|": 0}[char]
                self.at += 1
            else:
                self.piece(char, start)

    def word(self, *, role: str = "") -> str | None:
        """A word; gives its text where that is nothing but plain characters."""
        start = self.at
        literal: list[str] = []
        is_plain = True
        braces = 0
        subscript_end = self._subscript_end()
        while char := self.peek():
            starts_process = char in "<>" and self._starts_process()
            if char in ENDS_WORD and char != "(" and not starts_process:
                break
            if starts_process:
                self.at += 2
                self.substituted_commands()
                is_plain = False
            elif char == "(":
                if self._parenthesis_in_word(start):
                    literal.append("()")
            elif self.sees(CONTINUATION):
                self.skip_continuation()
            elif char in "'\"\\$`" + SLOT:
                is_plain = False
                kind = Kind.SUBSCRIPT if self.at < subscript_end else Kind.BARE
                self.piece(char, start, kind=kind, role=role, in_braces=braces > 0)
            else:
                braces = max(0, braces + (char == "{") - (char == "}"))
                literal.append(char)
                self.at += 1
        return "".join(literal) if is_plain else None

    def _subscript_end(self) -> int:
        match = _SUBSCRIPTED.match(self.text, self.at, self.limit)
        return match.end() if match else -1

    def piece(
        self, char: str, start: int, *, kind: Kind = Kind.BARE, role: str = "", in_braces: bool = False
    ) -> None:
        """One quoted part, expansion or placeholder of a word that began at `start`, or a plain character."""
        if char == SLOT:
            self.place(kind, word_start=start, role=role, in_braces=in_braces)
        elif char == "'":
            self.at += 1
            self.single()
        elif char == '"':
            self.at += 1
            self.double()
        elif char == "\\":
            self.backslash()
        elif char == "$":
            self.dollar(in_quotes=False)
        elif char == "`":
            self.backticks()
        else:
            self.at += 1

    def _parenthesis_in_word(self, start: int) -> bool:
        """A parenthesis glued to a word: a function's `()` (True), an array's values, or a pattern's alternatives."""
        before = self.text[self.at - 1] if self.at > start else ""
        if self.peek(1) == ")" and before != "=":
            self.at += 2
            return True
        self.at += 1
        with self.deeper():
            if before == "=" and self.shell != "dash":
                self._array()
            elif before and (before in "?*+@!" or self.shell == "zsh"):
                self._alternatives(start)
            else:
                raise Doubt
        return False

    def _array(self) -> None:
        while (char := self.peek()) != ")":
            if not char or char in ";&|(" or (char == "\n" and self.announced):
                raise Doubt
            if char in " \t\n":
                self.at += 1
            elif self.sees(CONTINUATION):
                self.skip_continuation()
            elif char == "#":
                self._comment()
            elif char in "<>" and not self._starts_process():
                raise Doubt
            else:
                self.word(role="element")
        self.at += 1

    def _alternatives(self, start: int) -> None:
        depth = 1
        while depth:
            char = self.peek()
            if not char or char in "\n;&<>#":
                raise Doubt
            if char in "()":
                depth += 1 if char == "(" else -1
                self.at += 1
            elif self.sees(CONTINUATION):
                raise Doubt
            else:
                self.piece(char, start)
