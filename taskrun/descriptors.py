"""Descriptors of our own are none of the three that every program writes to without looking.

In a program that has closed its standard streams the next file opened would be one of these, and get what a library
complains about.
"""

from __future__ import annotations

import fcntl
import os

_LOWEST = 3


def above_standard(descriptor: int) -> int:
    """The same open file as a descriptor that is none of 0, 1 and 2, closed when another program is executed."""
    if descriptor >= _LOWEST:
        return descriptor
    moved: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    os.close(descriptor)
    return moved
