"""All that a step's tasks hold besides their points, column by column, and the tasks made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from msgspec import Struct

from taskrun.model import Action, FileList, Step, Task, Traits
from taskrun.sweep.cells import List, joined
from taskrun.sweep.commands import actions, environments
from taskrun.sweep.expansion import Expansion, is_exact
from taskrun.sweep.spreading import files_in
from taskrun.sweep.traits import find_traits
from taskrun.sweep.views import Viewer


class Body(Struct):
    """Columns of one step, aligned with its rows."""

    inputs: Sequence[List]
    actions: Sequence[Action]
    env: Sequence[Mapping[str, str]]
    traits: Sequence[Traits]
    lists: Sequence[tuple[FileList, ...]]


def find_body(expansion: Expansion, state: str) -> Body:
    """Work out the columns of a step whose values have been judged; raises RowMistake.

    `state` is the state directory, for lists of files.
    """
    viewer = Viewer(expansion, state)
    found = actions(expansion, viewer)
    env = environments(expansion, viewer)
    lists = list(zip(*viewer.lists, strict=True)) if viewer.lists else [()] * len(expansion)
    return Body(_inputs(expansion), found, env, find_traits(expansion), lists)


def _inputs(expansion: Expansion) -> list[List]:
    """The declared inputs and then the files of other tasks that placeholders name."""
    texts = [text for text in expansion.plan.every_text() if not (text.key == "inputs" and is_exact(text))]
    targets = dict.fromkeys(target for text in texts for target in files_in(text) if target.step)
    columns = [expansion.files("inputs")] if expansion.plan.items("inputs") else []
    return joined([*columns, *map(expansion.named, targets)], len(expansion))


def make_tasks(expansion: Expansion, body: Body, read: set[str]) -> Iterator[Task]:
    """The tasks of a step. A redirect file counts among the outputs where it is in `read`."""
    plan, rows = expansion.plan, len(expansion)
    step = Step(plan.name, plan.names, expansion.lets, plan.desc)
    lets = [expansion.values(name) for name in expansion.lets]
    redirects = [
        [some[0] for some in expansion.files(key)] if plan.items(key) else repeat(None, rows)
        for key in ("stdout", "stderr")
    ]
    return map(
        Task,
        range(expansion.base, expansion.base + rows),
        expansion.names,
        repeat(step),
        body.actions,
        expansion.rows,
        zip(*lets, strict=True) if lets else repeat(()),
        body.inputs,
        _outputs(expansion, read),
        *redirects,
        expansion.cwds,
        body.env,
        body.traits,
        body.lists,
    )


def _outputs(expansion: Expansion, read: set[str]) -> Sequence[List]:
    columns = [expansion.files("outputs")]
    for key in ("stdout", "stderr"):
        if read and expansion.plan.items(key):
            outside = expansion.paths.key
            columns.append([some if outside(some[0]) in read else () for some in expansion.files(key)])
    return joined(columns, len(expansion)) if len(columns) > 1 else columns[0]
