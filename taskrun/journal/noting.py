"""Which records an event leaves behind; the only place that knows both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from taskrun.model import (
    NEVER_RAN,
    Adopted,
    AnyRecord,
    ConfirmRecord,
    EndRecord,
    Event,
    Finished,
    Found,
    Identified,
    Recovered,
    Retrying,
    RunEndRecord,
    RunFinished,
    RunStarted,
    Skipped,
    SkipRecord,
    SpawnRecord,
    Started,
    StartRecord,
    Stopping,
    Task,
)


def records_of(events: Iterable[Event], run: str) -> list[AnyRecord]:
    """The records of a batch, in its order. What was found fresh, unless it had to be confirmed, and
    what only the screen shows, leaves none."""
    return [record for event in events if (record := _record(event, run)) is not None]


def _record(event: Event, run: str) -> AnyRecord | None:
    match event:  # ordered by how many there are of each
        case Started():
            return _start(event, run)
        case Finished():
            return _end(event)
        case Identified() | Adopted():
            return _spawn(event)
        case Retrying() | Recovered():
            return _end(event)
        case Skipped():
            return _skip(event, run)
        case RunFinished():
            return RunEndRecord(
                run=run,
                time=event.time,
                counts=event.counts,
                stopped_by=event.stopped_by,
                cancelled=event.cancelled,
                allowed=event.allowed,
            )
        case Found():
            return _confirmation(event)
        case RunStarted() | Stopping():
            return None
        case _:
            assert_never(event)


def _step(task: Task) -> str | None:
    """The step where the name does not tell it: one with values was made from its step."""
    return None if task.values or task.name == task.step.name else task.step.name


def _skip(event: Skipped, run: str) -> SkipRecord:
    return SkipRecord(
        run=run,
        task=event.task.name,
        time=event.time,
        culprit=event.culprit,
        reason=event.reason,
        step=_step(event.task),
    )


def _start(event: Started, run: str) -> StartRecord:
    prepared, task = event.prepared, event.task
    return StartRecord(
        run=run,
        task=task.name,
        attempt=event.attempt,
        round=event.round,
        time=event.time,
        signature=prepared.signature,
        inputs=prepared.inputs,
        before=prepared.before,
        step=_step(task),
        stdout=task.stdout,
        stderr=task.stderr,
        remake=prepared.remake,
        gpus=event.grant.gpus,
        pinned=event.grant.pinned,
    )


def _spawn(event: Identified | Adopted) -> SpawnRecord | None:
    handle = event.handle
    if handle.pid is None:
        return None
    return SpawnRecord(
        task=event.task.name,
        attempt=handle.attempt,
        pid=handle.pid,
        ticks=handle.ticks,
        namespace=handle.namespace,
    )


def _confirmation(event: Found) -> ConfirmRecord | None:
    found = event.confirmed
    if found is None:
        return None
    return ConfirmRecord(
        task=event.task.name, attempt=event.attempt, time=event.time, inputs=found.inputs, outputs=found.outputs
    )


def _end(event: Finished | Retrying | Recovered) -> EndRecord:
    ended, settled = event.ended, event.settled
    return EndRecord(
        task=event.task.name,
        attempt=ended.attempt,
        time=ended.end or event.time,
        status=settled.status._value_,  # which is less work than `value`
        cause=settled.cause._value_ if settled.cause is not None else None,
        exit_code=ended.exit_code,
        signal=ended.signal,
        message=settled.message,
        seconds=ended.seconds,
        user=ended.user,
        system=ended.system,
        max_rss=ended.max_rss,
        outputs=settled.outputs,
        log=settled.printed,
        due=event.due if isinstance(event, Retrying) else None,
        step=_step(event.task) if settled.cause in NEVER_RAN else None,
    )
