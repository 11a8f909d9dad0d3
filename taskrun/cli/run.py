"""`taskrun run`: from the command line to the exit status."""

from __future__ import annotations

import click

from taskrun.cli.completers import complete_set
from taskrun.cli.run_options import RunOptions, run_options
from taskrun.cli.sealed import run_sealed
from taskrun.cli.source import source_of, source_options


@click.command("run", short_help="Run a sweep file's tasks, or what is left of them.")
@source_options
@click.option("--only", is_flag=True, help="Run just what is selected, without what it needs.")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAME=VALUES",
    help="Replace the values of a sweep name.",
    shell_complete=complete_set,
)
@run_options
def command(
    words: tuple[str, ...],
    file: str | None,
    state_dir: str | None,
    name: str | None,
    sets: tuple[str, ...],
    only: bool,
    wanted: RunOptions,
) -> int:
    """Run the tasks of FILE (default: sweep.yaml) that are not done yet, as many at a time as there are cores.

    FILE is a sweep file, a text file (.txt) or - with one command a line, or a Python file that leaves a `manager`.

    SELECT: steps, task names, globs, and name=value to narrow; what they need comes with them.
    """
    source = source_of(words, file, state_dir, name, sets, pools=wanted.pools)
    status = None if only else run_sealed(source, wanted)
    if status is not None:
        return status
    from taskrun.cli.executing import execute  # loads all that runs a task

    return execute(source.open(), wanted, only=only)
