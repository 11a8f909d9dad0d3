"""Keeps bytes of a journal in a file of their own beside it before anything is cut or replaced; nothing is thrown away.

Such a file is there whole and on disk, or not at all.
"""

from __future__ import annotations

import contextlib
import os

_BLOCK = 1 << 20


def free_name(path: str, kind: str) -> str:
    """The first of `path.kind-1`, `path.kind-2`, ... that is not taken."""
    number = 1
    while os.path.lexists(f"{path}.{kind}-{number}"):
        number += 1
    return f"{path}.{kind}-{number}"


def keep_aside(descriptor: int, path: str, *, begin: int = 0) -> None:
    """Copy an open file from byte `begin` to its end into one at `path`; OSError where there is no room."""
    temporary = f"{path}.new"
    try:
        with open(temporary, "wb") as file:
            while block := os.pread(descriptor, _BLOCK, begin):
                file.write(block)
                begin += len(block)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
