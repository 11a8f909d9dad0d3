"""`taskrun logs -f`: what tasks write, as they write it, until they have ended; bytes as they are.

What is on record is looked at before the file: a task that has ended by then has written all that it will.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence

import click
from msgspec import Struct

from taskrun.cli.outputs import output_of
from taskrun.cli.source import Opened
from taskrun.model import EndRecord, RunRecord, Status, Task
from taskrun.standing import Standing, Watch, is_left, tasks_of

_BETWEEN = 100  # milliseconds between two looks
_PIECE = 1 << 16
_MOST_AWAITED = 10
_GONE = select.POLLERR | select.POLLHUP


class _Tail(Struct):
    """How far the output of one attempt has been shown. The file is settled once something of it was shown."""

    attempt: int
    path: str | None = None
    shown: int = 0

    def read(self) -> bytes:
        """What came since; from the beginning where the file became shorter."""
        if self.path is None:
            return b""
        try:
            with open(self.path, "rb") as file:
                if os.fstat(file.fileno()).st_size < self.shown:
                    self.shown = 0
                file.seek(self.shown)
                piece = file.read(_PIECE)
        except OSError:  # not there yet, or not any more
            return b""
        self.shown += len(piece)
        return piece


class Following:
    """Some tasks whose output is shown while it comes."""

    def __init__(self, opened: Opened, tasks: Sequence[Task]) -> None:
        self._opened = opened
        self._tasks = tasks
        self._watch = Watch(opened.state, source=opened.study.source)
        self._tails: dict[int, _Tail] = {}
        self._over: dict[int, EndRecord] = {}  # the attempts of which all has been shown
        self._awaited: set[int] = set()
        self._asked_for: dict[str, frozenset[int]] = {}  # the tasks of the run that is on
        self._out = sys.stdout.buffer
        self._last: Task | None = None  # whose output was shown last
        self._is_at_start = True  # of a line

    def run(self) -> list[tuple[Task, Standing]]:
        """Follow until all have ended, or nobody reads any more; how those stand of which nothing was there to show."""
        while True:
            on_record = self._watch.look()
            standings = [on_record.standing(task.name, ok_codes=task.traits.ok_codes) for task in self._tasks]
            stay = [self._show(*each, on_record.run) for each in zip(self._tasks, standings, strict=True)]
            self._out.flush()
            if not any(stay) or not _pause():
                break
        shown = {index for index, tail in self._tails.items() if tail.shown}
        pairs = zip(self._tasks, standings, strict=True)
        return [(task, standing) for task, standing in pairs if task.index not in shown]

    def _show(self, task: Task, standing: Standing, run: RunRecord | None) -> bool:
        """Show what came; whether more may come."""
        is_running = standing.status is Status.RUNNING
        is_to_come = run is not None and is_left(standing, run) and self._is_of(run, task)
        if is_to_come and task.index not in self._tails:
            self._await(task)
            return True
        if is_running and standing.past.spawn is None:
            return True  # until it has begun, a file that it is redirected to is the last attempt's
        end = standing.past.end
        if end is not None and self._over.get(task.index) is end:
            return is_to_come  # 10,000 tasks that are over are 10,000 files that need not be opened again
        tail = self._tails.get(task.index)
        if tail is None or tail.attempt != standing.attempt:
            if tail is not None:
                self._drain(task, tail)
            tail = self._tails[task.index] = _Tail(standing.attempt)
        if not tail.shown:
            tail.path = output_of(task, standing, root=self._opened.study.root, state=self._opened.state)
        self._drain(task, tail)
        if end is not None:
            self._over[task.index] = end
        return is_running or is_to_come

    def _is_of(self, run: RunRecord, task: Task) -> bool:
        """Whether a run was asked for the task; what only the records tell of may be needed by any that was."""
        if not run.select or self._opened.seen is not None:
            return True
        if run.run not in self._asked_for:
            self._asked_for = {run.run: frozenset(tasks_of(self._opened.study.graph, run))}
        return task.index in self._asked_for[run.run]

    def _await(self, task: Task) -> None:
        if task.index not in self._awaited:
            self._awaited.add(task.index)
            if len(self._awaited) <= _MOST_AWAITED:
                click.echo(f"taskrun: waiting for {task.name} to start", err=True)
            elif len(self._awaited) == _MOST_AWAITED + 1:
                click.echo("taskrun: waiting for others too", err=True)

    def _drain(self, task: Task, tail: _Tail) -> None:
        while piece := tail.read():
            if len(self._tasks) > 1 and self._last is not task:
                self._out.write(head(task, is_at_start=self._is_at_start))
                self._last = task
            self._out.write(piece)
            self._is_at_start = piece.endswith(b"\n")


def head(task: Task, *, is_at_start: bool) -> bytes:
    """The line that tells one task's output from another's."""
    return (b"" if is_at_start else b"\n") + f"==> {task.name} <==\n".encode("utf-8", "surrogateescape")


def _pause() -> bool:
    """Wait a moment; False where whoever read our output has gone."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & _GONE for _, event in poll.poll(_BETWEEN))
