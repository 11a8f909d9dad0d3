"""What is due when: a heap of moments, each with what it is about.

It reads no clock; whoever asks says what time it is.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic, TypeVar

What = TypeVar("What")


class Timers(Generic[What]):
    """Moments in seconds, on whatever clock `due` is asked with."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._what: dict[int, What] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._what)

    def set(self, moment: float, what: What) -> int:
        """Have `what` due at `moment`; the number that is returned cancels it."""
        self._count += 1
        self._what[self._count] = what
        heappush(self._heap, (moment, self._count))
        return self._count

    def cancel(self, number: int | None) -> None:
        """Forget a timer; one that was due already, or None, is no mistake."""
        if number is not None:
            self._what.pop(number, None)

    def next_due(self) -> float | None:
        """The earliest moment, or None where nothing is set."""
        while self._heap and self._heap[0][1] not in self._what:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[What]:
        """Take out what is due by `now`, the earliest first, equal moments as they were set."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            number = heappop(self._heap)[1]
            if number in self._what:
                found.append(self._what.pop(number))
        return found
