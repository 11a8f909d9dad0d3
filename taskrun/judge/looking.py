"""Compares a task with what is on record of it, changing nothing: what both judges go by."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from taskrun.executors.base import Fresh, Lacks, Pending, Refused, Stale, Verdict
from taskrun.freshness import Files, Look, Looks, Signer, absent, figure_of, named, newest_of, past_reason
from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.judge.absences import Absences
from taskrun.judge.temporary import Temporary
from taskrun.model import Cause, Check, Confirmed, Figure, Past, Reason, ReasonKind, Status, Task, Temp
from taskrun.paths import absence
from taskrun.policy import Policy

_FRESH = Fresh()
_SUCCEEDED = Status.SUCCEEDED.value
_NOBODY: Mapping[str, Figure] = {}
_FORCED = Reason(ReasonKind.FORCED)
_ALWAYS = Reason(ReasonKind.ALWAYS)


class _Examined(Struct):
    """What came out about a task: why it is to run, or what its files are known by from now on."""

    reasons: list[Reason]
    inputs: tuple[Figure, ...] | None = None
    outputs: tuple[Figure, ...] | None = None
    is_pending: bool = False


class Looking:
    """Looks at the tasks of a graph. `doubtful`: tasks whose outputs count only by their content, because the machine
    went down soon after they were made.
    """

    def __init__(
        self,
        graph: Graph,
        records: Records,
        *,
        root: str,
        policy: Policy,
        doubtful: Collection[str] = (),
        waits: bool = False,
    ) -> None:
        self._root = root
        self._graph = graph
        self._records = records
        self._files = Files(root, waits=waits)
        self._signer = Signer(records.salt)
        self._temporary = Temporary(graph, records)
        self._files.left_out = self._temporary.inside
        self._absences = Absences(graph, policy)
        self._doubtful = doubtful
        self._latest: dict[int, int] = {}  # by gather: the serial of its members' last end
        self._ran: dict[int, str] = {}  # by gather: what to say when it ran
        self._anew: dict[int, bool] = {}  # by gather: whether one of its members ran, and was no remake
        self._executed: set[int] = set()

    def verdict(self, task: Task, ran: Iterable[int], *, is_forced: bool = False) -> Verdict:
        """Whether a ready task is to run."""
        ran = tuple(ran)
        looks = self._files.glance(task.inputs, task)
        inside = self._temporary.inside(task) if self._files.has_directories else ()
        stand_ins = _NOBODY
        missing: Sequence[str] = ()
        if None in looks:
            gone = absent(task.inputs, looks)
            stand_ins = self._temporary.stand_ins(task, gone)
            gone = [path for path in gone if path not in stand_ins]
            missing = self._missing(task, self._absences.not_accepted(task, gone))
            if missing and not self._was_done_without(task, missing):
                return missing_input(missing, self._root)
        elif not is_forced and not ran and not inside and self._is_fresh(task, looks):
            return _FRESH
        self._files.contents.refill()
        found = self._examine(task, ran, looks, stand_ins, is_forced=is_forced)
        if inside:
            stand_ins = self._examine_inside(task, inside, stand_ins, found)
        if found.reasons and missing:
            return missing_input(missing, self._root)
        if found.reasons:
            return self._stale(task, found.reasons, stand_ins)
        if found.is_pending:
            return Pending()
        return self._fresh(task, found)

    def _was_done_without(self, task: Task, missing: Iterable[str]) -> bool:
        """Whether a task was marked as done (so that it has no round) when these inputs were not there."""
        past = self._records.past(task.name)
        if past is None or past.start is None or past.start.round or not past.has_succeeded:
            return False
        known = dict(zip(past.start.signature.inputs, past.start.inputs, strict=False))
        return all(path in known and known[path] is None for path in missing)

    # what differs between the two judges

    def _missing(self, task: Task, gone: Sequence[str]) -> Sequence[str]:
        """Inputs without which the task cannot run; `gone` are those that are not there."""
        return gone

    def _stale(self, task: Task, reasons: list[Reason], stand_ins: Mapping[str, Figure]) -> Verdict:
        if stand_ins:
            is_certain = any(reason.is_certain for reason in reasons)
            makers = self._temporary.want(task, stand_ins, is_certain=is_certain)
            return Lacks(makers, missing_input(list(stand_ins)))
        return Stale(tuple(reasons))

    def _file_reasons(self, node: int, ran: Collection[int], past: Past) -> Iterator[Reason]:
        """Why it runs because a file's maker did; in a run the file itself says that."""
        return iter(())

    def _is_certain(self, node: int) -> bool:
        """Whether a needed node that ran did so for certain."""
        return True

    def _relevant(self, changed: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
        """The changed inputs that count."""
        return list(changed)

    # one task

    def _fresh(self, task: Task, found: _Examined) -> Fresh:
        past = self._records.past(task.name)
        is_gone = task.traits.temp is not Temp.NO and None in self._files.glance(task.outputs)
        is_new = found.inputs is not None or found.outputs is not None
        if past is not None and past.end is not None and (is_new or past.skip is not None):
            return Fresh(past.end.attempt, Confirmed(found.inputs, found.outputs), is_gone)
        return Fresh(is_gone=True) if is_gone else _FRESH

    def _is_fresh(self, task: Task, looks: Looks) -> bool:
        """Whether looks alone show that there is no reason to run it: `_examine`, for 100,000 tasks in a second."""
        past = self._records.past(task.name)
        if past is None or past.start is None or past.end is None or past.skip is not None or not task.outputs:
            return False
        start, end, check = past.start, past.end, task.traits.check
        if end.status != _SUCCEEDED or task.traits.always or check is Check.MTIME or task.name in self._doubtful:
            return False
        if task.stdout != start.stdout or task.stderr != start.stderr:
            return False
        outputs = self._files.glance(task.outputs)
        return (
            self._signer.is_same(task, start.signature)
            and not any(self._has_run_since(task, node, past) for node in self._graph.needs[task.index])
            and self._files.is_same(start.inputs, looks, check)
            and self._files.is_same(end.outputs, outputs, check)
        )

    def _examine(
        self, task: Task, ran: Collection[int], looks: Looks, stand_ins: Mapping[str, Figure], *, is_forced: bool
    ) -> _Examined:
        reasons = [_FORCED] if is_forced else []
        if task.traits.always:
            reasons.append(_ALWAYS)
        past = self._records.past(task.name)
        reason = past_reason(past)
        if reason is not None:
            return _Examined([*reasons, reason])
        assert past is not None
        found = _Examined(reasons)
        reasons.extend(self._signature_reasons(task, past))
        reasons.extend(_moved_redirects(task, past))
        reasons.extend(self._needs_reasons(task, past, ran))
        self._examine_inputs(task, past, looks, stand_ins, found)
        self._examine_outputs(task, past, looks, found)
        return found

    def _signature_reasons(self, task: Task, past: Past) -> Iterator[Reason]:
        assert past.start is not None
        now = self._signer.signature(task, past.start.signature)
        if past.start.signature != now:
            yield from self._signer.differences(past.start.signature, now)

    def _examine_inputs(
        self, task: Task, past: Past, looks: Looks, stand_ins: Mapping[str, Figure], found: _Examined
    ) -> None:
        assert past.start is not None
        if not self._signer.lists.same(past.start.signature.inputs, task.inputs):
            return
        check = task.traits.check
        if check is Check.MTIME and task.traits.temp is not Temp.NO:
            check = Check.STAT  # where what was made of them may be gone, no time of it tells
        compared = self._files.compare(task.inputs, past.start.inputs, looks, check, stand_ins=stand_ins)
        went = _went(task, past.start.inputs, looks, stand_ins) if None in looks else ()
        changed = self._relevant((*went, *compared.changed))
        if changed:
            found.reasons.append(Reason(ReasonKind.INPUT_CHANGED, _said(changed)))
        found.inputs = compared.figures
        if found.inputs is None and not stand_ins and self._temporary.is_news(task, past):
            found.inputs = past.start.inputs
        found.is_pending |= compared.is_pending

    def _examine_inside(
        self, task: Task, inside: tuple[str, ...], stand_ins: Mapping[str, Figure], found: _Examined
    ) -> Mapping[str, Figure]:
        """Files that may be gone are no part of the directories that a task reads: whether their makers ran tells. The
        stand-ins, with those of which it reads that way and that are gone.
        """
        past = self._records.past(task.name)
        if not found.reasons and past is not None:
            news = [maker for maker in self._temporary.who_made(task, inside) if self._is_news(maker, past)]
            if news:
                is_certain = any(self._is_certain(maker.index) for maker in news)
                said = named([maker.name for maker in news])
                found.reasons.append(Reason(ReasonKind.NEEDS_RAN, said, is_certain))
        gone = absent(inside, self._files.looks(inside))
        return {**stand_ins, **dict.fromkeys(gone)}

    def _is_news(self, maker: Task, past: Past) -> bool:
        if maker.index in self._executed and self._ran_anew(maker.index):
            return True  # perhaps not on record yet
        return not self._temporary.has_seen(past, maker)

    def _examine_outputs(self, task: Task, past: Past, inputs: Looks, found: _Examined) -> None:
        assert past.start is not None
        assert past.end is not None
        if not task.outputs:
            found.reasons.extend(self._redirect_reasons(task))
            return
        looks = self._files.glance(task.outputs)
        is_same_list = self._signer.lists.same(past.start.signature.outputs, task.outputs)
        if None in looks and not self._temporary.may_go(task):
            known = past.end.outputs if is_same_list else ()
            missing = _missing_now(task.outputs, looks, known)
            if missing:
                said = Reason(ReasonKind.OUTPUT_MISSING, named(missing), self._temporary.is_missed(task))
                found.reasons.append(said)
        if task.traits.check is Check.MTIME:
            found.reasons.extend(_newer(task, inputs, looks, past.start.inputs))
        if not is_same_list:
            return
        is_doubtful = task.name in self._doubtful
        compared = self._files.compare(
            task.outputs, past.end.outputs, looks, task.traits.check, reads_all=is_doubtful
        )
        if compared.changed:
            found.reasons.append(Reason(ReasonKind.OUTPUT_CHANGED, _said(compared.changed)))
        found.outputs = compared.figures
        found.is_pending |= compared.is_pending

    def _redirect_reasons(self, task: Task) -> Iterator[Reason]:
        """A task without outputs is done once recorded, but what it says must still be there to be read."""
        missing = [path for path in task.redirects if self._files.look(path) is None]
        if missing:
            yield Reason(ReasonKind.OUTPUT_MISSING, named(missing))

    # what it needs

    def _needs_reasons(self, task: Task, past: Past, ran: Collection[int]) -> Iterator[Reason]:
        """What ran in this run, or since this task's last attempt began, where no file tells what that means."""
        recently = set(ran)
        for node in self._graph.needs[task.index]:
            if self._graph.edge(task.index, node).has_file:
                yield from self._file_reasons(node, recently, past)
            elif node in recently and self._ran_anew(node):
                yield Reason(ReasonKind.NEEDS_RAN, self._node_name(node, past.started), self._is_certain(node))
            elif self._last_end(node) > past.started:
                yield Reason(ReasonKind.NEEDS_RAN, self._node_name(node, past.started))

    def _has_run_since(self, task: Task, node: int, past: Past) -> bool:
        return not self._graph.edge(task.index, node).has_file and self._last_end(node) > past.started

    def _last_end(self, node: int) -> int:
        """The serial of a node's last end; nothing of a needed node ends any more once it is asked for."""
        if node >= 0:
            past = self._records.past(self._graph.tasks[node].name)
            return past.ran if past is not None else 0
        latest = self._latest.get(node)
        if latest is None:
            latest = self._latest[node] = max(self._last_end(member) for member in self._graph.members(node))
        return latest

    def _ran_anew(self, node: int) -> bool:
        """Whether a node that ran in this run did more than to make temporary outputs again."""
        tasks = self._graph.tasks
        if node >= 0:
            return not self._temporary.is_wanted(tasks[node])
        known = self._anew.get(node)
        if known is None:
            members = self._graph.members(node)
            known = any(member in self._executed and not self._temporary.is_wanted(tasks[member]) for member in members)
            self._anew[node] = known
        return known

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


def _moved_redirects(task: Task, past: Past) -> Iterator[Reason]:
    """What it prints is to be in another file than it is: one that is there may be anybody's."""
    assert past.start is not None
    for key, then, now in (
        ("stdout", past.start.stdout, task.stdout),
        ("stderr", past.start.stderr, task.stderr),
    ):
        if now is not None and now != then:
            yield Reason(ReasonKind.OUTPUTS_CHANGED, f"{key}: {then or 'the log'} → {now}")


def _missing_now(paths: tuple[str, ...], looks: Looks, known: tuple[Figure, ...]) -> list[str]:
    """The files that are not there, but for those whose absence is on record: somebody has accepted it."""
    missing = absent(paths, looks)
    if len(known) != len(paths) or None not in known:
        return missing
    accepted = {path for path, figure in zip(paths, known, strict=True) if figure is None}
    return [path for path in missing if path not in accepted]


def _went(task: Task, then: tuple[Figure, ...], now: Looks, stand_ins: Mapping[str, Figure]) -> list[tuple[str, str]]:
    """The inputs that were there, and are not any more."""
    if len(then) != len(now):
        return []
    files = zip(task.inputs, then, now, strict=True)
    return [(path, "gone") for path, old, new in files if new is None and old is not None and path not in stand_ins]


def _said(changed: Iterable[tuple[str, str]]) -> str:
    return named([f"{path} ({how})" for path, how in changed])


def _newer(task: Task, inputs: Looks, outputs: Looks, then: tuple[Figure, ...]) -> Iterator[Reason]:
    """As make does: an input that is newer than an output. But not for ever: one that was so when the output was made,
    because its time lies in the future, or the command left the output its old time, is as it was.
    """
    made = [newest_of(look) for look in outputs if look is not None]
    if not made:
        return
    oldest = min(made)
    looks = [(path, look) for path, look in zip(task.inputs, inputs, strict=True) if _is_newer(look, oldest)]
    known = dict(zip(task.inputs, then, strict=True)) if looks and len(then) == len(inputs) else {}
    newer = [path for path, look in looks if figure_of(look) != known.get(path)]
    if newer:
        yield Reason(ReasonKind.INPUT_CHANGED, _said((path, "newer than what is made of it") for path in newer))


def _is_newer(look: Look, than: int) -> bool:
    return look is not None and newest_of(look) > than


def missing_input(missing: Sequence[str], root: str | None = None) -> Refused:
    """The verdict on a task whose inputs are not there; seen from `root`, one that is a link may be told more of."""
    if root is None or len(missing) > 1:
        return Refused(Cause.MISSING_INPUT, f"{named(missing)} {'is' if len(missing) == 1 else 'are'} not there")
    return Refused(Cause.MISSING_INPUT, f"{missing[0]} {absence(os.path.join(root, missing[0]))}")
