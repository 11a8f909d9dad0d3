"""Changes what is on record without running anything: tasks forgotten, given up for dead, or taken as done.

A `Change` holds the state as a run does, so that there is never one beside it. What may still run is left alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from types import TracebackType

from taskrun.errors import StateError, UsageError, did_you_mean
from taskrun.freshness import Files, successions
from taskrun.graph import Study
from taskrun.journal import Journal, Records
from taskrun.machine import boot_id
from taskrun.manager.invocation import invocation
from taskrun.manager.sealing import seal_at_end
from taskrun.manager.unrecorded import tidy, unrecorded_ends
from taskrun.model import AnyRecord, Cause, EndRecord, Past, ResetRecord, RunEndRecord, Status
from taskrun.standing import look_for
from taskrun.sweep.kept_outline import keep_outline
from taskrun.workspace import Workspace


class Change:
    """A study whose state (an absolute directory) is held until this is closed, by the `command` of that name.

    Raises StateHeldError where a run holds it, StateError where it cannot be had. `problems`: what could not be done
    beside the records, in sentences. `ended_on`: the machines on which something had ended that was not on record.
    """

    def __init__(self, study: Study, state: str, *, command: str) -> None:
        self.study = study
        self.state = state
        self.problems: list[str] = []
        self.ended_on: set[str] = set()
        run = invocation(command)
        self.run = run.run
        self._journal = Journal.open(state, source=study.source, run=run)
        self.records: Records = self._journal.records
        try:
            self.amend(
                successions(
                    study.graph, self.records.pasts(), self.records.past, salt=self.records.salt, now=time.time()
                )
            )
            self._record_ends()
            keep_outline(study, state)
        except StateError:
            self._journal.close()
            raise

    def _record_ends(self) -> None:
        """What ended by itself when its run was gone goes on record before anything is changed."""
        ends = unrecorded_ends(self.study, self.records, state=self.state)
        for end in ends:
            past = self.records.past(end.task)
            assert past is not None
            assert past.start is not None
            run = self.records.runs.get(past.start.run)
            self.ended_on.update({run.host} if run is not None else ())
            if end.cause is not None:
                self.set_aside(past)
        self.amend(ends)
        for end in ends:
            tidy(end, self.state)

    def __enter__(self) -> Change:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.amend([RunEndRecord(run=self.run, time=time.time())])
        except StateError:
            if kind is None:
                raise
        finally:
            self._journal.close()

    def seal(self) -> None:
        """Where all of the study is done now, the next run need not read all of it to see that."""
        seal_at_end(self.study, self.records, self._journal, self.state)

    def amend(self, records: Sequence[AnyRecord]) -> None:
        """Put these on record, in one write."""
        self._journal.amend(records)

    def set_aside(self, past: Past) -> None:
        """Move away what an attempt without an end has left half-done: once it is off the record, nobody could tell.

        What is not the task's own any more may be somebody else's good result.
        """
        start = past.start
        index = self.study.graph.index(past.name)
        if start is None or past.end is not None or index is None:
            return
        task = self.study.graph.tasks[index]
        if task.traits.keep:
            return
        own = set(task.outputs)
        outputs = [path for path in start.signature.outputs if path in own]
        inputs = {*start.signature.inputs, *task.inputs}
        space = Workspace(Files(self.study.root), root=self.study.root, state=self.state)
        aside = space.set_aside(past.name, outputs, before=start.before, inputs=inputs, since=start.time)
        problem = aside.problem
        if problem:
            self.problems.append(f"{past.name}: {problem}")


# --- reset ------------------------------------------------------------------------------------------------------------


def reset(change: Change, names: Iterable[str] | None = None) -> int:
    """Let tasks be as if they had never run (None: all that are on record, also those that the study has no more).

    How many there were. Raises StateError, and changes nothing, where one of them may still run.
    """
    records = change.records
    pasts = records.pasts() if names is None else (past for name in names if (past := records.past(name)) is not None)
    known = [past for past in pasts if is_on_record(past)]
    check_over(change, known)
    for past in known:
        change.set_aside(past)
    now = time.time()
    change.amend([ResetRecord(task=past.name, time=now, attempts=past.attempts) for past in known])
    return len(known)


def is_on_record(past: Past) -> bool:
    """Whether anything is on record of a task but how often it ran before a reset."""
    return past.start is not None or past.end is not None or past.skip is not None


def check_over(change: Change, pasts: Iterable[Past]) -> None:
    """StateError where an attempt that has no end on record may still be on."""
    found = [(past.name, how) for past in pasts if (how := may_run(change.records, past, state=change.state))]
    if not found:
        return
    name, how = found[0]
    more = f", and so may {len(found) - 1} more" if len(found) > 1 else ""
    raise StateError(f"{name!r} {how}{more}")


def may_run(records: Records, past: Past, *, state: str) -> str:
    """How an attempt may still be on, and what to do about it; "" where it is over. `state` is the state directory."""
    if past.start is None or past.end is not None:
        return ""
    orphan = look_for(records, past, state=state)
    host = orphan.handle.host
    if orphan.is_unknown:
        return (
            f"may still run on {host}, where a run began it that did not end; when that machine is off, "
            f"`taskrun reset --assume-dead {host}`"
        )
    if orphan.survivor is None:
        return ""
    off = f", or, when that machine is off, `taskrun reset --assume-dead {host}`" if host else ""
    return f"still runs ({orphan.where}), though its runner is gone; wait for its end or kill it{off}"


# --- machines that are gone -------------------------------------------------------------------------------------------


def assume_dead(change: Change, host: str, names: Collection[str] | None = None) -> int:
    """Mark what is on record as running on `host` as interrupted; how many tasks that were.

    Raises UsageError where nothing is, StateError, and changes nothing, where that is this machine and they live.
    """
    records = change.records
    running = _running_by_host(records)
    if host not in running and host in change.ended_on:
        return 0
    if host not in running:
        raise UsageError(_no_such_host(host, running))
    pasts = [past for past in running[host] if names is None or past.name in names]
    check_over(change, [past for past in pasts if _is_of_this_boot(records, past)])
    for past in pasts:
        change.set_aside(past)
    change.amend([_interrupted(past, host) for past in pasts])
    return len(pasts)


def _running_by_host(records: Records) -> dict[str, list[Past]]:
    found: dict[str, list[Past]] = {}
    for name in records.open_starts():
        past = records.past(name)
        assert past is not None
        assert past.start is not None
        run = records.runs.get(past.start.run)
        if run is not None:
            found.setdefault(run.host, []).append(past)
    return found


def _is_of_this_boot(records: Records, past: Past) -> bool:
    assert past.start is not None
    return records.runs[past.start.run].boot == boot_id()


def _no_such_host(host: str, running: dict[str, list[Past]]) -> str:
    said = f"nothing is on record as running on {host!r}"
    if not running:
        return f"{said}, nor on any other machine"
    counts = Counter({known: len(pasts) for known, pasts in running.items()})
    hint = did_you_mean(host, running)
    there = ", ".join(f"{count} on {known}" for known, count in counts.most_common())
    return f"{said}; on record as running: {there}" + (f"; {hint}" if hint else "")


def _interrupted(past: Past, host: str) -> EndRecord:
    assert past.start is not None
    return EndRecord(
        task=past.name,
        attempt=past.start.attempt,
        time=time.time(),
        status=Status.FAILED.value,
        cause=Cause.INTERRUPTED.value,
        message=f"{host} was assumed dead",
    )
