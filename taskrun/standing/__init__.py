"""How each task of a study stands by what is on record: for whoever looks without holding the state."""

from taskrun.standing.orphans import Orphan, end_of, look_for
from taskrun.standing.remaining import Remaining, is_left, is_over, remaining, tasks_of
from taskrun.standing.tasks import OnRecord, Standing, Watch, look_up, outcome

__all__ = [
    "OnRecord",
    "Orphan",
    "Remaining",
    "Standing",
    "Watch",
    "end_of",
    "is_left",
    "is_over",
    "look_for",
    "look_up",
    "outcome",
    "remaining",
    "tasks_of",
]
