"""`run --json`: events as objects, one per line, flushed as they happen.

The names of the fields are part of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from msgspec import json

from taskrun.model import Event, Finished, Found, RunFinished, RunStarted, Skipped, Started

Value = str | int | float | dict[str, int] | None


class JsonEvents:
    """Writes what happens to `stream`; `exit_status` knows what a run that ended so exits with."""

    def __init__(self, stream: TextIO, exit_status: Callable[[RunFinished], int]) -> None:
        self._stream = stream
        self._exit_status = exit_status
        self.trouble: OSError | None = None

    def show(self, events: Iterable[Event]) -> None:
        """Write a batch; nothing more once nobody reads any more."""
        objects = [found for event in events if (found := self._object(event)) is not None]
        if not objects or self.trouble is not None:
            return
        try:
            self._stream.write("".join(json.encode(one).decode() + "\n" for one in objects))
            self._stream.flush()
        except OSError as trouble:
            self.trouble = trouble

    def _object(self, event: Event) -> dict[str, Value] | None:
        if isinstance(event, Started):
            return _about(event, "started") | {"attempt": event.attempt}
        if isinstance(event, Finished):
            return _about(event, "finished") | _end(event)
        if isinstance(event, Found):
            return _about(event, "fresh")
        if isinstance(event, Skipped):
            return _about(event, "skipped") | {"culprit": event.culprit or None, "reason": event.reason}
        if isinstance(event, RunStarted):
            return {"event": "run_started", "time": event.time, "total": event.total}
        if isinstance(event, RunFinished):
            status = self._exit_status(event)
            return {"event": "run_finished", "time": event.time, "counts": event.counts, "exit_status": status}
        return None


def _about(event: Started | Finished | Found | Skipped, name: str) -> dict[str, Value]:
    task = event.task.name.encode("utf-8", "backslashreplace").decode()
    return {"event": name, "time": event.time, "task": task}


def _end(event: Finished) -> dict[str, Value]:
    ended, settled = event.ended, event.settled
    return {
        "status": settled.status.value,
        "cause": settled.cause.value if settled.cause else None,
        "exit_code": ended.exit_code,
        "signal": ended.signal,
        "seconds": ended.seconds,
        "max_rss": ended.max_rss,
        "attempt": ended.attempt,
        "log": settled.log,
    }
