"""What a run is shown with: the printer on standard error, and events on standard output where they are asked for.

Here the facts about the terminal and the records of earlier runs are gathered; printers find out nothing themselves.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from taskrun.cli.source import Source
from taskrun.errors import OutputError
from taskrun.history import History
from taskrun.manager import Batch, Run, exit_status
from taskrun.model import Status
from taskrun.names import log_name
from taskrun.printer import JsonEvents, Manner, Outset, Printer, log_reader
from taskrun.term import columns, look


class Wishes(Struct, frozen=True, kw_only=True):
    """How the user wants to see a run."""

    output: str = "failures"
    color: str = "auto"
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


class Display:
    """Everything that shows a run, told of each batch in turn."""

    def __init__(self, run: Run, source: Source, wishes: Wishes) -> None:
        self._now = run.now
        results = sys.stderr if wishes.as_json else sys.stdout
        self._printer = Printer(
            sys.stderr,
            look(sys.stderr, color=wishes.color, environment=os.environ),
            _outset(run),
            _manner(run, source, wishes),
            columns=lambda: columns(sys.stderr),
            results=results.buffer,
            results_terminal=look(results, color=wishes.color, environment=os.environ),
        )
        self._json = JsonEvents(sys.stdout, exit_status) if wishes.as_json else None

    def show(self, batch: Batch) -> None:
        """A batch that is on record; an empty one only says that time has passed."""
        if batch:
            self._printer.show(batch)
            if self._json is not None:
                self._json.show(batch)
        self._printer.tick(self._now())

    def due(self) -> float | None:
        """Seconds until something is to be drawn even if nothing happens."""
        return self._printer.due(self._now())

    def close(self) -> None:
        """Leave the terminal clean."""
        self._printer.close()

    def check(self) -> None:
        """Raise where what was asked for could not be written; a reader that has gone is no trouble."""
        for trouble in (self._printer.trouble, self._json.trouble if self._json else None):
            if trouble is not None and not isinstance(trouble, BrokenPipeError):
                raise OutputError(trouble.strerror or str(trouble))


def _manner(run: Run, source: Source, wishes: Wishes) -> Manner:
    state, root = source.state, run.study.root
    again = ["taskrun", "run", *source.as_words()]
    return Manner(
        quiet=wishes.quiet,
        verbose=wishes.verbose,
        output=wishes.output,
        again=tuple(again),
        read=log_reader(root),
        log_of=lambda task, attempt: os.path.join(state, log_name(task, attempt)),
        shown=source.shown,
    )


def _outset(run: Run) -> Outset:
    tasks = run.study.graph.tasks
    selected = Counter(tasks[index].step.name for index in run.selected)
    done = Counter(step for step, _ in _done_before(run))
    return Outset(
        shapes=run.study.shapes,
        hints=(*run.study.hints, *run.warnings),
        total=len(tasks),
        selected=selected,
        done=done,
        slots=float(run.cores),
        history=History(_done_before(run)),
    )


def _done_before(run: Run) -> Iterator[tuple[str, float]]:
    """The step and the seconds of each selected task that succeeded in its last attempt."""
    for index in run.selected:
        task = run.study.graph.tasks[index]
        past = run.records.past(task.name)
        if past is not None and past.end is not None and past.end.status == Status.SUCCEEDED.value:
            yield task.step.name, past.end.seconds
