"""`taskrun reset`: let tasks be as if they had never run, or give up what ran on a machine that is gone."""

from __future__ import annotations

import click

from taskrun.cli.counting import counted, say_some
from taskrun.cli.source import Opened, source_of, source_options


@click.command("reset", short_help="Let tasks be as if they had never run.")
@source_options
@click.option(
    "--assume-dead",
    "host",
    metavar="HOST",
    help="Only mark what is on record as running on HOST as interrupted: that machine is off.",
)
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, host: str | None
) -> None:
    """Let the selected tasks of FILE (default: sweep.yaml) be as if they had never run; without SELECT everything on
    record, also what the sweep has no more. The next run executes them, and after them what depends on what comes out
    different. Outputs and logs stay where they are, and attempts go on being counted. Not during a run.

    Without a file, --name NAME resets a study that has none here: one of `taskrun each`, of standard input, or of a
    Python program.

    \b
        taskrun reset sim topology=mesh
        taskrun reset --assume-dead node17
    """
    opened = source_of(words, file, state_dir, name).look()
    chosen = _chosen(opened)
    from taskrun.journal import is_begun
    from taskrun.manager.changing import Change, assume_dead, reset

    if not is_begun(opened.state):
        click.echo(f"nothing is on record of {opened.study.name}{opened.nowhere}", err=True)
        return
    with Change(opened.study, opened.state, command="reset") as change:
        if host is not None:
            count = assume_dead(change, host, chosen)
            what = f"{counted(count, 'task')} on {host} {'counts' if count == 1 else 'count'} as interrupted"
        else:
            count = reset(change, chosen)
            what = f"{counted(count, 'task')} reset" if count else "nothing is on record of these tasks"
    say_some(change.problems)
    click.echo(what, err=True)


def _chosen(opened: Opened) -> list[str] | None:
    """The names of the selected tasks; None for whatever is on record."""
    if not opened.select:
        return None
    return [opened.study.graph.tasks[index].name for index in opened.chosen]
