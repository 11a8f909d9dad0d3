"""An attempt that the executor has been given, and how it is seen off where a run is left early."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.base import Attempt, Executor, Judge
from taskrun.model import NOTHING_SPECIAL, Cause, Ended, Grant, Handle, Interrupted, Task

LAST_WAIT = 10.0  # seconds that a killed task is waited for when the run is left early


class Live(Struct):
    """`handle` finds an attempt of an earlier run; `asked`: to end, and why, which takes that it `is_reachable`;
    `timer` and `since`, from when its time counts: see `Endings`; `grant`: which of what it asks for it has.
    """

    task: Task
    kind: int
    attempt: Attempt
    handle: Handle | None = None
    asked: Cause | None = None
    is_reachable: bool = True
    timer: int | None = None
    since: float = 0.0
    grant: Grant = NOTHING_SPECIAL

    def has_no_result(self, ended: Ended) -> bool:
        """Whether the end of an attempt of an earlier run says nothing, so that its task is to be judged anew."""
        if self.handle is None:
            return False
        return ended.cause is Cause.INTERRUPTED or (ended.cause is Cause.LOST and self.asked is None)


def see_off(
    live: dict[int, Live], *, executor: Executor, judge: Judge, now: Callable[[], float], grace: float
) -> None:
    """Nothing that runs outlives the run: ask it to end, and kill it after the grace.

    Nobody is told of these ends any more; but half of an output is not left in the place of a whole one.
    """
    for force, patience in ((False, grace), (True, LAST_WAIT)):
        for each in live.values():
            executor.kill(each.task, force=force)
        deadline = now() + patience
        while live and now() < deadline:
            for happening in executor.wait(deadline - now()):
                if isinstance(happening, Ended):
                    gone = live.pop(happening.task, None)
                    if gone is not None and happening.cause is not Cause.LOST:
                        judge.settle(gone.task, replace(happening, cause=Cause.CANCELLED))
                elif isinstance(happening, Interrupted):
                    deadline = 0.0  # somebody has lost patience
