"""When it is time for the longest path to go first, and how long each one is.

As long as there is much more to do than the longest path takes, begun groups are finished first. Once the rest could be
over soon, a long path that begins late would make everybody wait: then the longest goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taskrun.graph import Graph
from taskrun.model import Task
from taskrun.plan import Plan

WORTH = 1.0  # seconds: where no path is longer, the declared order is worth more than the moment to be won
TAIL = 4.0  # the tail begins when what is left takes all cores so many times as long as the longest path that is left

Expected = Callable[[Task], float | None]


class Urgency:
    """Watches a run in which tasks are `expected` to take so many seconds (None: nothing is known of any).

    Nothing is asked before a task starts: a run that finds everything fresh pays nothing.
    """

    def __init__(self, graph: Graph, plan: Plan, expected: Expected | None, *, cores: float) -> None:
        self._graph = graph
        self._plan = plan
        self._expected = expected
        self._cores = max(cores, 1.0)
        self._paths: list[float] = []  # by node: how long it takes from its start to the end of all that hangs on it
        self._work: list[float] = []  # by task: core seconds
        self._left = 0.0
        self._longest: list[int] = []  # the tasks that may not be over, the longest path first
        self._first = 0

    def is_due(self) -> bool:
        """Whether the longest path is to go first from now on; never says so twice."""
        if self._expected is None:
            return False
        if not self._paths and not self._begin(self._expected):
            self._expected = None
            return False
        for index in self._plan.drain():
            self._left -= self._work[index]
        longest, is_over = self._longest, self._plan.is_over
        while self._first < len(longest) and is_over(longest[self._first]):
            self._first += 1
        if self._first == len(longest):
            return False
        is_tail = self._left <= TAIL * self._cores * self._paths[longest[self._first]]
        if is_tail:
            self._expected = None
            self._plan.watch(is_watched=False)
        return is_tail

    def ranks(self, ranks: Sequence[int]) -> list[int]:
        """The place of each task in the order by remaining paths; those of equal ones as in `ranks`."""
        found = [0] * len(ranks)
        paths = self._paths
        for rank, index in enumerate(sorted(range(len(ranks)), key=lambda index: (-paths[index], ranks[index]))):
            found[index] = rank
        return found

    def _begin(self, expected: Expected) -> bool:
        """Find out how long everything takes; False where nobody knows, or next to nothing could be won."""
        seconds = list(map(expected, self._graph.tasks))
        if all(each is None for each in seconds):
            return False
        known = [each or 0.0 for each in seconds]
        self._work = [each * float(task.traits.cores) for each, task in zip(known, self._graph.tasks, strict=True)]
        self._paths = _paths(self._graph, known)
        left = [index for index in self._plan.selected if not self._plan.is_over(index)]
        self._left = sum(map(self._work.__getitem__, left))
        self._longest = sorted(left, key=self._paths.__getitem__, reverse=True)
        if not left or self._paths[self._longest[0]] < WORTH:
            return False
        self._plan.watch(is_watched=True)
        return True


def _paths(graph: Graph, seconds: Sequence[float]) -> list[float]:
    paths = [*seconds, *([0.0] * len(graph.gathers))]
    for node in reversed(graph.order):
        users = graph.users[node]
        if users:
            paths[node] += max([paths[user] for user in users])
    return paths
