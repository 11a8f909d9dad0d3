"""Studies that have no file here (of `each`, `-` and Managers), as their state has them."""

from __future__ import annotations

from taskrun.cli.source import Opened, Source
from taskrun.errors import UsageError


def is_recorded(source: Source) -> bool:
    """Whether what the user asks for can only be found in the state directory."""
    return False


def open_recorded(source: Source) -> Opened:
    """The study as its journal has it."""
    raise UsageError("not supported by this version yet")
