"""`taskrun check`: every mistake of a sweep file, and what is only strange; or what is damaged of a study's journal."""

from __future__ import annotations

import os
import sys

import click

from taskrun.cli.files import as_words
from taskrun.cli.source import Opened, Source, nowhere, source_of, source_options
from taskrun.errors import StateError, UsageError


@click.command("check", short_help="Report every mistake in a sweep file; run nothing.")
@source_options
@click.option("--state", is_flag=True, help="Check what is on record of the study instead of its file.")
@click.option("--repair", is_flag=True, help="With --state: save what can be read of a damaged journal.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, state: bool, repair: bool
) -> int:
    """Report every mistake in FILE (default: sweep.yaml), with line and column, and what looks strange in it; where
    there is none, say what becomes of its steps. Nothing is run or written. The exit status is 2 where there are
    mistakes.

    With --state, verify the journal, in which all is recorded that was run: each line, and the checksums. The exit
    status is 3 where it is damaged. --repair then writes what can be read into a new journal and keeps the old one; a
    task whose records are lost runs again.

    \b
        taskrun check study.yaml
        taskrun check --state
    """
    source = source_of(words, file, state_dir, name)
    if repair and not state:
        raise UsageError("--repair goes with --state: it is for what is on record")
    if state:
        return _check_state(source, repairs=repair)
    _check_file(source)
    return 0


def _check_file(source: Source) -> None:
    from taskrun.manager.totals import refuse_shortages

    opened = source.open()
    refuse_shortages(opened.study, opened.study.graph.tasks, opened.study.pools)
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


def _check_state(source: Source, *, repairs: bool) -> int:
    """Verify the journal, and repair it where that is wanted and needed; the exit status."""
    from taskrun.cli.counting import counted
    from taskrun.cli.recorded import find_state
    from taskrun.journal import advice, no_journal, repair, verify

    if source.select:
        raise UsageError(f"--state is about all that is on record; leave out {' '.join(source.select)!r}")
    directory = find_state(source)
    verdict = verify(directory)
    path = os.path.relpath(verdict.path, source.here)
    if verdict.is_whole:
        if not verdict.size:
            click.echo(f"{path}: nothing is on record yet{nowhere(directory, source.here)}")
            return 0
        torn = f"; {counted(verdict.torn, 'byte')} of a torn tail, which the next run cuts" if verdict.torn else ""
        size = f"{counted(verdict.records, 'record')}, {counted(verdict.size, 'byte')}, format {verdict.format}"
        click.echo(f"{path}: no damage, {size}{torn}")
        return 0
    for damage in verdict.damages:
        click.echo(no_journal(path) if damage.first == 1 and verdict.format is None else f"{path}: {damage}")
    if not repairs:
        given = [*(as_words(source.file) if source.file else ()), *source.placed()]
        click.echo(f"taskrun: {path}: {advice(verdict.path, given)}", err=True)
        return StateError.exit_status
    done = repair(directory)
    kept = "" if done.aside is None else f"; the damaged journal is kept as {os.path.relpath(done.aside, source.here)}"
    lost = f", at least {done.lost:,} lost" if done.lost else ""
    click.echo(f"{path}: repaired, {counted(done.kept, 'record')} kept{lost}{kept}")
    return 0
