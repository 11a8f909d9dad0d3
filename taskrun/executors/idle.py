"""An executor that does nothing, well and at once: what it is given to start is what a run would execute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from taskrun.executors.base import Attempt
from taskrun.model import Ended, Grant, Handle, Happening, Task, Tick
from taskrun.pools import CORES, NO_UNITS, Units


class IdleExecutor:
    """Implements `executors.base.Executor`."""

    units: Units = NO_UNITS


    def __init__(self, pools: Mapping[str, Fraction] | None = None) -> None:
        self.pools: Mapping[str, Fraction] = pools or {CORES: Fraction(1)}
        self._ended: list[Happening] = []

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """It has ended well already."""
        self._ended.append(Ended(task.index, attempt.number, 0.0, 0.0, exit_code=0))

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """All that was started since the last call has ended."""
        ended, self._ended = self._ended, []
        return ended or [Tick()]

    def kill(self, task: Task, *, force: bool) -> bool:
        """Nothing runs."""
        return False

    def stop(self) -> None:
        """Nothing was taken."""
