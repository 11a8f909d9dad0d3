"""How the tasks of a step are to be run: the keys that need a number, read task by task."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from taskrun.model import TRAITS, Traits
from taskrun.quantity import parse_number
from taskrun.sweep.cells import RowMistake, at
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.schema import Kind, StepKeys
from taskrun.sweep.shapes import shapes_of
from taskrun.sweep.texts import Text

_TEXTS = frozenset({Kind.TEXT, Kind.BLANK, Kind.FILLED, Kind.WORDS})


def check_values(expansion: Expansion) -> None:
    """Judge the values of keys that are no texts, now that placeholders are filled in (those in `cores` before)."""
    for key in expansion.plan.texts:
        if key != "cores":
            _check_key(expansion, key)


def _check_key(expansion: Expansion, key: str) -> None:
    kind = shapes_of(StepKeys)[key].leaf
    for item in expansion.plan.items(key):
        if kind is not None and kind not in _TEXTS:
            _check(expansion, item.text, kind)


def _check(expansion: Expansion, text: Text, kind: Kind) -> None:
    values = expansion.fill(text)
    for value in dict.fromkeys(values):
        wrong = wrong_with(f"`{text.key}`", kind, value, is_final=True)
        if wrong:
            with at(text.place):
                raise RowMistake(values.index(value) if text.references else None, wrong)


def find_cores(expansion: Expansion) -> Sequence[Fraction]:
    """The cores that each task asks for."""
    _check_key(expansion, "cores")
    return _read(expansion, "cores", Fraction(1))


def find_traits(expansion: Expansion) -> Sequence[Traits]:
    """The traits of each task, equal ones one object; `cores` are known already."""
    priorities = _read(expansion, "priority", Fraction(0))
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


def _read(expansion: Expansion, key: str, default: Fraction) -> Sequence[Fraction]:
    """The numbers under `key`, equal texts one object."""
    items = expansion.plan.items(key)
    if not items:
        return [default] * len(expansion)
    known: dict[str, Fraction] = {}
    texts = expansion.fill(items[0].text)
    for text in dict.fromkeys(texts):
        known[text] = parse_number(text)
    return [known[text] for text in texts]
