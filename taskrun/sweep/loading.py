"""From a sweep file to a study: everything that is wrong with the file is reported together, before anything starts."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from taskrun.errors import CycleError
from taskrun.graph import Draft, Graph, Study
from taskrun.model import StepShape
from taskrun.sweep.bodies import Body, find_body, make_tasks
from taskrun.sweep.edges import Edges
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.expansions import Expansions
from taskrun.sweep.lets import Lets
from taskrun.sweep.makers import Makers
from taskrun.sweep.mentions import Mentions
from taskrun.sweep.nodes import Findings
from taskrun.sweep.paths import Paths
from taskrun.sweep.points import build_points
from taskrun.sweep.reading import read_sweep_file
from taskrun.sweep.references import Scope
from taskrun.sweep.source import read_source
from taskrun.sweep.steps import StepPlan, plan_steps

_NO_SETS: Mapping[str, str] = {}


def load(path: str, *, sets: Mapping[str, str] = _NO_SETS, state: str | None = None, shown: str | None = None) -> Study:
    """Read and expand the sweep file at `path`; raises SweepError with all its mistakes, UsageError for wrong `sets`.

    `sets` replaces values of names; `state` is the state directory, relative to the study's or absolute; `shown` is
    the file's name in messages.
    """
    with _without_collector():
        return _Loader(path, sets, state, shown or path).study()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing here goes in circles, and looking for circles among a million tasks takes longer than making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Loader:
    """One file on its way."""

    def __init__(self, path: str, sets: Mapping[str, str], state: str | None, shown: str) -> None:
        absolute = os.path.abspath(path)
        self._source = os.path.basename(absolute)
        self._root = os.path.dirname(absolute)
        self._name = os.path.splitext(self._source)[0]
        self._state = state or f".taskrun/{self._name}"
        self._findings = Findings()
        self._paths = Paths(self._root)
        self._file = read_sweep_file(read_source(path, shown, self._findings), self._findings)
        self._points = build_points(
            self._file.sweep, self._file.exclude, sets=sets, directory=self._root, findings=self._findings
        )
        self._have_points = not self._findings.mistakes

    def study(self) -> Study:
        """The study, or all mistakes."""
        plans, lets = self._plan()
        if not self._have_points:
            self._findings.check()
        expansions = Expansions(plans, self._points, lets, paths=self._paths, findings=self._findings)
        expansions.expand()
        whole = list(expansions)
        makers = Makers(whole, self._paths)
        makers.check(self._findings, forbidden=self._forbidden())
        edges = Edges(whole, makers, self._paths, self._findings)
        bodies: dict[str, Body] = {}
        for expansion in whole:
            with expansions.noting(expansion):
                bodies[expansion.plan.name] = find_body(expansion, self._state)
        self._findings.check()
        graph = self._graph(whole, bodies, edges)
        shapes = tuple(
            StepShape(each.plan.name, len(each), each.plan.names, edges.gatherings(each)) for each in whole
        )
        return Study(
            self._name,
            self._root,
            self._source,
            graph,
            shapes,
            tuple(str(hint) for hint in sorted(self._findings.hints, key=lambda hint: hint.place.key)),
        )

    def _plan(self) -> tuple[list[StepPlan], Lets]:
        names = self._points.names
        lets = Lets(self._file.let, Scope(names, tuple(self._file.let), {}), self._findings)
        plans = plan_steps(self._file, lets.names, names, self._findings)
        mentioned = Mentions(plans, lets, names, self._findings).settle()
        if not self._findings.mistakes:
            self._check_unused(mentioned)
        return plans, lets

    def _check_unused(self, mentioned: set[str]) -> None:
        for name, place in self._points.name_place.items():
            if name in mentioned:
                continue
            if name in self._points.csv_columns:
                self._findings.hint(place, f"no step mentions the column {name!r}", "it makes no points of its own")
            else:
                self._findings.mistake(place, f"no step mentions {name!r}", f"use it as {{{name}}}, or take it out")

    def _forbidden(self) -> dict[str, str]:
        """What no task may write to, as keys of paths."""
        state = self._paths.key(self._paths.normal(self._state))
        whole = ".taskrun" if state.startswith(".taskrun/") else state
        source = self._paths.normal(self._source)
        return {source: "the sweep file", whole: "the state of taskrun"}

    def _graph(self, expansions: Sequence[Expansion], bodies: Mapping[str, Body], edges: Edges) -> Graph:
        draft = Draft()
        for expansion in expansions:
            desc = ""
            for task in make_tasks(expansion, bodies[expansion.plan.name], desc, edges.read):
                draft.add(task)
        edges.enter(draft)
        try:
            return draft.build()
        except CycleError as error:
            step = error.names[0].partition("/")[0]
            place = next(each.plan.place for each in expansions if each.plan.name == step)
            self._findings.mistake(place, str(error))
            self._findings.check()
            raise
