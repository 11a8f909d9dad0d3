"""How the tasks of a step are to be run: the keys that need a number, read task by task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar

from taskrun.model import TRAITS, Traits
from taskrun.quantity import parse_number
from taskrun.sweep.cells import RowMistake, at
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.texts import Text

_Read = TypeVar("_Read")


def find_cores(expansion: Expansion) -> Sequence[Fraction]:
    """The cores that each task asks for."""
    return _read(expansion, "cores", _cores, Fraction(1))


def find_traits(expansion: Expansion) -> Sequence[Traits]:
    """The traits of each task, equal ones one object; `cores` are known already."""
    priorities = _read(expansion, "priority", parse_number, Fraction(0))
    known: dict[tuple[int, int], Traits] = {}  # by identity: equal texts were read once, and fractions hash slowly
    result = []
    for cores, priority in zip(expansion.cores, priorities, strict=True):
        key = id(cores), id(priority)
        found = known.get(key)
        if found is None:
            found = known[key] = _traits(cores, priority)
        result.append(found)
    return result


def _traits(cores: Fraction, priority: Fraction) -> Traits:
    made = Traits((("cores", cores),), priority)
    return TRAITS if made == TRAITS else made


def _cores(text: str) -> Fraction:
    cores = parse_number(text)
    if cores < 0:
        raise ValueError(f"{text} is less than nothing")
    return cores


def _read(expansion: Expansion, key: str, parse: Callable[[str], Fraction], default: Fraction) -> Sequence[Fraction]:
    items = expansion.plan.items(key)
    if not items:
        return [default] * len(expansion)
    return _parsed(expansion, items[0].text, parse)


def _parsed(expansion: Expansion, text: Text, parse: Callable[[str], _Read]) -> list[_Read]:
    known: dict[str, _Read] = {}
    result = []
    with at(text.place):
        for row, each in enumerate(expansion.fill(text)):
            if each not in known:
                try:
                    known[each] = parse(each)
                except ValueError as error:
                    raise RowMistake(row, f"`{text.key}`: {error}") from None
            result.append(known[each])
    return result
