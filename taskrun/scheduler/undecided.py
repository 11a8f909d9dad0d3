"""Ready tasks, by their turns, of which the judge has still to say whether they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

SOME = 64  # so many of those where it could not say are asked about again at a time


class Undecided:
    """Those that it was not asked about, in turn; and those where it could not say yet.

    There may be 10,000 of these that all wait for one big file: some of them are asked about now and then, and all once
    there was news of one.
    """

    def __init__(self) -> None:
        self._turns: list[int] = []
        self._pending: deque[int] = deque()
        self._asked_again = 0
        self._came_back = 0

    def __bool__(self) -> bool:
        """Whether there is one to be asked about now."""
        return bool(self._turns)

    @property
    def is_pending(self) -> bool:
        """Whether there is one to be asked about again after a while."""
        return bool(self._pending)

    @property
    def first(self) -> int:
        """The lowest turn; IndexError where there is none."""
        return self._turns[0]

    def begin(self, turns: Iterable[int]) -> None:
        """Many at once, where there were none."""
        self._turns = list(turns)
        heapify(self._turns)

    def add(self, *turns: int) -> None:
        """Some more."""
        for turn in turns:
            heappush(self._turns, turn)

    def renumber(self, turns: Sequence[int]) -> None:
        """Each turn is another one now."""
        self.begin([turns[turn] for turn in self._turns])
        self._pending = deque(turns[turn] for turn in self._pending)

    def take(self) -> int:
        """The lowest turn, which goes."""
        return heappop(self._turns)

    def put_off(self, turn: int) -> None:
        """The judge could not say: ask again."""
        self._pending.append(turn)
        self._came_back += 1

    def ask_again(self) -> None:
        """A while has passed."""
        if self._turns or not self._pending:
            return
        has_news = self._came_back < self._asked_again
        self._asked_again = len(self._pending) if has_news else min(SOME, len(self._pending))
        self._came_back = 0
        self.begin([self._pending.popleft() for _ in range(self._asked_again)])
