"""Which Python file is being loaded for the Manager that it leaves, if any: nothing is run meanwhile.

Who loads one says so here; what runs asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taskrun.errors import UsageError
from taskrun.paths import Paths

_loaded: str | None = None


@contextmanager
def loading(path: str) -> Iterator[None]:
    """From the first line of the file at `path` (absolute) to the last."""
    global _loaded
    before, _loaded = _loaded, path
    try:
        yield
    finally:
        _loaded = before


def own_file(paths: Paths) -> dict[str, str]:
    """The key of the file that is being loaded, which its tasks must not write, and what messages call it."""
    return {} if _loaded is None else {paths.normal(_loaded): "the file that it comes from"}


def refuse_to_run() -> None:
    """UsageError while a file is being loaded: it is the command line that runs its Manager."""
    if _loaded is not None:
        raise UsageError(
            "this runs the manager while the file is being loaded, which is for `taskrun` to do; "
            'put it under `if __name__ == "__main__":`'
        )
