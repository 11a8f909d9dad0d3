"""`taskrun check`: every mistake of a sweep file, and what is only strange; nothing is run or written."""

from __future__ import annotations

import click

from taskrun.cli.source import source_of, source_options


@click.command("check", short_help="Check a sweep file without running anything.")
@source_options
def command(words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None) -> None:
    """Report every mistake in FILE (default: sweep.yaml) and what looks strange in it; run nothing."""
    opened = source_of(words, file, state_dir, name).open()
    for hint in opened.study.hints:
        click.echo(hint, err=True)
    count = len(opened.chosen)
    plural = "task" if count == 1 else "tasks"
    click.echo(f"{opened.file}: no mistakes, {count} {plural}")
