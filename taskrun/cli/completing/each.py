"""What `taskrun each` can go on with: the names in its command, and files for their values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskrun.cli.completing.offers import FILE, PART, Offer

_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)[}.:]")
_NOT_VALUES = frozenset({"inputs", "outputs", "stdout", "stderr", "task"})


def assigning(words: Sequence[str], text: str) -> list[Offer]:
    """What can stand after the command: `NAME=` for each of its placeholders, and paths behind that."""
    if not words:
        return []
    name, equals, values = text.partition("=")
    if equals:
        last = re.split("[,@]", values)[-1]
        return [Offer(text[: len(text) - len(last)], FILE)]
    given = {word.partition("=")[0] for word in words[1:]}
    names = dict.fromkeys(_PLACEHOLDER.findall(words[0]))
    return [Offer(f"{each}=", PART) for each in names if each.startswith(name) and each not in given | _NOT_VALUES]
