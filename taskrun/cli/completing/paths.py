"""Paths, for shells that are better told than asked for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from taskrun.cli.completing.offers import DIRECTORY, PART, PLAIN, STUDY, Offer
from taskrun.cli.files import looks_like_file


def paths(kind: str, text: str) -> Iterator[Offer]:
    """The files of a kind that begin with `text`, and the directories on the way to others."""
    tail = os.path.basename(text)
    head = text[: len(text) - len(tail)]
    for name, is_directory in _entries(os.path.expandvars(os.path.expanduser(head))):
        if not name.startswith(tail) or (name.startswith(".") and not tail) or not name.isprintable():
            continue
        if is_directory:
            yield Offer(f"{head}{name}/", PART)
        elif kind != DIRECTORY and (kind != STUDY or looks_like_file(head + name)):
            yield Offer(head + name, PLAIN)


def _entries(directory: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(directory or ".") as entries:
            return sorted((entry.name, entry.is_dir()) for entry in entries)
    except (OSError, ValueError):
        return []
