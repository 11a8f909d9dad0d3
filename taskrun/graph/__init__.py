"""A Graph that exists is well-formed: names are unique, dependencies real, and there is no cycle.

A `Draft` builds it; nobody checks again. A *node* is a task (its index, from 0) or a gather (counted from -1 down): a
set of tasks that others need as a whole, shared by all of these, so that 10,000 tasks over 10,000 cost 20,000 edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from fractions import Fraction

from msgspec import Struct, field

from taskrun.errors import CycleError, GraphError, Place
from taskrun.model import StepShape, Task
from taskrun.provenance import Provenance


class Edge(Enum):
    """How a task needs a node: for its files, only to come after it, or only to come after whatever became of it."""

    FILE = "file"
    ORDER = "order"
    ANY = "any"
    FILE_ANY = "file any"

    @property
    def has_file(self) -> bool:
        """Freshness goes by the file; any other edge goes by what ran."""
        return self in (Edge.FILE, Edge.FILE_ANY)

    @property
    def is_any(self) -> bool:
        """A failure does not keep the consumer from running."""
        return self in (Edge.ANY, Edge.FILE_ANY)

    def plus(self, other: Edge) -> Edge:
        """Both at once: a file makes it a file edge, `any` makes it one that a failure does not break."""
        return _EDGES[self.has_file or other.has_file, self.is_any or other.is_any]


_EDGES = {(edge.has_file, edge.is_any): edge for edge in Edge}
_NOTHING: tuple[int, ...] = ()
_FEW = 16  # up to so many needs of one task are looked through one by one


class Draft:
    """A graph in the making."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._names: dict[str, int] = {}
        self._needs: list[list[int] | tuple[int, ...]] = []  # a list from the first need on
        self._many: dict[int, set[int]] = {}
        self._edges: dict[tuple[int, int], Edge] = {}
        self._gathers: list[tuple[int, ...]] = []
        self._gather_of: dict[tuple[int, ...], int] = {}
        self._gather_by_id: dict[int, int] = {}  # of the tuples in _gathers, which keep the ids taken

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: Task) -> int:
        """Append a task, whose `index` is its position; raises GraphError for a name that is taken."""
        index = len(self._tasks)
        assert task.index == index, f"task {task.name!r} has the index {task.index} at the position {index}"
        if self._names.setdefault(task.name, index) != index:
            raise GraphError(f"two tasks have the name {task.name!r}")
        self._tasks.append(task)
        self._needs.append(_NOTHING)
        return index

    def index_of(self, name: str) -> int | None:
        """The index of the task with this name."""
        return self._names.get(name)

    def gather(self, members: tuple[int, ...]) -> int:
        """The node that stands for all of `members`; the same tuple again, or an equal one, is the same node."""
        node = self._gather_by_id.get(id(members))
        if node is None:
            node = self._gather_of.get(members)
        return node if node is not None else self._new_gather(members)

    def _new_gather(self, members: tuple[int, ...]) -> int:
        assert members, "a gather over nothing"
        if len(set(members)) < len(members):
            return self.gather(tuple(dict.fromkeys(members)))
        if len(members) == 1:
            return members[0]
        self._gathers.append(members)
        node = -len(self._gathers)
        self._gather_of[members] = self._gather_by_id[id(members)] = node
        return node

    def members(self, node: int) -> tuple[int, ...]:
        """The tasks that a node stands for: see `Graph.members`."""
        return (node,) if node >= 0 else self._gathers[-node - 1]

    def need(self, consumer: int, node: int, edge: Edge = Edge.FILE) -> None:
        """`consumer` needs `node`. Said twice it is one edge, of both kinds at once."""
        if self._append(consumer, node):
            if edge is not Edge.FILE:
                self._edges[consumer, node] = edge
            return
        both = edge.plus(self._edges.get((consumer, node), Edge.FILE))
        if both is Edge.FILE:
            self._edges.pop((consumer, node), None)
        else:
            self._edges[consumer, node] = both

    def _append(self, consumer: int, node: int) -> bool:
        needs = self._needs[consumer]
        if not isinstance(needs, list):
            self._needs[consumer] = [node]
            return True
        if len(needs) < _FEW:
            if node in needs:
                return False
        else:
            seen = self._many.get(consumer)
            if seen is None:
                seen = self._many[consumer] = set(needs)
            if node in seen:
                return False
            seen.add(node)
        needs.append(node)
        return True

    def build(self) -> Graph:
        """The graph, to which this draft hands over what it holds: only names can be asked for after that.

        Raises GraphError for a dependency that is not of this draft, CycleError for a cycle.
        """
        needs: list[tuple[int, ...]] = []
        self._needs.reverse()
        while self._needs:  # each list goes when its tuple has come: there may be a million
            needs.append(tuple(self._needs.pop()))
        tasks = tuple(self._tasks)
        self._tasks, self._many, self._gather_of, self._gather_by_id = [], {}, {}, {}
        return Graph(tasks, tuple(self._gathers), needs, edges=self._edges, names=self._names)


