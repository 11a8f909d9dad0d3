"""The events of a run as other programs see them: what `stream()` yields and what `run --json` prints.

The names of the fields are part of the contract; more fields may come. `time` is seconds since the epoch, `task` the
name of the task, paths are relative to the study's directory.
"""

from __future__ import annotations

from typing import TypedDict

from msgspec import Struct, json, to_builtins

from taskrun import model
from taskrun.model import Status

_SIGNAL_STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


class RunStarted(Struct, frozen=True, tag_field="event", tag="run_started"):
    """The first event of a run. `total`: the number of tasks that are selected, with what they need."""

    time: float
    total: int


class Started(Struct, frozen=True, tag_field="event", tag="started"):
    """A task starts. `attempt` counts its executions from 1, over all runs."""

    time: float
    task: str
    attempt: int


class Finished(Struct, frozen=True, tag_field="event", tag="finished"):
    """A task has ended.

    `status`: `succeeded` or `failed`. `cause`: None where it succeeded, else one of `exit`, `signal`, `timeout`,
    `memory`, `missing input`, `missing output`, `could not start`, `cancelled`, `interrupted`, `lost`. `exit_code`:
    None where a signal ended it or nothing was started. `signal`: a name such as `SIGKILL`, or None. `seconds`: wall
    time. `max_rss`: peak memory in bytes, None where it is not known. `log`: the path of its log, None where there is
    none; where a failure wrote to an output, which was moved away, where that is now.
    """

    time: float
    task: str
    status: str
    cause: str | None
    exit_code: int | None
    signal: str | None
    seconds: float
    max_rss: int | None
    attempt: int
    log: str | None


class Retrying(Struct, frozen=True, tag_field="event", tag="retrying"):
    """An attempt has failed, and its task waits until `due`, in seconds since the epoch, to be tried again.

    `status` is `failed`; `cause`, `exit_code`, `signal`, `seconds`, `max_rss`, `attempt` and `log` as in `finished`.
    """

    time: float
    task: str
    status: str
    cause: str | None
    exit_code: int | None
    signal: str | None
    seconds: float
    max_rss: int | None
    attempt: int
    log: str | None
    due: float


class Fresh(Struct, frozen=True, tag_field="event", tag="fresh"):
    """A task was done in an earlier run and is still valid: it is not executed."""

    time: float
    task: str


class Skipped(Struct, frozen=True, tag_field="event", tag="skipped"):
    """A task does not run in this run. `culprit`: the task that failed, however far up; None where none did."""

    time: float
    task: str
    culprit: str | None
    reason: str


class RunFinished(Struct, frozen=True, tag_field="event", tag="run_finished"):
    """The last event of a run.

    `counts`: how many tasks are `succeeded`, `failed`, `fresh` and `skipped`. `exit_status`: what `taskrun run` exits
    with: 0, 1, 3 where the state could not be kept, or 130, 143, 129 where a signal ended the run.
    """

    time: float
    counts: dict[str, int]
    exit_status: int


Event = RunStarted | Started | Finished | Retrying | Fresh | Skipped | RunFinished


def public(event: model.Event) -> Event | None:
    """What other programs see of an event; None for what is between taskrun and its journal."""
    if isinstance(event, model.Started):
        return Started(event.time, event.task.name, event.attempt)
    if isinstance(event, model.Finished):
        return Finished(time=event.time, task=event.task.name, **_outcome(event.ended, event.settled))
    if isinstance(event, model.Retrying):
        outcome = _outcome(event.ended, event.settled)
        return Retrying(time=event.time, task=event.task.name, due=event.due, **outcome)
    if isinstance(event, model.Found):
        return Fresh(event.time, event.task.name)
    if isinstance(event, model.Skipped):
        return Skipped(event.time, event.task.name, event.culprit or None, event.reason)
    if isinstance(event, model.RunStarted):
        return RunStarted(event.time, event.total)
    if isinstance(event, model.RunFinished):
        return RunFinished(event.time, event.counts, exit_status(event))
    return None


class _Outcome(TypedDict):
    """What `finished` and `retrying` say alike."""

    status: str
    cause: str | None
    exit_code: int | None
    signal: str | None
    seconds: float
    max_rss: int | None
    attempt: int
    log: str | None


def _outcome(ended: model.Ended, settled: model.Settled) -> _Outcome:
    return {
        "status": settled.status.value,
        "cause": settled.cause.value if settled.cause else None,
        "exit_code": ended.exit_code,
        "signal": ended.signal,
        "seconds": ended.seconds,
        "max_rss": ended.max_rss,
        "attempt": ended.attempt,
        "log": settled.printed,
    }


def exit_status(finished: model.RunFinished) -> int:
    """What a run that ended so exits with (DESIGN, section 5)."""
    if finished.stopped_by is not None:
        return _SIGNAL_STATUS.get(finished.stopped_by, 130)
    bad = finished.counts.get(Status.FAILED.value, 0) - finished.allowed
    return 1 if bad or finished.counts.get(Status.SKIPPED.value, 0) else 0


def to_json(event: Event) -> str:
    """The event as a JSON object on one line; a byte of a name or path that is no text is an escape such as `\\udce9`,
    as in all JSON of ours.
    """
    try:
        return json.encode(event).decode()
    except UnicodeEncodeError:
        from json import dumps  # only for names that are no UTF-8

        return dumps(to_builtins(event), separators=(",", ":"))
