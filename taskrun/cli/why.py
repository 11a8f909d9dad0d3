"""`taskrun why`: whether a run now would execute a task and why, or for what it waits; reads only, takes no lock."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from taskrun.cli.recorded import check_names_tasks
from taskrun.cli.sealed import done_and_sealed
from taskrun.cli.source import Opened, source_of, source_options
from taskrun.freshness import past_reason
from taskrun.model import Argv, EndRecord, Past, Reason, ReasonKind, Status, Step, Task
from taskrun.printer.width import printable
from taskrun.quantity import show_seconds
from taskrun.standing import OnRecord, Standing, outcome
from taskrun.sweep.collecting import without_collector

if TYPE_CHECKING:
    from taskrun.cli.forecast import Prospect
    from taskrun.cli.live import LiveRun

_WHEN = "%Y-%m-%d %H:%M:%S"
_INDENT = "    "


class Answer(Struct, frozen=True, kw_only=True):
    """What there is to say of one task. `is_live`: a run is on; `is_left`: that has still to start it, or might."""

    task: Task
    standing: Standing
    would_run: bool | None
    reasons: tuple[Reason, ...] = ()
    is_known: bool = True
    is_live: bool = False
    is_left: bool = False


@click.command("why", short_help="Say why a task would run, or for what it waits.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each task, one a line.")
def command(words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_json: bool) -> None:
    """Say of a task whether a run now would execute it, and all the reasons. "perhaps" stands before one that hangs on
    what comes out of others: where that is the same as before, it is left alone. While a run is on, say since when the
    task runs, or for which task it waits, or who uses the cores. SELECT: the task's name; a step, a glob or name=value
    for several.

    Without a file, --name NAME tells what is known of a study that has none here: one of `taskrun each`, of standard
    input, or of a Python program.

    \b
        taskrun why sim/topology=mesh
        taskrun why parse topology=mesh
    """
    source = source_of(words, file, state_dir, name)
    check_names_tasks(source, "why")
    with without_collector():
        done = done_and_sealed(source)
        answers: Iterable[Answer]
        if done is None:
            opened = source.look()
            opened.say_nowhere()
            answers = _answers(opened)
        else:
            answers = map(_done_answer, done)
        if as_json:
            _print_json(answers)
        else:
            _print_text(answers)


# --- what is known ----------------------------------------------------------------------------------------------------


def _answers(opened: Opened) -> Iterator[Answer]:
    from taskrun.cli.forecast import forecast  # a study that is sealed is not asked what a run would do
    from taskrun.cli.live import LiveRun

    graph = opened.study.graph
    chosen = opened.chosen
    on_record = opened.on_record()
    if opened.seen is not None:
        yield from (_recorded_answer(graph.tasks[index], on_record) for index in chosen)
        return
    # All that is asked of the records comes first: the forecast goes on with them as if everything had been run.
    standings = {
        task.index: on_record.standing(task.name, ok_codes=task.traits.ok_codes).kept
        for task in map(graph.tasks.__getitem__, graph.closure(chosen))
    }
    run = on_record.run
    is_live = run is not None and run.command is None
    live = LiveRun(graph, run, on_record, standings) if run is not None and is_live else None
    prospects = forecast(opened, on_record.records, chosen)
    for index in chosen:
        yield _answer(graph.tasks[index], standings[index], prospects, live)


def _done_answer(done: tuple[str, EndRecord]) -> Answer:
    """Of a task that is sealed: a run now would leave it alone."""
    name, end = done
    task = Task(0, name, Step(name), Argv(()))
    return Answer(task=task, standing=Standing(Past(name, end=end), Status.SUCCEEDED), would_run=False)


def _answer(task: Task, standing: Standing, prospects: Mapping[int, Prospect], live: LiveRun | None) -> Answer:
    from taskrun.cli.forecast import UNKNOWN

    prospect = prospects.get(task.index, UNKNOWN)
    if standing.status is Status.RUNNING:
        would_run = True if live is not None else None  # a run waits for it, and takes what comes of it
        return Answer(task=task, standing=standing, would_run=would_run, is_live=live is not None)
    reasons = prospect.reasons
    if prospect.refused:
        reasons = (Reason(ReasonKind.INPUT_MISSING, prospect.missing),)
    is_left = live is not None and live.is_left(task.index, prospect)
    would_run = prospect.would_run
    if live is not None and is_left:
        if would_run is False:
            would_run, reasons = True, (Reason(ReasonKind.FORCED),)
        reasons = (live.waits(task, prospects), *reasons)
    return Answer(
        task=task,
        standing=standing,
        would_run=would_run,
        reasons=reasons,
        is_live=live is not None,
        is_left=is_left,
    )


def _recorded_answer(task: Task, on_record: OnRecord) -> Answer:
    """Of a study that only its records tell of: what it would do now is not known where all went well."""
    standing = on_record.standing(task.name, ok_codes=task.traits.ok_codes)
    if standing.status is Status.RUNNING:
        return Answer(task=task, standing=standing, would_run=True, is_live=on_record.holder is not None)
    reason = past_reason(standing.past)
    if reason is None:
        return Answer(task=task, standing=standing, would_run=None, is_known=False)
    return Answer(task=task, standing=standing, would_run=True, reasons=(reason,))


# --- for people and for programs --------------------------------------------------------------------------------------


def _print_text(answers: Iterable[Answer]) -> None:
    now = time.time()
    for answer in answers:
        sys.stdout.write(f"{printable(answer.task.name)}: {printable(_verdict(answer, now))}\n")
        for reason in answer.reasons:
            if reason.kind is not ReasonKind.WAITS:
                sys.stdout.write(f"{_INDENT}{printable(str(reason))}\n")
        if answer.standing.status is Status.SKIPPED and not answer.is_live:
            sys.stdout.write(f"{_INDENT}when it was last to run it was skipped: {printable(answer.standing.why)}\n")


def _verdict(answer: Answer, now: float) -> str:
    standing = answer.standing
    who = "the next run" if answer.is_live else "a run now"
    if standing.status is Status.RUNNING:
        where = f" ({standing.orphan.where})" if standing.orphan is not None else ""
        alone = "" if answer.is_live else "; its runner is gone, and the next run will wait for it"
        return f"running for {show_seconds(now - standing.began)}{where}, attempt {standing.attempt}{alone}"
    if answer.is_left:
        waits = next(f"waits {reason.detail}" for reason in answer.reasons if reason.kind is ReasonKind.WAITS)
        return waits if answer.would_run else f"{waits}, and may turn out to be fresh"
    if not answer.is_known:
        return f"{_done(standing)}; only what started it knows whether it would be executed again"
    if standing.is_unrecorded and answer.would_run is False:
        return f"{_ended(standing)} when its runner was gone (attempt {standing.attempt}); {who} would take its result"
    if answer.would_run is None:
        return f"{who} might execute it"
    if answer.would_run:
        return f"{who} would execute it"
    return f"{who} could not execute it" if answer.reasons else f"fresh, {_done(standing)}; {who} would leave it alone"


def _ended(standing: Standing) -> str:
    end = standing.past.end
    assert end is not None
    if standing.status is Status.SUCCEEDED:
        return "it succeeded"
    return f"it failed ({outcome(end)})"


def _done(standing: Standing) -> str:
    end = standing.past.end
    when = time.strftime(_WHEN, time.localtime(end.time)) if end is not None else "once"
    return f"it succeeded {when} (attempt {standing.attempt})" if standing.attempt else f"it was marked as done {when}"


def _print_json(answers: Iterable[Answer]) -> None:
    from taskrun.cli.jsons import dumps

    for answer in answers:
        sys.stdout.write(dumps(_described(answer)) + "\n")


def _described(answer: Answer) -> dict[str, object]:
    standing = answer.standing
    is_running = standing.status is Status.RUNNING
    return {
        "task": answer.task.name,
        "would_run": answer.would_run,
        "reasons": _listed(answer.reasons),
        "status": standing.status.value,
        "since": standing.began if is_running else None,
    }


def _listed(reasons: Sequence[Reason]) -> list[dict[str, object]]:
    return [{"kind": each.kind.value, "detail": each.detail, "certain": each.is_certain} for each in reasons]
