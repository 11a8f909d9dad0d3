"""Freshness and workspace behind one protocol: what files and records say about a task.

Executors know nothing of files; the scheduler knows nothing of records; both ask here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from taskrun.executors.base import Fresh, Refused, Stale, Verdict
from taskrun.freshness import Comparison, Files, Signer, named, past_reason
from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.model import Cause, Ended, Figure, Past, Prepared, Reason, ReasonKind, Settled, Signature, Status, Task
from taskrun.names import log_name
from taskrun.workspace import Workspace

_FRESH = Fresh()
_SUCCEEDED = Status.SUCCEEDED.value


class _Attempt(Struct, frozen=True):
    """What went on record when an attempt began."""

    signature: Signature
    before: dict[str, Figure]


class _Look:
    """What both judges do: compare a task with what is on record of it, changing nothing."""

    def __init__(self, graph: Graph, records: Records, *, root: str) -> None:
        self._graph = graph
        self._records = records
        self._files = Files(root)
        self._signer = Signer(records.salt)
        self._comparison = Comparison()
        self._latest: dict[int, int] = {}  # by gather: the serial of its members' last end
        self._ran: dict[int, str] = {}  # by gather: what to say when it ran
        self._executed: set[int] = set()

    def _verdict(self, task: Task, ran: Collection[int], inputs: tuple[Figure, ...]) -> Verdict:
        if self._is_fresh(task, ran, inputs):
            return _FRESH
        reasons = tuple(self._reasons(task, ran, inputs))
        return Stale(reasons) if reasons else _FRESH

    def _is_fresh(self, task: Task, ran: Collection[int], inputs: tuple[Figure, ...]) -> bool:
        """Whether there is no reason to run a task that makes something: `_reasons`, for 100,000 tasks in a second."""
        past = self._records.past(task.name)
        if past is None or past.start is None or past.end is None or not task.outputs:
            return False
        start, end = past.start, past.end
        return (
            end.status == _SUCCEEDED
            and not ran
            and self._signer.signature(task, start.signature) == start.signature
            and not any(self._last_end(node) > past.started for node in self._graph.needs[task.index])
            and self._comparison.same(start.inputs, inputs)
            and self._comparison.same(end.outputs, self._files.glance(task.outputs))
        )

    def _reasons(self, task: Task, ran: Collection[int], inputs: tuple[Figure, ...]) -> Iterator[Reason]:
        """Why a task is to run; nothing where it is fresh. `inputs`: the figures of its inputs."""
        past = self._records.past(task.name)
        reason = past_reason(past)
        if reason is not None:
            yield reason
            return
        assert past is not None
        yield from self._signature_reasons(task, past)
        yield from self._needs_reasons(task, past, ran)
        yield from self._input_reasons(task, past, inputs)
        yield from self._output_reasons(task, past)

    def _signature_reasons(self, task: Task, past: Past) -> Iterator[Reason]:
        assert past.start is not None
        now = self._signer.signature(task, past.start.signature)
        if past.start.signature != now:
            yield from self._comparison.signature_reasons(past.start.signature, now)

    def _input_reasons(self, task: Task, past: Past, now: tuple[Figure, ...]) -> Iterator[Reason]:
        assert past.start is not None
        if self._comparison.same(past.start.signature.inputs, task.inputs):
            yield from self._comparison.changed_files(task.inputs, past.start.inputs, now, ReasonKind.INPUT_CHANGED)

    def _output_reasons(self, task: Task, past: Past) -> Iterator[Reason]:
        assert past.start is not None
        assert past.end is not None
        if not task.outputs:
            yield from self._redirect_reasons(task)
            return
        now = self._files.glance(task.outputs)
        if None in now:
            yield Reason(ReasonKind.OUTPUT_MISSING, named(_absent(task.outputs, now)))
        if self._comparison.same(past.start.signature.outputs, task.outputs):
            yield from self._comparison.changed_files(task.outputs, past.end.outputs, now, ReasonKind.OUTPUT_CHANGED)

    def _redirect_reasons(self, task: Task) -> Iterator[Reason]:
        """A task without outputs is done once recorded, but what it says must still be there to be read."""
        missing = [path for path in (task.stdout, task.stderr) if path and self._files.figure(path) is None]
        if missing:
            yield Reason(ReasonKind.OUTPUT_MISSING, named(list(dict.fromkeys(missing))))

    def _needs_reasons(self, task: Task, past: Past, ran: Collection[int]) -> Iterator[Reason]:
        """What ran in this run, or in one since this task's last attempt began."""
        recently = set(ran)
        for node in self._graph.needs[task.index]:
            if node in recently or self._last_end(node) > past.started:
                yield Reason(ReasonKind.NEEDS_RAN, self._node_name(node, past.started))

    def _last_end(self, node: int) -> int:
        """The serial of a node's last end; nothing of a needed node ends any more once it is asked for."""
        if node >= 0:
            past = self._records.past(self._graph.tasks[node].name)
            return past.ended if past is not None else 0
        latest = self._latest.get(node)
        if latest is None:
            latest = self._latest[node] = max(self._last_end(member) for member in self._graph.members(node))
        return latest

    def _node_name(self, node: int, since: int) -> str:
        if node >= 0:
            return self._graph.tasks[node].name
        said = self._ran.get(node)
        if said is None:
            tasks = self._graph.tasks
            members = self._graph.members(node)
            recent = [tasks[member].name for member in members if member in self._executed]
            recent = recent or [tasks[member].name for member in members if self._last_end(member) > since]
            said = self._ran[node] = named(recent or [tasks[members[0]].name])
        return said


