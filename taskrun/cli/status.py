"""`taskrun status`: what is on record of each task, and whether a run now would leave it alone."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from taskrun.cli.forecast import UNKNOWN, Prospect, forecast
from taskrun.cli.outputs import output_of
from taskrun.cli.sealed import sealed_facts
from taskrun.cli.source import Opened, source_of, source_options
from taskrun.machine import host_name, usable_cores
from taskrun.model import Status, Task
from taskrun.names import log_name
from taskrun.standing import OnRecord, Standing, remaining
from taskrun.sweep.collecting import without_collector
from taskrun.term import COLOUR_CHOICES, columns, look, rows

if TYPE_CHECKING:
    from taskrun.cli.overview import Facts

_COUNTED = (Status.SUCCEEDED, Status.FAILED, Status.SKIPPED, Status.RUNNING, Status.WAITING)


@click.command("status", short_help="Show what is done, what runs, what failed and why.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object with everything about each task.")
@click.option("-a", "--all", "show_all", is_flag=True, help="Every step, running task and failure, however many.")
@click.option("--color", type=click.Choice(COLOUR_CHOICES), default="auto", help="When to use colour.")
def command(
    words: tuple[str, ...],
    file: str | None,
    state_dir: str | None,
    name: str | None,
    as_json: bool,
    show_all: bool,
    color: str,
) -> None:
    """Show on one screen how far the tasks of FILE (default: sweep.yaml) are: counts by step, what runs and since when,
    what failed and why, what was skipped because of it, how long it has still to go. It may be asked at any time, also
    while a run is on. SELECT: steps, task names, globs, and name=value to narrow.

    Without a file, --name NAME shows a study that has none here: one of `taskrun each`, of standard input, or of a
    Python program.

    \b
        taskrun status
        taskrun status sim topology=mesh
        taskrun status --name sims
    """
    with without_collector():
        source = source_of(words, file, state_dir, name)
        facts = None if as_json else sealed_facts(source)
        if facts is not None:
            _print_facts(facts, color=color, show_all=show_all)
            return
        opened = source.look()
        on_record = opened.on_record()
        chosen = opened.chosen
        opened.say_nowhere()
        if as_json:
            _print_json(opened, on_record, chosen)
        else:
            _print_overview(opened, on_record, chosen, color=color, show_all=show_all)


def _unseen(opened: Opened, on_record: OnRecord) -> int:
    """How many tasks wait of a study that only its records tell of: its last run had more than are on record."""
    run = on_record.last_run
    if opened.seen is None or opened.select or run is None or run.select or run.total is None:
        return 0
    return max(run.total - len(opened.study.graph), 0)


def _gone(opened: Opened, on_record: OnRecord) -> Sequence[str]:
    """The tasks on record that belong to no point of the sweep any more; there is no telling without a file."""
    return on_record.gone(opened.study.graph) if opened.seen is None else ()


# --- for people -------------------------------------------------------------------------------------------------------


def _print_overview(
    opened: Opened, on_record: OnRecord, chosen: Sequence[int], *, color: str, show_all: bool
) -> None:
    from taskrun.cli.overview import Facts

    graph = opened.study.graph
    now = time.time()
    standings = [on_record.standing(task.name, ok_codes=task.traits.ok_codes) for task in graph.tasks]
    unseen = _unseen(opened, on_record)
    run = on_record.run or on_record.last_run
    facts = Facts(
        tasks=[(graph.tasks[index], standings[index]) for index in chosen],
        now=now,
        host=host_name(),
        output_of=lambda task, standing: _shown_output(opened, task, standing),
        unseen=unseen,
        gone=() if opened.select else _gone(opened, on_record),
        holder=on_record.holder,
        run=run,
        end=on_record.records.run_ends.get(run.run) if run is not None else None,
        remaining=remaining(graph, standings, on_record, chosen, now=now, usable=usable_cores, unseen=unseen),
    )
    _print_facts(facts, color=color, show_all=show_all)


def _print_facts(facts: Facts, *, color: str, show_all: bool) -> None:
    from taskrun.cli.overview import Room, overview

    terminal = look(sys.stdout, color=color, environment=os.environ)
    room = Room(columns(sys.stdout), None if show_all else rows(sys.stdout))
    sys.stdout.write("\n".join(overview(facts, terminal, room)) + "\n")


def _shown_output(opened: Opened, task: Task, standing: Standing) -> str | None:
    path = output_of(task, standing, root=opened.study.root, state=opened.state)
    return None if path is None else opened.shown(path)


# --- for programs -----------------------------------------------------------------------------------------------------


def _print_json(opened: Opened, on_record: OnRecord, chosen: Sequence[int]) -> None:
    from taskrun.cli.jsons import dumps

    tasks = [opened.study.graph.tasks[index] for index in chosen]
    standings = [on_record.standing(task.name, ok_codes=task.traits.ok_codes) for task in tasks]
    counts = dict.fromkeys((status.value for status in _COUNTED), 0)
    counts |= Counter(standing.status.value for standing in standings)
    counts[Status.WAITING.value] += _unseen(opened, on_record)
    holder = on_record.holder
    running = None if holder is None else {"host": holder.host, "pid": holder.pid, "since": holder.since}
    head = {"name": opened.study.name, "running": running, "counts": counts, "gone": _gone(opened, on_record)}
    sys.stdout.write(dumps(head)[:-1] + ', "tasks": [')
    standings = [standing.kept for standing in standings]
    prospects = _prospects(opened, on_record)
    for position, (task, standing) in enumerate(zip(tasks, standings, strict=True)):
        described = _described(task, standing, opened, prospects.get(task.index, UNKNOWN))
        sys.stdout.write((",\n " if position else "\n ") + dumps(described))
    sys.stdout.write("]}\n")


def _prospects(opened: Opened, on_record: OnRecord) -> Mapping[int, Prospect]:
    """What a run now would do with each task; nothing is known of a study that only its records tell of."""
    if opened.seen is not None:
        return {}
    return forecast(opened, on_record.records, opened.chosen if opened.select else None)


def _described(task: Task, standing: Standing, opened: Opened, prospect: Prospect) -> dict[str, object]:
    end = standing.past.end
    is_running = standing.status is Status.RUNNING
    return {
        "name": task.name,
        "step": task.step.name,
        "params": task.params,
        "status": standing.status.value,
        "fresh": False if is_running else prospect.is_fresh,
        "cause": standing.cause,
        "attempt": standing.attempt,
        "exit_code": end.exit_code if end else None,
        "signal": end.signal if end else None,
        "seconds": end.seconds if end else None,
        "max_rss": end.max_rss if end else None,
        "log": _log(task, standing, opened),
        "reason": _reason(standing, prospect),
    }


def _reason(standing: Standing, prospect: Prospect) -> str | None:
    """Why it stands so; where all went well, why it would run again all the same."""
    is_good = standing.status is Status.SUCCEEDED
    return (prospect.why or standing.why if is_good else standing.why or _not_running(standing, prospect)) or None


def _not_running(standing: Standing, prospect: Prospect) -> str:
    return "" if standing.status is Status.RUNNING else prospect.why


def _log(task: Task, standing: Standing, opened: Opened) -> str | None:
    """The log of the last attempt as seen from the study, or the file in its place that was moved away as an output;
    None where there is none.
    """
    if not standing.attempt:
        return None
    root, end = opened.study.root, standing.past.end
    log = os.path.join(opened.state, log_name(task.name, standing.attempt))
    if os.path.exists(log):
        return os.path.relpath(log, root)
    moved = end.log if end is not None else None
    return moved if moved is not None and os.path.exists(os.path.join(root, moved)) else None
