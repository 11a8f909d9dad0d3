"""From a sweep file to its outline, no further than that takes.

A mistake in the file is no concern here: what hangs on it is left out, and the rest is as `loading` would have it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from taskrun.sweep.axes import CSV_KEY
from taskrun.sweep.collecting import without_collector
from taskrun.sweep.lets import Lets
from taskrun.sweep.mentions import Mentions
from taskrun.sweep.nodes import Findings, Listing, Node, Table
from taskrun.sweep.outline import Outline, OutlinedStep
from taskrun.sweep.points import Points
from taskrun.sweep.products import build_points
from taskrun.sweep.ranges import ValuesError
from taskrun.sweep.reading import read_sweep_file
from taskrun.sweep.schema import SweepFile
from taskrun.sweep.source import read_source
from taskrun.sweep.steps import StepPlan, plan_steps, scope_of
from taskrun.sweep.values import parse_values


def read_outline(path: str, *, sets: Mapping[str, str]) -> Outline:
    """The outline of the sweep file at `path`. Raises SweepError for what YAML cannot read."""
    findings = Findings()
    directory = os.path.dirname(os.path.abspath(path))
    with without_collector():
        file = read_sweep_file(read_source(path, path, findings), findings)
        before = findings.count
        values = _values(sets, file.sweep, directory)
        points = build_points(file.sweep, file.exclude, sets=values, directory=directory, findings=findings)
        has_points = findings.count == before
        scope = scope_of(file, points.names, is_whole=points.has_all_names)
        lets = Lets(file.let, scope, findings)
        plans = plan_steps(file, scope, findings)
        if points.has_all_names:
            Mentions(plans, lets, points.names, findings).settle()
    return outline_of(file, plans, points, has_points=has_points)


def outline_of(file: SweepFile, plans: Iterable[StepPlan], points: Points, *, has_points: bool = True) -> Outline:
    """The outline of what has been read; the names of the `plans` are set."""
    steps = {
        plan.name: OutlinedStep(plan.desc, plan.names if has_points and not plan.is_broken else None)
        for plan in plans
    }
    return Outline(
        steps,
        names=points.names,
        lets=tuple(file.let),
        replaceable=tuple(name for name in _alone(file.sweep) if name in points.names),
        points=(lambda: points) if has_points else None,
    )


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
