"""Rules 2 and 3: which task needs which, by placeholders, by paths, and by `after`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from taskrun.errors import Place
from taskrun.graph import Draft, Edge
from taskrun.graph.orders import Orders
from taskrun.makers import Readings
from taskrun.model import Gathering
from taskrun.paths import Paths
from taskrun.sweep.cells import List
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.makers import SweepMakers
from taskrun.sweep.nodes import Findings
from taskrun.sweep.spreading import files_in, needs_of

_Members = tuple[int, ...]  # indices of tasks; one object for all that need them together
_MOST_LOOKED_AT = 1000


class Edges:
    """All dependencies of a study, found once, before there are tasks.

    `read` are the paths (keys) that tasks other than their makers read; `sources` are inputs that no task makes, some
    of each text.
    """

    def __init__(self, expansions: Sequence[Expansion], makers: SweepMakers, paths: Paths, findings: Findings) -> None:
        self._expansions = {expansion.plan.name: expansion for expansion in expansions}
        self._paths = paths
        self._findings = findings
        self._by_path: dict[str, dict[int, list[_Members]]] = {name: {} for name in self._expansions}
        self.read: set[str] = set()
        self.sources: dict[Place, list[str]] = {}
        self.gatherings: dict[str, tuple[Gathering, ...]] = {}  # by step: of which others a task of it needs several
        self.steps_needed: dict[str, tuple[str, ...]] = {}  # by step: whose tasks its own need, itself perhaps
        self._readings = self._resolve(makers)
        self.read.update(self._readings.inside)
        for expansion in expansions:
            self._find_by_path(expansion)
            self._note_redirects(expansion)
            self.gatherings[expansion.plan.name] = self._gatherings(expansion, makers)

    def enter(self, draft: Draft) -> None:
        """Add all dependencies to a draft that has all tasks."""
        orders = Orders(draft)
        for expansion in self._expansions.values():
            joins = list(self._joins(expansion))
            by_path = self._by_path[expansion.plan.name]
            by_file = {other.plan.name for other, edge in joins if edge.has_file}
            later = []
            for other, edge in joins:
                if by_path and other.plan.name not in by_file:
                    later.append((other, edge))
                else:
                    self._enter_join(draft, expansion, other, edge)
            files = {consumer: _enter_files(draft, consumer, needed) for consumer, needed in by_path.items()}
            for other, edge in later:
                _enter_order(orders, expansion, other, edge, files)

    def place(self, consumer: int, producer: int) -> Place:
        """Where the step of a task says that it needs another task."""
        expansion, other = self._expansion(consumer), self._expansion(producer)
        row, name = consumer - expansion.base, other.plan.name
        named = needs_of(expansion.plan).get(name)
        if named and producer - other.base in expansion.groups[name][row]:
            return named
        for text, lists in expansion.loose_inputs:
            if any(producer in self._readings.members.get(path, ()) for path in lists[row]):
                return text.place
        return expansion.plan.place

    def _expansion(self, index: int) -> Expansion:
        return next(each for each in self._expansions.values() if each.base <= index < each.base + len(each))

    def _gatherings(self, expansion: Expansion, makers: SweepMakers) -> tuple[Gathering, ...]:
        sizes: dict[str, tuple[int, int]] = {}
        for other, _ in self._joins(expansion):
            lengths = list(map(len, expansion.groups[other.plan.name]))
            sizes[other.plan.name] = min(lengths), max(lengths)
        by_path = self._sizes_by_path(expansion, makers)
        self.steps_needed[expansion.plan.name] = tuple(dict.fromkeys([*sizes, *by_path]))
        for step, counts in by_path.items():
            fewest = min(counts) if len(counts) == len(expansion) else 0
            sizes.setdefault(step, (fewest, max(counts)))
        return tuple(
            Gathering(step, fewest, most, fewest == len(self._expansions[step]))
            for step, (fewest, most) in sizes.items()
            if most > 1
        )

    def _joins(self, expansion: Expansion) -> Iterator[tuple[Expansion, Edge]]:
        """The steps that this one is joined with and how it needs them."""
        plan = expansion.plan
        named = dict.fromkeys(target.step for text in plan.every_text() for target in files_in(text) if target.step)
        kinds = [*((step, Edge.FILE) for step in named), *((order.step, order.edge) for order in plan.after)]
        for step, edge in kinds:
            if step in self._expansions and step in expansion.groups:
                yield self._expansions[step], edge

    def _enter_join(self, draft: Draft, expansion: Expansion, other: Expansion, edge: Edge) -> None:
        base, need = other.base, draft.need
        nodes: dict[int, int] = {}
        for index, group in enumerate(expansion.groups[other.plan.name], expansion.base):
            if len(group) == 1:
                need(index, base + group[0], edge)
                continue
            node = nodes.get(id(group))
            if node is None:
                node = nodes[id(group)] = draft.gather(tuple([base + row for row in group]))
            need(index, node, edge)

    def _resolve(self, makers: SweepMakers) -> Readings:
        """Find the makers of each different input that is not named by a placeholder alone."""
        different: set[str] = set()
        for expansion in self._expansions.values():
            for _, lists in expansion.loose_inputs:
                different.update(chain.from_iterable(lists))
        return Readings(makers, self._paths, different)

    def _find_by_path(self, expansion: Expansion) -> None:
        by_path = self._by_path[expansion.plan.name]
        makers_of, made = self._readings.members, self._readings.outputs
        for text, lists in expansion.loose_inputs:
            sources: dict[str, None] = {}
            for index, some in enumerate(lists, expansion.base):
                for path in some:
                    members = makers_of.get(path)
                    if members is None:
                        if len(sources) < _MOST_LOOKED_AT:
                            sources[path] = None
                    elif members != (index,):
                        by_path.setdefault(index, []).append(members)
                        if path in made:
                            self.read.add(made[path])
                    else:
                        self._check_own(expansion, index - expansion.base, path, text.place)
            self.sources.setdefault(text.place, []).extend(sources)

    def _check_own(self, expansion: Expansion, row: int, path: str, place: Place) -> None:
        if path in expansion.files("outputs")[row]:
            what = f"step {expansion.plan.name!r} reads {path!r} and makes it too"
            self._findings.mistake(place, what, "a file that is changed in place can be one of `outputs` only")

    def _sizes_by_path(self, expansion: Expansion, makers: SweepMakers) -> dict[str, list[int]]:
        """How many tasks of which steps each task needs by its paths; what several tasks need is counted once."""
        found: dict[str, list[int]] = {}
        known: dict[tuple[int, ...], tuple[set[int], Counter[str]]] = {}
        for needed in self._by_path[expansion.plan.name].values():
            key = tuple([id(members) for members in needed if len(members) > 1])
            if key not in known:
                together = set(chain.from_iterable(members for members in needed if len(members) > 1))
                known[key] = together, Counter(makers.expansion(index).plan.name for index in together)
            together, shared = known[key]
            counts = dict(shared)
            for index in {members[0] for members in needed if len(members) == 1} - together:
                step = makers.expansion(index).plan.name
                counts[step] = counts.get(step, 0) + 1
            for step, count in counts.items():
                found.setdefault(step, []).append(count)
        return found

    def _note_redirects(self, expansion: Expansion) -> None:
        """Redirect files that this step's placeholders name are read."""
        for text in expansion.plan.every_text():
            for target in files_in(text):
                if target.step and target.key in ("stdout", "stderr"):
                    self.read.update(map(self._paths.key, _distinct(expansion.named(target))))


