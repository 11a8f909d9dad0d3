"""`taskrun check`: every mistake of a sweep file, and what is only strange; nothing is run or written."""

from __future__ import annotations

import click

from taskrun.cli.source import source_of, source_options
from taskrun.names import select


@click.command("check", short_help="Check a sweep file without running anything.")
@source_options
def command(words: tuple[str, ...], file: str | None, state_dir: str | None) -> None:
    """Report every mistake in FILE (default: sweep.yaml) and what looks strange in it; run nothing."""
    source = source_of(words, file, state_dir)
    study = source.load()
    for hint in study.hints:
        click.echo(hint, err=True)
    tasks = study.graph.tasks
    if source.select:
        select(tasks, source.select)
    plural = "task" if len(tasks) == 1 else "tasks"
    click.echo(f"{source.file}: no mistakes, {len(tasks)} {plural}")
