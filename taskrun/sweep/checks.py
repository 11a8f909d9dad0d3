"""What is wrong with the text of a value.

The same words are said of a file (where no placeholder stands in the text) and of a task (once they are filled in).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from taskrun.pools import OF_THE_MACHINE
from taskrun.quantity import parse_boolean, parse_duration, parse_memory, parse_number
from taskrun.sweep.schema import RESERVED, Kind

IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_PLACEHOLDER = re.compile(r"(?<!\$)\{[A-Za-z_]")
_HAS_NO_PLACEHOLDERS = frozenset({Kind.IDENTIFIER, Kind.NAME, Kind.OUTCOME, Kind.POOL, Kind.TOKEN, Kind.TOTAL})


def has_placeholder(text: str) -> bool:
    """Whether something in it may be filled in per task."""
    return _PLACEHOLDER.search(text) is not None


def wrong_with(what: str, kind: Kind, text: str, *, is_final: bool = False) -> str | None:
    """The sentence that says what is wrong with a text of that kind, or None. `what` names the key.

    A text with placeholders is judged only where it `is_final`.
    """
    if kind in (Kind.FILLED, Kind.WORDS) and not text.strip():
        return f"{what} is empty"
    check = _CHECKS.get(kind)
    if check is None or (not is_final and kind not in _HAS_NO_PLACEHOLDERS and has_placeholder(text)):
        return None
    try:
        wrong = check(text)
    except ValueError as error:
        wrong = str(error)
    return f"{what}: {wrong}" if wrong else None


def shown(text: str) -> str:
    """A text in a message: quoted, and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def split_words(text: str) -> tuple[str, ...]:
    """The words of a text, as a shell tells them apart; raises ValueError for a quote that is never closed."""
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"{shown(text)} is no list of words: {str(error).lower()}") from None


def _words(text: str) -> str | None:
    split_words(text)
    return None


def _variable(text: str) -> str | None:
    if text and "=" not in text:
        return None
    return f"{shown(text)} is no name of a variable"


def _pool(text: str) -> str | None:
    return None if text and not re.search(r"[\s=,{]", text) else f"{shown(text)} is no name of a pool"


def _token(text: str) -> str | None:
    if text in OF_THE_MACHINE:
        return f"{text!r} is no token but a key of the step; write `{text}: ...` beside `tokens`"
    return _pool(text)


def _identifier(text: str) -> str | None:
    if IDENTIFIER.fullmatch(text):
        return None
    if "{" in text:
        return f"{shown(text)} is not a name; placeholders cannot stand here"
    return f"{shown(text)} is not a name; names are letters, digits and _, and do not begin with a digit"


def _name(text: str) -> str | None:
    return f"{text!r} is a reserved name" if text in RESERVED else _identifier(text)


def _amount(text: str) -> str | None:
    return f"{text} is negative" if parse_number(text) < 0 else None


def _gpus(text: str) -> str | None:
    number = parse_number(text)
    if number > 1 and number.denominator != 1:
        return f"{text} is neither a whole number nor a share of one gpu"
    return _amount(text)


def _number(text: str) -> str | None:
    parse_number(text)
    return None


def _size(text: str) -> str | None:
    parse_memory(text)
    return None


def _timeout(text: str) -> str | None:
    return None if parse_duration(text) else f"{text!r} is no time at all; leave the key out for no limit"


def _delay(text: str) -> str | None:
    """`30s`, or `30s x2`."""
    delay, times, factor = text.partition(" x")
    parse_duration(delay.rstrip(" ") if times else delay)
    if not times:
        return None
    try:
        is_below = parse_number(factor) < 1
    except ValueError as error:
        raise ValueError(f"{text!r}: {error} behind its x; write it as in `30s x2`") from None
    return f"x{factor} is below x1; waits grow from retry to retry, as in `30s x2`" if is_below else None


def _whole(lowest: int, highest: int | None = None) -> Callable[[str], str | None]:
    bounds = f"of {lowest} or more" if highest is None else f"from {lowest} to {highest}"

    def check(text: str) -> str | None:
        number = parse_number(text)
        is_within = number.denominator == 1 and number >= lowest and (highest is None or number <= highest)
        return None if is_within else f"{text} is not a whole number {bounds}"

    return check


def _flag(text: str) -> str | None:
    parse_boolean(text)
    return None


def _temp(text: str) -> str | None:
    try:
        return None if text == "delete" else _flag(text)
    except ValueError:
        return f"{shown(text)} is none of true, false and delete"


def _one_of(*words: str) -> Callable[[str], str | None]:
    def check(text: str) -> str | None:
        return None if text in words else f"{shown(text)} is not {' or '.join(words)}"

    return check


_CHECKS: dict[Kind, Callable[[str], str | None]] = {
    Kind.WORDS: _words,
    Kind.IDENTIFIER: _identifier,
    Kind.NAME: _name,
    Kind.NUMBER: _number,
    Kind.AMOUNT: _amount,
    Kind.GPUS: _gpus,
    Kind.SIZE: _size,
    Kind.TIMEOUT: _timeout,
    Kind.DELAY: _delay,
    Kind.COUNT: _whole(0),
    Kind.NICE: _whole(-20, 19),
    Kind.EXIT_CODE: _whole(0, 255),
    Kind.FLAG: _flag,
    Kind.TEMP: _temp,
    Kind.CHECK: _one_of("stat", "hash", "exists", "mtime"),
    Kind.OUTCOME: lambda text: None if text == "any" else f"only `any` can stand there, not {shown(text)}",
    Kind.VARIABLE: _variable,
    Kind.POOL: _pool,
    Kind.TOKEN: _token,
}
