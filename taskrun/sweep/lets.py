"""Derived values: what each `let` name is made of, and its values at the points of a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.references import Scope
from taskrun.sweep.texts import Reader, Text


class Lets:
    """The `let` names of a study. One in which something is wrong is left out, and so is what is made of it."""

    def __init__(self, lets: Mapping[str, Scalar], scope: Scope, findings: Findings) -> None:
        reader = Reader(scope, "", findings)
        texts = {name: reader.text(scalar, "let") for name, scalar in lets.items()}
        self._texts = {name: text for name, text in texts.items() if text is not None}
        self._sweep = scope.sweep
        self.order = self._sort(findings)
        self.made_of: dict[str, frozenset[str]] = {}
        for name in self.order:
            used = self._texts[name].values
            self.made_of[name] = frozenset().union(*(self.made_of.get(other, (other,)) for other in used))
        self.names = tuple(name for name in lets if name in self.made_of)

    def __contains__(self, name: object) -> bool:
        return name in self.made_of

    def expand(self, names: Iterable[str]) -> set[str]:
        """The sweep names behind `names`: a `let` name counts as what it is made of."""
        return set().union(*(self.made_of.get(name, (name,) if name in self._sweep else ()) for name in names))

    def at(self, names: Sequence[str]) -> tuple[str, ...]:
        """The `let` names that have a value wherever `names` have one."""
        known = frozenset(names)
        return tuple(name for name in self.names if self.made_of[name] <= known)

    def text(self, name: str) -> Text:
        """What the value is written from."""
        return self._texts[name]

    def _sort(self, findings: Findings) -> list[str]:
        """Each after what it is made of; those that go in a circle, or miss one that is wrong, are left out."""
        known = set(self._sweep)
        order: list[str] = []
        waiting = dict(self._texts)
        while ready := [name for name, text in waiting.items() if known.issuperset(text.values)]:
            order += ready
            known.update(ready)
            for name in ready:
                del waiting[name]
        self._report_circle(waiting, findings)
        return order

    def _report_circle(self, waiting: Mapping[str, Text], findings: Findings) -> None:
        reported: set[str] = set()
        for start in waiting:
            path: list[str] = []
            name: str | None = start
            while name is not None and name not in path and name not in reported:
                path.append(name)
                name = next((other for other in waiting[name].values if other in waiting), None)
            if name in path:
                around = path[path.index(name) :]
                findings.mistake(self._texts[around[0]].place, f"a cycle: {' -> '.join([*around, around[0]])}")
            reported.update(path)
