"""One thing that can stand at the cursor, and the kinds of them."""

from __future__ import annotations

from typing import NamedTuple

PLAIN = "plain"  # a whole word
PART = "part"  # a word that goes on where it ends
STUDY = "study"  # any file that can be FILE, and directories
FILE = "path"  # any file
DIRECTORY = "directory"


class Offer(NamedTuple):
    """A `value` with a few words of `help`; or any path of a kind, `value` being what stands before it (`--file=`)."""

    value: str
    kind: str = PLAIN
    help: str = ""