class Graph:
    """Tasks and what they need. Everything here is fixed; sequences are by node where they say so.

    A sequence by node has an entry for each task and then, reversed, for each gather, so that the number of a node,
    negative or not, is its index.
    """

    def __init__(
        self,
        tasks: tuple[Task, ...],
        gathers: tuple[tuple[int, ...], ...],
        needs: Sequence[tuple[int, ...]],
        *,
        edges: Mapping[tuple[int, int], Edge],
        names: Mapping[str, int],
    ) -> None:
        self.tasks = tasks
        self.gathers = gathers
        self.needs = needs
        self._edges = edges
        self._names = names
        self.users: Sequence[Sequence[int]] = self._find_users()  # by node: the tasks and gathers that need it
        self.order: Sequence[int] = self._sort()  # all nodes, each after what it needs

    def __len__(self) -> int:
        return len(self.tasks)

    def index(self, name: str) -> int | None:
        """The index of the task with this name."""
        return self._names.get(name)

    def edge(self, consumer: int, node: int) -> Edge:
        """How `consumer` needs `node`, which is one of its `needs`."""
        return self._edges.get((consumer, node), Edge.FILE)

    def members(self, node: int) -> tuple[int, ...]:
        """The tasks that a node stands for: itself, or those of a gather."""
        return (node,) if node >= 0 else self.gathers[-node - 1]

    def sources(self, node: int) -> tuple[int, ...]:
        """The nodes that must be done before a node is: the needs of a task, the members of a gather."""
        return self.needs[node] if node >= 0 else self.gathers[-node - 1]

    def needed(self, index: int) -> Iterator[int]:
        """The tasks that a task needs itself, each once, in the order of its needs."""
        nodes = self.needs[index]
        if len(nodes) == 1:
            return iter(self.members(nodes[0]))
        return iter(dict.fromkeys(member for node in nodes for member in self.members(node)))

    def closure(self, indices: Iterable[int]) -> set[int]:
        """These tasks with all that they need, however far up."""
        seen = set(indices)
        stack = list(seen)
        while stack:
            fresh = [node for node in self.sources(stack.pop()) if node not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return {node for node in seen if node >= 0}

    def _find_users(self) -> list[Sequence[int]]:
        users: list[list[int] | None] = [None] * (len(self.tasks) + len(self.gathers))
        for index, nodes in enumerate(self.needs):
            self._enter(users, index, nodes, lowest=-len(self.gathers))
        for position, members in enumerate(self.gathers):
            self._enter(users, -1 - position, members, lowest=0)
        nobody: Sequence[int] = ()
        return [nobody if found is None else found for found in users]

    def _enter(self, users: list[list[int] | None], consumer: int, nodes: Iterable[int], *, lowest: int) -> None:
        for node in nodes:
            if not lowest <= node < len(self.tasks):
                raise GraphError(f"a dependency on the node {node}, which is not of this graph")
            found = users[node]
            if found is None:
                users[node] = [consumer]
            else:
                found.append(consumer)

    def _sort(self) -> list[int]:
        missing = [*map(len, self.needs), *map(len, reversed(self.gathers))]
        order = [index for index in range(len(self.tasks)) if not missing[index]]
        for node in order:
            for user in self.users[node]:
                missing[user] -= 1
                if not missing[user]:
                    order.append(user)
        if len(order) < len(missing):
            left = [node for node in range(-len(self.gathers), len(self.tasks)) if missing[node]]
            cycles = find_cycles(left, self.sources)
            raise CycleError([[self.tasks[node].name for node in cycle if node >= 0] for cycle in cycles])
        return order


def find_cycles(nodes: Iterable[int], needs: Callable[[int], Iterable[int]]) -> list[list[int]]:
    """A shortest cycle, each needing the next, of each set of nodes that all need each other; by their first nodes.

    Each begins with the lowest node of its set that is not negative (there must be one).
    """
    found = []
    for knot in _knots(nodes, needs):
        first = min(node for node in knot if node >= 0)
        if len(knot) > 1 or first in needs(first):
            found.append(_way_around(first, knot, needs))
    return sorted(found)


def _way_around(first: int, knot: set[int], needs: Callable[[int], Iterable[int]]) -> list[int]:
    came_from: dict[int, int] = {}
    reached = [first]
    for node in reached:
        for other in needs(node):
            if other in knot and other not in came_from:
                came_from[other] = node
                reached.append(other)
        if first in came_from:
            break
    around = [came_from[first]]
    while around[-1] != first:
        around.append(came_from[around[-1]])
    return around[::-1]


def _knots(nodes: Iterable[int], needs: Callable[[int], Iterable[int]]) -> Iterator[set[int]]:
    """The strongly connected components that hold a task, by Tarjan's algorithm; a recursion would go too deep."""
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    path: list[int] = []
    done: set[int] = set()
    for start in nodes:
        work = [] if start in number else [(start, iter(needs(start)))]
        while work:
            node, others = work[-1]
            if node not in number:
                number[node] = lowest[node] = len(number)
                path.append(node)
            for other in others:
                if other not in number:
                    work.append((other, iter(needs(other))))
                    break
                if other not in done:
                    lowest[node] = min(lowest[node], number[other])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == number[node]:
                    cut = _last(path, node)
                    knot = set(path[cut:])
                    del path[cut:]
                    done |= knot
                    if any(one >= 0 for one in knot):
                        yield knot


def _last(path: Sequence[int], node: int) -> int:
    """Where `node` stands, looked for from the end."""
    return next(place for place in reversed(range(len(path))) if path[place] == node)


class Study(Struct, frozen=True):
    """What a source came to: a graph, and what there is to say about it.

    `root` is the absolute directory that paths are seen from, `source` the file's name relative to it (what the
    journal's header names; absolute where the state lies outside of it). `hints` are warnings, whole sentences with
    their place. `names` and `points` are the sweep's, points as source texts aligned with the names (None where a
    point lacks one). `provenance`: what it was read from; None where nobody could tell whether that has changed.
    `outline`: makes what a shell is to complete names from (`sweep.kept_outline`); None as above. `pools`: how much
    there is of what, as far as the source says that; `places`: where a step asks for a pool.
    """

    name: str
    root: str
    source: str
    graph: Graph
    shapes: tuple[StepShape, ...] = ()
    hints: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    points: Sequence[tuple[str | None, ...]] = ()
    provenance: Provenance | None = None
    outline: Callable[[], bytes] | None = None
    pools: Mapping[str, Fraction] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)
