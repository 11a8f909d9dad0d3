"""The two interfaces between the core and the world; pure, so that fakes can own the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from msgspec import Struct

from taskrun.model import Cause, Confirmed, Ended, Grant, Handle, Happening, Prepared, Reason, Settled, Task


class Attempt(Struct, frozen=True):
    """Which execution of a task: `number` counts for its life, `round` within this run (`TASKRUN_ATTEMPT`)."""

    number: int
    round: int = 1


class Executor(Protocol):
    """Starts commands and tells what became of them; knows nothing of files, freshness or dependencies."""

    @property
    def pools(self) -> Mapping[str, Fraction]:
        """What there is to share, by name; `cores` is always among them."""

    @property
    def units(self) -> Mapping[str, Sequence[str]]:
        """The ids of what a pool consists of, as many as there is of it, where a task is told which of them it has."""

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """Start an attempt; with a handle adopt the one of an earlier run that it finds, or look for it.

        A new attempt gives `Spawned` from the next `wait`. An adopted one that is not alive any more gives an `Ended`
        with the cause interrupted; one that is alive gives `Spawned` with its handle, and, when it is gone, an `Ended`
        with the cause lost (its result cannot be had).
        Never raises for what a command can cause: that comes back as an `Ended` with a cause.
        """

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """What happened since the last call; blocks at most `timeout` seconds (None: until something happens)."""

    def kill(self, task: Task, *, force: bool) -> bool:
        """Ask a running task to end (SIGTERM), or end it (SIGKILL); its `Ended` comes from `wait` as ever.

        One that has ended, but whose end was not looked at yet, is left alone: False, for nobody ended it.
        """

    def stop(self) -> None:
        """Give back everything that was taken; nothing that this executor started is left behind."""


class Fresh(Struct, frozen=True):
    """Done in an earlier run and still valid.

    `confirmed`: what its files are known by from now on, as left by its `attempt`. `is_gone`: some of its outputs are
    not there; it is to be executed after all when somebody needs them.
    """

    attempt: int = 0
    confirmed: Confirmed | None = None
    is_gone: bool = False


class Stale(Struct, frozen=True):
    """To be executed, and why."""

    reasons: tuple[Reason, ...]


class Refused(Struct, frozen=True):
    """Cannot be executed: a failure before any slot is spent on it."""

    cause: Cause
    message: str


class Lacks(Struct, frozen=True):
    """To be executed, but files that it reads are gone: their `makers`, fresh as they are, have to run first.

    `refused` is what to say where they cannot.
    """

    makers: tuple[int, ...]
    refused: Refused


class Pending(Struct, frozen=True):
    """Not decided yet: a file is still being read. Ask again."""


Verdict = Fresh | Stale | Refused | Lacks | Pending


class Judge(Protocol):
    """Knows what files and records say; owns freshness and the workspace."""

    def verdict(self, task: Task, ran: Iterable[int], *, is_forced: bool = False) -> Verdict:
        """Whether a ready task is to run. `ran`: the nodes (tasks, gathers) among its needs that ran in this run.

        Asked for a maker that some `Lacks` has named, the answer is no longer `Fresh`.
        """

    def prepare(self, task: Task) -> Prepared | Refused:
        """Make room for an attempt just before it starts, and say what there was."""

    def settle(self, task: Task, ended: Ended) -> Settled | Pending:
        """What an end comes to: outputs looked for, or set aside. Pending: they are still being read, ask again."""

    def discard(self, task: Task) -> None:
        """Remove the outputs of a task: all that use them are done."""
