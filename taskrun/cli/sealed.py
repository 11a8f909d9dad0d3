"""A sweep file that is sealed, for `run`, `why`, `status`: all is as a run left it, and little has to be read."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from taskrun.cli.run_options import RunOptions
from taskrun.cli.source import Source
from taskrun.defaults import DEFAULT_FILE
from taskrun.seal import SEAL

if TYPE_CHECKING:
    from taskrun.cli.overview import Facts
    from taskrun.manager.sealing import Sealed, SealedRun
    from taskrun.model import EndRecord

_SWEEPS = (".yaml", ".yml")


def run_sealed(source: Source, wanted: RunOptions) -> int | None:
    """Run what is sealed and whole: the exit status; None where it takes more than that to know what is to be done."""
    if source.select or wanted.force or wanted.verbose or wanted.strict:
        return None
    found = _sealed(source)
    if found is None or not found.seal.holds(found.root):
        return None
    if wanted.dry_run:
        for hint in found.seal.hints:
            click.echo(f"taskrun: {hint}", err=True)
        return 0
    run = found.take(wanted.jobs)
    return None if run is None else _shown(run, found, source, wanted)


def done_and_sealed(source: Source) -> list[tuple[str, EndRecord]] | None:
    """The last end of each selected task, where these are named one by one and nothing of them would run; else None."""
    if not source.select or any("*" in word or "/" not in word for word in source.select):
        return None
    found = _sealed(source)
    if found is None:
        return None
    ends = []
    for name in dict.fromkeys(source.select):
        index = found.seal.index(name)
        if index is None or not found.seal.holds_for(index, found.root):
            return None
        ends.append((name, found.seal.end(index)))
    return ends


def sealed_facts(source: Source) -> Facts | None:
    """What `status` has to say of a study that is sealed as a whole; None where there is more to say."""
    found = None if source.select else _sealed(source)
    if found is None:
        return None
    import time

    from taskrun.cli.overview import Facts
    from taskrun.journal import read_last_run
    from taskrun.machine import host_name
    from taskrun.model import Argv, Past, Status, Step, Task
    from taskrun.standing import Standing

    tasks: list[tuple[Task, Standing]] = []
    for name, count in found.seal.steps:
        tasks += [(Task(0, name, Step(name), Argv(())), Standing(Past(name), Status.SUCCEEDED))] * count
    run, end = read_last_run(found.state) or (found.seal.run, found.seal.run_end)
    return Facts(
        tasks=tasks,
        now=time.time(),
        host=host_name(),
        output_of=lambda task, standing: None,
        gone=found.seal.gone,
        run=run,
        end=end,
    )


def _sealed(source: Source) -> Sealed | None:
    """What is sealed of the sweep file that a source means."""
    file = source.file or DEFAULT_FILE
    if source.sets or source.pools or not file.endswith(_SWEEPS):
        return None
    root, name, state, seen = source.places(file)
    if not os.path.exists(os.path.join(state, SEAL)):
        return None
    from taskrun.manager.sealing import sealed_now

    return sealed_now(file, root=root, name=name, state=state, seen=seen)


def _shown(run: SealedRun, found: Sealed, source: Source, wanted: RunOptions) -> int:
    from taskrun.manager.display import Display, Wishes, manner

    wishes = Wishes(
        again=source.again_from(source.file or DEFAULT_FILE),
        shown=lambda path: path,
        output=wanted.output or "failures",
        color=wanted.color,
        as_json=wanted.as_json,
        quiet=wanted.quiet,
    )
    with ExitStack() as leaving, closing(run):
        manners = manner(wishes, root=found.root, state=found.state)
        display = leaving.enter_context(Display(run.now, run.outset, manners, wishes))
        for batch in run.stream():
            display.show(batch)
    display.check()
    return 0
