"""What a run is shown with: the printer on standard error, and events on standard output where they are asked for.

Here the facts about the terminal and the records of earlier runs are gathered; printers find out nothing themselves.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import OutputError, StateError
from taskrun.history import History
from taskrun.model import Task
from taskrun.names import log_name
from taskrun.outlet import outlet_for
from taskrun.pools import CORES
from taskrun.printer import JsonEvents, Manner, Outset, Printer
from taskrun.printer.bottleneck import bottleneck
from taskrun.term import columns, is_in_front, look
from taskrun.written import log_reader

if TYPE_CHECKING:
    from taskrun.manager.running import Batch, Run

_BETWEEN_TRIES = 0.1  # seconds, to write what a slow reader has not made room for


class Wishes(Struct, frozen=True, kw_only=True):
    """How the user wants to see a run. `again` and `shown` as in `Manner`."""

    again: Callable[[Sequence[str]], str]
    shown: Callable[[str], str]

    output: str = "failures"
    color: str = "auto"
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


class Display:
    """Everything that shows a run, told of each batch in turn."""

    def __init__(self, now: Callable[[], float], outset: Outset, manner: Manner, wishes: Wishes) -> None:
        self._now = now
        words, results = outlet_for(sys.stderr, sys.__stderr__), outlet_for(sys.stdout, sys.__stdout__)
        self._outlets = (words, results)
        shown = words if wishes.as_json else results
        self._printer = Printer(
            words.text,
            look(words.text, color=wishes.color, environment=os.environ),
            outset,
            manner,
            columns=lambda: columns(words.text),
            is_in_front=lambda: is_in_front(words.text),
            results=shown.binary,
            results_terminal=look(shown.text, color=wishes.color, environment=os.environ),
        )
        self._json = JsonEvents(results.text) if wishes.as_json else None

    @classmethod
    def of(cls, run: Run, wishes: Wishes) -> Display:
        """The display of a run, which it hears of what comes after the last event, too."""
        display = cls(run.now, _outset(run), manner(wishes, root=run.study.root, state=run.state), wishes)
        run.tell_of_lingering(display.show_lingering)
        return display

    def show(self, batch: Batch) -> None:
        """A batch that is on record; an empty one only says that time has passed."""
        if batch:
            self._printer.show(batch)
            if self._json is not None:
                self._json.show(batch)
        self._printer.tick(self._now())
        for outlet in self._outlets:
            if outlet.is_behind:
                outlet.drain()

    def show_lingering(self, left: Mapping[int, str], seconds: float) -> None:
        """What a run that is over still waits for."""
        self._printer.show_lingering(left, seconds)
        self._outlets[0].drain()

    def due(self) -> float | None:
        """Seconds until something is to be written even if nothing happens."""
        due = self._printer.due(self._now())
        words, results = self._outlets
        if words.is_behind or results.is_behind:
            return _BETWEEN_TRIES if due is None else min(due, _BETWEEN_TRIES)
        return due

    def __enter__(self) -> Display:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """To be left when the state is let go: where that cannot be kept, the last event says so."""
        if self._json is not None and isinstance(error, StateError):
            self._json.break_off(self._now(), self._printer.counts, error.exit_status)
        self._close()

    def _close(self) -> None:
        """Leave the terminal clean, and wait for whoever reads the rest."""
        self._printer.close()
        if self._json is not None:
            self._json.close()
        for outlet in self._outlets:
            outlet.drain()
        if any(outlet.is_behind for outlet in self._outlets):
            from taskrun.executors.local.catch import hand_on_late

            hand_on_late()  # whoever wanted us to end does not want to wait for that
        for outlet in self._outlets:
            outlet.drain(patiently=True)

    def check(self) -> None:
        """Raise where what was asked for could not be written; a reader that has gone is no trouble."""
        told = [self._printer.trouble, *(outlet.trouble for outlet in self._outlets)]
        for trouble in [*told, self._json.trouble if self._json else None]:
            if trouble is not None and not isinstance(trouble, BrokenPipeError):
                raise OutputError(trouble.strerror or str(trouble))


def manner(wishes: Wishes, *, root: str, state: str) -> Manner:
    """How to speak of a run of the study in `root`, whose state is in `state`."""
    return Manner(
        quiet=wishes.quiet,
        verbose=wishes.verbose,
        output=wishes.output,
        again=wishes.again,
        read=log_reader(root),
        log_of=lambda task, attempt: os.path.join(state, log_name(task, attempt)),
        shown=wishes.shown,
    )


def _outset(run: Run) -> Outset:
    tasks, pools = run.study.graph.tasks, run.supply.pools
    done: Counter[str] = Counter()
    durations: list[tuple[str, float]] = []
    left: Counter[tuple[int, int]] = Counter()
    like: dict[tuple[int, int], Task] = {}
    for task in map(tasks.__getitem__, run.selected):
        past = run.records.past(task.name)
        is_done = past is not None and past.has_succeeded
        if past is not None and past.took is not None:
            durations.append((task.step.name, past.took))
        if is_done:
            done[task.step.name] += 1
        if not is_done or run.is_forced:
            key = id(task.step), id(task.traits)
            left[key] += 1
            like[key] = task
    history = History(durations)
    groups = [(like[key].step.name, like[key].traits, count) for key, count in left.items()]
    return Outset(
        shapes=run.study.shapes,
        hints=(*run.study.hints, *run.warnings),
        total=len(tasks),
        selected=Counter(tasks[index].step.name for index in run.selected),
        done=done,
        slots=float(pools[CORES]),
        history=history,
        pools=pools,
        bottleneck=bottleneck(groups, pools, history),
    )
