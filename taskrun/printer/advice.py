"""What a run has learnt of the memory that tasks use: how many would fit at once if they asked for no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from taskrun.model import UNSEEN, Cause, Finished, Traits
from taskrun.pools import MEMORY, clamped
from taskrun.printer.width import printable
from taskrun.quantity import parse_size, show_size

_SPARE = Fraction(6, 5)  # what is proposed of what was used at most
_NO_MEASURE = UNSEEN | {Cause.CANCELLED}


class _Use:
    """What some tasks of a step, which ask for the same, have used at most."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.most = 0
        self.tasks = 0
        self.is_cut = False  # one was ended for want of memory: nobody knows how much it would have used


class Advice:
    """Told of each end; `pools` is what the tasks share."""

    def __init__(self, pools: Mapping[str, Fraction]) -> None:
        self._pools = pools
        self._uses: dict[tuple[str, int], _Use] = {}

    def take(self, event: Finished) -> None:
        """Remember what a task has used."""
        traits, peak = event.task.traits, event.ended.max_rss
        if len(traits.request) == 1:  # cores, and nothing else
            return
        if peak is None or event.settled.cause in _NO_MEASURE or not traits.amount(MEMORY):
            return
        use = self._uses.setdefault((event.task.step.name, id(traits)), _Use(traits))
        use.tasks += 1
        use.most = max(use.most, peak)
        use.is_cut = use.is_cut or event.settled.cause is Cause.MEMORY

    def lines(self) -> Iterator[str]:
        """What the user could change, a line each."""
        for (step, _), use in self._uses.items():
            said = self._said(use)
            if said:
                yield f"{printable(step)} {said}"

    def _said(self, use: _Use) -> str:
        asks = int(use.traits.amount(MEMORY))
        enough = show_size(int(use.most * _SPARE))
        now, then = self._at_once(use.traits, asks), self._at_once(use.traits, parse_size(enough))
        tasks = f"{use.tasks} task{'' if use.tasks == 1 else 's'}"
        if use.most > asks:
            end = "it takes more than that, nobody knows how much" if use.is_cut else f"with {enough} it is safe"
            return f"asks {show_size(asks)}, but used up to {show_size(use.most)} in {tasks}: {end}"
        if use.is_cut or then <= now or use.tasks <= now:
            return ""
        used = f"asks {show_size(asks)}, used at most {show_size(use.most)} in {tasks}"
        return f"{used}: with {enough}, {then} would fit at once instead of {now}"

    def _at_once(self, traits: Traits, memory: int) -> int:
        """How many tasks have their place at once that ask for so much memory."""
        asks = dict(clamped(traits.request, self._pools)) | {MEMORY: Fraction(max(memory, 1))}
        return min(int(self._pools[pool] // amount) for pool, amount in asks.items() if amount and pool in self._pools)
