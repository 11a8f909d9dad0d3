"""What became of a run: a value of its own, which no later run changes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from msgspec import Struct

from taskrun.events import exit_status
from taskrun.model import Event, Finished, Retrying, RunFinished, Status
from taskrun.printer.words import is_to_look_at


class Failure(Struct, frozen=True):
    """A task that failed.

    `task`: its name. `cause`: one of `exit`, `signal`, `timeout`, `memory`, `missing input`, `missing output`, `could
    not start`, `interrupted`, `lost`. `exit_code`: None where a signal ended it or nothing was started. `signal`: a
    name such as `SIGKILL`, or None. `seconds`: wall time. `message`: what there is to say beyond that, or "". `log`:
    the absolute path of what it wrote (its log, or else a redirect file that is not empty), or None.
    """

    task: str
    cause: str
    exit_code: int | None
    signal: str | None
    seconds: float
    message: str
    log: str | None


class Summary(Struct, frozen=True):
    """What became of a run.

    `ok`: all tasks succeeded or were fresh, and nothing stopped the run: `taskrun run` would exit with 0. `succeeded`,
    `failed`, `fresh`, `skipped`: numbers of tasks. `failures`: the tasks that failed of themselves, in the order in
    which they did; those that were ended because the run was stopped count as failed, but are none of these. `retried`:
    how many succeeded after a retry.
    `stopped_by`: the name of the signal that ended the run before everything had run, or None.
    """

    ok: bool
    succeeded: int
    failed: int
    fresh: int
    skipped: int
    failures: tuple[Failure, ...] = ()
    stopped_by: str | None = None
    retried: int = 0


class Account:
    """Takes in the events of a run; `root` is the study's directory. `is_dry`: what would be executed was not."""

    def __init__(self, root: str, *, is_dry: bool = False) -> None:
        self._root = root
        self._is_dry = is_dry
        self._failures: list[Failure] = []
        self._failed_once: set[int] = set()
        self._retried = 0
        self._last: RunFinished | None = None

    def take(self, events: Iterable[Event]) -> None:
        """What happened next."""
        for event in events:
            if isinstance(event, Finished) and is_to_look_at(event):
                self._failures.append(self._failure(event))
            elif isinstance(event, Finished):
                is_success = event.settled.status is Status.SUCCEEDED
                self._retried += is_success and event.task.index in self._failed_once
            elif isinstance(event, Retrying):
                self._failed_once.add(event.task.index)
            elif isinstance(event, RunFinished):
                self._last = event

    def summary(self) -> Summary:
        """What became of it; the run must be over."""
        assert self._last is not None, "a run ended without its last event"
        counts = self._last.counts
        return Summary(
            ok=exit_status(self._last) == 0,
            succeeded=0 if self._is_dry else counts.get(Status.SUCCEEDED.value, 0),
            failed=counts.get(Status.FAILED.value, 0),
            fresh=counts.get(Status.FRESH.value, 0),
            skipped=counts.get(Status.SKIPPED.value, 0),
            failures=tuple(self._failures),
            stopped_by=self._last.stopped_by,
            retried=self._retried,
        )

    def _failure(self, event: Finished) -> Failure:
        ended, settled = event.ended, event.settled
        assert settled.cause is not None, "a failure without a cause"
        return Failure(
            task=event.task.name,
            cause=settled.cause.value,
            exit_code=ended.exit_code,
            signal=ended.signal,
            seconds=ended.seconds,
            message=settled.message,
            log=self._log(event),
        )

    def _log(self, event: Finished) -> str | None:
        paths = [os.path.join(self._root, path) for path in event.wrote]
        return next((path for path in paths if _has_content(path)), None)


def _has_content(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.path.getsize(path) > 0
    except OSError:
        return False
