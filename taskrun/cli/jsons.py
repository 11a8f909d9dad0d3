"""JSON for other programs: plain ASCII, so that any bytes of a path survive (`surrogateescape`, as Python has it)."""

from __future__ import annotations

from json import JSONEncoder

_encode = JSONEncoder(check_circular=False).encode  # one for all: 100,000 tasks are described, each by itself


def dumps(value: object) -> str:
    """One line of JSON."""
    return _encode(value)
