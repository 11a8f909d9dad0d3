"""What a study was read from, as far as that can change under it."""

from __future__ import annotations

from typing import NamedTuple


class Provenance(NamedTuple):
    """As long as all of it is the same, reading the study again gives the same tasks.

    `digest`: of the sweep file, of what the study is called and where its state is, of the environment variables that
    the file may name, and of this version. `tables`: the CSV files by path, with the digest of each; `globs`: the
    patterns, with the digest of the paths that each has found.
    """

    digest: str
    tables: tuple[tuple[str, str], ...] = ()
    globs: tuple[tuple[str, str], ...] = ()
