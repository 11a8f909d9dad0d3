"""The tasks of a Manager and what they need, for as long as they can grow; a graph is built of them when one is wanted.

What can be wrong with one task or one edge is refused when it is said; what only all of them can show, by `graph`.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from msgspec.structs import replace

from taskrun.errors import CycleError, GraphError
from taskrun.graph import Draft, Edge, Graph
from taskrun.graph.orders import Orders
from taskrun.makers import Makers, Readings
from taskrun.manager.acyclic import Acyclic, Circle
from taskrun.model import Task
from taskrun.paths import Paths, absence

_MOST_LOOKED_AT = 1000
FEW = 16  # so many tasks that one needs are that many edges; more are a gather


class Sketch:
    """Tasks by number, and what they need.

    `base`: a graph to begin with, whose edges stay as they are. `forbidden`: where no task may write (keys), and what
    that is called in a message. `tasks` and `sources` (inputs that no task makes, of the last graph, and the first that
    reads each) are to be looked at.
    """

    def __init__(self, paths: Paths, base: Graph | None = None, *, forbidden: Mapping[str, str]) -> None:
        self.tasks: list[Task] = []
        self.sources: dict[str, int] = {}
        self.any: set[tuple[int, int]] = set()  # who comes after whom whatever became of it
        self.paths = paths
        self._names: dict[str, int] = {}
        self._makers = Makers(paths)
        self._readers: list[int] = []  # the tasks with inputs
        self._nodes = Acyclic()
        self._node_of = array("q")  # by task
        self._task_of = array("q")  # by node; -1 for a gather
        self._members: dict[int, tuple[int, ...]] = {}  # by node of a gather
        self._base = base
        self._forbidden = forbidden
        if base is not None:
            self._take_in(base)

    def __len__(self) -> int:
        return len(self.tasks)

    def add(self, task: Task) -> None:
        """One more task, whose `index` is its position. Raises GraphError where it cannot stand beside the others."""
        if task.name in self._names:
            raise GraphError(f"two tasks have the name {task.name!r}")
        written = task.written
        for path in written:
            other = self._makers.of(self.paths.key(path))
            if other is not None and not path.startswith("/dev/"):
                raise GraphError(f"{self.tasks[other].name} and {task.name} both write {path!r}")
        for path in task.inputs:
            if path in task.outputs:
                raise GraphError(
                    f"{task.name} reads {path!r} and makes it too; a file that is changed in place can be one of its "
                    "outputs only"
                )
        self._enter(task, written)
        self._node_of.append(self._nodes.add())
        self._task_of.append(task.index)

    def need(self, consumer: int, others: Iterable[int]) -> bool:
        """`consumer` comes after these few others, or whether nothing is new; all or, with a CycleError, none."""
        node, count = self._node_of[consumer], 0
        try:
            for other in others:
                count += self._nodes.need(node, self._node_of[other])
        except Circle as circle:
            if count:
                self._nodes.forget(node, count)
            raise self._cycle(circle) from None
        return count > 0

    def need_gather(self, consumer: int, gather: int) -> bool:
        """`consumer` comes after all of a gather."""
        try:
            return self._nodes.need(self._node_of[consumer], gather)
        except Circle as circle:
            raise self._cycle(circle) from None

    def gather(self, members: tuple[int, ...]) -> int:
        """What stands for all of `members` (each named once), however many tasks need them."""
        node = self._nodes.add(tuple([self._node_of[member] for member in members]))
        self._task_of.append(-1)
        self._members[node] = members
        return node

    def graph(self) -> Graph:
        """The graph of what is here now.

        Raises GraphError for outputs where none may be, CycleError where files close a circle.
        """
        self._check_places()
        readings = Readings(self._makers, self.paths, self._read()) if self._readers else None
        redirects = self._read_redirects(readings) if readings else frozenset[str]()
        draft = Draft()
        for task in self.tasks:
            draft.add(self._with_redirects(task, redirects) if redirects else task)
        if self._base is not None:
            _copy_needs(self._base, draft)
        files = self._enter_files(draft, readings) if readings else {}
        self._enter_order(draft, files)
        for consumer, other in self.any:
            draft.need(consumer, other, Edge.ANY)
        return draft.build()

    # --- what is said

    def _enter(self, task: Task, written: Sequence[str]) -> None:
        assert task.index == len(self.tasks), f"task {task.name!r} has the index {task.index}"
        self.tasks.append(task)
        self._names[task.name] = task.index
        for path in written:
            self._makers.enter(self.paths.key(path), task.index)
        if task.inputs:
            self._readers.append(task.index)

    def _cycle(self, circle: Circle) -> CycleError:
        tasks = (self._task_of[node] for node in circle.nodes)
        return CycleError([[self.tasks[index].name for index in tasks if index >= 0]])

    def _take_in(self, base: Graph) -> None:
        """A graph to begin with: its edges are known to go in no circle, so nodes come in an order that works."""
        for task in base.tasks:
            self._enter(task, task.written)
        self._node_of.extend([-1] * len(base.tasks))
        node_of: dict[int, int] = {}
        for number in base.order:
            node = node_of[number] = self._nodes.add(tuple([node_of[each] for each in base.sources(number)]))
            self._task_of.append(max(number, -1))
            if number >= 0:
                self._node_of[number] = node

    # --- what all of it comes to

    def _check_places(self) -> None:
        for inner, path, outer, directory in self._makers.nested():
            raise GraphError(
                f"{self.tasks[inner].name} writes {path!r} inside {directory!r}, which {self.tasks[outer].name} makes; "
                "let one task make both, or part the paths"
            )
        for maker, path, how in self._makers.trespasses(self._forbidden):
            raise GraphError(f"{self.tasks[maker].name} writes {path!r}{how}")

    def _read(self) -> Iterable[str]:
        """The paths that tasks read, each once."""
        return set(chain.from_iterable(self.tasks[index].inputs for index in self._readers))

    def _read_redirects(self, readings: Readings) -> frozenset[str]:
        """The keys of what is read by another task than its maker: a redirect file among them counts as an output."""
        read = set(readings.inside)
        for index in self._readers:
            for path in self.tasks[index].inputs:
                if path in readings.outputs and readings.members[path] != (index,):
                    read.add(readings.outputs[path])
        return frozenset(read)

    def _with_redirects(self, task: Task, read: frozenset[str]) -> Task:
        more = [path for path in task.redirects if path not in task.outputs and self.paths.key(path) in read]
        return replace(task, outputs=(*task.outputs, *more)) if more else task

    def _enter_files(self, draft: Draft, readings: Readings) -> dict[int, list[int]]:
        """The edges by rule 2 that the base has not; by consumer, the nodes that it needs for their files."""
        known = 0 if self._base is None else len(self._base)
        self.sources = {}
        nodes: dict[tuple[str, bool], int | None] = {}  # by path, and whether it is read by a task of the base
        files: dict[int, list[int]] = {}
        for consumer in self._readers:
            is_old = consumer < known
            for path in self.tasks[consumer].inputs:
                members = readings.members.get(path, ())
                if not members:
                    if not is_old:
                        self.sources.setdefault(path, consumer)
                    continue
                if not is_old and _holds(members, consumer):
                    node = _gathered(draft, [each for each in members if each != consumer])
                elif (path, is_old) in nodes:
                    node = nodes[path, is_old]
                else:
                    new = [each for each in members if each >= known] if is_old else members
                    node = nodes[path, is_old] = _gathered(draft, new)
                if node is not None:
                    draft.need(consumer, node)
                    files.setdefault(consumer, []).append(node)
        return files

    def _enter_order(self, draft: Draft, files: dict[int, list[int]]) -> None:
        if not (files or self._members or self._base):  # the usual case, and there may be 100,000: nodes are tasks
            for consumer in range(len(self.tasks)):
                for other in self._nodes.needs(consumer):
                    draft.need(consumer, other, Edge.ORDER)
            return
        orders = Orders(draft)
        for consumer in range(len(self.tasks)):
            nodes = self._nodes.needs(self._node_of[consumer])
            by_file = files.get(consumer, ())
            if self._base is not None and consumer < len(self._base):
                nodes = nodes[len(self._base.needs[consumer]) :]
                by_file = [*by_file, *_by_file(self._base, consumer, draft)] if nodes else by_file
            if nodes:
                others = [self._members[node] if self._task_of[node] < 0 else self._task_of[node] for node in nodes]
                orders.enter(consumer, others, by_file)


def missing_sources(sketch: Sketch) -> list[str]:
    """What to say of inputs that no task makes and that are not there; of the last graph that was built."""
    looked_at = islice(sketch.sources.items(), _MOST_LOOKED_AT)
    missing = [(path, reader) for path, reader in looked_at if not os.path.exists(sketch.paths.absolute(path))]
    if not missing:
        return []
    path, reader = missing[0]
    more = f"and {len(missing) - 1} more are not there, and no task makes them"
    ends = more if len(missing) > 1 else f"{absence(sketch.paths.absolute(path))}, and no task makes it"
    return [f"{sketch.tasks[reader].name}: the input {path!r} {ends}"]


def _copy_needs(base: Graph, draft: Draft) -> None:
    for task in base.tasks:
        for node in base.needs[task.index]:
            draft.need(task.index, _again(base, node, draft), base.edge(task.index, node))


def _by_file(base: Graph, consumer: int, draft: Draft) -> Iterator[int]:
    """The nodes of the draft that a task of the base needs for their files."""
    return (_again(base, node, draft) for node in base.needs[consumer] if base.edge(consumer, node).has_file)


def _again(base: Graph, node: int, draft: Draft) -> int:
    return node if node >= 0 else draft.gather(base.members(node))


def _gathered(draft: Draft, members: Sequence[int]) -> int | None:
    return draft.gather(tuple(members)) if members else None


def _holds(members: Sequence[int], task: int) -> bool:
    """Whether a task is among others, which stand in their order."""
    place = bisect_left(members, task)
    return place < len(members) and members[place] == task
