"""Which results are in doubt when a machine goes down: those of the minute before the last record of a run without end.

Times are those that the records hold. A clock that jumps puts nothing in doubt that went on record later.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from taskrun.model import EndRecord, Past, Status

_MINUTE = 60.0


class Last(Struct, frozen=True, gc=False):
    """The last record of a run: when that was, and the number of the start or end that it is or follows."""

    time: float
    serial: int


def in_doubt(pasts: Iterable[Past], lasts: Iterable[Last]) -> set[str]:
    """The tasks whose success one of these ends of runs puts in doubt."""
    ordered = sorted(lasts, key=lambda last: last.time)
    times = [last.time for last in ordered]
    found = set()
    for past, end in _unconfirmed(pasts):
        window = ordered[bisect_left(times, end.time - _MINUTE) : bisect_right(times, end.time + _MINUTE)]
        if any(past.ended <= last.serial for last in window):
            found.add(past.name)
    return found


def casting_doubt(pasts: Iterable[Past], lasts: Mapping[str, Last]) -> set[str]:
    """Those of these runs, by their last records, that put a success in doubt."""
    if not lasts:
        return set()
    ordered = sorted((end.time, past.ended) for past, end in _unconfirmed(pasts))
    times = [time for time, _ in ordered]
    found = set()
    for run, last in lasts.items():
        window = ordered[bisect_left(times, last.time - _MINUTE) : bisect_right(times, last.time + _MINUTE)]
        if any(ended <= last.serial for _, ended in window):
            found.add(run)
    return found


def _unconfirmed(pasts: Iterable[Past]) -> Iterator[tuple[Past, EndRecord]]:
    for past in pasts:
        end = past.end
        if end is not None and not past.is_confirmed and end.status == Status.SUCCEEDED.value:
            yield past, end
