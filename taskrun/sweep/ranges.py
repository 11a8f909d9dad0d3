"""Ranges of numbers as exact decimal texts: by a step, by a count, by a factor.

No binary fraction is ever made here, and how many values there will be is known before the first one is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import log, log1p
from typing import overload

from msgspec import Struct

from taskrun.sweep.limits import MOST_VALUES

_NUMBER = re.compile(r"([+-]?)([0-9]+(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)
_WIDEST = 300  # digits, and the largest power of ten: enough for any measure, small enough to compute with
_SHOWN = Context(prec=12, rounding=ROUND_HALF_EVEN, Emin=-99999, Emax=99999)
_GROWTH = Context(prec=60, rounding=ROUND_HALF_EVEN, Emin=-99999, Emax=99999)


class ValuesError(ValueError):
    """Values that cannot be made: `what` is wrong and a `hint`, possibly empty."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what}; {hint}" if hint else what)


class Number(Struct, frozen=True):
    """A decimal number, with as many `decimals` as its text has."""

    text: str
    exact: Fraction
    decimals: int


class Made(Sequence[str]):
    """So many values, each made when it is asked for: a study that is too large is refused before that."""

    def __init__(self, count: int, make: Callable[[int], str]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return map(self._make, range(self._count))

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(self._count)[index]]
        return self._make(range(self._count)[index])


class Range(Struct, frozen=True):
    """The values of a range, and what is strange about them (empty where nothing is)."""

    values: Sequence[str]
    oddity: str = ""


def number(text: str) -> Number:
    """Read a decimal or exponent text; anything else (nan, inf, fractions, underscores) is refused."""
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValuesError(f"{text!r} is not a number")
    power = int(found[5] or 0)
    if len(text) > _WIDEST or abs(power) > _WIDEST:
        raise ValuesError(f"{text!r} is too long or too large a number")
    return Number(text, Fraction(text), max(0, len(found[3] or found[4] or "") - power))


def stepped(start: Number, stop: Number, step: Number) -> Range:
    """`start`, `start + step`, ... up to and including `stop`."""
    away = stop.exact - start.exact
    if not step.exact:
        raise ValuesError("`step` is 0")
    if away * step.exact < 0:
        other = step.text[1:] if step.text.startswith("-") else "-" + step.text.lstrip("+")
        raise ValuesError(f"steps of {step.text} from {start.text} never come to {stop.text}", f"`step: {other}`?")
    count = int(away // step.exact) + 1
    check_count(count)
    decimals = max(start.decimals, step.decimals)
    first, each = (int(one.exact * 10**decimals) for one in (start, step))
    values = Made(count, lambda i: _fixed(first + i * each, decimals))
    missed = (count - 1) * step.exact != away
    return Range(values, f"`to` ({stop.text}) is not hit, the last value is {values[-1]}" if missed else "")


def counted(start: Number, stop: Number, count: Number) -> Range:
    """As many values as `count` says, evenly spaced from `start` to `stop`, with at most 12 significant digits."""
    if count.exact.denominator != 1 or count.exact < 1:
        raise ValuesError(f"`count` must be a whole number of 1 or more, not {count.text}")
    total = int(count.exact)
    check_count(total)
    if total == 1 and start.exact != stop.exact:
        raise ValuesError("`count: 1` cannot hold both `from` and `to`", "give a single value, or a larger `count`")
    gaps = max(total - 1, 1)
    scale = start.exact.denominator * stop.exact.denominator
    first, last = int(start.exact * scale), int(stop.exact * scale)
    values = Made(total, lambda i: _significant(first * gaps + i * (last - first), scale * gaps))
    largest = max(abs(start.exact), abs(stop.exact))
    are_apart = abs(stop.exact - start.exact) / gaps > largest / 10**11  # further than two values can be rounded
    return _rounded(start, stop, values if are_apart else tuple(dict.fromkeys(values)), total)


def growing(start: Number, stop: Number, times: Number) -> Range:
    """`start`, `start * times`, ... up to and including `stop`, with at most 12 significant digits."""
    if start.exact * stop.exact <= 0:
        raise ValuesError("`times` needs `from` and `to` above 0, or both below", "or `step`, or `count`")
    if start.exact == stop.exact:
        return Range((_significant(start.exact.numerator, start.exact.denominator),))
    ratio = stop.exact / start.exact
    if times.exact <= 0 or (times.exact - 1) * (ratio - 1) <= 0:
        raise ValuesError(
            f"{start.text} times {times.text}, over and over, never comes to {stop.text}",
            "a `times` above 1 leads away from 0, one between 0 and 1 towards it",
        )
    check_count(int(_log(ratio) / _log(times.exact)) + 1)
    end = _decimal(stop.exact, _SHOWN)
    factor, at = _decimal(times.exact, _GROWTH), _decimal(start.exact, _GROWTH)
    values: dict[str, None] = {}
    last, steps = at, 0
    while (abs(_SHOWN.plus(at)) - abs(end)) * (1 if abs(ratio) > 1 else -1) <= 0:
        values[_text(_SHOWN.plus(at))] = None
        last, at, steps = at, _GROWTH.multiply(at, factor), steps + 1
    found = _rounded(start, stop, tuple(values), steps)
    if not found.oddity and _SHOWN.plus(last) != end:
        return Range(found.values, f"`to` ({stop.text}) is not hit, the last value is {found.values[-1]}")
    return found


def check_count(count: int) -> None:
    """Refuse more values than anybody can run, before they take memory."""
    if count > MOST_VALUES:
        shown = f"{count:,}" if count < 10**15 else f"more than {10**15:,}"
        raise ValuesError(f"that makes {shown} values, {MOST_VALUES:,} at most")


def _rounded(start: Number, stop: Number, values: Sequence[str], total: int) -> Range:
    if len(values) < total:
        return Range(values, f"with 12 significant digits only {len(values):,} of {total:,} values differ")
    for end in (start, stop):
        if Fraction(_decimal(end.exact, _SHOWN)) != end.exact:
            return Range(values, f"{end.text} is rounded to 12 significant digits")
    return Range(values)


def _log(value: Fraction) -> float:
    """Of any size: a float could not hold all of them, nor tell one just above 1 from 1."""
    if 0.5 < value < 2:
        return log1p(value - 1)
    return log(value.numerator) - log(value.denominator)


def _decimal(value: Fraction, context: Context) -> Decimal:
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))


def _significant(numerator: int, denominator: int) -> str:
    return _text(_SHOWN.divide(Decimal(numerator), Decimal(denominator)))


def _text(value: Decimal) -> str:
    """Without an exponent from 1e-7 up to below 1e21, as most languages print numbers."""
    if not value:
        return "0"
    short = value.normalize(_SHOWN)
    return f"{short:f}" if -7 <= short.adjusted() < 21 else f"{short:e}"


def _fixed(units: int, decimals: int) -> str:
    if not decimals:
        return str(units)
    whole, rest = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{decimals}d}"
