"""Takes results that exist as made: what a run would have put on record if it had made just these files.

Nothing is touched, made or removed; only what is there goes on record.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from taskrun.freshness import Files, Signer, named
from taskrun.judge.temporary import Temporary
from taskrun.manager.changing import Change, check_over
from taskrun.model import AnyRecord, EndRecord, Figure, Past, StartRecord, Status, Task, Temp

_SUCCEEDED = Status.SUCCEEDED.value


class Accepted(Struct, frozen=True):
    """How many tasks count as done now, and, by the names of the others, why they do not."""

    count: int
    refused: Mapping[str, str]


def mark_done(change: Change, chosen: Collection[int], *, force: bool = False) -> Accepted:
    """Put the tasks with these indices on record as succeeded with the files that are there now, in an order in which
    nothing is younger than what needs it.

    A task whose files are not all there is refused, unless `force`. StateError where one of them may still run.
    """
    records, graph = change.records, change.study.graph
    tasks = [graph.tasks[node] for node in graph.order if node in chosen]
    check_over(change, (past for task in tasks if (past := records.past(task.name)) is not None))
    acceptor = _Acceptor(change)
    found: list[AnyRecord] = []
    refused = {}
    for task in tasks:
        why, both = acceptor.look(task)
        if why and not force:
            refused[task.name] = why
        else:
            found.extend(both)
    change.amend(found)
    change.seal()
    return Accepted(len(tasks) - len(refused), refused)


class _Acceptor:
    """Looks at the files of tasks as a run does before the start and after the end."""

    def __init__(self, change: Change) -> None:
        self._run = change.run
        self._records = change.records
        self._files = Files(change.study.root, waits=True)
        self._signer = Signer(change.records.salt)
        self._temporary = _temporary(change)
        self._files.left_out = Temporary(change.study.graph, change.records).inside

    def look(self, task: Task) -> tuple[str, Sequence[AnyRecord]]:
        """What is missing, in words, and the records of an attempt that has come to what is there."""
        past = self._records.past(task.name)
        stand_ins = _made(past) if task.traits.temp is not Temp.NO else {}
        inputs = self._figures(task.inputs, task, self._temporary, reader=task)
        outputs = self._figures(task.outputs, task, stand_ins)
        missing = [path for path, figure in zip(task.outputs, outputs, strict=True) if figure is None]
        if not task.outputs:  # then what it prints is what it makes
            missing = [path for path in task.redirects if self._files.look(path) is None]
        absent = [path for path, figure in zip(task.inputs, inputs, strict=True) if figure is None]
        why = "; ".join(_is_gone(what, paths) for what, paths in (("output", missing), ("input", absent)) if paths)
        return why, self._attempt(task, past, inputs, outputs)

    def _figures(
        self, paths: tuple[str, ...], task: Task, stand_ins: Mapping[str, Figure], *, reader: Task | None = None
    ) -> tuple[Figure, ...]:
        """What is there, or of a file that may be gone what is on record."""
        found = self._files.take(paths, task.traits.check, reader=reader, waits=True)
        assert found is not None
        if not stand_ins or None not in found:
            return found
        return tuple(
            stand_ins.get(path) if figure is None else figure for path, figure in zip(paths, found, strict=True)
        )

    def _attempt(
        self, task: Task, past: Past | None, inputs: tuple[Figure, ...], outputs: tuple[Figure, ...]
    ) -> Sequence[AnyRecord]:
        """The last attempt's number stays, so that its log is found and the next one has the next."""
        attempt = self._records.attempts(task.name)
        now = time.time()
        end = past.end if past is not None else None
        start = StartRecord(
            run=self._run,
            task=task.name,
            attempt=attempt,
            round=0,
            time=now,
            signature=self._signer.signature(task),
            inputs=inputs,
            step=None if task.values or task.name == task.step.name else task.step.name,
            stdout=task.stdout,
            stderr=task.stderr,
        )
        done = EndRecord(
            task=task.name,
            attempt=attempt,
            time=now,
            status=_SUCCEEDED,
            message="marked as done",
            seconds=end.seconds if end is not None and end.status == _SUCCEEDED else 0.0,
            outputs=outputs,
            log=end.log if end is not None and end.attempt == attempt else None,
        )
        return start, done


def _temporary(change: Change) -> Mapping[str, Figure]:
    """What is on record of outputs that may be gone while what was made of them is there."""
    found: dict[str, Figure] = {}
    for task in change.study.graph.tasks:
        if task.traits.temp is not Temp.NO:
            found.update(_made(change.records.past(task.name)))
    return found


def _made(past: Past | None) -> Mapping[str, Figure]:
    if past is None or past.start is None or past.end is None or past.end.status != _SUCCEEDED:
        return {}
    return dict(zip(past.start.signature.outputs, past.end.outputs, strict=False))


def _is_gone(what: str, paths: Sequence[str]) -> str:
    return f"its {what} {paths[0]} is not there" if len(paths) == 1 else f"its {what}s {named(paths)} are not there"
