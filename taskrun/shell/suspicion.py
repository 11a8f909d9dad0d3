"""What may be so around a placeholder in a part that nobody has read.

Nothing can be quoted there: what a value might do is therefore looked for in the plain text around it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskrun.shell.braces import open_stretches
from taskrun.shell.cursor import REDIRECT_FOLLOWS, SLOT
from taskrun.shell.simple import SAFE
from taskrun.shell.spots import UNREAD, Kind, Spot

_COMMANDS = (Kind.UNCLEAR, Kind.BACKTICKS)
_PART_OF_WORD = re.compile(f"[{SLOT}{SAFE}]").fullmatch
_NO_NUMBER = re.compile(r"[A-Za-z_@%+=:,./-]").fullmatch
_PAREN_FOLLOWS = re.compile(r"(?:\\\n)*\(").match


def suspect(spots: Sequence[Spot], text: str, shell: str) -> None:
    """Say of each placeholder in an `UNREAD` part what may stand around it; `text` holds all of them."""
    if not any(spot.kind in UNREAD for spot in spots):
        return
    stretches = open_stretches(text)
    at = -1
    for spot in spots:
        at = text.index(SLOT, at + 1)
        if spot.kind not in UNREAD:
            continue
        before, following = text[at - 1 : at], text[at + 1 : at + 2]
        spot.in_braces = any(start <= at <= end for start, end in stretches)
        spot.meets_dot = before in (".", SLOT) or following in (".", SLOT)
        spot.before_paren = _PAREN_FOLLOWS(text, at + 1) is not None
        if spot.kind is not Kind.ARITHMETIC:  # where < and > compare
            spot.before_redirect = REDIRECT_FOLLOWS(text, at + 1) is not None and not _NO_NUMBER(before)
        if spot.kind in _COMMANDS:
            spot.glued = bool(_PART_OF_WORD(before) or _PART_OF_WORD(following))
        if shell == "ksh" and "=(" in text[:at]:
            spot.role = "element"
        elif "case" in text[:at]:
            spot.role = "pattern"
