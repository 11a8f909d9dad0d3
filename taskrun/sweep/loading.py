"""From a sweep file to a study: everything that is wrong with the file is reported together, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import overload

from msgspec import Struct

from taskrun.defaults import STATES
from taskrun.graph import Draft, Graph, Study
from taskrun.model import StepShape
from taskrun.paths import Paths
from taskrun.sweep.amounts import hint_at_amounts, note_shortages, places_of, totals
from taskrun.sweep.bodies import Body, find_body, make_tasks
from taskrun.sweep.collecting import without_collector
from taskrun.sweep.cycles import note_step_cycles, note_task_cycles
from taskrun.sweep.edges import Edges
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.hints import Hints
from taskrun.sweep.kept_outline import pack
from taskrun.sweep.lets import Lets
from taskrun.sweep.makers import SweepMakers
from taskrun.sweep.mentions import Mentions
from taskrun.sweep.nodes import Findings
from taskrun.sweep.outline import Outline
from taskrun.sweep.outlining import outline_of
from taskrun.sweep.points import Points
from taskrun.sweep.products import build_points
from taskrun.sweep.reading import check_clashes, read_sweep_file
from taskrun.sweep.replacing import hint_at_gathers, replacements
from taskrun.sweep.schema import SweepFile
from taskrun.sweep.source import read_source
from taskrun.sweep.spreading import Expansions
from taskrun.sweep.steps import StepPlan, plan_steps, scope_of
from taskrun.sweep.surroundings import note_surroundings
from taskrun.sweep.traits import judge_values
from taskrun.sweep.unchanged import digests_of, provenance_of

_NO_SETS: Mapping[str, str] = {}
_NO_POOLS: Mapping[str, Fraction] = {}


class Origin(Struct, frozen=True, kw_only=True):
    """Where a study comes from: its `root` (absolute) and what the journal is to call its `source`.

    `state` is the state directory, relative to the root or absolute; `shown` is what messages call the source; `file`:
    the sweep file's name, "" where there is none; `digest` and `text_digest`: of that file, "" where more counts.
    """

    name: str
    root: str
    source: str
    state: str
    shown: str
    file: str = ""
    digest: str = ""
    text_digest: str = ""


def load(
    path: str,
    *,
    sets: Mapping[str, str] = _NO_SETS,
    pools: Mapping[str, Fraction] = _NO_POOLS,
    state: str | None = None,
    shown: str | None = None,
    name: str | None = None,
) -> Study:
    """Read and expand the sweep file at `path`; raises SweepError with all its mistakes, UsageError for wrong `sets`.

    `sets` replaces values of names, `pools` amounts of pools; `state` is the state directory, relative to the study's
    or absolute; `shown` is the file's name in messages, `name` the study's (the file's stem).
    """
    root, file = os.path.split(os.path.abspath(path))
    name = name or os.path.splitext(file)[0]
    shown = shown or path
    state = state or f"{STATES}/{name}"
    digest, text_digest = ("", "") if sets else digests_of(path, name=name, state=state)
    origin = Origin(
        name=name, root=root, source=file, state=state, shown=shown, file=file, digest=digest, text_digest=text_digest
    )
    with without_collector():
        findings = Findings()
        read = read_sweep_file(read_source(path, shown, findings), findings)
        return _Loader(read, origin, replacements(sets, root), findings, pools).study()


def expand(file: SweepFile, origin: Origin, *, values: Mapping[str, Sequence[str]], findings: Findings) -> Study:
    """The study of a sweep that no file holds; `values` are those of its names. Raises SweepError as `load` does."""
    with without_collector():
        return _Loader(file, origin, values, findings).study()


class AllPoints(Sequence[tuple[str | None, ...]]):
    """The points of a sweep, made when somebody looks at them: no step may run over the whole product."""

    def __init__(self, points: Points, leaving_out: frozenset[str]) -> None:
        self._points = points
        self._leaving_out = leaving_out
        self._rows: list[tuple[str | None, ...]] | None = None

    def _all(self) -> list[tuple[str | None, ...]]:
        if self._rows is None:
            self._rows = list(self._points.rows(self._leaving_out))
        return self._rows

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[tuple[str | None, ...]]:
        return self._points.rows(self._leaving_out) if self._rows is None else iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> tuple[str | None, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[str | None, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str | None, ...] | Sequence[tuple[str | None, ...]]:
        return self._all()[index]


class _Loader:
    """One sweep on its way."""

    def __init__(
        self,
        file: SweepFile,
        origin: Origin,
        sets: Mapping[str, Sequence[str]],
        findings: Findings,
        pools: Mapping[str, Fraction] = _NO_POOLS,
    ) -> None:
        self._file = file
        self._origin = origin
        self._sets = sets
        self._findings = findings
        self._paths = Paths(origin.root)
        self._stated = totals(file)
        self._pools = {**self._stated, **pools}
        before = findings.count
        self._points = build_points(file.sweep, file.exclude, sets=sets, directory=origin.root, findings=findings)
        self._has_points = findings.count == before
        check_clashes(self._points.name_place, file, findings)

    def study(self) -> Study:
        """The study, or all mistakes."""
        plans, lets = self._plan()
        if not self._has_points:
            note_step_cycles(plans, frozenset(), self._findings)
            self._findings.check()
        expansions = Expansions(plans, self._points, lets, paths=self._paths, findings=self._findings)
        expansions.expand()
        whole = list(expansions)
        edges = self._edges(whole)
        note_task_cycles(whole, edges, self._findings)
        note_step_cycles(plans, expansions.accounted, self._findings)
        bodies: dict[str, Body] = {}
        for expansion in whole:
            for mistake in judge_values(expansion):
                expansions.note(expansion, mistake)
            if expansion.plan.is_broken:
                continue
            with expansions.noting(expansion):
                bodies[expansion.plan.name] = find_body(expansion, self._origin.state)
        if self._findings.mistakes:
            note_shortages(whole, bodies, self._pools, self._file, self._findings)
        self._findings.check()
        self._look(whole, bodies, edges)
        self._places = {key: place for expansion in whole for key, place in places_of(expansion.plan)}
        shapes = tuple(
            StepShape(each.plan.name, len(each), each.plan.names, edges.gatherings[each.plan.name]) for each in whole
        )
        graph = self._graph(whole, bodies, edges)
        return self._study(graph, shapes, outline_of(self._file, plans, self._points))

    def _study(self, graph: Graph, shapes: tuple[StepShape, ...], outline: Outline) -> Study:
        known = provenance_of(self._origin.text_digest, self._findings.witness)
        hints = sorted(self._findings.hints, key=lambda hint: hint.place.key)
        unused = frozenset(self._unused)
        requests = {id(task.traits): task.traits.request for task in graph.tasks}.values()
        asked = {pool for request in requests for pool, _ in request}  # nobody knows what was typed besides
        return Study(
            name=self._origin.name,
            root=self._origin.root,
            source=self._origin.source,
            graph=graph,
            shapes=shapes,
            hints=tuple(map(str, hints)),
            names=tuple(name for name in self._points.names if name not in unused),
            points=AllPoints(self._points, unused),
            provenance=provenance_of(self._origin.digest, self._findings.witness),
            outline=None if known is None else partial(pack, outline, known),
            pools={pool: total for pool, total in self._pools.items() if pool in self._stated or pool in asked},
            places=self._places,
        )

    def _plan(self) -> tuple[list[StepPlan], Lets]:
        names = self._points.names
        scope = scope_of(self._file, names, is_whole=self._points.has_all_names)
        lets = Lets(self._file.let, scope, self._findings)
        plans = plan_steps(self._file, scope, self._findings)
        note_surroundings(plans, (*names, *self._file.let), self._findings)
        mentioned = Mentions(plans, lets, names, self._findings).settle() if self._points.has_all_names else names
        self._unused = [name for name in names if name not in mentioned]
        if plans and self._points.has_all_names and not any(plan.is_broken for plan in plans):
            self._check_unused()
        return plans, lets

    def _check_unused(self) -> None:
        for name in self._unused:
            place = self._points.name_place[name]
            if name in self._points.csv_columns:
                self._findings.hint(place, f"no step mentions the column {name!r}", "it makes no points of its own")
            else:
                nobody = "no step mentions" if self._origin.file else "the command does not mention"
                self._findings.mistake(place, f"{nobody} {name!r}", f"use it as {{{name}}}, or take it out")

    def _edges(self, expansions: Sequence[Expansion]) -> Edges:
        """The dependencies; who makes what, a path of each task, is not held longer than it takes to find them."""
        makers = SweepMakers(expansions, self._paths)
        forbidden = {self._paths.normal(self._origin.file): "the sweep file"} if self._origin.file else {}
        forbidden[self._whole_state] = "the state of taskrun"
        makers.check(self._findings, forbidden=forbidden)
        return Edges(expansions, makers, self._paths, self._findings)

    @property
    def _whole_state(self) -> str:
        """The directory that nothing but taskrun may write to (`Paths.key`)."""
        state = self._paths.normal(self._origin.state)
        return STATES if state.startswith(f"{STATES}/") else self._paths.key(state)

    def _look(self, expansions: Sequence[Expansion], bodies: Mapping[str, Body], edges: Edges) -> None:
        hints = Hints(self._points, self._paths, self._findings, states=(STATES, self._whole_state))
        for expansion in expansions:
            body = bodies[expansion.plan.name]
            hints.look_at(expansion, body.actions[0])
            if self._origin.file:  # a command that is typed declares no inputs
                hints.look_for_files(expansion, body.actions[0], body.inputs)
        hints.look_for_sources(edges.sources)
        hint_at_amounts(expansions, self._file, self._findings)
        self._look_at_gathers(expansions)

    def _look_at_gathers(self, expansions: Sequence[Expansion]) -> None:
        """What the file's own values would gather, where the command line has others."""
        if not self._sets or not self._origin.file:
            return
        aside = Findings()
        original = build_points(
            self._file.sweep, self._file.exclude, sets={}, directory=self._origin.root, findings=aside
        )
        if not aside.mistakes:
            hint_at_gathers(expansions, original, self._sets, shown=self._origin.shown, findings=self._findings)

    def _graph(self, expansions: Sequence[Expansion], bodies: dict[str, Body], edges: Edges) -> Graph:
        """The graph of all tasks; nothing of what they were made from is held while it is built."""
        draft = Draft()
        for expansion in expansions:
            for task in make_tasks(expansion, bodies.pop(expansion.plan.name), edges.read):
                draft.add(task)
        edges.enter(draft)
        for expansion in expansions:
            expansion.release()
        return draft.build()
