"""Attempts that an earlier run left may still read what a stale task would make again: it waits until they are over.

Else they would read half of a file, and be taken for fresh where it comes out as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.graph import Graph
from taskrun.plan import Plan


class LeftReading:
    """Which tasks have such readers, and which of them wait for these, by their turns."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self._graph = graph
        self._plan = plan
        self._makers: set[int] = set()
        self._held_up: list[int] = []

    def begin(self, alive: Iterable[int]) -> None:
        """These run on."""
        self._makers.update(maker for index in alive for maker in self._graph.needed(index))

    def holds_up(self, index: int, turn: int) -> bool:
        """Whether a stale task has to wait; `let_go` gives its turn back."""
        if index not in self._makers or not self._plan.is_in_use(index):
            return False
        self._held_up.append(turn)
        return True

    def renumber(self, turns: Sequence[int]) -> None:
        """Each turn is another one now."""
        self._held_up = [turns[turn] for turn in self._held_up]

    def let_go(self) -> list[int]:
        """A reader may be over: the turns of those that waited, to be judged anew."""
        held_up, self._held_up = self._held_up, []
        return held_up
