"""What a user most likely meant where YAML could not read on.

libyaml names the place where it gave up, which is seldom where the mistake is; each rule here looks for one usual cause
around that place. Only files that cannot be read come here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import Mistake, Place

if TYPE_CHECKING:
    from yaml import MarkedYAMLError

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_KEY = r"""(?:"[^"]*"|'[^']*'|[^\s"'{}\[\]#&*!|>%@`][^:#]*?)\s*:\s+"""
_VALUE = re.compile(rf"\s*(?:- +)*(?:{_KEY})?(?P<value>\S.*)")
_KEY_WITHOUT_SPACE = re.compile(r"\s*(?:- +)*([A-Za-z_]+):(?=[^\s:/])(?!.*: )")
_COMMENT = re.compile(r"[ \t]+#")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_IN_BRACES = re.compile(r"""(?:[,\[{]|:\s)\s*(?P<value>[^\s"'{}\[\],&*!|>%@`#](?:(?!:\s)[^{}\[\],])*)$""")
_LIKE_A_LIST = re.compile(r"\[\s*(?![\s!$-])")  # and not like `[ -f x ]`
_LIKE_A_MAPPING = re.compile(r"\{\s*[^\s{}:,]+:(?:\s|$)")
_CLOSERS = {"{": "}", "[": "]"}
_FAR = 1000
_MOST_LINES = 100
_QUOTE_IT = "quote the value"
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{0,2}|u[0-9A-Fa-f]{0,4}|U[0-9A-Fa-f]{0,8}|.)")
_ENDS_ITEM = re.compile(r"[,\]}]")
_KEY_BEFORE = re.compile(r"(?:^|(?<=\s))[^\s,{}\[\]\"']+\s*$")  # behind which a colon stands that YAML does not want
_ITEM = re.compile(r"""[^\W]+:?(?=[\s,\]}]|$)|"[^"]*"|'[^']*'""")


class _Trouble(Struct):
    """Where YAML gave up: lines and columns count from 0; the context is what it was reading then."""

    lines: list[str]
    problem: str
    line: int
    column: int
    context: str
    context_line: int
    context_column: int
    opened: tuple[int, int] | None
    last_line: int | None  # where the last scalar in quotes began, if it ends on the line of the problem
    last_column: int

    def text(self, line: int) -> str:
        """A line, or nothing behind the end. No rule looks far into one, for some take time by its square."""
        return self.lines[line][:_FAR] if 0 <= line < len(self.lines) else ""

    @property
    def character(self) -> str:
        """The character that YAML could not take."""
        return self.text(self.line)[self.column : self.column + 1]

    @property
    def opener(self) -> str:
        """The character at which what could not be read began."""
        return self.text(self.context_line)[self.context_column : self.context_column + 1]

    @property
    def above(self) -> int:
        """The last line before the problem's that holds something."""
        line = self.line - 1
        while line > 0 and not self.text(line).strip():
            line -= 1
        return line


class Before(Struct, frozen=True):
    """What YAML had read before it gave up; lines and columns count from 0.

    `quoted`: where the last value began, and the line of its end, if it stood in quotes. `opened`: where the innermost
    bracket stands that is still open.
    """

    quoted: tuple[int, int, int] | None = None
    opened: tuple[int, int] | None = None


# line and column from 0, what, hint
_Finding = tuple[int, int, str, str]


def diagnose(error: MarkedYAMLError, text: str, shown: str, before: Before) -> Mistake:
    """The one mistake of a text that YAML cannot read."""
    trouble = _trouble(error, text, before)
    found = next((finding for rule in _RULES if (finding := rule(trouble))), None) or _as_it_is(trouble)
    line, column, what, hint = found
    return Mistake(Place(shown, line + 1, column + 1), what, hint)


def diagnose_character(text: str, shown: str) -> Mistake:
    """The mistake of a text with a character that YAML allows nowhere."""
    match = _UNREADABLE.search(text)
    if match is None:
        return Mistake(Place(shown, 1, 1), "YAML cannot read this text")
    before = _BREAK.split(text[: match.start()])
    what = f"the character U+{ord(match[0]):04X} cannot stand in a YAML file"
    return Mistake(Place(shown, len(before), len(before[-1]) + 1), what, 'in "..." it can be written as an escape')


