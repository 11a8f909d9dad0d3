"""The judge of a dry run: looks, and writes nothing; what would run has made its outputs as far as it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from taskrun.executors.base import Refused, Verdict
from taskrun.freshness import named
from taskrun.graph import Graph
from taskrun.journal import Records
from taskrun.judge.looking import Looking
from taskrun.model import Cause, Ended, Figure, Past, Prepared, Reason, ReasonKind, Settled, StartRecord, Status, Task
from taskrun.policy import DEFAULT, Policy

_NOTHING_LEFT: Mapping[int, bool] = {}


class DryJudge(Looking):
    """The judge of a dry run: looks, and writes nothing; what would run has made its outputs as far as it goes.

    `left`: by task, whether an attempt that an earlier run left, and whose end a run would take, is still alive.
    """

    def __init__(
        self,
        graph: Graph,
        records: Records,
        *,
        root: str,
        policy: Policy = DEFAULT,
        doubtful: Collection[str] = (),
        left: Mapping[int, bool] = _NOTHING_LEFT,
    ) -> None:
        super().__init__(graph, records, root=root, policy=policy, doubtful=doubtful, waits=True)
        self._left = dict(left)
        self._made: set[str] = set()  # what would be made
        self._touched: set[str] = set()  # the directories above it
        self._known_missing: dict[int, tuple[tuple[str, ...], list[str]]] = {}  # by the identity of a list of inputs
        self._certain: set[int] = set()  # tasks that would run whatever comes out of others
        self._certain_gathers: dict[int, bool] = {}

    def prepare(self, task: Task) -> Prepared | Refused:
        """Nothing to make room for."""
        return Prepared(self._signer.signature(task))

    def settle(self, task: Task, ended: Ended) -> Settled:
        """What would be executed is taken to succeed, if it can start, and so is what an earlier run left alive."""
        self._executed.add(task.index)
        if task.index in self._left:
            return self._settle_left(task, ended, is_alive=self._left.pop(task.index))
        if ended.cause is not None:
            return Settled(Status.FAILED, ended.cause, ended.message)
        self._have_made(task)
        return Settled(Status.SUCCEEDED)

    def _settle_left(self, task: Task, ended: Ended, *, is_alive: bool) -> Settled:
        """What comes to an end that a run would find of an attempt which an earlier one began."""
        past = self._records.past(task.name)
        assert past is not None
        assert past.start is not None
        self._certain.add(task.index)
        is_outdated = self._is_outdated(task, past.start)
        if ended.exit_code != 0 and ended.exit_code not in task.traits.ok_codes:
            return Settled(Status.FAILED, Cause.EXIT, is_outdated=is_outdated)
        outputs = past.start.signature.outputs
        figures = self._files.take(outputs, task.traits.check, waits=True)
        assert figures is not None
        if is_alive:
            self._have_made(task)
        elif None in figures:
            missing = [path for path, figure in zip(outputs, figures, strict=True) if figure is None]
            said = f"{task.name} did not make {named(missing)}"
            return Settled(Status.FAILED, Cause.MISSING_OUTPUT, said, is_outdated=is_outdated)
        return Settled(Status.SUCCEEDED, outputs=figures, is_outdated=is_outdated)

    def _is_outdated(self, task: Task, start: StartRecord) -> bool:
        """Whether the attempt did, or read, something else than the task would now."""
        if self._signer.signature(task, start.signature) != start.signature:
            return True
        looks = self._files.looks(task.inputs, task)
        return bool(self._files.compare(task.inputs, start.inputs, looks, task.traits.check).changed)

    def _have_made(self, task: Task) -> None:
        for output in task.outputs:
            self._made.add(output)
            above = output.rpartition("/")[0]
            while above and above not in self._touched:
                self._touched.add(above)
                above = above.rpartition("/")[0]

    def discard(self, task: Task) -> None:
        """Nothing is removed."""

    def _missing(self, task: Task, gone: Sequence[str]) -> Sequence[str]:
        """The inputs that nobody would make; tasks that share their inputs share the makers of these too."""
        known = self._known_missing.get(id(task.inputs))
        if known is None:
            missing = [path for path in gone if not self._is_to_come(path)]
            known = self._known_missing[id(task.inputs)] = (task.inputs, missing)
        return known[1]

    def _stale(self, task: Task, reasons: list[Reason], stand_ins: Mapping[str, Figure]) -> Verdict:
        if any(reason.is_certain for reason in reasons):
            self._certain.add(task.index)
        to_make = {path: figure for path, figure in stand_ins.items() if not self._is_to_come(path)}
        return super()._stale(task, reasons, to_make)

    def _file_reasons(self, node: int, ran: Collection[int], past: Past) -> Iterator[Reason]:
        """What is made again may come out the same."""
        if node in ran:
            yield Reason(ReasonKind.NEEDS_RAN, self._node_name(node, past.started), is_certain=False)

    def _is_certain(self, node: int) -> bool:
        if node >= 0:
            return node in self._certain
        known = self._certain_gathers.get(node)
        if known is None:
            known = any(member in self._certain for member in self._graph.members(node))
            self._certain_gathers[node] = known
        return known

    def _relevant(self, changed: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
        """Files that would be made again are not compared."""
        return [(path, how) for path, how in changed if not self._is_to_come(path)] if self._made else list(changed)

    def _is_to_come(self, path: str) -> bool:
        """Whether a task that would run makes this file, or something in it, or the directory that it lies in."""
        if path in self._touched:
            return True
        while path:
            if path in self._made:
                return True
            path = path.rpartition("/")[0]
        return False
