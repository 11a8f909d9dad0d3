"""`run --json`: events as objects, one per line, flushed as they happen.

Which fields they have is defined in `events`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from taskrun.events import public, to_json
from taskrun.model import Event


class JsonEvents:
    """Writes what happens to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.trouble: OSError | None = None

    def show(self, events: Iterable[Event]) -> None:
        """Write a batch; nothing more once nobody reads any more."""
        lines = [to_json(found) + "\n" for event in events if (found := public(event)) is not None]
        if not lines or self.trouble is not None:
            return
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except OSError as trouble:
            self.trouble = trouble
