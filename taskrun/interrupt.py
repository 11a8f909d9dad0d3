"""How much somebody wants the run to end: what each signal adds to the level.

The level only rises. Nothing here installs or catches a signal: the executor that waits does.
"""

from __future__ import annotations

from collections.abc import Callable
from signal import SIGHUP, SIGINT, SIGTERM, Signals

from taskrun.model import KILL, TERMINATE, Interrupted

STOPPING = (SIGINT, SIGTERM, SIGHUP)


class Interrupts:
    """Counts the signals of one run: each SIGINT adds one; SIGTERM and SIGHUP terminate, and never more than that.

    A session that ends sends SIGTERM and then SIGHUP, a batch system SIGTERM again: tasks keep their grace.
    """

    def __init__(self) -> None:
        self.level = 0

    def receive(self, number: int) -> Interrupted:
        """The level after one more signal."""
        self.level = min(KILL, self.level + 1) if number == SIGINT else max(TERMINATE, self.level)
        return Interrupted(self.level, Signals(number).name)


def heeded(is_ignored: Callable[[Signals], bool]) -> tuple[Signals, ...]:
    """The signals to wait for: a SIGHUP that was ignored when we began (nohup) stays ignored."""
    return tuple(number for number in STOPPING if not (number == SIGHUP and is_ignored(number)))
