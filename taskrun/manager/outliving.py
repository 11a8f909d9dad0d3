"""Attempts that outlived the runs which began them: looked for when a run begins, so that nothing starts beside them.

A preview looks too, and takes what they have left, or will leave, as a run would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from taskrun.errors import StateError
from taskrun.executors.foretold import Foretold
from taskrun.graph import Graph
from taskrun.journal import Records, read_holder
from taskrun.model import Handle, Past
from taskrun.standing import Orphan, look_for


def left_behind(graph: Graph, records: Records, *, selected: Collection[int], state: str) -> dict[int, Handle]:
    """The attempts of earlier runs without an end, of the selected tasks; `state` is the state directory, absolute.

    StateError where one may still run on another machine and there is no telling from here, or where one of a task that
    the study has no more still runs and makes what a selected task is to make.
    """
    found = {}
    for past in _open(records):
        orphan = look_for(records, past, state=state)
        host = orphan.handle.host
        if orphan.is_unknown:
            raise StateError(
                f"{past.name!r} may still run on {host}, where a run began it that did not end; "
                f"run this there, or, when that machine is off, `taskrun reset --assume-dead {host}`"
            )
        index = graph.index(past.name)
        if index is None:
            _refuse_a_stranger(graph, past, orphan, selected)
        elif index in selected:
            found[index] = orphan.handle
    return found


def foretold(graph: Graph, records: Records, *, selected: Collection[int], state: str) -> Mapping[int, Foretold]:
    """Of the selected tasks, by index, what a run that begins now would find of attempts that have no end on record.

    What a run has in its hands that is on now is none of these.
    """
    pasts = [past for past in _open(records) if (index := graph.index(past.name)) is not None and index in selected]
    holder = read_holder(state) if pasts else None
    found = {}
    for past in pasts:
        index = graph.index(past.name)
        assert index is not None
        assert past.start is not None
        if holder is not None and holder.run == past.start.run:
            continue
        orphan = look_for(records, past, state=state, index=index)
        if orphan.survivor is not None or orphan.ended is not None:
            found[index] = Foretold(orphan.handle, orphan.ended)
    return found


def _open(records: Records) -> Iterator[Past]:
    for name in records.open_starts():
        past = records.past(name)
        assert past is not None
        yield past


def _refuse_a_stranger(graph: Graph, past: Past, orphan: Orphan, selected: Collection[int]) -> None:
    """A task that this study has no more may live on, and write what one of its tasks is to write now."""
    if orphan.survivor is None:
        return
    assert past.start is not None
    theirs = set(past.start.signature.outputs)
    for index in selected:
        clash = theirs.intersection(graph.tasks[index].outputs)
        if clash:
            raise StateError(
                f"{past.name!r}, which an earlier run began, still runs ({orphan.where}) and writes "
                f"{min(clash)!r}; wait for its end or kill it, then run this again"
            )
