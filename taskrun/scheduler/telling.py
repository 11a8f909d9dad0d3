"""What has happened and was not told yet."""

from __future__ import annotations

from collections.abc import Iterator

from taskrun.model import Event

Batch = tuple[Event, ...]

BATCH = 256  # events at most in one batch


class Telling:
    """`events` in their order; `is_urgent`: they are to be told before anybody waits for more, and where it
    `comes_first`, before anything else is decided: the judge is to find on record how an attempt of an earlier run has
    ended.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_urgent = self.comes_first = False

    def say(self, event: Event) -> None:
        """Something that nobody should learn late."""
        self.events.append(event)
        self.is_urgent = True

    def add(self, *events: Event) -> None:
        """Things that can wait until there are more of them."""
        self.events.extend(events)

    def tell(self) -> Iterator[Batch]:
        """All of it, in batches."""
        events, self.events, self.is_urgent, self.comes_first = self.events, [], False, False
        if len(events) > BATCH:
            for start in range(0, len(events), BATCH):
                yield tuple(events[start : start + BATCH])
        elif events:
            yield tuple(events)
