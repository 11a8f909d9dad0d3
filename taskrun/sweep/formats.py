"""Format specs: how a value of a sweep is written out anew, in exact decimal arithmetic.

A value is a number here where its text is one; every refusal is a ValueError whose text is a piece of a sentence.
"""

from __future__ import annotations

import re
from decimal import Decimal

# Python's mini-language without `n` (it depends on the locale) and without braces; a width of more than 4 digits is
# no format but a slip that would fill the memory.
_SPEC = (
    r"(?s)(?:(?P<fill>[^{}])?(?P<align>[<>=^]))?(?P<sign>[-+ ])?z?(?P<alternate>\#)?(?P<zero>0)?(?P<width>[0-9]{0,4})"
    r"(?P<group>[,_])?(?P<precision>\.[0-9]{1,4})?(?P<type>[bcdeEfFgGosxX%])?"
)
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_WHOLE_TYPES = frozenset("bcdoxX")
_STAND_IN = "\0"
_MOST_DIGITS = 10_000


def is_format(text: str) -> bool:
    """Whether `text` can stand after the colon of a placeholder as a format spec."""
    return bool(text) and re.fullmatch(_SPEC, text) is not None


def format_value(value: str, spec: str) -> str:
    """`value` written as `spec` says: `("7", "03d")` gives `007`."""
    kind = spec[-1]
    if kind == "s" or re.fullmatch(_NUMBER, value) is None:
        return _format_text(value, spec)
    number = Decimal(value)
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{value} is too large or too small a number for a format")
    if kind in _WHOLE_TYPES or ({*"#_"} <= {*spec} and number == number.to_integral_value()):  # no Decimal knows both
        return _format_whole(value, number, spec)
    try:
        return _format_decimal(number, spec)
    except ValueError:
        raise ValueError(f"{spec!r} is no format of the number {value}") from None


def _format_decimal(number: Decimal, spec: str) -> str:
    """As Python does, but plain digits where no type letter and no precision asks for others, and grouped by `_` too.

    A Decimal knows the comma alone: one that fills has to be told from those that group.
    """
    match = re.fullmatch(_SPEC, spec)
    assert match is not None, "no other reaches this"
    if match["type"] is None and match["precision"] is None:
        spec += "f"
    if match["group"] != "_":
        return format(number, spec)
    fill = match["fill"] or ""
    spec = _STAND_IN * len(fill) + spec[len(fill) :].replace("_", ",")
    return format(number, spec).replace(",", "_").replace(_STAND_IN, fill)


def _format_whole(value: str, number: Decimal, spec: str) -> str:
    if number != number.to_integral_value():
        raise ValueError(f"{spec!r} needs a whole number, and {value} is none")
    try:
        return format(int(number), spec)
    except (ValueError, OverflowError):
        raise ValueError(f"{spec!r} is no format of the number {value}") from None


def _format_text(value: str, spec: str) -> str:
    try:
        return format(value, spec)
    except ValueError:
        raise ValueError(f"{spec!r} is no format of the text {value!r}") from None