def _enter_files(draft: Draft, consumer: int, needed: Iterable[_Members]) -> list[int]:
    """The nodes that a task needs for files which its paths tell."""
    nodes = []
    for members in needed:
        others = _without(consumer, members)
        if others:
            node = others[0] if len(others) == 1 else draft.gather(others)
            draft.need(consumer, node)
            nodes.append(node)
    return nodes


def _enter_order(
    orders: Orders, expansion: Expansion, other: Expansion, edge: Edge, files: Mapping[int, Sequence[int]]
) -> None:
    """What comes after another step, but for those of its tasks that are needed for their `files` already."""
    members: dict[int, _Members] = {}
    for index, group in enumerate(expansion.groups[other.plan.name], expansion.base):
        found = members.get(id(group))
        if found is None:
            found = members[id(group)] = tuple([other.base + row for row in group])
        orders.enter(index, [found[0] if len(found) == 1 else found], files.get(index, ()), edge)


def _without(consumer: int, members: _Members) -> _Members:
    """The others of those (in order) who make something below a directory: 20,000 may read what 20,000 make."""
    spot = bisect_left(members, consumer)
    if spot == len(members) or members[spot] != consumer:
        return members
    return members[:spot] + members[spot + 1 :]


def _distinct(lists: Iterable[List]) -> Iterator[str]:
    """The texts of lists, those of the same tuple but once."""
    return chain.from_iterable({id(some): some for some in lists}.values())
