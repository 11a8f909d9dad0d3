"""How much memory there is to share: what the machine has, or the cgroup lets us have, less a tenth.

Not what happens to be free: a sweep is not to come out otherwise because somebody has a browser open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction

from taskrun.machine import CGROUPS, MEMBERSHIP, groups_above, read_text

_SHARED = Fraction(9, 10)
_LIMITS = ("memory.max", "memory.limit_in_bytes")  # of version 2 and of version 1


def shared_memory() -> Fraction:
    """Whole bytes."""
    limit = memory_limit()
    there = machine_memory()
    return Fraction(int(_SHARED * (there if limit is None else min(limit, there))))


def machine_memory() -> int:
    """The bytes of memory that the machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_limit(membership: str = MEMBERSHIP, tree: str = CGROUPS) -> int | None:
    """The smallest limit of our cgroup and those above it, in bytes; None where there is none."""
    return min(_limits(membership, tree), default=None)


def _limits(membership: str, tree: str) -> Iterator[int]:
    for directory in groups_above(("memory",), membership, tree):
        for name in _LIMITS:
            text = (read_text(f"{directory}/{name}") or "").strip()
            if text.isdecimal():
                yield int(text)
