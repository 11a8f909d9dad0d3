"""The annotations of the schema as shapes, and values checked against them: every mistake of shape is found here.

Read by hand rather than by msgspec, which stops at the first mistake and knows no places.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, repeat
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from msgspec import Meta, Struct

from taskrun.sweep.checks import wrong_with
from taskrun.sweep.nodes import Findings, Listing, Node, Scalar
from taskrun.sweep.schema import Kind

_WORDS = {
    Kind.NUMBER: "a number",
    Kind.AMOUNT: "a number",
    Kind.GPUS: "a number",
    Kind.TOTAL: "a number, or a size such as 2G",
    Kind.SIZE: "a size such as 2G",
    Kind.TIMEOUT: "a duration such as 90s",
    Kind.DELAY: "a duration such as 30s",
    Kind.COUNT: "a whole number",
    Kind.NICE: "a whole number",
    Kind.EXIT_CODE: "a whole number",
    Kind.FLAG: "true or false",
    Kind.TEMP: "true, false or delete",
    Kind.CHECK: "one of stat, hash, exists and mtime",
    Kind.IDENTIFIER: "a name",
    Kind.OUTCOME: "`any`",
}


class Shape(Struct):
    """What a value may be: a scalar of a `kind`, a list of `item`s, a mapping of `key`s to `value`s, or `keys`.

    `first`: the kind of a list's first item, where it has one of its own.
    """

    kind: Kind | None = None
    item: Shape | None = None
    first: Kind | None = None
    key: Kind | None = None
    value: Shape | None = None
    keys: type[Struct] | None = None
    is_filled: bool = False

    @property
    def words(self) -> str:
        """`a text, a list or a mapping`."""
        words = [_WORDS.get(self.kind, "a text")] if self.kind else []
        words += ["a list"] if self.item else []
        words += ["a mapping"] if self.value or self.keys else []
        return ", ".join(words[:-1]) + (" or " if len(words) > 1 else "") + words[-1]

    @property
    def leaf(self) -> Kind | None:
        """The kind of its scalars, however deep."""
        inner = self.item or self.value
        return self.kind or (inner.leaf if inner else None)


@cache
def shapes_of(keys: type[Struct]) -> Mapping[str, Shape]:
    """The shape of each key, by its name in the file."""
    return _Shapes(keys)


class _Shapes(Mapping[str, Shape]):
    """Made key by key: a file has few of those that there are."""

    def __init__(self, keys: type[Struct]) -> None:
        names = zip(keys.__struct_encode_fields__, keys.__struct_fields__, strict=True)
        self._annotations: dict[str, str] = {name: keys.__annotations__[field] for name, field in names}
        self._known_there = vars(sys.modules[keys.__module__])
        self._found: dict[str, Shape] = {}

    def __getitem__(self, key: str) -> Shape:
        if key not in self._found:
            self._found[key] = _shape(eval(self._annotations[key], self._known_there))  # a text of the schema
        return self._found[key]

    def __contains__(self, key: object) -> bool:
        return key in self._annotations

    def __iter__(self) -> Iterator[str]:
        return iter(self._annotations)

    def __len__(self) -> int:
        return len(self._annotations)


def _shape(annotation: object) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = _shape(arguments[0])
        for note in arguments[1:]:
            if isinstance(note, Kind) and shape.item:
                shape.first = note
            elif isinstance(note, Kind):
                shape.kind = note
            elif isinstance(note, Meta) and note.min_length:
                shape.is_filled = True
        return shape
    if origin in (Union, UnionType):
        return _either(arguments)
    if origin is list:
        return Shape(item=_shape(arguments[0]))
    if origin is dict:
        return Shape(key=_shape(arguments[0]).kind, value=_shape(arguments[1]))
    return Shape(keys=annotation) if isinstance(annotation, type) and issubclass(annotation, Struct) else Shape()


def _either(annotations: tuple[object, ...]) -> Shape:
    """What is allowed by one of several; no two of them allow lists, or mappings, of different kinds."""
    shape = Shape()
    for other in map(_shape, annotations):
        shape.kind = shape.kind or other.kind
        shape.item = shape.item or other.item
        shape.first = shape.first or other.first
        shape.key = shape.key or other.key
        shape.value = shape.value or other.value
        shape.keys = shape.keys or other.keys
        shape.is_filled = shape.is_filled or other.is_filled
    return shape


def fits(node: Node, shape: Shape, what: str, findings: Findings) -> bool:
    """Whether a value has the shape; what is wrong with it is noted. `what` names it in messages.

    The `keys` of a mapping are not looked at.
    """
    if isinstance(node, Scalar):
        return _scalar_fits(node, shape, what, findings)
    if isinstance(node, Listing):
        return _listing_fits(node, shape, what, findings)
    if shape.keys:
        return True
    if shape.value is None:
        return refuse(node, shape, what, findings)
    if shape.is_filled and not node.entries:
        findings.mistake(node.place, f"{what} is an empty mapping", is_last=True)
        return False
    inside = shape.value
    fit = [
        _key_fits(entry.key, shape, what, findings)
        and fits(entry.value, inside, f"{what.rstrip('`')}.{name[:60]}`", findings)
        for name, entry in node.entries.items()
    ]
    return all(fit)


def _scalar_fits(node: Scalar, shape: Shape, what: str, findings: Findings) -> bool:
    if node.plain and not node.text:
        if shape.kind is Kind.BLANK:
            return True
        hint = 'an empty text is written ""' if shape.kind is Kind.TEXT else ""
        findings.mistake(node.place, f"{what} has no value", hint, is_last=True)
        return False
    if shape.kind is None:
        return refuse(node, shape, what, findings)
    wrong = wrong_with(what, shape.kind, node.text)
    if wrong:
        findings.mistake(node.place, wrong, is_last=True)
    return not wrong


def _listing_fits(node: Listing, shape: Shape, what: str, findings: Findings) -> bool:
    if shape.item is None:
        return refuse(node, shape, what, findings)
    if shape.is_filled and not node.items:
        findings.mistake(node.place, f"{what} is an empty list", is_last=True)
        return False
    shapes = chain([Shape(kind=shape.first) if shape.first else shape.item], repeat(shape.item))
    fit = [fits(item, inside, f"an item of {what}", findings) for item, inside in zip(node.items, shapes, strict=False)]
    return all(fit)


def _key_fits(key: Scalar, shape: Shape, what: str, findings: Findings) -> bool:
    wrong = wrong_with(what, shape.key, key.text) if shape.key else None
    if wrong:
        findings.mistake(key.place, wrong, is_last=True)
    return not wrong


def refuse(node: Node, shape: Shape, what: str, findings: Findings) -> bool:
    """Note that a value is of the wrong type."""
    kind = "a text" if isinstance(node, Scalar) else "a list" if isinstance(node, Listing) else "a mapping"
    findings.mistake(node.place, f"{what} must be {shape.words}, not {kind}", _likely(node), is_last=True)
    return False


def _likely(node: Node) -> str:
    """What a value of the wrong type was perhaps meant to be."""
    if isinstance(node, Listing):
        return ""
    if not isinstance(node, Scalar):
        return "quote it if it is a text"
    match = re.match(r"([A-Za-z_]\w*)(=|:(?=\S))", node.text)
    if not match:
        return ""
    return f"write `{match[1]}: ...`" if match[2] == "=" else f"a space is missing after `{match[1]}:`"