class FileJudge(_Look):
    """Judges by the files below `root`; `state` is the state directory, absolute or relative to `root`.

    `is_lasting`: what is kept there is found again. `records` must be those that the run's events go to before this
    judge is asked again.
    """

    def __init__(
        self, graph: Graph, records: Records, *, root: str, state: str, is_lasting: bool = True
    ) -> None:
        super().__init__(graph, records, root=root)
        root = os.path.abspath(root)
        state = os.path.join(root, state)
        self._state = os.path.relpath(state, root) if state.startswith(os.path.join(root, "")) else state
        self._workspace = Workspace(self._files, root=root, state=state, is_lasting=is_lasting)
        self._begun: dict[int, _Attempt] = {}

    def verdict(self, task: Task, ran: Iterable[int]) -> Verdict:
        """Whether a ready task is to run."""
        figures = self._files.glance(task.inputs)
        if None in figures:
            return _missing_input(_absent(task.inputs, figures))
        return self._verdict(task, tuple(ran), figures)

    def prepare(self, task: Task) -> Prepared | Refused:
        """Make room for an attempt, and say what there was."""
        self._recover(task)
        figures = self._files.figures(task.inputs)
        if None in figures:
            return _missing_input(_absent(task.inputs, figures))
        try:
            before = self._workspace.make_room(task)
        except OSError as error:
            where = f"{self._workspace.shown(error.filename)}: " if error.filename else ""
            return Refused(Cause.COULD_NOT_START, f"cannot make room: {where}{error.strerror or error}")
        signature = self._signer.signature(task)
        self._begun[task.index] = _Attempt(signature, before)
        return Prepared(signature, figures, before)

    def settle(self, task: Task, ended: Ended) -> Settled:
        """What an end comes to."""
        self._executed.add(task.index)
        self._files.changed()
        attempt = self._attempt(task)
        outputs = attempt.signature.outputs
        cause, message = _cause(ended), ended.message
        figures: tuple[Figure, ...] = ()
        if cause is None:
            figures = tuple([self._files.figure(path) for path in outputs])
            missing = _absent(outputs, figures)
            if missing:
                cause, message = Cause.MISSING_OUTPUT, f"{task.name} did not make {named(missing)}"
        if cause is None:
            return Settled(Status.SUCCEEDED, outputs=figures, log=self._log(task, ended))
        problem = self._set_aside(task, attempt)
        return Settled(
            Status.FAILED, cause, "; ".join(part for part in (message, problem) if part), log=self._log(task, ended)
        )

    def _attempt(self, task: Task) -> _Attempt:
        """What an attempt began with: in this run, or, of one that an earlier run left, as it is on record."""
        begun = self._begun.pop(task.index, None)
        if begun is not None:
            return begun
        return self._left_behind(task) or _Attempt(Signature(""), {})  # it never began, so it made nothing

    def _recover(self, task: Task) -> None:
        """Move away what an attempt left that nobody saw end."""
        attempt = self._left_behind(task)
        if attempt is not None:
            self._set_aside(task, attempt)

    def _left_behind(self, task: Task) -> _Attempt | None:
        """What an attempt began with that has no end on record and outlived its runner; it is over by now."""
        past = self._records.past(task.name)
        if past is None or past.start is None or past.end is not None:
            return None
        self._workspace.clear_away(task.name, past.start.attempt)
        return _Attempt(past.start.signature, past.start.before)

    def _set_aside(self, task: Task, attempt: _Attempt) -> str:
        inputs = {*attempt.signature.inputs, *task.inputs}
        return self._workspace.set_aside(task.name, attempt.signature.outputs, before=attempt.before, inputs=inputs)

    def _log(self, task: Task, ended: Ended) -> str | None:
        """The log's path as seen from the study, where there is anything in it."""
        if task.stdout is not None and task.stderr is not None:
            return None
        path = f"{self._state}/{log_name(task.name, ended.attempt)}"
        try:
            return path if os.stat(self._files.place(path)).st_size else None
        except OSError:
            return None


