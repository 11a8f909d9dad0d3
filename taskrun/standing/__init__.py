"""How each task of a study stands by what is on record: for whoever looks without holding the state."""

from taskrun.standing.remaining import Remaining, is_left, remaining, run_tasks
from taskrun.standing.tasks import OnRecord, Standing, Watch, look_up

__all__ = ["OnRecord", "Remaining", "Standing", "Watch", "is_left", "look_up", "remaining", "run_tasks"]
