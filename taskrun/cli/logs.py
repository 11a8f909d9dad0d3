"""`taskrun logs`: what a task printed in its last attempt, byte for byte."""

from __future__ import annotations

import os
import shutil
import sys

import click

from taskrun.cli.source import Opened, source_of, source_options
from taskrun.errors import UsageError
from taskrun.journal import Records, read_journal
from taskrun.model import Task
from taskrun.names import log_name


@click.command("logs", short_help="Print the log of a task's last attempt.")
@source_options
@click.option("--path", "as_path", is_flag=True, help="Print the path of the log instead.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_path: bool
) -> int:
    """Print the log of a task's last attempt; where there is none, the file that its output was redirected to."""
    source = source_of(words, file, state_dir, name)
    if not source.select:
        raise UsageError("which task? taskrun logs [FILE] TASK (taskrun list shows their names)")
    opened = source.open()
    records = read_journal(opened.state, source=opened.study.source)
    chosen = [opened.study.graph.tasks[index] for index in opened.chosen]
    found = 0
    for task in chosen:
        path = log_of(task, opened, records)
        if path is None:
            click.echo(f"taskrun: {task.name} has no log" + ("" if _ran(task, records) else ": it never ran"), err=True)
            continue
        found += 1
        if as_path:
            sys.stdout.write(os.path.relpath(path) + "\n")
            continue
        if len(chosen) > 1:
            sys.stdout.write(f"==> {task.name} <==\n")
            sys.stdout.flush()
        with open(path, "rb") as log:
            shutil.copyfileobj(log, sys.stdout.buffer)
    return 0 if found else 1


def log_of(task: Task, opened: Opened, records: Records | None) -> str | None:
    """The absolute path of what the last attempt printed: its log, else the redirect file; None where there is none."""
    past = records.past(task.name) if records else None
    if past is None or past.start is None:
        return None
    candidates = [os.path.join(opened.state, log_name(task.name, past.start.attempt))]
    candidates += [os.path.join(opened.study.root, path) for path in (task.stderr, task.stdout) if path]
    existing = [path for path in candidates if os.path.isfile(path)]
    return next((path for path in existing if os.path.getsize(path)), existing[-1] if existing else None)


def _ran(task: Task, records: Records | None) -> bool:
    past = records.past(task.name) if records else None
    return past is not None and past.start is not None
