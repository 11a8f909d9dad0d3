"""Puts values into a shell's text so that each arrives there as it is, or says why that cannot be.

A template is scanned once; what the scan found makes a `Quoter`, and only that ever writes a value into a command
that a shell will read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeGuard

from taskrun.model import as_run, as_signed, mark
from taskrun.shell.bodies import Body
from taskrun.shell.commands import Scanner
from taskrun.shell.cursor import SLOT, Doubt, Finished
from taskrun.shell.mistakes import QuoteError, shorten
from taskrun.shell.simple import SAFE, is_safe, single_quoted
from taskrun.shell.spots import Document, Kind, Spot
from taskrun.shell.wrapping import shell_name

_BLANKS_AROUND = "put blanks around it, or quotes"

_QUOTED_KINDS = (Kind.DOUBLE, Kind.SINGLE, Kind.EXPANDED, Kind.VERBATIM)
_GOES_ON_WITH_NAME = re.compile(r"[\w\[:]|[^\x00-\x7f]").match
_ESCAPED = re.compile(r'[$`\\"]')
_MARKS_OF_BASH = re.compile("[\x01\x7f]+")
_ESCAPED_IN_DOCUMENT = re.compile(r"[$`\\]")
_NEVER = re.compile(r"(?!)").fullmatch
_PLAIN_WORDS = re.compile(f"[{SAFE}]+(?: +[{SAFE}]+)*").fullmatch
# The words of an unclear part, as far as they hold no quotes: with a brace open, and up to where it is closed.
_OPENS = re.compile(r"(?:^|[\s;&|(])[^\s'\"`;&|<>()]*(?<!\$)\{[^\s'\"`;&|<>()}]*\Z").search
_CLOSES = re.compile(r"[^\s'\"`;&|<>(){]*\}").match
_LONGEST_WORD = 1000
_MOST_KEPT = 256
_EXPANDS_QUOTED_DOTS = ("ksh", "zsh")

_Test = Callable[[str], "re.Match[str] | None"]


class Raw(str):
    """A value that goes in as it is, at the user's own risk."""

    __slots__ = ()


Value = str | Sequence[str]


def plan_quoting(pieces: Sequence[str], shell: Sequence[str]) -> Quoter:
    """Scan a template: `pieces` are the n+1 texts around its n placeholders, `shell` the words before the command."""
    name = shell_name(shell)
    return Quoter(tuple(pieces), name, *_scan(pieces, name))


def _scan(pieces: Sequence[str], shell: str | None) -> tuple[list[Spot], list[Document]]:
    count = len(pieces) - 1
    if shell is None:
        return [Spot(kind=Kind.FOREIGN) for _ in range(count)], []
    if count == 0:
        return [], []
    scanner = Scanner(SLOT.join(piece.replace(SLOT, "?") for piece in pieces), shell)
    since = ""
    try:
        scanner.scan()
    except Finished:
        pass
    except Doubt:
        since = scanner.trouble()
    spots = [spot if spot.document < len(scanner.documents) else Spot(since=since) for spot in scanner.spots]
    places = [at for at, char in enumerate(scanner.text) if char == SLOT] if len(spots) < count else []
    for index in range(len(spots), count):
        is_redirected = pieces[index + 1].lstrip("0123456789").startswith(("<", ">"))
        in_braces = _may_expand(scanner.text, places[index])
        spots.append(Spot(before_redirect=is_redirected, in_braces=in_braces, since=since))
    return spots, scanner.documents


