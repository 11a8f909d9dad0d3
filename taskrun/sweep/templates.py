"""What a text of a sweep file is made of: literal pieces and placeholders.

Only the shape is read here; what a placeholder means is decided in `references`.
"""

from __future__ import annotations

import re
from collections.abc import Container

from msgspec import Struct

from taskrun.sweep.formats import is_format

FORMS = ("raw", "file")
PATH_ATTRIBUTES = ("name", "stem", "suffix", "parent")

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_BRACES = re.compile(
    rf"(?P<dollar>\$?)(?P<left>\{{+)(?P<name>{_IDENTIFIER}(?:\.{_IDENTIFIER})*)(?P<form>:[^{{}}]*)?(?P<right>\}}+)"
)


class Placeholder(Struct, frozen=True):
    """`{base.attribute.attribute:form}`; `form` is None where there is no colon, `written` has single braces."""

    base: str
    attributes: tuple[str, ...]
    form: str | None
    written: str

    @property
    def escape(self) -> str:
        """How the same characters are written where they are meant as text."""
        return "{" + self.written + "}"


class Template(Struct, frozen=True):
    """`pieces` are literal, one more than there are `slots` between them. `halved` are the `{{word}}` of the text."""

    text: str
    pieces: tuple[str, ...]
    slots: tuple[Placeholder, ...] = ()
    halved: tuple[str, ...] = ()

    @property
    def only(self) -> Placeholder | None:
        """The placeholder that this text consists of, or None where there is more to it."""
        return self.slots[0] if self.pieces == ("", "") else None


def parse_template(text: str, known: Container[str]) -> Template:
    """Split `text`; `known` are the names of the study, which alone may stand before a form that is none."""
    if "{" not in text:
        return Template(text, (text,))
    pieces: list[str] = []
    slots: list[Placeholder] = []
    halved: list[str] = []
    literal = ""
    end = 0
    for match in _BRACES.finditer(text):
        literal += text[end : match.start()]
        end = match.end()
        if not _is_placeholder(match, known):
            literal += match[0]
            continue
        before, after, is_value = _halve(match)
        inner = match["name"] + (match["form"] or "")
        if is_value:
            pieces.append(literal + before)
            slots.append(_placeholder(match, inner))
            literal = after
        else:
            literal += before + inner + after
            if before == "{":
                halved.append("{{" + inner + "}}")
    pieces.append(literal + text[end:])
    return Template(text, tuple(pieces), tuple(slots), tuple(halved))


def _is_placeholder(match: re.Match[str], known: Container[str]) -> bool:
    if match["dollar"]:
        return False
    base, *attributes = match["name"].split(".")
    if base in known:
        return True
    form = match["form"]
    return len(attributes) <= 2 and (form is None or form[1:] in FORMS or is_format(form[1:]))


def _halve(match: re.Match[str]) -> tuple[str, str, bool]:
    """What stays of the braces on either side, and whether the value goes between them."""
    left, right = len(match["left"]), len(match["right"])
    pairs = min(left, right)
    kept = pairs // 2
    return "{" * (left - pairs + kept), "}" * (right - pairs + kept), pairs % 2 == 1


def _placeholder(match: re.Match[str], inner: str) -> Placeholder:
    base, *attributes = match["name"].split(".")
    form = match["form"]
    return Placeholder(base, tuple(attributes), None if form is None else form[1:], "{" + inner + "}")
