"""`taskrun mark-done`: accept results that exist, as if a run had just made them."""

from __future__ import annotations

import click

from taskrun.cli.counting import counted, say_some
from taskrun.cli.source import source_of, source_options


@click.command("mark-done", short_help="Accept results that exist as made.")
@source_options
@click.option("-f", "--force", is_flag=True, help="Also where outputs or inputs are missing.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, force: bool
) -> int:
    """Put the selected tasks of FILE (default: sweep.yaml), without SELECT all, on record as succeeded with the
    command, inputs and outputs that they have now, so that a run leaves them alone: results that were made by hand, by
    another program, or by a command that has changed only in its spelling. Nothing is executed, no file is touched.

    A task whose declared outputs or inputs are not all there stays as it is, and the exit status is 1. Not during a
    run.

    \b
        taskrun mark-done sim topology=mesh
    """
    opened = source_of(words, file, state_dir, name).open()
    chosen = set(opened.chosen)
    from taskrun.manager.accepting import mark_done
    from taskrun.manager.changing import Change

    with Change(opened.study, opened.state, command="mark-done") as change:
        accepted = mark_done(change, chosen, force=force)
    refused = [f"{task}: {why}" for task, why in accepted.refused.items()]
    say_some(refused, more="more are not marked either")
    count = accepted.count
    if count or not refused:
        click.echo(f"{counted(count, 'task')} {'counts' if count == 1 else 'count'} as done", err=True)
    if refused:
        click.echo(f"{counted(len(refused), 'task')} not marked; --force marks these too", err=True)
    return 1 if refused else 0
