"""`taskrun logs`: what a task printed in its last attempt, byte for byte."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

import click
from msgspec import Struct

from taskrun.cli.following import Following, head
from taskrun.cli.outputs import lost, output_of
from taskrun.cli.recorded import check_names_tasks
from taskrun.cli.source import Opened, source_of, source_options
from taskrun.errors import StateError
from taskrun.model import Cause, Status, Task
from taskrun.standing import Standing

_MOST_SENTENCES = 10
_INTERRUPTED = 130


@click.command("logs", short_help="Print what a task wrote, also while it runs.")
@source_options
@click.option("-f", "--follow", is_flag=True, help="Go on printing what a running task writes, until it has ended.")
@click.option("--path", "as_path", is_flag=True, help="Print the path of the log instead.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, follow: bool, as_path: bool
) -> int:
    """Print the log of the last attempt of a task: its standard output and standard error, as far as they were not
    redirected to files. Where there is no log, it is such a file (that of standard error, if there is anything in it).
    SELECT: the task's name; a step, a glob or name=value for several.

    Without a file, --name NAME shows the logs of a study that has none here: one of `taskrun each`, of standard input,
    or of a Python program.

    \b
        taskrun logs sim/topology=mesh
        taskrun logs -f sim/topology=mesh
    """
    source = source_of(words, file, state_dir, name)
    check_names_tasks(source, "logs")
    opened = source.look()
    tasks = [opened.study.graph.tasks[index] for index in opened.chosen]
    try:
        without = _follow(opened, tasks) if follow and not as_path else _print(opened, tasks, as_path=as_path)
    except KeyboardInterrupt:
        return _INTERRUPTED
    missing = [_Missing.of(opened, task, standing) for task, standing in without]
    _say_what_is_missing(missing)
    if any(one.is_unreadable for one in missing):
        return StateError.exit_status
    return 1 if len(missing) == len(tasks) else 0


def _follow(opened: Opened, tasks: Sequence[Task]) -> list[tuple[Task, Standing]]:
    return Following(opened, tasks).run()


def _print(opened: Opened, tasks: Sequence[Task], *, as_path: bool) -> list[tuple[Task, Standing]]:
    """Print the logs, or their paths; how those tasks stand that have none, or none that can be read."""
    on_record = opened.on_record()
    opened.say_nowhere()
    without = []
    is_at_start = True
    for task in tasks:
        standing = on_record.standing(task.name, ok_codes=task.traits.ok_codes)
        path = output_of(task, standing, root=opened.study.root, state=opened.state)
        if path is None or not (as_path or _trouble(path) is None):
            without.append((task, standing))
        elif as_path:
            sys.stdout.write(os.path.relpath(path, opened.here) + "\n")
        else:
            before = head(task, is_at_start=is_at_start) if len(tasks) > 1 else b""
            is_at_start = _copy(path, before)
    return without


def _copy(path: str, before: bytes) -> bool:
    """Write a file out; whether it ends with its line."""
    out = sys.stdout.buffer
    try:
        log = open(path, "rb")  # noqa: SIM115 - what fails below is the output
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from None
    with log:
        out.write(before)
        shutil.copyfileobj(log, out)
        size = log.tell()
        log.seek(max(size - 1, 0))
        return not size or log.read(1) == b"\n"


def _trouble(path: str) -> OSError | None:
    """Why a file cannot be read, if it cannot."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error
    return None


class _Missing(Struct, frozen=True):
    """Why nothing of a task's output was printed: `said` is the sentence. `is_unreadable`: it is there."""

    said: str
    is_unreadable: bool = False

    @classmethod
    def of(cls, opened: Opened, task: Task, standing: Standing) -> _Missing:
        """Look at what it should have written to."""
        place = output_of(task, standing, root=opened.study.root, state=opened.state)
        gone = []
        for path in [place] if place is not None else lost(task, standing, root=opened.study.root):
            trouble = _trouble(path)
            if isinstance(trouble, (FileNotFoundError, NotADirectoryError)):
                gone.append(opened.shown(path))
            elif trouble is not None:
                return cls(f"cannot read {opened.shown(path)}: {trouble.strerror or trouble}", is_unreadable=True)
        return cls(f"{task.name} has no log: {_why(standing, gone)}")


def _say_what_is_missing(missing: Sequence[_Missing]) -> None:
    for one in missing[:_MOST_SENTENCES]:
        click.echo(f"taskrun: {one.said}", err=True)
    if len(missing) > _MOST_SENTENCES:
        click.echo(f"taskrun: nor have {len(missing) - _MOST_SENTENCES} more", err=True)


def _why(standing: Standing, gone: Sequence[str]) -> str:
    if not standing.attempt or standing.cause == Cause.COULD_NOT_START.value:
        return standing.why or "it never ran"
    if standing.status is Status.RUNNING:
        return "it has written nothing yet"
    if gone:
        return f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} gone"
    return "it wrote nothing"
