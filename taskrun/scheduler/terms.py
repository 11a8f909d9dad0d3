"""What a run goes by besides its plan, and what its reader may throw into it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from taskrun.model import Handle, Task
from taskrun.policy import Policy


class Unrecorded(Exception):
    """Thrown in by the reader: what was yielded last cannot be put on record, nor anything after it."""


class Terms(Struct, frozen=True, kw_only=True):
    """What a run goes by besides its plan; see `schedule`."""

    attempts: Callable[[Task], int]
    began: Callable[[Task], float | None]
    policy: Policy
    forced: Collection[int]
    open_attempts: Mapping[int, Handle]
    grace: float
    expected: Callable[[Task], float | None] | None
    patience: Callable[[], float | None]
    is_left: Callable[[], bool]
