"""Notes what a sweep names besides itself, so that it can be told later whether that is still what it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from taskrun.digests import blake2b

LARGEST = 16 << 20  # bytes of a file whose content counts


class Witness:
    """`tables`: CSV files by path as written; `globs`: patterns; each with a digest, "" where there is none."""

    def __init__(self) -> None:
        self.tables: dict[str, str] = {}
        self.globs: dict[str, str] = {}

    def table(self, path: str, directory: str) -> None:
        """A CSV file is about to be read: one that changes meanwhile has another digest afterwards."""
        self.tables[path] = digest_of_file(os.path.join(directory, path))

    def glob(self, pattern: str, found: Iterable[str]) -> None:
        """A pattern has found these paths."""
        self.globs[pattern] = digest_of_paths(found)


def digest_of_file(path: str) -> str:
    """Of its content; "" where that cannot be had, or is too much."""
    found = content_of(path)
    return "" if found is None else blake2b(found, digest_size=16).hexdigest()


def found_by(pattern: str, directory: str) -> list[str]:
    """The paths that a glob finds, sorted; `**` goes through directories, `*` leaves hidden files alone."""
    from glob import glob  # hardly any sweep has one

    return sorted(glob(pattern, root_dir=directory, recursive=True))


def digest_of_paths(paths: Iterable[str]) -> str:
    """Of paths in their order."""
    return blake2b(b"\0".join(map(os.fsencode, paths)), digest_size=16).hexdigest()


def content_of(path: str) -> bytes | None:
    """What a regular file that is not huge holds."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None
