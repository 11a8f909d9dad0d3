"""`exclude:` as clauses; each removes the points that equal one in all names that it gives.

Whether a clause removes anything is found from the axes alone, never by looking through the points.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from taskrun.errors import Place, did_you_mean
from taskrun.sweep.axes import Product
from taskrun.sweep.blocks import Clause
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Table
from taskrun.sweep.values import read_scalar


class ExcludeReader:
    """Reads the clauses against the products that they cut; names in `replaced` have values from the command line."""

    def __init__(self, products: Sequence[Product], replaced: Collection[str], findings: Findings) -> None:
        self._products = products
        self._replaced = replaced
        self._findings = findings
        self._values: dict[str, set[str]] = {}

    def read(self, exclude: Node, names: Mapping[str, Place]) -> list[Clause]:
        """The clauses that can be understood; all else is noted."""
        if not isinstance(exclude, Listing):
            hint = "put `- ` before its first name" if isinstance(exclude, Table) else ""
            self._findings.mistake(exclude.place, "`exclude` must be a list of mappings of names to values", hint)
            return []
        clauses: list[Clause] = []
        first: dict[frozenset[tuple[str, frozenset[str]]], Place] = {}
        for item in exclude.items:
            clause = self._clause(item, names)
            if clause is None:
                continue
            clauses.append(clause)
            same = first.get(frozenset(clause.items()))
            if same:
                hint = f"the same stands in line {same.line} already"
                self._findings.hint(item.place, "this `exclude` removes nothing more", hint)
            first.setdefault(frozenset(clause.items()), item.place)
        return clauses

    def _clause(self, item: Node, names: Mapping[str, Place]) -> Clause | None:
        if not isinstance(item, Table) or not item.entries:
            self._findings.mistake(item.place, "each item of `exclude` must be a mapping of names to values")
            return None
        before = self._findings.count
        clause: dict[str, frozenset[str]] = {}
        for name, entry in item.entries.items():
            if name not in names:
                hint = did_you_mean(name, names)
                self._findings.mistake(entry.key.place, f"`exclude` has {name!r}, which the sweep has not", hint)
                continue
            clause[name] = self._excluded(entry)
        if self._findings.count > before:
            return None
        self._hint_at_nothing(item, clause)
        return clause

    def _excluded(self, entry: Entry) -> frozenset[str]:
        name, node = entry.key.text, entry.value
        if isinstance(node, Listing) and not node.items:
            self._findings.mistake(node.place, f"the values of {name!r} to exclude are an empty list")
        nodes = node.items if isinstance(node, Listing) else (node,)
        texts = [read_scalar(one, f"a value of {name!r} to exclude", self._findings) for one in nodes]
        return frozenset(text for text in texts if text is not None)

    def _values_of(self, name: str) -> set[str]:
        """All values of a name; nobody asks for those of a name that no clause has."""
        if name not in self._values:
            axes = [axis for product in self._products for axis in product.axes if name in axis.names]
            self._values[name] = {row[axis.names.index(name)] for axis in axes for row in axis.rows}
        return self._values[name]

    def _hint_at_nothing(self, item: Table, clause: Clause) -> None:
        """For each value that no point has; else where no point equals the clause in all its names."""
        if not clause.keys().isdisjoint(self._replaced) or not all(map(self._values_of, clause)):
            return
        unknown = False
        for name, values in clause.items():
            for value in sorted(values - self._values_of(name)):
                unknown = True
                hint = did_you_mean(value, self._values_of(name))
                self._findings.hint(item.entries[name].value.place, f"{name!r} is never {value!r}", hint)
        if not unknown and not any(_removes(clause, product) for product in self._products):
            self._findings.hint(item.place, "this `exclude` removes nothing: no point equals it in all its names")


def _removes(clause: Clause, product: Product) -> bool:
    """Axes are independent: a point matches where each axis that the clause touches has a row that does."""
    left = set(clause)
    for axis in product.axes:
        tests = [(place, clause[name]) for place, name in enumerate(axis.names) if name in clause]
        if not any(all(row[place] in values for place, values in tests) for row in axis.rows):
            return False
        left.difference_update(axis.names)
    return not left
