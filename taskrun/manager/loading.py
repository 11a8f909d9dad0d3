"""Whether a Python file is being loaded for the Manager that it leaves: nothing is run meanwhile.

Who loads one says so here; what runs asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taskrun.errors import UsageError

_is_loading = False


@contextmanager
def loading() -> Iterator[None]:
    """From the first line of the file to the last."""
    global _is_loading
    before, _is_loading = _is_loading, True
    try:
        yield
    finally:
        _is_loading = before


def refuse_to_run() -> None:
    """UsageError while a file is being loaded: it is the command line that runs its Manager."""
    if _is_loading:
        raise UsageError(
            "this runs the manager while the file is being loaded, which is for `taskrun` to do; "
            'put it under `if __name__ == "__main__":`'
        )
