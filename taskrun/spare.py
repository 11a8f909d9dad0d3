"""Files that only save time: each is there whole or not at all, and nobody minds where there is none."""

from __future__ import annotations

import contextlib
import os


def write_spare(path: str, *pieces: bytes) -> None:
    """Put a file in the place of the one that is there; without room for it there is none."""
    temporary = f"{path}.new"
    remove_spare(temporary)
    try:
        with open(temporary, "xb") as file:  # never into something else of that name
            file.writelines(pieces)
        os.replace(temporary, path)
    except OSError:
        remove_spare(temporary)
        remove_spare(path)


def remove_spare(path: str) -> None:
    """There is none."""
    with contextlib.suppress(OSError):
        os.unlink(path)
