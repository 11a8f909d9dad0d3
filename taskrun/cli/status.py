"""`taskrun status`: what is on record of each task, and whether a run now would leave it alone."""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Sequence

import click
from msgspec.structs import replace

from taskrun.cli.jsons import dumps
from taskrun.cli.source import Opened, source_of, source_options
from taskrun.executors.idle import IdleExecutor
from taskrun.journal import Holder, Records, read_holder, read_journal
from taskrun.machine import boot_id, find_process
from taskrun.manager import Options, preview
from taskrun.model import Cause, Found, Handle, Past, Started, StartRecord, Status, Task
from taskrun.names import log_name


class Standing:
    """What the records say of one task."""

    def __init__(self, task: Task, records: Records, holder: Holder | None) -> None:
        self.task = task
        self.past = records.past(task.name) or Past(task.name)
        self.status, self.cause = _standing(self.past, records, holder)

    @property
    def attempt(self) -> int:
        """The number of the last attempt, 0 where there was none."""
        return max(self.past.start.attempt if self.past.start else 0, self.past.end.attempt if self.past.end else 0)

    @property
    def is_to_look_at(self) -> bool:
        """Whether it failed by itself: what somebody cancelled is no failure to look at."""
        return self.status is Status.FAILED and self.cause != Cause.CANCELLED.value

    @property
    def why(self) -> str:
        """In words, where there is something to say."""
        if self.past.skip is not None:
            return self.past.skip.reason
        end = self.past.end
        if self.status is not Status.FAILED:
            return ""
        if end is None:
            return "its runner is gone, and so is it"
        if self.cause == Cause.CANCELLED.value:
            return self.cause
        return end.message or _outcome(end.exit_code, end.signal) or end.cause or ""


def _outcome(exit_code: int | None, signal: str | None) -> str:
    if signal is not None:
        return f"killed by {signal}"
    return f"exit code {exit_code}" if exit_code is not None else ""


def _standing(past: Past, records: Records, holder: Holder | None) -> tuple[Status, str | None]:
    if past.skip is not None:
        return Status.SKIPPED, None
    if past.end is not None:
        return Status(past.end.status), past.end.cause
    if past.start is None:
        return Status.WAITING, None
    if (holder is not None and holder.run == past.start.run) or _outlives_its_runner(past, past.start, records):
        return Status.RUNNING, None
    return Status.FAILED, Cause.INTERRUPTED.value


def _outlives_its_runner(past: Past, start: StartRecord, records: Records) -> bool:
    """Whether the process of an attempt without an end lives, by its identity or by what it began with."""
    run = records.runs.get(start.run)
    if run is None or run.boot != boot_id():
        return False
    handle = Handle(start.run, start.attempt, start.round)
    if past.spawn is not None:
        handle = replace(handle, pid=past.spawn.pid, ticks=past.spawn.ticks, namespace=past.spawn.namespace)
    return find_process(start.task, handle) is not None


@click.command("status", short_help="Show what is on record of each task.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object with everything about each task.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_json: bool
) -> None:
    """Show what is on record of the tasks of FILE (default: sweep.yaml): counts by step, what runs, what failed."""
    opened = source_of(words, file, state_dir, name).open()
    tasks = opened.study.graph.tasks
    chosen = opened.chosen
    records = read_journal(opened.state, source=opened.study.source) or Records()
    holder = read_holder(opened.state)
    standings = [Standing(tasks[index], records, holder) for index in chosen]
    if as_json:
        _print_json(opened, holder, standings)
    else:
        _print_table(holder, standings)


# --- for programs ----------------------------------------------------------------------------------------------------


def _forecast(opened: Opened) -> tuple[set[str], dict[str, str]]:
    """The tasks that a run now would leave alone, and why it would run the others."""
    fresh: set[str] = set()
    reasons: dict[str, str] = {}
    for batch in preview(opened.study, Options(state=opened.state), IdleExecutor()):
        for event in batch:
            if isinstance(event, Found):
                fresh.add(event.task.name)
            elif isinstance(event, Started):
                reasons[event.task.name] = "; ".join(map(str, event.reasons))
    return fresh, reasons


def _print_json(opened: Opened, holder: Holder | None, standings: Sequence[Standing]) -> None:
    fresh, reasons = _forecast(opened)
    counts = dict.fromkeys((status.value for status in _SHOWN), 0)
    counts |= Counter(standing.status.value for standing in standings)
    running = None if holder is None else {"host": holder.host, "pid": holder.pid, "since": holder.since}
    head = {"name": opened.study.name, "running": running, "counts": counts}
    sys.stdout.write(dumps(head)[:-1] + ', "tasks": [')
    for position, standing in enumerate(standings):
        name = standing.task.name
        described = _described(standing, opened, is_fresh=name in fresh, reason=reasons.get(name))
        sys.stdout.write((",\n " if position else "\n ") + dumps(described))
    sys.stdout.write("]}\n")


def _described(standing: Standing, opened: Opened, *, is_fresh: bool, reason: str | None) -> dict[str, object]:
    task, end = standing.task, standing.past.end
    log = os.path.join(opened.state, log_name(task.name, standing.attempt))
    return {
        "name": task.name,
        "step": task.step.name,
        "params": task.params,
        "status": standing.status.value,
        "fresh": is_fresh and standing.status is not Status.RUNNING,
        "cause": standing.cause,
        "attempt": standing.attempt,
        "exit_code": end.exit_code if end else None,
        "signal": end.signal if end else None,
        "seconds": end.seconds if end else None,
        "max_rss": end.max_rss if end else None,
        "log": os.path.relpath(log, opened.study.root) if standing.attempt and os.path.exists(log) else None,
        "reason": None if standing.status is Status.RUNNING else standing.why or reason or None,
    }


# --- for people ------------------------------------------------------------------------------------------------------

_SHOWN = (Status.SUCCEEDED, Status.FAILED, Status.SKIPPED, Status.RUNNING, Status.WAITING)
_MOST_LINES = 20


def _print_table(holder: Holder | None, standings: Sequence[Standing]) -> None:
    by_step: dict[str, Counter[Status]] = {}
    for standing in standings:
        by_step.setdefault(standing.task.step.name, Counter())[standing.status] += 1
    wide = max((len(step) for step in by_step), default=4)
    columns = [status for status in _SHOWN if any(counts[status] for counts in by_step.values())]
    sys.stdout.write(f"{'step':<{wide}}  " + "  ".join(f"{status.value:>9}" for status in columns) + "\n")
    for step, counts in by_step.items():
        sys.stdout.write(f"{step:<{wide}}  " + "  ".join(f"{counts[status]:>9}" for status in columns) + "\n")
    if holder is not None:
        here = "" if holder.host == socket.gethostname() else f" on {holder.host}"
        sys.stdout.write(f"a run is on: pid {holder.pid}{here}\n")
    _print_some(Status.RUNNING, [standing for standing in standings if standing.status is Status.RUNNING])
    _print_some(Status.FAILED, [standing for standing in standings if standing.is_to_look_at])


def _print_some(status: Status, standings: Sequence[Standing]) -> None:
    for standing in standings[:_MOST_LINES]:
        why = f" ({standing.why})" if standing.why else ""
        sys.stdout.write(f"{status.value}: {standing.task.name}{why}\n")
    if len(standings) > _MOST_LINES:
        sys.stdout.write(f"... and {len(standings) - _MOST_LINES} more {status.value}\n")
