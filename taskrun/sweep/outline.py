"""What a sweep file says of names, as far as it can be told without making a task: for whoever is still typing.

A mistake in the file is no concern here: what hangs on it is left out, and the rest is as `loading` would have it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter

from taskrun.names import decode, encode
from taskrun.sweep.axes import CSV_KEY
from taskrun.sweep.collecting import without_collector
from taskrun.sweep.lets import Lets
from taskrun.sweep.mentions import Mentions
from taskrun.sweep.nodes import Findings, Listing, Node, Table
from taskrun.sweep.products import build_points
from taskrun.sweep.ranges import ValuesError
from taskrun.sweep.reading import read_sweep_file
from taskrun.sweep.source import read_source
from taskrun.sweep.steps import plan_steps, scope_of
from taskrun.sweep.values import parse_values

_MOST_ROWS = 2_000_000  # more would be no sweep that runs


class Outline:
    """The steps of a sweep and the names that each runs over, in order; the names of the sweep and their values.

    A step in which something is wrong has no names to tell (`names_of` gives None).
    """

    def __init__(self, path: str, *, sets: Mapping[str, str]) -> None:
        """Raises SweepError for what YAML cannot read."""
        findings = Findings()
        directory = os.path.dirname(os.path.abspath(path))
        with without_collector():
            file = read_sweep_file(read_source(path, path, findings), findings)
            before = findings.count
            values = _values(sets, file.sweep, directory)
            self._points = build_points(
                file.sweep, file.exclude, sets=values, directory=directory, findings=findings
            )
            self._has_points = findings.count == before
            scope = scope_of(file, self._points.names, is_whole=self._points.has_all_names)
            lets = Lets(file.let, scope, findings)
            plans = plan_steps(file, scope, findings)
            if self._points.has_all_names:
                Mentions(plans, lets, self._points.names, findings).settle()
        self._plans = {plan.name: plan for plan in plans}
        self.names = self._points.names
        self.lets = tuple(file.let)
        self.replaceable = tuple(name for name in _alone(file.sweep) if name in self.names)

    @property
    def steps(self) -> dict[str, str]:
        """All steps, each with its description."""
        return {name: plan.desc for name, plan in self._plans.items()}

    def names_of(self, step: str) -> tuple[str, ...] | None:
        """The names that a step runs over; None where there is no such step, or nobody can say."""
        plan = self._plans.get(step)
        return plan.names if plan and self._has_points and not plan.is_broken else None

    def values(self, name: str, given: Mapping[str, str] | None = None) -> Sequence[str]:
        """The values that a sweep name takes at the points where others have the values `given`, in sweep order."""
        given = given or {}
        wanted = tuple(each for each in self.names if each == name or each in given)
        if not self._has_points or name not in wanted or self._points.count(wanted) > _MOST_ROWS:
            return ()
        rows = self._points.project(wanted)
        for place, each in enumerate(wanted):
            if each != name:
                rows = [row for row in rows if row[place] == given[each]]
        return list(dict.fromkeys(map(itemgetter(wanted.index(name)), rows)))


    def task_names(self, text: str) -> list[tuple[str, bool]]:
        """How names of tasks that begin with `text` go on, each to the end of a component, and whether they end there.

        `text` holds a `/`. As wherever names are read, the parameters may stand in any order.
        """
        step, *components, last = text.split("/")
        names = self.names_of(step)
        given = dict(component.split("=", 1) for component in components if "=" in component)
        if names is None or len(given) < len(components) or not given.keys() <= set(names):
            return []
        left = [name for name in names if name not in given]
        values = {name: decode(value) for name, value in given.items()}
        before = text[: len(text) - len(last)]
        found = [
            f"{before}{name}={encode(value)}"
            for name in _begun(last, left)
            for value in self.values(name, values)
            if f"{name}={encode(value)}".startswith(last)
        ]
        is_whole = len(left) == 1
        return [(name if is_whole else f"{name}/", is_whole) for name in found]


def _begun(component: str, names: Sequence[str]) -> Sequence[str]:
    """Which parameters a component that is being typed can be; of those that are left the first, where nothing is."""
    if not component:
        return names[:1]
    return [name for name in names if f"{name}=".startswith(component) or component.startswith(f"{name}=")]


def _values(sets: Mapping[str, str], sweep: Node | None, directory: str) -> dict[str, Sequence[str]]:
    """What the command line gives names; what is wrong there, and what is no file to be read, is left out."""
    known = set(_alone(sweep))
    found: dict[str, Sequence[str]] = {}
    for name, text in sets.items():
        if name in known and (not text.startswith("@") or os.path.isfile(text[1:])):
            with suppress(ValuesError):
                found[name] = parse_values(text, directory)
    return found


def _alone(sweep: Node | None) -> Iterator[str]:
    """The names that stand alone in the file, so that their values can be replaced."""
    for table in sweep.items if isinstance(sweep, Listing) else (sweep,):
        if isinstance(table, Table):
            yield from (name for name in table.entries if name != CSV_KEY and "," not in name)
