"""What happens, as an executor tells it. A closed set, matched exhaustively; interruption is one of them."""

from __future__ import annotations

from msgspec import Struct

from taskrun.model.words import Cause


class Grant(Struct, frozen=True):
    """What the room gave a task beyond amounts: the ids of its gpus and of the cores that it is bound to."""

    gpus: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()


NOTHING_SPECIAL = Grant()


class Handle(Struct, frozen=True, omit_defaults=True):
    """What finds the process of an attempt again: its identity, or where `pid` is None what its environment holds.

    `host`: the name of the machine that it was begun on, where that is another one. Not `is_reachable`: it lives where
    no signal of ours gets to. `gpus` and `pinned`: the ids of what it has for itself as long as it lives.
    """

    run: str
    attempt: int
    round: int
    pid: int | None = None
    ticks: int | None = None
    namespace: int | None = None
    host: str = ""
    is_reachable: bool = True
    gpus: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()


class Spawned(Struct, frozen=True):
    """The process exists."""

    task: int
    handle: Handle


class Ended(Struct, frozen=True):
    """An attempt is over. Times are seconds since the epoch; `max_rss` is bytes; None is "not known".

    `cause` is None where the exit code or the signal says it all. `signal` is a name such as SIGKILL. `is_silent`: its
    log is known to be empty, and gone. `is_shortage`: it could not start for want of descriptors, processes or memory,
    which says nothing of its task.
    """

    task: int
    attempt: int
    start: float
    end: float
    exit_code: int | None = None
    signal: str | None = None
    cause: Cause | None = None
    message: str = ""
    seconds: float = 0.0
    user: float | None = None
    system: float | None = None
    max_rss: int | None = None
    is_silent: bool = False
    is_shortage: bool = False


class Tick(Struct, frozen=True):
    """Time has passed and nothing else."""


class Interrupted(Struct, frozen=True):
    """Somebody wants the run to end (`level`: `DRAIN`, `TERMINATE`, `KILL`). `signal` is a name such as SIGINT."""

    level: int
    signal: str


Happening = Spawned | Ended | Tick | Interrupted
