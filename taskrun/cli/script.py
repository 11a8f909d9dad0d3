"""A Python file that leaves a Manager as FILE on the command line."""

from __future__ import annotations

from taskrun.cli.source import Opened, Source
from taskrun.errors import UsageError


def open_script(source: Source, file: str) -> Opened:
    """The study of the Manager that a Python file leaves in `manager`."""
    raise UsageError(f"{file}: Python files are not supported by this version yet")
