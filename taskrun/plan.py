"""What has become of each task, and what may run next: the only state machine.

Every change of a task's status is made here, by one mover, against one table. Nothing here knows of time, pools,
files or processes, and no step looks at all tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from taskrun.graph import Graph
from taskrun.model import Status, Task
from taskrun.policy import Policy

_MOVES: dict[Status, frozenset[Status]] = {
    # running: found alive, not started; failed: the run ends before it was tried once more
    Status.WAITING: frozenset({Status.READY, Status.SKIPPED, Status.RUNNING, Status.FAILED}),
    # succeeded: its attempt of an earlier run had ended before what it needs was over, and turns out to hold
    Status.READY: frozenset(
        {Status.RUNNING, Status.FRESH, Status.SUCCEEDED, Status.FAILED, Status.SKIPPED, Status.WAITING}
    ),
    Status.RUNNING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.WAITING}),  # waiting: judged anew, or retried
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.FRESH: frozenset({Status.READY}),  # what it made is gone, and wanted: then those that need it wait again
    Status.SKIPPED: frozenset(),
}

# The table once more in bytes: a status is its position in the list, what it may become a bit mask.
_STATUSES = list(Status)
_CODES = {status: code for code, status in enumerate(_STATUSES)}
_MASKS = [sum(1 << _CODES[to] for to in _MOVES[status]) for status in _STATUSES] + [0]
_WAITING, _READY, _RUNNING = _CODES[Status.WAITING], _CODES[Status.READY], _CODES[Status.RUNNING]
_SUCCEEDED, _FAILED = _CODES[Status.SUCCEEDED], _CODES[Status.FAILED]
_FRESH, _SKIPPED = _CODES[Status.FRESH], _CODES[Status.SKIPPED]
_OUTSIDE = len(_STATUSES)  # not selected: no part of this run
_FINAL = (Status.SUCCEEDED, Status.FAILED, Status.FRESH, Status.SKIPPED)
_IS_OVER = bytes(status in _FINAL for status in _STATUSES) + b"\0"


class IllegalMoveError(AssertionError):
    """A bug: a status that the table does not lead to."""

    def __init__(self, name: str, was: Status | None, to: Status) -> None:
        super().__init__(f"{name!r} cannot move from {was.value if was else 'outside the run'} to {to.value}")


class Change(Struct, frozen=True):
    """What follows from a move: tasks that became ready, and tasks skipped, each with the task that is to blame."""

    ready: Sequence[int] = ()
    skipped: Sequence[tuple[int, int]] = ()


_NO_CHANGE = Change()


def nothing_on_record(task: Task) -> bool:
    """No task has succeeded before this run."""
    return False


class Plan:
    """The statuses of a graph's tasks in one run.

    `selected` are the tasks of this run (None: all). What they need is among them, or, with `--only`, met where
    `done_before` says that it succeeded on record; a task that needs anything else is skipped.
    """

    def __init__(
        self,
        graph: Graph,
        selected: Iterable[int] | None = None,
        *,
        policy: Policy | None = None,
        done_before: Callable[[Task], bool] = nothing_on_record,
    ) -> None:
        self._graph = graph
        self._users = graph.users
        self._policy = policy or Policy()
        self._done_before = done_before
        self.selected: Sequence[int] = range(len(graph)) if selected is None else sorted(set(selected))
        self._status = bytearray([_OUTSIDE]) * len(graph)
        for index in self.selected:
            self._status[index] = _WAITING
        self._counts = [0] * len(_STATUSES)
        self._counts[_WAITING] = self.total
        self._missing = self._count_missing()  # by node: how many of its sources are not over yet
        self._ran = bytearray(len(graph.users))  # by node: whether it, or one of its members, ran in this run
        self._any_ran = False
        self._over: list[int] | None = None  # those that got a final status since somebody asked
        self.allowed = 0  # how many of those that failed were allowed to
        self._broken: set[int] = set()  # gathers with a member that failed or was skipped
        self._blamed: dict[int, int] = {}  # alive from an earlier run while something that they need failed

    @property
    def total(self) -> int:
        """How many tasks are selected."""
        return len(self.selected)

    @property
    def left(self) -> int:
        """How many tasks have no final status yet."""
        return self._counts[_WAITING] + self._counts[_READY] + self._counts[_RUNNING]

    def status(self, index: int) -> Status | None:
        """A task's status; None where it is not selected."""
        code = self._status[index]
        return None if code == _OUTSIDE else _STATUSES[code]

    def is_ready(self, index: int) -> bool:
        """Whether a task may run now."""
        return self._status[index] == _READY

    def count(self, status: Status) -> int:
        """How many tasks have this status."""
        return self._counts[_CODES[status]]

    def is_over(self, index: int) -> bool:
        """Whether a task has a final status."""
        return bool(_IS_OVER[self._status[index]])

    def watch(self, *, is_watched: bool) -> None:
        """Keep count, from now on or no more, of the tasks that get a final status, for `drain`."""
        self._over = [] if is_watched else None

    def drain(self) -> list[int]:
        """Those since the last time."""
        found = self._over or []
        if found:
            self._over = []
        return found

    def final_counts(self) -> dict[str, int]:
        """How many tasks have each of the final statuses."""
        return {status.value: self.count(status) for status in _FINAL}

    def ran(self, index: int) -> list[int]:
        """The nodes among a task's needs that ran in this run."""
        return [node for node in self._graph.needs[index] if self._ran[node]] if self._any_ran else []

    # what happens to tasks

    def begin(self, alive: Iterable[int] = ()) -> Change:
        """The beginning: `alive` are attempts of an earlier run, which run on; what needs nothing is ready."""
        for index in alive:
            self._move(index, _RUNNING)
        ready: list[int] = []
        skipped: list[tuple[int, int]] = []
        if self.total < len(self._graph):
            self._skip_unmet(skipped, ready)
        for index in self.selected:
            if not self._missing[index] and self._status[index] == _WAITING:
                self._move(index, _READY)
                ready.append(index)
        return Change(ready, skipped)

    def start(self, index: int) -> None:
        """A ready task's attempt starts."""
        self._move(index, _RUNNING)

    def find_fresh(self, index: int) -> Change:
        """A ready task needs no execution."""
        self._move(index, _FRESH)
        return self._release(index)

    def reopen(self, index: int) -> None:
        """A fresh task is to run after all: it is ready, and what needs it and was ready waits again."""
        self._move(index, _READY)
        for user in self._users[index]:
            self._count_up(user)

    def is_in_use(self, index: int) -> bool:
        """Whether a task that needs this one is running."""
        return any(
            self._status[task] == _RUNNING
            for user in self._users[index]
            for task in ([user] if user >= 0 else self._users[user])
        )

    def is_awaiting(self, index: int) -> bool:
        """Whether something that a task needs is not over yet, or not well."""
        return bool(self._missing[index]) or index in self._blamed

    def refuse(self, index: int) -> Change:
        """A ready task cannot be executed."""
        self._move(index, _FAILED)
        return self._fail(index)

    def finish(self, index: int, *, succeeded: bool) -> Change:
        """A running task has ended for good, or had, when it was still not known what becomes of what it needs."""
        self._move(index, _SUCCEEDED if succeeded else _FAILED)
        self._ran[index] = self._any_ran = True
        for user in self._users[index]:
            if user < 0:
                self._ran[user] = True
        return self._release(index) if succeeded else self._fail(index)

    def recover(self, index: int) -> Change:
        """An attempt of an earlier run is over without a result: the task is to be judged anew."""
        self._move(index, _WAITING)
        culprit = self._blamed.get(index)
        if culprit is not None:
            ready: list[int] = []
            skipped: list[tuple[int, int]] = []
            self._skip(index, culprit, skipped)
            self._spread(index, culprit, ready, skipped)
            return Change(ready, skipped)
        if self._missing[index]:
            return _NO_CHANGE
        self._move(index, _READY)
        return Change([index])

    def retry(self, index: int) -> None:
        """An attempt has failed, and its task is to be tried again: it waits, for one thing more than it needs."""
        self._move(index, _WAITING)
        self._missing[index] += 1

    def resume(self, index: int) -> Change:
        """A task has waited for its retry long enough."""
        ready: list[int] = []
        self._count_down(index, ready)
        return Change(ready)

    def pass_over(self, index: int, culprit: int) -> Change:
        """A ready task does not run, because of the failure of another one that it does not need."""
        self._move(index, _SKIPPED)
        ready: list[int] = []
        skipped = [(index, culprit)]
        self._spread(index, culprit, ready, skipped)
        return Change(ready, skipped)

    def stop(self) -> list[int]:
        """The run ends here: everything that is not over is skipped."""
        never = [index for index in self.selected if self._status[index] in (_WAITING, _READY)]
        for index in never:
            self._move(index, _SKIPPED)
        return never

    # the mover, and what follows from moves

    def _move(self, index: int, to: int) -> None:
        was = self._status[index]
        if not _MASKS[was] >> to & 1:
            raise IllegalMoveError(self._graph.tasks[index].name, self.status(index), _STATUSES[to])
        self._status[index] = to
        counts = self._counts
        counts[was] -= 1
        counts[to] += 1
        if self._over is not None and _IS_OVER[to]:
            self._over.append(index)

    def _release(self, index: int) -> Change:
        """A task is over as those that need it want it."""
        users = self._users[index]
        if not users:
            return _NO_CHANGE
        ready: list[int] = []
        for user in users:
            self._count_down(user, ready)
        return Change(ready) if ready else _NO_CHANGE

    def _count_down(self, node: int, ready: list[int]) -> None:
        """One of a node's sources is over; with the last one a gather is over and a task is ready."""
        self._missing[node] -= 1
        if self._missing[node]:
            return
        if node < 0:
            for user in self._users[node]:
                self._count_down(user, ready)
        elif self._status[node] == _WAITING:
            self._move(node, _READY)
            ready.append(node)

    def _count_up(self, node: int) -> None:
        """One of a node's sources is not over after all."""
        self._missing[node] += 1
        if self._missing[node] > 1:
            return
        if node < 0:
            for user in self._users[node]:
                self._count_up(user)
        elif self._status[node] == _READY:
            self._move(node, _WAITING)

    def _fail(self, index: int) -> Change:
        task = self._graph.tasks[index]
        self.allowed += task.traits.allow_failure
        if not self._policy.breaks(task):
            return self._release(index)
        ready: list[int] = []
        skipped: list[tuple[int, int]] = []
        self._spread(index, index, ready, skipped)
        return Change(ready, skipped) if ready or skipped else _NO_CHANGE

    def _spread(self, index: int, culprit: int, ready: list[int], skipped: list[tuple[int, int]]) -> None:
        """`index` is over, but not well: skip all that hangs on it, each once, and let go what takes it anyhow."""
        lost = [index]
        for node in lost:  # grows as it goes
            for user in self._users[node]:
                if user >= 0:
                    self._lose(user, node, culprit, ready, skipped, lost)
                    continue
                if user not in self._broken:
                    self._broken.add(user)
                    for consumer in self._users[user]:
                        if not self._graph.edge(consumer, user).is_any:
                            self._lose(consumer, user, culprit, ready, skipped, lost)
                self._count_down(user, ready)

    def _lose(
        self, user: int, node: int, culprit: int, ready: list[int], skipped: list[tuple[int, int]], lost: list[int]
    ) -> None:
        """One task whose need `node` will not come."""
        if self._graph.edge(user, node).is_any:
            self._count_down(user, ready)
        elif self._skip(user, culprit, skipped):
            lost.append(user)

    def _skip(self, index: int, culprit: int, skipped: list[tuple[int, int]]) -> bool:
        if self._status[index] == _WAITING:
            self._move(index, _SKIPPED)
            skipped.append((index, culprit))
            return True
        if self._status[index] == _RUNNING:
            self._blamed.setdefault(index, culprit)
        return False

    # what is not selected

    def _count_missing(self) -> list[int]:
        graph = self._graph
        if self.total == len(graph):
            return [*map(len, graph.needs), *map(len, reversed(graph.gathers))]
        missing = [0] * len(graph.users)
        for position, members in enumerate(graph.gathers):
            missing[-1 - position] = sum(self._status[member] != _OUTSIDE for member in members)
        for index in self.selected:
            missing[index] = sum(bool(self._is_within(node, missing)) for node in graph.needs[index])
        return missing

    def _is_within(self, node: int, missing: Sequence[int]) -> bool:
        return self._status[node] != _OUTSIDE if node >= 0 else missing[node] > 0

    def _skip_unmet(self, skipped: list[tuple[int, int]], ready: list[int]) -> None:
        unmet: dict[int, int | None] = {}
        for index in self.selected:
            for node in self._graph.needs[index]:
                if node not in unmet:
                    unmet[node] = self._first_unmet(node)
                culprit = unmet[node]
                if culprit is not None and not self._graph.edge(index, node).is_any:
                    self._skip(index, culprit, skipped)
                    break
        for index, culprit in skipped[:]:  # only now: until here nothing may have become ready
            self._spread(index, culprit, ready, skipped)

    def _first_unmet(self, node: int) -> int | None:
        """The first task of a node that this run leaves out and no earlier run has finished."""
        tasks = self._graph.tasks
        outside = (member for member in self._graph.members(node) if self._status[member] == _OUTSIDE)
        return next((member for member in outside if not self._done_before(tasks[member])), None)
