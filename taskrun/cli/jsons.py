"""JSON for other programs: plain ASCII, so that any bytes of a path survive (`surrogateescape`, as Python has it)."""

from __future__ import annotations

import json


def dumps(value: object) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(", ", ": "))
