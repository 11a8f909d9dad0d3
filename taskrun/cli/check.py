"""`taskrun check`: every mistake of a sweep file, and what is only strange; nothing is run or written."""

from __future__ import annotations

import os
import sys

import click

from taskrun.cli.source import Opened, source_of, source_options


@click.command("check", short_help="Report every mistake in a sweep file; run nothing.")
@source_options
def command(words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None) -> None:
    """Report every mistake in FILE (default: sweep.yaml), with line and column, and what looks strange in it; where
    there is none, say what becomes of its steps. Nothing is run or written. The exit status is 2 where there are
    mistakes.

    \b
        taskrun check study.yaml
    """
    opened = source_of(words, file, state_dir, name).open()
    for hint in opened.study.hints:
        click.echo(hint, err=True)
    if not opened.select:
        _print_shapes(opened)
    count = len(opened.chosen)
    which = "" if not opened.select else " selected"
    click.echo(f"{opened.file}: no mistakes, {count} {'task' if count == 1 else 'tasks'}{which}")


def _print_shapes(opened: Opened) -> None:
    from taskrun.printer.opening import shape_lines
    from taskrun.term import columns, look

    terminal = look(sys.stdout, color="auto", environment=os.environ)
    room = columns(sys.stdout) if terminal.drawable else None
    for line in shape_lines(opened.study.shapes, terminal, room=room):
        sys.stdout.write(line + "\n")
