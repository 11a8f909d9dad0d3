"""A study that is opened, executed and shown, or shown as what would be executed."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from taskrun.cli.asking import ask, is_somebody_there
from taskrun.cli.run_options import RunOptions
from taskrun.cli.source import Opened
from taskrun.graph import Study
from taskrun.manager import Options, Run, exit_status, preview
from taskrun.manager.display import Display, Wishes
from taskrun.model import Adopted, Cause, Finished, RunFinished, Skipped, Started, Status
from taskrun.printer.words import outcome
from taskrun.quantity import show_seconds

if TYPE_CHECKING:
    from taskrun.manager.consenting import Redone


def execute(opened: Opened, wanted: RunOptions, *, only: bool = False) -> int:
    """Run a study, or show what would be run; the exit status."""
    study = opened.study
    if not study.graph.tasks and not opened.select:
        hints = study.hints or (f"{opened.file}: there are no tasks",)
        click.echo("\n".join(f"taskrun: {hint}" for hint in hints), err=True)
        return 0
    options = Options(
        state=opened.state,
        jobs=wanted.jobs or opened.jobs,
        select=opened.select,
        force=wanted.force,
        only=only,
        strict=wanted.strict,
        policy=wanted.policy,
        grace=wanted.grace,
        owns_process=True,
    )
    if wanted.dry_run or opened.is_dry:
        return _dry_run(study, options, verbose=wanted.verbose)
    wishes = Wishes(
        output=wanted.output or opened.output,
        color=wanted.color,
        as_json=wanted.as_json,
        quiet=wanted.quiet,
        verbose=wanted.verbose,
        again=opened.again,
        shown=opened.shown,
    )
    if is_somebody_there() and not (wanted.yes or wanted.as_json or wanted.force):
        options = _with_consent(study, options)
    return _shown(study, options, wishes)


def _with_consent(study: Study, options: Options) -> Options:
    """Have somebody asked before much is done again."""
    from taskrun.manager.consenting import Consent

    return replace(options, keeping=Consent(study, options, _agrees))


def _agrees(redone: Redone) -> bool:
    which, whose = ("1 task", "its command") if redone.tasks == 1 else (f"{redone.tasks:,} tasks", "their commands")
    took = show_seconds(redone.seconds)
    click.echo(f"{which} that took {took} would run again because {whose} changed; -n -v shows how", err=True)
    return ask("go on?")


def _shown(study: Study, options: Options, wishes: Wishes) -> int:
    """Run, and show it. The state is let go before anybody waits for a slow reader."""
    status = None
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # in the shell's background it goes on, whatever `stty tostop` says
    with ExitStack() as leaving:
        run = Run(study, options)
        with closing(run):
            display = leaving.enter_context(Display.of(run, wishes))
            for batch in run.stream(display.due):
                display.show(batch)
                if batch and isinstance(batch[-1], RunFinished):
                    status = exit_status(batch[-1])
    display.check()
    assert status is not None, "a run ended without its last event"
    return status


def _dry_run(study: Study, options: Options, *, verbose: bool) -> int:
    """Shell commands and nothing else to standard output."""
    from taskrun.cli.streams import write_as_names
    from taskrun.executors.dry import DryExecutor
    from taskrun.manager.totals import ample

    write_as_names(sys.stdout)

    pools = ample(study, options.jobs, is_strict=options.strict)
    for hint in study.hints:
        click.echo(f"taskrun: {hint}", err=True)
    executor = DryExecutor(sys.stdout, root=study.root, pools=pools, on_failure=options.policy.on_failure)
    status = 0
    for batch in preview(study, options, executor):
        for event in batch:
            if isinstance(event, Started) and verbose:
                executor.note(event.task, event.reasons)
            elif isinstance(event, Adopted):
                click.echo(f"taskrun: {event.task.name}: still running; a run waits for it", err=True)
            elif isinstance(event, Finished) and event.settled.status is Status.FAILED:
                click.echo(f"taskrun: {event.task.name}: {_failed(event)}", err=True)
                status = 1
            elif isinstance(event, Skipped):
                click.echo(f"taskrun: {event.task.name}: skipped, {event.reason}", err=True)
                status = 1
    return status


def _failed(event: Finished) -> str:
    """Why a task cannot be executed, or how it has ended already."""
    if event.settled.cause in (Cause.EXIT, Cause.MISSING_OUTPUT):
        return f"it failed when its runner was gone, and a run takes that result: {outcome(event.ended, event.settled)}"
    return event.settled.message
