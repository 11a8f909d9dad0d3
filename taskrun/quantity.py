"""Numbers, sizes, durations and booleans, read from the text that the user wrote and written for people to read.

A value keeps its source text until a key needs a quantity; only here is that text taken for a number. What is wrong
raises a ValueError whose str fits behind "`key`: ".
"""

from __future__ import annotations

import re
from fractions import Fraction

_DECIMAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
# Texts, compiled by `re` when one is first needed: to compile them all at every start would take longer than reading.
_NUMBER = rf"([+-]?{_DECIMAL})(?:[eE]([+-]?[0-9]+))?"
_SIZE = rf"({_DECIMAL}) ?(?:([kKmMgGtTpP])(?:i?[bB])?|[bB])?"
_DURATION = rf"(?:{_DECIMAL} ?(?:ms|[smhdw]) ?)+"
_DURATION_PART = rf"({_DECIMAL}) ?(ms|[smhdw])"

_SIZE_UNITS = "kmgtp"
_SECONDS = {
    "w": Fraction(604800),
    "d": Fraction(86400),
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
}
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}

# An exponent beyond any measure is a slip of the finger, and as an exact number it would eat the memory.
_LARGEST_EXPONENT = 400
_LARGEST = 10**100  # nor is there anything so large, and a float has to hold it
_LONGEST = 1000
_LEAST_MEMORY = 1024**2  # bytes


def parse_number(text: str) -> Fraction:
    """A decimal number, with an exponent if need be, exactly as written."""
    match = re.fullmatch(_NUMBER, text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{_short(text)} is not a number")
    exponent = match[2] or "0"
    if len(exponent) > 5 or abs(int(exponent)) > _LARGEST_EXPONENT:
        raise ValueError(f"{_short(text)} is out of range")
    return _measurable(Fraction(match[1]) * Fraction(10) ** int(exponent), text)


def parse_size(text: str) -> int:
    """A number of bytes: `512M`, `2G`, `1.5G` (powers of 1024), or a bare number of bytes."""
    match = re.fullmatch(_SIZE, text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{_short(text)} is not a size; write it as 512M or 2G")
    power = _SIZE_UNITS.index(match[2].lower()) + 1 if match[2] else 0
    return int(_measurable(Fraction(match[1]) * 1024**power, text))


def parse_memory(text: str) -> int:
    """A size of memory: as `parse_size`, but so few bytes without a unit are one that was forgotten."""
    size = parse_size(text)
    if 0 < size < _LEAST_MEMORY and not text[-1].isalpha():
        short, few = text[:20], "and so few bytes are no memory"
        raise ValueError(f"{_short(text)} has no unit, {few}; write it as {short}M or {short}G")
    return size


def parse_duration(text: str) -> Fraction:
    """Seconds of a duration with units: `90s`, `2h`, `1d12h`, `500ms`; larger units first."""
    if re.fullmatch(_NUMBER, text):
        raise ValueError(f"{_short(text)} has no unit; write it as {text.lstrip('+-')[:20]}s or 2h")
    if len(text) > _LONGEST or not re.fullmatch(_DURATION, text) or text.endswith(" "):
        raise ValueError(f"{_short(text)} is not a duration; write it as 90s, 2h or 1d12h")
    parts = re.findall(_DURATION_PART, text)
    ranks = [list(_SECONDS).index(unit) for _, unit in parts]
    if ranks != sorted(set(ranks)):
        raise ValueError(f"{_short(text)} is not a duration; larger units stand first, as in 1d12h")
    return _measurable(sum((Fraction(amount) * _SECONDS[unit] for amount, unit in parts), Fraction(0)), text)


def parse_boolean(text: str) -> bool:
    """`true`, `yes`, `false` or `no`, also with a capital or in capitals."""
    value = _BOOLEANS.get(text.lower()) if text in (text.lower(), text.upper(), text.capitalize()) else None
    if value is None:
        raise ValueError(f"{_short(text)} is neither true nor false (nor yes nor no)")
    return value


def show_seconds(seconds: float) -> str:
    """Two figures of a time: `0.3s`, `12s`, `3m05s`, `2h10m`, `1d04h`."""
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = round(seconds / 3600)
    return f"{hours // 24}d{hours % 24:02d}h"


def show_duration(seconds: float) -> str:
    """A time as it is written in a sweep file: `90s`, `2h`, `1m30.5s`, `500ms`."""
    left = Fraction(seconds).limit_denominator(1000)
    for unit in ("w", "d", "h", "m"):
        if left and left % _SECONDS[unit] == 0:
            return f"{left // _SECONDS[unit]}{unit}"
    return f"{show_number(left)}s" if left >= 1 else f"{show_number(left * 1000)}ms"


def show_roughly(seconds: float) -> str:
    """A time that nobody knows exactly: `8s`, `12m`, `2h10m`, `1d04h`."""
    if seconds < 59.5:
        return f"{max(round(seconds), 1)}s"
    if seconds < 59.5 * 60:
        return f"{round(seconds / 60)}m"
    return show_seconds(max(seconds, 3600.0))


def show_size(size: int) -> str:
    """Bytes in the largest unit that fits, with at most one decimal: `900B`, `1.5G`, `512M`."""
    if size < 1024:
        return f"{size}B"
    power = next((power for power in range(1, len(_SIZE_UNITS)) if size < 1023.95 * 1024**power), len(_SIZE_UNITS))
    return f"{size / 1024**power:.1f}".removesuffix(".0") + _SIZE_UNITS[power - 1].upper()


def show_number(number: Fraction) -> str:
    """The number with at most three decimals and no trailing zeros: `4`, `0.5`, `0.333`."""
    if number.denominator == 1:
        return str(number.numerator)
    return f"{float(number):.3f}".rstrip("0").rstrip(".")


def _measurable(number: Fraction, text: str) -> Fraction:
    if abs(number) > _LARGEST:
        raise ValueError(f"{_short(text)} is out of range")
    return number


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
