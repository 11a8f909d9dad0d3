"""How the tasks of a step are to be run: the keys that need a number, read task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from taskrun.model import TRAITS, Check, Temp, Traits
from taskrun.quantity import parse_boolean, parse_number
from taskrun.sweep.cells import RowMistake, at
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.schema import Kind, StepKeys
from taskrun.sweep.shapes import shapes_of
from taskrun.sweep.texts import Text

COSMETIC = ("priority", "check", "always", "temp", "keep")  # no part of the signature, and no text of the command
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
    items = expansion.plan.items("cores")
    if not items:
        return [Fraction(1)] * len(expansion)
    texts = expansion.fill(items[0].text)
    known = {text: parse_number(text) for text in dict.fromkeys(texts)}
    return [known[text] for text in texts]


def find_traits(expansion: Expansion) -> Sequence[Traits]:
    """The traits of each task, equal ones one object; `cores` are known already."""
    keys = [key for key in COSMETIC if expansion.plan.items(key)]
    columns = [expansion.fill(expansion.plan.items(key)[0].text) for key in keys]
    known: dict[tuple[int | str, ...], Traits] = {}  # cores by identity: fractions hash slowly
    result = []
    for cores, *texts in zip(expansion.cores, *columns, strict=True):
        key = (id(cores), *texts)
        found = known.get(key)
        if found is None:
            found = known[key] = read_traits(cores, dict(zip(keys, texts, strict=True)))
        result.append(found)
    return result


def read_traits(cores: Fraction, texts: Mapping[str, str]) -> Traits:
    """The traits that the (right) texts of the `COSMETIC` keys ask for; those of most tasks are one object."""
    made = Traits(
        (("cores", cores),),
        priority=parse_number(texts.get("priority", "0")),
        check=Check(texts.get("check", "stat")),
        always=parse_boolean(texts.get("always", "no")),
        temp=_temp(texts.get("temp", "no")),
        keep=parse_boolean(texts.get("keep", "no")),
    )
    return TRAITS if made == TRAITS else made


def _temp(text: str) -> Temp:
    if text == Temp.DELETE.value:
        return Temp.DELETE
    return Temp.MAY_GO if parse_boolean(text) else Temp.NO
