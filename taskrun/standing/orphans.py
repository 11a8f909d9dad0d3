"""An attempt without an end on record whose run is gone: whether it still lives, or how it ended by itself.

Reads only. What it finds is what the next run finds.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from msgspec import Struct

from taskrun.freshness import named
from taskrun.journal import Records, handle_of
from taskrun.machine import boot_id, host_name
from taskrun.model import Cause, Ended, EndRecord, Figure, Handle, Past, Status
from taskrun.names import result_name
from taskrun.results import Survivor, find_survivor, found_over, is_told, is_trusted, read_result


class Orphan(Struct, frozen=True):
    """`handle` finds it. `survivor`: what lives of it. `ended`: how it ended, where that is to be honoured.

    `is_unknown`: it was begun on another machine, and nobody can tell from here.
    """

    handle: Handle
    survivor: Survivor | None = None
    ended: Ended | None = None
    is_unknown: bool = False

    @property
    def where(self) -> str:
        """Where it lives: `pid 17`, or `pid 17 on node3`."""
        pid = f"pid {self.survivor.pid}" if self.survivor is not None else ""
        return f"{pid} on {self.handle.host}" if self.handle.host else pid


def look_for(records: Records, past: Past, *, state: str, index: int = 0) -> Orphan:
    """What became of a task's attempt that has no end on record; `state` is the state directory.

    `index` is the task's, for its end.
    """
    handle = handle_of(records, past, boot=boot_id(), host=host_name())
    path = os.path.join(state, result_name(past.name, handle.attempt))
    found = find_survivor(past.name, handle, path)
    if found is not None:
        return Orphan(handle, found)
    result = read_result(path, handle.run)
    if result is not None and is_trusted(result, handle):
        ended = found_over(index, handle.attempt, result)
        if ended.cause is not Cause.INTERRUPTED:
            return Orphan(handle, ended=ended)
    return Orphan(handle, is_unknown=bool(handle.host) and not is_told(path, handle.run))


def end_of(
    task: str,
    ended: Ended,
    *,
    ok_codes: Collection[int],
    missing: Sequence[str],
    outputs: tuple[Figure, ...] = (),
    log: str | None = None,
) -> EndRecord:
    """What a run puts on record of an attempt that ended by itself. `missing`: outputs that are not there."""
    cause = message = None
    if ended.exit_code != 0 and ended.exit_code not in ok_codes:
        cause = Cause.EXIT
    elif missing:
        cause, message = Cause.MISSING_OUTPUT, f"{task} did not make {named(missing)}"
    return EndRecord(
        task=task,
        attempt=ended.attempt,
        time=ended.end,
        status=(Status.SUCCEEDED if cause is None else Status.FAILED).value,
        cause=None if cause is None else cause.value,
        exit_code=ended.exit_code,
        message=message or "",
        seconds=ended.seconds,
        user=ended.user,
        system=ended.system,
        max_rss=ended.max_rss,
        outputs=outputs if cause is None else (),
        log=log,
    )