class DryJudge(_Look):
    """The judge of a dry run: looks, and writes nothing; what would run has made its outputs as far as it goes."""

    def __init__(self, graph: Graph, records: Records, *, root: str) -> None:
        super().__init__(graph, records, root=root)
        self._made: set[str] = set()  # what would be made
        self._touched: set[str] = set()  # the directories above it
        self._missing: dict[int, tuple[tuple[str, ...], list[str]]] = {}  # by the identity of a list of inputs

    def verdict(self, task: Task, ran: Iterable[int]) -> Verdict:
        """Whether a task would run. Files that a task before it would make are not looked at."""
        figures = self._files.glance(task.inputs)
        if None in figures:
            missing = self._missing_of(task.inputs, figures)
            if missing:
                return _missing_input(missing)
        return self._verdict(task, tuple(ran), figures)

    def prepare(self, task: Task) -> Prepared | Refused:
        """Nothing to make room for."""
        return Prepared(self._signer.signature(task))

    def settle(self, task: Task, ended: Ended) -> Settled:
        """What would be executed is taken to succeed."""
        self._executed.add(task.index)
        for output in task.outputs:
            self._made.add(output)
            above = output.rpartition("/")[0]
            while above and above not in self._touched:
                self._touched.add(above)
                above = above.rpartition("/")[0]
        return Settled(Status.SUCCEEDED)

    def _missing_of(self, inputs: tuple[str, ...], figures: tuple[Figure, ...]) -> list[str]:
        """The inputs that nobody would make; tasks that share their inputs share the makers of these too."""
        known = self._missing.get(id(inputs))
        if known is None:
            missing = [path for path in _absent(inputs, figures) if not self._is_to_come(path)]
            known = self._missing[id(inputs)] = (inputs, missing)
        return known[1]

    def _is_to_come(self, path: str) -> bool:
        """Whether a task that would run makes this file, or something in it, or the directory that it lies in."""
        if path in self._touched:
            return True
        while path:
            if path in self._made:
                return True
            path = path.rpartition("/")[0]
        return False


def _absent(paths: tuple[str, ...], figures: tuple[Figure, ...]) -> list[str]:
    return [path for path, figure in zip(paths, figures, strict=True) if figure is None]


def _missing_input(missing: list[str]) -> Refused:
    return Refused(Cause.MISSING_INPUT, f"{named(missing)} {'is' if len(missing) == 1 else 'are'} not there")


def _cause(ended: Ended) -> Cause | None:
    """Why an end is a failure; None where the attempt came to its own good end."""
    if ended.cause is not None:
        return ended.cause
    if ended.signal is not None:
        return Cause.SIGNAL
    if ended.exit_code is None:
        return Cause.LOST
    return None if ended.exit_code == 0 else Cause.EXIT