def cut_at_comment(text: str, value: str, end: int) -> str:
    """The quote that a plain value leaves open where YAML ends it at ` #`; "" where there is no such thing.

    `end` is where the value ends in `text`.
    """
    at = _open_quote(value) if _COMMENT.match(text, end) else None
    return "" if at is None else value[at]


def _open_quote(text: str) -> int | None:
    """Where the quote stands that is open at the end, as a shell reads it."""
    opened: int | None = None
    positions = iter(range(len(text)))
    for at in positions:
        character = text[at]
        if character == "\\" and (opened is None or text[opened] != "'"):
            next(positions, None)
        elif opened is not None:
            opened = None if character == text[opened] else opened
        elif character in "'\"":
            opened = at
    return opened


def _trouble(error: MarkedYAMLError, text: str, before: Before) -> _Trouble:
    mark = error.problem_mark or error.context_mark
    begin = error.context_mark or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    last = before.quoted
    is_near = last is not None and last[2] in (line, line - 1)
    return _Trouble(
        lines=_BREAK.split(text),
        problem=error.problem or "it cannot be read",
        line=line,
        column=column,
        context=error.context or "",
        context_line=begin.line if begin else line,
        context_column=begin.column if begin else column,
        opened=before.opened,
        last_line=last[0] if last and is_near else None,
        last_column=last[1] if last and is_near else 0,
    )


def _tab(trouble: _Trouble) -> _Finding | None:
    before = trouble.text(trouble.line)[: trouble.column + 1]
    if not before.endswith("\t"):
        return None
    where = "to indent" if not before.strip() else "here"
    return trouble.line, trouble.column, f"a tab {where}, where YAML wants spaces", "replace the tabs by spaces"


def _first_character(trouble: _Trouble) -> _Finding | None:
    """A value that begins with a character that means something to YAML."""
    place, character = (trouble.line, trouble.column), trouble.character
    if character == "," and trouble.opened and "node content" in trouble.problem:
        return *place, "an empty item", 'one comma too many, or write ""'
    if "cannot start any token" not in trouble.problem and "node content" not in trouble.problem:
        if not re.search("alias|anchor|tag|block scalar|directive", trouble.context):
            return None
        place, character = (trouble.context_line, trouble.context_column), trouble.opener
    if not character.strip():
        return None
    if character in "|>" and "block scalar" in trouble.context:
        hint = f"{_QUOTE_IT} if the `{character}` belongs to it"
        return *place, f"after `{character}` the text begins on the next line", hint
    value = trouble.text(place[0])[place[1] :]
    if trouble.opened:
        value = _ENDS_ITEM.split(value, maxsplit=1)[0] or value
    return *place, f"a value cannot start with {character!r}", _quoted(value)


def _open_string(trouble: _Trouble) -> _Finding | None:
    if "quoted scalar" not in trouble.context and "double-quoted" not in trouble.context:
        return None
    if re.search("end of stream|document|escape", trouble.problem):  # an escape that is none was seen before
        what = f"the quote {trouble.opener} that opens here is never closed"
        return trouble.context_line, trouble.context_column, what, f"{_QUOTE_IT} as a whole, or write it below `|`"
    return None


def _escape(trouble: _Trouble) -> _Finding | None:
    """A backslash in double quotes that begins no escape of YAML, as those of regular expressions."""
    if "quoted scalar" not in trouble.context and "double-quoted" not in trouble.context:
        return None
    if not re.search("escape|hexa?decimal", trouble.problem):
        return None
    line = trouble.text(trouble.line)
    column = line.rfind("\\", 0, trouble.column + 1)
    match = _ESCAPE.match(line, column) if column >= 0 else None
    if match is None:
        return None
    hint = f"write `\\{match[0]}`, or put the value in '...'"
    return trouble.line, column, f'`{match[0]}` is no escape of YAML in "..."', hint


