"""What a preview's executor does not know: attempts of earlier runs that a run would find, and wait for.

They have ended already here, and what is still alive has done so well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.base import Attempt, Executor
from taskrun.model import Ended, Grant, Handle, Happening, Spawned, Task
from taskrun.pools import Units


class Foretold(Struct, frozen=True):
    """An attempt of an earlier run: what finds it, and how it has ended; None where it lives."""

    handle: Handle
    ended: Ended | None = None


class ForetoldExecutor:
    """Implements `executors.base.Executor` by another one, which starts what is new; `left` holds what there is."""

    def __init__(self, executor: Executor, left: Mapping[int, Foretold]) -> None:
        self._executor = executor
        self._left = left
        self._happened: list[Happening] = []

    @property
    def pools(self) -> Mapping[str, Fraction]:
        """Those of the other one."""
        return self._executor.pools

    @property
    def units(self) -> Units:
        """Those of the other one."""
        return self._executor.units

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """See `Executor.start`."""
        if handle is None:
            self._executor.start(task, attempt, grant)
            return
        ended = self._left[task.index].ended
        if ended is None:
            self._happened.append(Spawned(task.index, handle))
            ended = Ended(task.index, attempt.number, 0.0, 0.0, exit_code=0)
        self._happened.append(replace(ended, task=task.index))

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """See `Executor.wait`."""
        if not self._happened:
            return self._executor.wait(timeout)
        happened, self._happened = self._happened, []
        return happened

    def kill(self, task: Task, *, force: bool) -> bool:
        """See `Executor.kill`."""
        return self._executor.kill(task, force=force)

    def stop(self) -> None:
        """See `Executor.stop`."""
        self._executor.stop()
