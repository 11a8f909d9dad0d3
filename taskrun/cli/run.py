"""`taskrun run`: from the command line to a run, its display and its exit status."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from fractions import Fraction

import click

from taskrun.cli.source import source_of, source_options
from taskrun.errors import UsageError
from taskrun.graph import Study
from taskrun.manager import Options, Run, exit_status, preview
from taskrun.manager.display import Display, Wishes
from taskrun.model import Finished, RunFinished, Skipped, Started, Status
from taskrun.printer.setting import OUTPUT_CHOICES
from taskrun.quantity import parse_number
from taskrun.term import COLOUR_CHOICES


@click.command("run", short_help="Run a sweep file's tasks, or what is left of them.")
@source_options
@click.option("-j", "--jobs", metavar="N", help="Share N cores among the tasks (default: all usable ones).")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be executed as shell commands; run nothing.")
@click.option("-f", "--force", is_flag=True, help="Run the selected tasks (without SELECT: all) however fresh.")
@click.option("--only", is_flag=True, help="Run just what is selected, without what it needs.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUES", help="Replace the values of a sweep name.")
@click.option("--output", type=click.Choice(OUTPUT_CHOICES), help="Which output of tasks to show.")
@click.option("--color", type=click.Choice(COLOUR_CHOICES), default="auto", help="When to use colour.")
@click.option("--json", "as_json", is_flag=True, help="Print events to standard output, one JSON object a line.")
@click.option("-q", "--quiet", is_flag=True, help="Show only failures and the end.")
@click.option("-v", "--verbose", is_flag=True, help="Show commands and reasons too.")
def command(
    words: tuple[str, ...],
    file: str | None,
    state_dir: str | None,
    name: str | None,
    jobs: str | None,
    sets: tuple[str, ...],
    dry_run: bool,
    force: bool,
    only: bool,
    output: str | None,
    color: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Run the tasks of FILE (default: sweep.yaml) that are not done yet, as many at a time as there are cores.

    SELECT: steps, task names, globs, and name=value to narrow; what they need comes with them.
    """
    source = source_of(words, file, state_dir, name, sets)
    cores = _cores(jobs)
    opened = source.open()
    options = Options(
        state=opened.state,
        jobs=cores or opened.jobs,
        select=opened.select,
        force=force,
        only=only,
        owns_process=True,
    )
    if dry_run:
        return _dry_run(opened.study, options, verbose=verbose)
    wishes = Wishes(
        output=output or opened.output,
        color=color,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        again=opened.again,
        shown=opened.shown,
    )
    return _shown(opened.study, options, wishes)


def _shown(study: Study, options: Options, wishes: Wishes) -> int:
    """Run, and show it. The state is let go before anybody waits for a slow reader."""
    status = None
    with ExitStack() as leaving:
        run = Run(study, options)
        with closing(run):
            display = Display(run, wishes)
            leaving.callback(display.close)
            for batch in run.stream(display.due):
                display.show(batch)
                if batch and isinstance(batch[-1], RunFinished):
                    status = exit_status(batch[-1])
    display.check()
    assert status is not None, "a run ended without its last event"
    return status


def _dry_run(study: Study, options: Options, *, verbose: bool) -> int:
    """Shell commands and nothing else to standard output."""
    from taskrun.executors.dry import DryExecutor
    from taskrun.machine import usable_cores

    for hint in study.hints:
        click.echo(f"taskrun: {hint}", err=True)
    cores = usable_cores() if options.jobs is None else options.jobs
    executor = DryExecutor(sys.stdout, root=study.root, pools={"cores": cores})
    status = 0
    for batch in preview(study, options, executor):
        for event in batch:
            if isinstance(event, Started) and verbose:
                executor.note(event.task, event.reasons)
            elif isinstance(event, Finished) and event.settled.status is Status.FAILED:
                click.echo(f"taskrun: {event.task.name}: {event.settled.message}", err=True)
                status = 1
            elif isinstance(event, Skipped):
                click.echo(f"taskrun: {event.task.name}: skipped, {event.reason}", err=True)
                status = 1
    return status


def _cores(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        cores = parse_number(text)
    except ValueError as error:
        raise UsageError(f"-j {text}: {error}") from None
    if cores < 1 or cores.denominator != 1:
        raise UsageError(f"-j {text}: a whole number of cores, at least 1, expected")
    return cores
