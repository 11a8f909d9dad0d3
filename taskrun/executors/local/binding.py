"""Binds what is started to cores of its own: by standing on them ourselves for the moment of the start.

On Linux this is a matter of the calling thread alone, so that nothing else of a host program moves; a new process, and
all that it starts, keeps what its parent had then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def bound_to(cores: Sequence[int]) -> Iterator[None]:
    """What starts in here runs on these cores only; OSError where they are not ours to use any more."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        shown = ", ".join(map(str, cores))
        raise OSError(error.errno, f"cannot be bound to {shown} of the cores: {error.strerror}") from error
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