def _missing_comma(trouble: _Trouble) -> _Finding | None:
    """A value in brackets behind which the next one begins, or its key: `{from: 1 to: 3}`."""
    if "expected ','" not in trouble.problem:
        return None
    line, column = trouble.opened or (trouble.context_line, trouble.context_column)
    value, text = trouble.text(line)[column:], trouble.text(trouble.line)
    closer = _CLOSERS.get(value[:1])
    before = _KEY_BEFORE.search(text[: trouble.column]) if trouble.character == ":" else None
    start = before.start() if before else trouble.column
    match = _ITEM.match(text, start)
    if closer is None or match is None or not _is_meant(value) or not _goes_on(trouble, line, start):
        return None
    if not any(closer in trouble.text(number) for number in range(trouble.line, trouble.line + _MOST_LINES)):
        return None
    what = f"a comma is missing before `{match[0]}`"
    return trouble.line, start, what, "quote the whole value if this is a part of it"


def _goes_on(trouble: _Trouble, opened: int, start: int) -> bool:
    """Whether a place belongs to what a bracket in the line `opened` began: it is in that line or indented deeper."""
    above = trouble.text(opened)
    return trouble.line == opened or start > len(above) - len(above.lstrip())


def _open_bracket(trouble: _Trouble) -> _Finding | None:
    if "flow" not in trouble.context:
        return None
    line, column = trouble.opened or (trouble.context_line, trouble.context_column)
    value = trouble.text(line)[column:]
    closer = _CLOSERS.get(value[:1])
    if closer is None:
        return None
    if _is_meant(value):
        return line, column, f"the {value[0]!r} that opens here is not closed", f"{closer!r} is missing"
    kind = "mapping" if closer == "}" else "list"
    what = f"a value that starts with {value[0]!r} is a {kind} to YAML, and this one does not end with {closer!r}"
    return line, column, what, _quoted(value)


def _is_meant(value: str) -> bool:
    """Whether a value looks like a list or a mapping in brackets, and not like a text."""
    return bool(_LIKE_A_LIST.match(value) or _LIKE_A_MAPPING.match(value))


def _braces_inside(trouble: _Trouble) -> _Finding | None:
    """A text with braces as a value in brackets, where it ends before them: `{a: echo {x}}`."""
    if not trouble.opened or trouble.character not in _CLOSERS:
        return None
    line = trouble.text(trouble.line)
    plain = _PLAIN_IN_BRACES.search(line[: trouble.column])
    if plain is None:
        return None
    depth, end = 0, trouble.column
    while end < len(line) and (depth or line[end] not in ",}]"):
        depth += (line[end] in "{[") - (line[end] in "}]")
        end += 1
    what = f"in brackets a value ends before {trouble.character!r}"
    return trouble.line, plain.start("value"), what, _quoted(line[plain.start("value") : end])


def _special_start(trouble: _Trouble) -> _Finding | None:
    """A value that starts with braces, brackets or a quote and goes on behind them: `{a} b`, `"x" y`."""
    column, value = _value(trouble.text(trouble.line))
    if not value or value[0] not in "{[\"'" or column >= trouble.column:
        return None
    if "quoted" in trouble.context and (trouble.context_line, trouble.context_column) == (trouble.line, column):
        return None  # the mistake is inside
    if trouble.last_line is not None and trouble.last_line < trouble.line:
        return None  # the quote on this line ends a text that began further up
    inside = value[: trouble.column - column]
    closer = _CLOSERS.get(value[0], value[0])
    if "unexpected ':'" not in trouble.problem:
        if inside.count(value[0]) > inside.count(closer):
            return None  # the mistake is inside
        if set(value[len(inside) :]) <= set("}]") and _is_meant(value):
            return trouble.line, trouble.column, f"{trouble.character!r} closes nothing here", "one too many?"
    what = {"{": "is a mapping to YAML", "[": "is a list to YAML"}.get(value[0], "ends where that quote ends")
    return trouble.line, column, f"a value that starts with {value[0]!r} {what}", _quoted(value)


def _string_over_lines(trouble: _Trouble) -> _Finding | None:
    if trouble.last_line is None or trouble.last_line == trouble.line:
        return None
    first = trouble.text(trouble.last_line)[trouble.last_column :]
    what = f"the quote {first[:1]} that opens here is closed only in line {trouble.line + 1}"
    return trouble.last_line, trouble.last_column, what, "is one missing at the end of this line?"


