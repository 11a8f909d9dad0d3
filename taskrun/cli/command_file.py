"""A text file of commands, or standard input, as FILE on the command line."""

from __future__ import annotations

from taskrun.cli.source import Opened, Source
from taskrun.errors import UsageError


def open_commands(source: Source, file: str) -> Opened:
    """The study of a text file, one command a line."""
    raise UsageError(f"{file}: text files of commands are not supported by this version yet")
