"""Attempts that outlived the runs which began them: found when a run begins, so that nothing is started beside them."""

from __future__ import annotations

import os
from collections.abc import Collection

from taskrun.errors import StateError
from taskrun.graph import Graph
from taskrun.journal import Records, handle_of
from taskrun.machine import boot_id, host_name
from taskrun.model import Handle, Past
from taskrun.names import result_name
from taskrun.results import Survivor, find_survivor, is_told


def left_behind(graph: Graph, records: Records, *, selected: Collection[int], state: str) -> dict[int, Handle]:
    """The attempts of earlier runs without an end, of the selected tasks; `state` is the state directory, absolute.

    StateError where one may still run on another machine and there is no telling from here, or where one of a task that
    the study has no more still runs and makes what a selected task is to make.
    """
    found = {}
    boot, host = boot_id(), host_name()
    for name in records.open_starts():
        past = records.past(name)
        assert past is not None
        handle = handle_of(records, past, boot=boot, host=host)
        path = os.path.join(state, result_name(name, handle.attempt))
        if handle.host and not is_told(path, handle.run):
            raise StateError(
                f"{name!r} may still run on {handle.host}, where a run began it that did not end; "
                f"run this there, or, when that machine is off, `taskrun reset --assume-dead {handle.host}`"
            )
        index = graph.index(name)
        if index is None:
            _refuse_a_stranger(graph, past, find_survivor(name, handle, path), handle, selected)
        elif index in selected:
            found[index] = handle
    return found


def _refuse_a_stranger(
    graph: Graph, past: Past, found: Survivor | None, handle: Handle, selected: Collection[int]
) -> None:
    """A task that this study has no more may live on, and write what one of its tasks is to write now."""
    if found is None:
        return
    assert past.start is not None
    theirs = set(past.start.signature.outputs)
    where = f"pid {found.pid}" + (f" on {handle.host}" if handle.host else "")
    for index in selected:
        clash = theirs.intersection(graph.tasks[index].outputs)
        if clash:
            raise StateError(
                f"{past.name!r}, which an earlier run began, still runs ({where}) and writes "
                f"{min(clash)!r}; wait for its end or kill it, then run this again"
            )
