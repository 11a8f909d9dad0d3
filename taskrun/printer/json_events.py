"""`run --json`: events as objects, one per line, flushed as they happen.

Which fields they have is defined in `events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from taskrun.events import Event as Public
from taskrun.events import RunFinished, public, to_json
from taskrun.model import Event


class JsonEvents:
    """Writes what happens to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._end: RunFinished | None = None
        self.trouble: OSError | None = None

    def show(self, events: Iterable[Event]) -> None:
        """Write a batch, but for the run's last event; nothing more once nobody reads any more."""
        found = [each for event in events if (each := public(event)) is not None]
        if found and isinstance(end := found[-1], RunFinished):
            self._end = end
            del found[-1]
        self._write(found)

    def break_off(self, now: float, counts: dict[str, int], exit_status: int) -> None:
        """The run cannot come to its end, or not keep what came of it: the last event says that."""
        self._end = RunFinished(now, counts, exit_status)

    def close(self) -> None:
        """Write the last event, now that the state is let go and the exit status known."""
        if self._end is not None:
            self._write([self._end])

    def _write(self, events: Sequence[Public]) -> None:
        lines = [to_json(event) + "\n" for event in events]
        if not lines or self.trouble is not None:
            return
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except OSError as trouble:
            self.trouble = trouble
