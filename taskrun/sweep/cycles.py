"""Tasks that wait for each other: each cycle is noted once, where one of its steps asks for one declared after it.

Steps in which nothing else is wrong are looked at task by task; of the others only the steps themselves are known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat

from taskrun.errors import CycleError, shown_cycle
from taskrun.graph import Draft, find_cycles
from taskrun.model import Argv, Step, Task
from taskrun.sweep.edges import Edges
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings
from taskrun.sweep.spreading import needs_of
from taskrun.sweep.steps import StepPlan


def note_task_cycles(expansions: Sequence[Expansion], edges: Edges, findings: Findings) -> None:
    """Note the cycles of tasks, one for each set of steps.

    Where no step needs itself, in however many turns, no task does: mostly nothing is to be looked at.
    """
    number = {expansion.plan.name: i for i, expansion in enumerate(expansions)}
    needs = [[number[step] for step in edges.steps_needed[expansion.plan.name]] for expansion in expansions]
    if not find_cycles(range(len(needs)), needs.__getitem__):
        return
    draft = _draft_of_names(expansions)
    edges.enter(draft)
    try:
        draft.build()
    except CycleError as error:
        seen: set[frozenset[str]] = set()
        for names in error.cycles:
            steps = frozenset(name.partition("/")[0] for name in names)
            if steps not in seen:
                seen.add(steps)
                place = edges.place(*(draft.index_of(name) or 0 for name in (names[0], names[1 % len(names)])))
                findings.mistake(place, shown_cycle(names))


def note_step_cycles(plans: Sequence[StepPlan], accounted: Collection[str], findings: Findings) -> None:
    """Note the cycles of steps that go through one that is not `accounted` for."""
    number = {plan.name: i for i, plan in enumerate(plans)}
    needs = [needs_of(plan) for plan in plans]
    for cycle in find_cycles(range(len(plans)), lambda i: [number[step] for step in needs[i]]):
        names = [plans[i].name for i in cycle]
        if not set(names) <= set(accounted):
            findings.mistake(needs[cycle[0]][names[1]], shown_cycle(names))


def _draft_of_names(expansions: Sequence[Expansion]) -> Draft:
    """All tasks, with nothing but their names."""
    draft = Draft()
    action = Argv(("true",))
    for expansion in expansions:
        rows = range(expansion.base, expansion.base + len(expansion))
        for task in map(Task, rows, expansion.names, repeat(Step(expansion.plan.name)), repeat(action)):
            draft.add(task)
    return draft