class Quoter:
    """A scanned template, into which values go."""

    def __init__(
        self, pieces: tuple[str, ...], shell: str | None, spots: Sequence[Spot], documents: Sequence[Document]
    ) -> None:
        self._shell = shell
        self._spots = spots
        self._pieces = pieces
        self._frame = [""] * (2 * len(pieces) - 1)
        self._frame[0::2] = pieces
        self._tests = [_test(spot, shell) for spot in spots]
        self._documents = [Body(document, shell) for document in documents if len(document.texts) > 1]
        self._replanned: dict[tuple[str | None, ...], Quoter] = {}

    def render(self, values: Sequence[Value]) -> str:
        """The text with the values in it. A str is one value, any other sequence the values of a list."""
        return self.join(self.quote(values))

    def join(self, quoted: Sequence[str]) -> str:
        """The text around what `quote` gave."""
        parts = self._frame[:]
        parts[1::2] = quoted
        return "".join(parts)

    def quote(self, values: Sequence[Value]) -> list[str]:
        """What goes in for each placeholder; raises QuoteError."""
        if Raw in map(type, values) and not all(map(_is_inert, values, self._spots)):
            return self._around_raw(values)
        quoted = [
            value if value.__class__ is str and test(value) else self._quote(index, value)
            for index, (value, test) in enumerate(zip(values, self._tests, strict=True))
        ]
        for document in self._documents:
            document.check(quoted)
        return quoted

    def takes_as_they_are(self, columns: Sequence[Sequence[Value]]) -> TypeGuard[Sequence[Sequence[str]]]:
        """Whether each value goes in as it is; `columns` holds those of each placeholder."""
        return not self._documents and all(
            all(value.__class__ is str and test(value) for value in column)
            for column, test in zip(columns, self._tests, strict=True)
        )

    def _around_raw(self, values: Sequence[Value]) -> list[str]:
        """Raw text is text of the command like any other: it decides how what follows it is quoted."""
        raws = tuple(as_run(value, 1) if isinstance(value, Raw) else None for value in values)
        inner = self._replanned.get(raws)
        if inner is None:
            if len(self._replanned) >= _MOST_KEPT:
                self._replanned.clear()
            inner = self._replanned[raws] = plan_quoting(_merge(self._pieces, raws), (self._shell or "",))
        others = [index for index, raw in enumerate(raws) if raw is None]
        quoted = [value if isinstance(value, Raw) else "" for value in values]
        try:
            for index, text in zip(others, inner.quote([values[index] for index in others]), strict=True):
                quoted[index] = text
        except QuoteError as error:
            raise QuoteError(others[error.slot], error.what, error.hint) from None
        return quoted

    def _quote(self, index: int, value: Value) -> str:
        if isinstance(value, Raw):
            return value
        spot = self._spots[index]
        if not isinstance(value, str):
            return self._list(index, spot, value)
        if SLOT in value:
            return self._marked(index, value)
        if self._tests[index](value):
            return value
        edge = "." if spot.meets_dot else ""
        if spot.in_braces and self._shell in _EXPANDS_QUOTED_DOTS and ".." in edge + value + edge:
            raise QuoteError(index, f"{shorten(value)} stands in braces, where {self._shell} expands quoted dots, too")
        return _quote_for(index, spot, value)

    def _list(self, index: int, spot: Spot, items: Sequence[str]) -> str:
        if spot.kind in _QUOTED_KINDS:
            return self._quote(index, " ".join(items))
        if len(items) != 1 and (spot.glued or spot.role == "target"):
            count = f"{len(items)} values" if items else "no value"
            where = "stands behind a redirection" if spot.role == "target" and not spot.glued else "is glued to a word"
            raise QuoteError(index, f"it holds {count} and {where}, where exactly one must be", _BLANKS_AROUND)
        return " ".join([self._quote(index, item) for item in items])

    def _marked(self, index: int, value: str) -> str:
        """A value whose signature is written in another way than what runs (see `model.mark`)."""
        runs = as_run(value, 1)
        if as_run(value, 2) != runs:  # the number of the attempt, not known yet: digits
            quoted = self._quote(index, runs)
            return quoted.replace(runs, value) if quoted in (runs, f"'{runs}'") else _refuse(index, runs)
        return mark(self._quote(index, as_signed(value)), self._quote(index, runs))


def _refuse(index: int, value: str) -> str:
    raise QuoteError(index, f"{shorten(value)} cannot be quoted where it stands")


def _is_inert(value: Value, spot: Spot) -> bool:
    """Whether a value cannot change how the text behind it is read: raw text may, any other not."""
    if not isinstance(value, Raw) or is_safe(value):
        return True
    return (not spot.glued or spot.kind in _QUOTED_KINDS) and _PLAIN_WORDS(value) is not None


def _may_expand(text: str, at: int) -> bool:
    """Whether a place in an unclear part looks like one in an unquoted brace expansion."""
    return _OPENS(text[max(0, at - _LONGEST_WORD) : at]) is not None and _CLOSES(text, at + 1) is not None


