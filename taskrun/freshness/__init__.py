"""Whether what is on record of a task still holds: its signature, its files, the reasons against it.

A comparison never guesses: whatever differs is a reason, and a reason names what differs.
"""

from __future__ import annotations

from taskrun.freshness.files import Comparison, Files, Looks, absent
from taskrun.freshness.looks import Compared, Look, compare, figure_of, look_at, newest_of
from taskrun.freshness.past import past_reason
from taskrun.freshness.signatures import Lists, Signer, named, signed_command
from taskrun.freshness.succession import successions

__all__ = [
    "Compared",
    "Comparison",
    "Files",
    "Lists",
    "Look",
    "Looks",
    "Signer",
    "absent",
    "compare",
    "figure_of",
    "look_at",
    "named",
    "newest_of",
    "past_reason",
    "signed_command",
    "successions",
]
