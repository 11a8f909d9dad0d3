"""The judge of a run: looks at files, makes room for attempts, settles their ends, sets aside what came to nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from msgspec import Struct

from taskrun.executors.base import Pending, Refused, Stale, Verdict
from taskrun.freshness import absent, named
from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.judge.looking import Looking, missing_input
from taskrun.judge.rerunning import Rerunning
from taskrun.model import Cause, Ended, Figure, Prepared, Reason, Settled, Signature, Status, Task, Temp
from taskrun.names import log_name
from taskrun.policy import DEFAULT, Policy
from taskrun.workspace import Aside, Workspace
from taskrun.written import log_reader

_END_OF_LOG = 4096  # bytes in which the last line is looked for


class _Attempt(Struct, frozen=True):
    """What went on record when an attempt began."""

    signature: Signature
    before: dict[str, Figure]
    inputs: tuple[Figure, ...] = ()


class FileJudge(Looking):
    """Judges by the files below `root`; `state` is the state directory, absolute or relative to `root`.

    `is_lasting`: what is kept there is found again. `records` must be those that the run's events go to before this
    judge is asked again.
    """

    def __init__(
        self,
        graph: Graph,
        records: Records,
        *,
        root: str,
        state: str,
        is_lasting: bool = True,
        policy: Policy = DEFAULT,
        doubtful: Collection[str] = (),
    ) -> None:
        super().__init__(graph, records, root=root, policy=policy, doubtful=doubtful)
        self._policy = policy
        root = os.path.abspath(root)
        self._read = log_reader(root)
        state = os.path.join(root, state)
        self._state = os.path.relpath(state, root) if state.startswith(os.path.join(root, "")) else state
        self._workspace = Workspace(self._files, root=root, state=state, is_lasting=is_lasting)
        self._rerunning = Rerunning(self._files, self._temporary)
        self._begun: dict[int, _Attempt] = {}
        self._left: dict[int, tuple[Figure, ...]] = {}  # outputs that are to be discarded, as they were made

    def close(self) -> None:
        """Read nothing more."""
        self._files.contents.close()

    def prepare(self, task: Task) -> Prepared | Refused:
        """Make room for an attempt, and say what there was."""
        self._recover(task)
        is_wanted = self._temporary.is_wanted(task)
        self._files.forget(None if is_wanted else task.outputs)
        looks = self._files.looks(task.inputs, task)
        if None in looks:
            missing = self._absences.not_accepted(task, absent(task.inputs, looks))
            if missing:
                return missing_input(missing)
        try:
            before = self._workspace.make_room(task)
        except OSError as error:
            where = f"{self._workspace.shown(error.filename)}: " if error.filename else ""
            return Refused(Cause.COULD_NOT_START, f"cannot make room: {where}{error.strerror or error}")
        except ValueError as error:  # a path that has no bytes in this locale
            return Refused(Cause.COULD_NOT_START, f"cannot make room: {error}")
        figures = self._files.take(task.inputs, task.traits.check, reader=task, waits=True)
        assert figures is not None
        signature = self._signer.signature(task)
        self._begun[task.index] = _Attempt(signature, before, figures)
        return Prepared(signature, figures, before, is_wanted)

    def settle(self, task: Task, ended: Ended) -> Settled | Pending:
        """What an end comes to."""
        self._executed.add(task.index)
        self._files.changed()
        self._files.contents.refill()
        attempt = self._attempt(task)
        outputs = attempt.signature.outputs
        cause, message = _cause(ended, task.traits.ok_codes), ended.message
        if cause is None:
            figures = self._files.take(outputs, task.traits.check)
            if figures is None:
                return Pending()
            missing = [path for path, figure in zip(outputs, figures, strict=True) if figure is None]
            if not missing:
                return self._succeeded(task, ended, attempt, figures)
            cause, message = Cause.MISSING_OUTPUT, f"{task.name} did not make {named(missing)}"
        is_outdated = self._is_outdated(task)
        self._begun.pop(task.index, None)
        aside = self._set_aside(task, attempt, since=ended.start)
        log = self._log(task, ended)
        remains = None if log else self._remains(task, aside)
        return Settled(
            Status.FAILED, cause, "; ".join(part for part in (message, aside.problem) if part), log=log,
            is_outdated=is_outdated, remains=remains,
            last_line=self._last_line(task, log or remains) if self._policy.holds(task) else "",
        )  # fmt: skip

    def _succeeded(self, task: Task, ended: Ended, attempt: _Attempt, outputs: tuple[Figure, ...]) -> Settled:
        is_outdated = self._is_outdated(task)
        begun = self._begun.pop(task.index, None)
        hint = "" if begun is None else self._rerunning.hint(task, attempt.inputs)
        log = self._log(task, ended)
        if task.traits.temp is Temp.DELETE:
            self._left[task.index] = outputs
        return Settled(Status.SUCCEEDED, message=hint, outputs=outputs, log=log, is_outdated=is_outdated)

    def discard(self, task: Task) -> None:
        """Remove the outputs of a task that are as it left them."""
        past = self._records.past(task.name)
        figures = self._left.pop(task.index, None)  # its end may not be on record yet
        if figures is None and past is not None and past.end is not None:
            figures = past.end.outputs
        if figures is not None:
            self._workspace.discard(task.outputs, figures)
            self._files.changed()

    def _stale(self, task: Task, reasons: list[Reason], stand_ins: Mapping[str, Figure]) -> Verdict:
        verdict = super()._stale(task, reasons, stand_ins)
        if isinstance(verdict, Stale) and self._files.take(task.inputs, task.traits.check, reader=task) is None:
            return Pending()
        return verdict

    def _is_outdated(self, task: Task) -> bool:
        """Whether an attempt that an earlier run began did, or read, something else than the task would now."""
        past = self._records.past(task.name)
        if task.index in self._begun or past is None or past.start is None:
            return False
        if self._signer.signature(task, past.start.signature) != past.start.signature:
            return True
        return bool(self._files.compare(
            task.inputs, past.start.inputs, self._files.looks(task.inputs, task), task.traits.check
        ).changed)  # fmt: skip

    def _attempt(self, task: Task) -> _Attempt:
        """What an attempt began with: in this run, or, of one that an earlier run left, as it is on record."""
        begun = self._begun.get(task.index)
        if begun is not None:
            return begun
        return self._left_behind(task) or _Attempt(Signature(""), {})  # it never began, so it made nothing

    def _recover(self, task: Task) -> None:
        """Move away what an attempt left that nobody saw end."""
        attempt, past = self._left_behind(task), self._records.past(task.name)
        if attempt is not None and past is not None and past.start is not None:
            self._set_aside(task, attempt, since=past.start.time)

    def _left_behind(self, task: Task) -> _Attempt | None:
        """What an attempt began with that has no end on record and outlived its runner; it is over by now."""
        past = self._records.past(task.name)
        if past is None or past.start is None or past.end is not None:
            return None
        self._workspace.clear_away(task.name, past.start.attempt)
        return _Attempt(past.start.signature, past.start.before)

    def _set_aside(self, task: Task, attempt: _Attempt, *, since: float) -> Aside:
        if task.traits.keep:
            return Aside({})
        inputs = {*attempt.signature.inputs, *task.inputs}
        outputs = attempt.signature.outputs
        return self._workspace.set_aside(task.name, outputs, before=attempt.before, inputs=inputs, since=since)

    def _log(self, task: Task, ended: Ended) -> str | None:
        """The log's path as seen from the study, where there is anything in it."""
        if ended.is_silent or (task.stdout is not None and task.stderr is not None):
            return None
        path = f"{self._state}/{log_name(task.name, ended.attempt)}"
        try:
            return path if os.stat(self._files.place(path)).st_size else None
        except OSError:
            return None

    def _remains(self, task: Task, aside: Aside) -> str | None:
        """Where what a failed attempt wrote is, if that went to a file that was moved away as one of its outputs."""
        for path in (task.stderr, task.stdout):
            found = aside.moved.get(path) if path is not None else None
            if found is not None and self._read(found, -1, 1):
                return found
        return None

    def _last_line(self, task: Task, log: str | None) -> str:
        """What a failed attempt wrote last: to its log, or else where that goes."""
        for path in filter(None, (log, task.stderr, task.stdout)):
            written = self._read(path, -_END_OF_LOG, _END_OF_LOG).rstrip()
            if written:
                return written.rpartition(b"\n")[2].decode("utf-8", "backslashreplace")
        return ""


def _cause(ended: Ended, ok_codes: tuple[int, ...]) -> Cause | None:
    """Why an end is a failure; None where the attempt came to its own good end."""
    if ended.cause is not None:
        return ended.cause
    if ended.signal is not None:
        return Cause.SIGNAL
    if ended.exit_code is None:
        return Cause.LOST
    return None if ended.exit_code == 0 or ended.exit_code in ok_codes else Cause.EXIT
