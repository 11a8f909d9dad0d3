"""How much of a journal still counts: judged by a sample of its tasks, so that it costs nothing to ask at each run.

What tasks may share without our knowing is counted more than once: rather a journal too long than one made anew twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from taskrun.journal.compacting import events
from taskrun.journal.lines import to_line, to_lines
from taskrun.journal.lists import LONG, Items
from taskrun.journal.records import Records
from taskrun.model import AnyRecord, ListRecord, Past, StartRecord

_SMALL = 64 * 1024
_SAMPLE = 1000
_ITEMS = 256
_DIGEST = "0" * 32


def is_mostly_history(records: Records, size: int) -> bool:
    """Whether a journal of so many bytes is not small, and a compact one would have at most half of them."""
    return size > _SMALL and 2 * live_size(records) <= size


def live_size(records: Records) -> int:
    """About how many bytes a compact journal would have; exact for few tasks without long lists."""
    pasts = list(records.pasts())
    sample = pasts[:: len(pasts) // _SAMPLE | 1]
    kept = [_bare(record) for _, record in events(sample)]
    tasks = len(to_lines(kept)) * len(pasts) // max(1, len(sample))
    names = records.live_runs()
    others: list[AnyRecord] = [records.header, *(records.runs[name] for name in names)]
    others += [records.run_ends[name] for name in names if name in records.run_ends]
    return tasks + _lists_size(pasts) + len(to_lines(others))


def _bare(record: AnyRecord) -> AnyRecord:
    """The record as it stands beside its lists."""
    if not isinstance(record, StartRecord) or len(record.signature.inputs) < LONG:
        return record
    signature = structs.replace(record.signature, inputs=())
    return structs.replace(record, signature=signature, inputs=(), paths=_DIGEST, figures=_DIGEST)


def _lists_size(pasts: Iterable[Past]) -> int:
    starts = [past.start for past in pasts if past.start is not None and len(past.start.signature.inputs) >= LONG]
    lists: dict[int, Items] = {}
    for start in starts:
        lists[id(start.signature.inputs)] = start.signature.inputs
        lists[id(start.inputs)] = start.inputs
    return sum(map(_list_size, lists.values()))


def _list_size(items: Items) -> int:
    some = items[:_ITEMS]
    size = len(to_line(ListRecord(digest=_DIGEST, figures=some)))
    return size * len(items) // max(1, len(some))
