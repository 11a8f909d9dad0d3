"""Runs and dry runs as a program asks for them: on record, shown if it wants that, its signals given back to it."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Generator
from contextlib import ExitStack, closing, suppress

from taskrun.events import Event
from taskrun.executors.dry import DryExecutor, Sink
from taskrun.executors.local.catch import hand_on_signals
from taskrun.graph import Study
from taskrun.manager.display import Display, Wishes
from taskrun.manager.running import Batch, Options, Run, preview
from taskrun.manager.summary import Account, Summary
from taskrun.manager.totals import ample
from taskrun.scheduler import no_hurry


def execute(study: Study, options: Options, *, wishes: Wishes | None = None) -> Generator[Batch, None, None]:
    """Run, and yield what happens, each batch on record and shown; closing this ends what runs, and lets the state go.

    Signals that come meanwhile stop the run. When it is over they are given to the program, whose handlers are back.
    """
    try:
        yield from _execute(study, options, wishes)
    finally:
        hand_on_signals()


def _execute(study: Study, options: Options, wishes: Wishes | None) -> Generator[Batch, None, None]:
    display = None
    with ExitStack() as leaving:
        run = Run(study, options)
        with closing(run):
            if wishes is not None:
                display = leaving.enter_context(Display.of(run, wishes))
            with closing(run.stream(no_hurry if display is None else display.due)) as batches:
                for batch in batches:
                    if display is not None:
                        display.show(batch)
                    if batch:
                        yield batch
    if display is not None:
        display.check()


_left_open: weakref.WeakSet[Generator[Event, None, None]] = weakref.WeakSet()


def closed_at_exit(events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """The same, closed at the latest when the program ends: what the garbage collector finds only while Python is
    being taken down can end its processes and its journal no more.
    """
    _left_open.add(events)
    return events


@atexit.register
def _close_all() -> None:
    for events in list(_left_open):
        with suppress(ValueError):  # a daemon thread is in the middle of it
            events.close()


def rehearse(study: Study, options: Options, stream: Sink) -> Summary:
    """Write what a run would execute as shell commands; run nothing."""
    account = Account(study.root, is_dry=True)
    pools = ample(study, options.jobs, is_strict=options.strict, is_typed=False)
    executor = DryExecutor(stream, root=study.root, pools=pools, on_failure=options.policy.on_failure)
    with closing(preview(study, options, executor)) as batches:
        for batch in batches:
            account.take(batch)
    return account.summary()
