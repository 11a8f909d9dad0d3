"""A text of the sweep file with what its placeholders mean; every mistake in a placeholder is noted here."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from taskrun.errors import Place
from taskrun.sweep.nodes import Findings, Listing, Node, Scalar
from taskrun.sweep.references import Reference, Scope, Unresolved, Value, check_key
from taskrun.sweep.templates import Template, parse_template


class Text(Struct, frozen=True):
    """`references` are aligned with the slots of `template`. `is_own`: it stands in the step, not in `defaults`."""

    key: str
    place: Place
    template: Template
    references: tuple[Reference, ...] = ()
    is_own: bool = True

    @property
    def only(self) -> Reference | None:
        """The one placeholder that the whole text is, or None."""
        return self.references[0] if self.template.only else None

    @property
    def values(self) -> Iterator[str]:
        """The sweep and `let` names that it takes."""
        return (reference.target.name for reference in self.references if isinstance(reference.target, Value))


class Reader:
    """Makes texts of the scalars of one step, or of `let` where `step` is ""."""

    def __init__(self, scope: Scope, step: str, findings: Findings) -> None:
        self._scope = scope
        self._known = scope.known
        self._step = step
        self._findings = findings

    def text(self, scalar: Scalar, key: str, *, is_own: bool = True) -> Text | None:
        """The text of one scalar; None where a placeholder in it is wrong."""
        if "\0" in scalar.text:
            self._findings.mistake(scalar.place, "a NUL character can stand in no command and in no path")
            return None
        template = parse_template(scalar.text, self._known)
        references = []
        for slot in template.slots:
            try:
                reference = self._scope.resolve(slot, self._step)
                check_key(reference, key)
                references.append(reference)
            except Unresolved as error:
                if not error.is_excused:
                    self._findings.mistake(scalar.place, error.what, error.hint)
        if len(references) < len(template.slots):
            return None
        return Text(key, scalar.place, template, tuple(references), is_own)


def scalars(node: Node) -> Iterator[tuple[str, Scalar]]:
    """The scalars of a value, each with the name that a mapping gives it ("" where there is none)."""
    if isinstance(node, Scalar):
        yield "", node
    elif isinstance(node, Listing):
        for item in node.items:
            if isinstance(item, Scalar):
                yield "", item
    else:
        for name, entry in node.entries.items():
            yield from ((name, scalar) for _, scalar in scalars(entry.value))
