"""When it is time for the longest path to go first, and how long each one is.

As long as there is much more to do than the longest path takes, begun groups are finished first. Once the rest could be
over soon, a long path that begins late would make everybody wait: then the longest goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.graph import Graph

TAIL = 4.0  # the tail begins when what is left takes all cores so many times as long as the longest path that is left


class Urgency:
    """The remaining paths of the `selected` tasks, by the `seconds` that each of all tasks is expected to take.

    `work` holds what each takes of the `cores` there are, in core seconds.
    """

    def __init__(
        self, graph: Graph, selected: Sequence[int], *, seconds: Sequence[float], work: Sequence[float], cores: float
    ) -> None:
        self._work = work
        self._cores = max(cores, 1.0)
        self._left = sum(work[index] for index in selected)
        self._paths = _paths(graph, seconds)
        self._longest = sorted(selected, key=self._paths.__getitem__, reverse=True)
        self._first = 0  # in `longest`: all before it are over
        self._is_over = bytearray(len(graph.tasks))

    def over(self, index: int) -> None:
        """A task needs nothing more."""
        if not self._is_over[index]:
            self._is_over[index] = 1
            self._left -= self._work[index]

    @property
    def is_tail(self) -> bool:
        """Whether the longest path is to go first from now on."""
        longest, is_over = self._longest, self._is_over
        while self._first < len(longest) and is_over[longest[self._first]]:
            self._first += 1
        if self._first == len(longest):
            return False
        return self._left <= TAIL * self._cores * self._paths[longest[self._first]]

    def ranks(self, ranks: Sequence[int]) -> list[int]:
        """The place of each task in the order by remaining paths; those of equal ones as in `ranks`."""
        found = [0] * len(ranks)
        paths = self._paths
        for rank, index in enumerate(sorted(range(len(ranks)), key=lambda index: (-paths[index], ranks[index]))):
            found[index] = rank
        return found


def _paths(graph: Graph, seconds: Iterable[float]) -> list[float]:
    """By node: how long it takes from its start to the end of all that hangs on it."""
    paths = [*seconds, *([0.0] * len(graph.gathers))]
    for node in reversed(graph.order):
        users = graph.users[node]
        if users:
            paths[node] += max([paths[user] for user in users])
    return paths