def _merge(pieces: Sequence[str], raws: Sequence[str | None]) -> list[str]:
    merged = [pieces[0]]
    for raw, piece in zip(raws, pieces[1:], strict=True):
        if raw is None:
            merged.append(piece)
        else:
            merged[-1] += raw + piece
    return merged


def _test(spot: Spot, shell: str | None) -> _Test:
    """Which values go in as they are."""
    if spot.kind is Kind.UNCLEAR and (spot.before_redirect or spot.in_braces):
        number = "(?![0-9]+$)" if spot.before_redirect else ""
        several = r"(?!.*,)(?!.*\.\.)" if spot.in_braces else ""
        return re.compile(f"{number}{several}[{SAFE}]+").fullmatch
    if spot.kind is not Kind.BARE:
        return is_safe
    if spot.before_redirect and spot.after != "\\":
        return _NEVER
    pattern = f"[{SAFE}]+"
    if spot.before_paren:
        pattern = rf"{pattern}(?<![@+=])"
    if spot.role == "pattern":
        pattern = f"(?!esac$){pattern}"
    if spot.in_braces:
        pattern = rf"(?!.*,)(?!.*\.\.){pattern}"
        if spot.meets_dot:
            pattern = rf"(?!\.){pattern}(?<!\.)"
    if shell == "zsh":
        pattern = f"(?!=|.*:=){pattern}"  # zsh takes =ls for the path of ls
    if shell == "ksh" and spot.role == "element":
        pattern = f"(?!.*=){pattern}"  # ksh takes a=(b=c) for a structure
    if shell == "ksh":
        pattern = f"(?!.*(?:case|esac)){pattern}"  # ksh takes any such word inside $(...) for the keyword
    return is_safe if pattern == f"[{SAFE}]+" else re.compile(pattern).fullmatch


def _quote_for(index: int, spot: Spot, value: str) -> str:
    """A value that does not go in as it is, for where it stands."""
    if spot.after in ("\\", "$") and not _stands_alone(spot, value):
        what = "a backslash" if spot.after == "\\" else "a dollar sign"
        raise QuoteError(index, f"{shorten(value)} needs quoting, which {what} right before it prevents")
    if spot.kind is Kind.BARE:
        return _unbroken(single_quoted(value)) if spot.joins_lines else single_quoted(value)
    if spot.kind is Kind.SINGLE:
        inner = value.replace("'", "'\\''")
        return _unbroken(inner) if spot.joins_lines else inner
    if spot.kind is Kind.DOUBLE:
        # The empty pair of quotes ends the name of a parameter right before it. Two characters that bash marks its own
        # text with come doubled out of double quotes in an array, but not out of single quotes.
        inner = _MARKS_OF_BASH.sub("\"'\\g<0>'\"", _ESCAPED.sub(r"\\\g<0>", value))
        return f'""{inner}' if spot.after == "x" else inner
    if spot.kind is Kind.VERBATIM:
        return value
    if spot.kind is Kind.EXPANDED:
        if spot.after == "x" and (not value or _GOES_ON_WITH_NAME(value)):
            raise QuoteError(index, f"{shorten(value)} would become part of the name of the variable right before it")
        return _ESCAPED_IN_DOCUMENT.sub(r"\\\g<0>", value)
    what = shorten(value) if value else "an empty value"
    raise QuoteError(index, f"{what} needs quoting, but stands in {spot.kind.value}{spot.since}")


def _unbroken(text: str) -> str:
    """Single-quoted text for where a backslash takes a newline with it even so."""
    text = text.replace("\\\n", "'\\\\'\n")
    return text[:-1] + "'\\\\'" if text.endswith("\\") else text


def _stands_alone(spot: Spot, value: str) -> bool:
    """Whether a backslash before the value stays what it is: inside double quotes it only quotes a few characters."""
    if spot.kind is Kind.VERBATIM or spot.kind is Kind.SINGLE:
        return True
    quotes_next = '$`\\"\n' if spot.kind is Kind.DOUBLE else "$`\\\n"
    return spot.after == "\\" and spot.kind in _QUOTED_KINDS and value[:1] not in ("", *quotes_next)
