"""Asks the user something that is answered with yes or no, where there is somebody to be asked."""

from __future__ import annotations

import sys

from taskrun.term import can_ask


def is_somebody_there() -> bool:
    """Whether a question would be seen and could be answered."""
    return can_ask(sys.stdin, sys.stderr)


def ask(question: str) -> bool:
    """Whether the answer is yes; the end of the input is a no."""
    sys.stdout.flush()
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        sys.stderr.write("\n")
    return line.strip().lower() in ("y", "yes")
