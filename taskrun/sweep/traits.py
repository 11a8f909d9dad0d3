"""How the tasks of a step are to be run: the keys that need a number, read task by task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from taskrun.model import NO_RETRIES, TRAITS, Check, Retries, Temp, Traits
from taskrun.quantity import parse_boolean, parse_duration, parse_memory, parse_number, show_number
from taskrun.sweep.cells import RowMistake, at
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.references import Fact
from taskrun.sweep.schema import Kind, StepKeys
from taskrun.sweep.shapes import shapes_of
from taskrun.sweep.texts import Text

COSMETIC = (  # no part of the signature, and no text of the command
    "memory", "gpus", "tokens", "priority", "check", "always", "temp", "keep", "timeout", "retries", "retry_delay",
    "ok_codes", "allow_failure", "memory_limit", "pin", "nice",
)  # fmt: skip
_CORES = Fact("cores")
_TEXTS = frozenset({Kind.TEXT, Kind.BLANK, Kind.FILLED, Kind.WORDS})


def judge_values(expansion: Expansion) -> Iterator[RowMistake]:
    """What is wrong with the values of keys that are no texts, now that placeholders are filled in.

    The cores are found first: where they are wrong, what takes them is not judged.
    """
    wrong = list(_wrong_in(expansion, "cores"))
    yield from wrong
    if not wrong:
        expansion.cores = _cores(expansion)
    for key in expansion.plan.texts:
        if key != "cores":
            yield from _wrong_in(expansion, key)


def _wrong_in(expansion: Expansion, key: str) -> Iterator[RowMistake]:
    kind = shapes_of(StepKeys)[key].leaf
    if kind is None or kind in _TEXTS:
        return
    for item in expansion.plan.items(key):
        if not expansion.cores and any(reference.target == _CORES for reference in item.text.references):
            continue
        try:
            _check(expansion, item.text, kind)
        except RowMistake as mistake:
            yield mistake


def _check(expansion: Expansion, text: Text, kind: Kind) -> None:
    values = expansion.fill(text)
    for value in dict.fromkeys(values):
        wrong = wrong_with(f"`{text.key}`", kind, value, is_final=True)
        if wrong:
            with at(text.place):
                raise RowMistake(values.index(value) if text.references else None, wrong)


def _cores(expansion: Expansion) -> Sequence[Fraction]:
    """The cores that each task asks for."""
    items = expansion.plan.items("cores")
    if not items:
        return [Fraction(1)] * len(expansion)
    texts = expansion.fill(items[0].text)
    known = {text: parse_number(text) for text in dict.fromkeys(texts)}
    return [known[text] for text in texts]


def find_traits(expansion: Expansion) -> Sequence[Traits]:
    """The traits of each task, equal ones one object; `cores` are known already."""
    items = [(key, item) for key in COSMETIC for item in expansion.plan.items(key)]
    keys = [(key, item.part) for key, item in items]
    columns = [expansion.fill(item.text) for _, item in items]
    states_cores = bool(expansion.plan.items("cores"))
    known: dict[tuple[int | str, ...], Traits] = {}  # cores by identity: fractions hash slowly
    result: list[Traits] = []
    for cores, *texts in zip(expansion.cores, *columns, strict=True):
        key = (id(cores), *texts)
        found = known.get(key)
        if found is None:
            given = [(*each, text) for each, text in zip(keys, texts, strict=True)]
            found = known[key] = read_traits(cores, given, states_cores=states_cores)
            _check_together(found, len(result), expansion)
        result.append(found)
    return result


def _check_together(traits: Traits, row: int, expansion: Expansion) -> None:
    for key, wrong in wrong_together(traits):
        with at(expansion.plan.items(key)[0].text.place):
            raise RowMistake(row, wrong)


def wrong_together(traits: Traits) -> Iterator[tuple[str, str]]:
    """Keys that ask for something that others do not go with, and what is to be said of each."""
    if traits.is_pinned and not (traits.cores and traits.cores.denominator == 1):
        yield "pin", f"`pin` binds a task to whole cores, and it asks for {show_number(traits.cores)}"
    if traits.has_memory_limit and not traits.amount("memory"):
        yield "memory_limit", "`memory_limit` holds a task to its `memory`, and it asks for none"


def read_traits(cores: Fraction, given: Iterable[tuple[str, str, str]], *, states_cores: bool = False) -> Traits:
    """The traits that the (right) texts of the `COSMETIC` keys ask for; those of most tasks are one object.

    Each text comes with its key, and with the name that it has there ("" where it has none). `states_cores`: somebody
    said how many there are to be.
    """
    given = list(given)
    texts = {key: text for key, _, text in given}
    made = Traits(
        _request(cores, given, texts),
        priority=parse_number(texts.get("priority", "0")),
        check=Check(texts.get("check", "stat")),
        always=parse_boolean(texts.get("always", "no")),
        temp=_temp(texts.get("temp", "no")),
        keep=parse_boolean(texts.get("keep", "no")),
        timeout=float(parse_duration(texts["timeout"])) if "timeout" in texts else None,
        retries=_retries(texts.get("retries", "0"), texts.get("retry_delay", "0s")),
        ok_codes=tuple(sorted({int(parse_number(text)) for key, _, text in given if key == "ok_codes"} - {0})),
        allow_failure=parse_boolean(texts.get("allow_failure", "no")),
        has_memory_limit=parse_boolean(texts.get("memory_limit", "no")),
        is_pinned=parse_boolean(texts.get("pin", "no")),
        nice=int(parse_number(texts.get("nice", "0"))),
        states_cores=states_cores,
    )
    return TRAITS if made == TRAITS else made


def _request(
    cores: Fraction, given: Iterable[tuple[str, str, str]], texts: Mapping[str, str]
) -> tuple[tuple[str, Fraction], ...]:
    """What is asked of each pool; cores come first, and what is asked nothing of is left out."""
    amounts = {
        "memory": Fraction(parse_memory(texts.get("memory", "0"))),
        "gpus": parse_number(texts.get("gpus", "0")),
        **{pool: parse_number(text) for key, pool, text in given if key == "tokens"},
    }
    return (("cores", cores), *((pool, amount) for pool, amount in amounts.items() if amount))


def _retries(most: str, delay: str) -> Retries:
    """`30s`, or `30s x2`."""
    wait, _, factor = delay.partition(" x")
    made = Retries(int(parse_number(most)), float(parse_duration(wait.rstrip(" "))), float(parse_number(factor or "1")))
    return NO_RETRIES if made == NO_RETRIES else made


def _temp(text: str) -> Temp:
    if text == Temp.DELETE.value:
        return Temp.DELETE
    return Temp.MAY_GO if parse_boolean(text) else Temp.NO