def _cut_line(trouble: _Trouble) -> _Finding | None:
    """A value over several lines or in braces, cut at ` #` inside quotes that are no quotes to YAML."""
    opened = trouble.opened or (trouble.context_line, 0)
    for line in dict.fromkeys((trouble.above, trouble.line, opened[0])):
        column, value = _value(trouble.text(line))
        comment = _COMMENT.search(value)
        at = _open_quote(value[: comment.start()]) if comment else None
        if at is not None and value[:at].rstrip()[-1:] not in ("", ":", ",", "{", "["):
            what = "YAML takes everything from ` #` on for a comment, also between quotes inside a value"
            return line, column, what, f"{_QUOTE_IT} as a whole, or write it below `|`"
    return None


def _missing_space(trouble: _Trouble) -> _Finding | None:
    for line in (trouble.line, trouble.above):
        match = _KEY_WITHOUT_SPACE.match(trouble.text(line))
        if match:
            return line, match.start(1), f"a space is missing after `{match[1]}:`", f"write `{match[1]}: ...`"
    return None


def _colon(trouble: _Trouble) -> _Finding | None:
    """A `: ` inside a plain value, or a key indented below a key that has its value already."""
    if "mapping values" not in trouble.problem:
        return None
    line = trouble.text(trouble.line)
    column, value = _value(line)
    if (column < trouble.column and line[:column].strip(" -")) or trouble.line == 0:
        column = min(column, trouble.column)
        return trouble.line, column, "a `: ` inside a value makes a mapping of it", _quoted(value)
    start = len(line) - len(line.lstrip())
    what = f"this line is indented below line {trouble.above + 1}, which holds a value already"
    return trouble.line, start, what, "keys of one mapping begin in the same column"


def _list_start(trouble: _Trouble) -> _Finding | None:
    if "sequence entries" not in trouble.problem:
        return None
    hint = "begin the list on a line of its own, or quote the value"
    return trouble.line, trouble.column, "`- ` begins a list, which cannot stand here", hint


def _indentation(trouble: _Trouble) -> _Finding | None:
    line = trouble.text(trouble.line)
    if "block" not in trouble.context or not line.strip() or line[: trouble.column].strip():
        return None
    what = "the indentation of this line fits no line above it"
    if line.lstrip().startswith("- ") != ("sequence" in trouble.context or "collection" in trouble.context):
        what = "list items (`- `) and keys (`key:`) cannot stand in one column"
    return trouble.line, trouble.column, what, "what belongs together begins in the same column"


def _outside(trouble: _Trouble) -> _Finding | None:
    """The file's one value has ended, and more follows."""
    if "document start" not in trouble.problem:
        return None
    what = "this does not belong to what stands above it"
    return trouble.line, trouble.column, what, "all keys of the top level begin in the same column"


def _lonely(trouble: _Trouble) -> _Finding | None:
    if "could not find expected ':'" not in trouble.problem:
        return None
    column = trouble.context_column
    return trouble.context_line, column, "a key without a colon", "write `key: value`, or indent what continues a value"


def _as_it_is(trouble: _Trouble) -> _Finding:
    words = " ".join(part for part in (trouble.context, trouble.problem) if part)
    return trouble.line, trouble.column, f"YAML cannot read this: {words}", f"{_QUOTE_IT} if this is a text"


_RULES: tuple[Callable[[_Trouble], _Finding | None], ...] = (
    _tab,
    _cut_line,
    _braces_inside,
    _escape,
    _special_start,
    _first_character,
    _open_string,
    _missing_comma,
    _open_bracket,
    _string_over_lines,
    _missing_space,
    _colon,
    _list_start,
    _indentation,
    _outside,
    _lonely,
)


def _value(line: str) -> tuple[int, str]:
    """Where the value of a line begins, behind `- ` and `key: `, and the value."""
    match = _VALUE.match(line)
    return (match.start("value"), match["value"].rstrip()) if match else (len(line), "")


def _quoted(value: str) -> str:
    """The hint to quote a value, written out where it is short."""
    value = value.rstrip()
    if value.startswith("'"):
        return "write the value below `|`, or in '...' each quote of it twice"
    return f"quote it: '{value.replace(chr(39), chr(39) * 2)}'" if 0 < len(value) <= 60 else _QUOTE_IT
