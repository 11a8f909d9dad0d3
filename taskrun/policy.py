"""What the user wants of failures: a small frozen value, which the plan and the scheduler ask."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from msgspec import Struct

from taskrun.model import Task
from taskrun.quantity import parse_number


class OnFailure(Enum):
    """What a failure means for the rest of the run."""

    CONTINUE = "continue"
    DRAIN = "drain"
    KILL = "kill"
    IGNORE = "ignore"


class Limit(Struct, frozen=True):
    """So many failures, or so many of each hundred tasks to execute."""

    amount: Fraction
    is_percentage: bool = False

    def is_reached(self, failures: int, to_execute: int) -> bool:
        """Whether so many failures, of that many tasks to execute, are enough."""
        if not failures:
            return False
        return failures * 100 >= self.amount * to_execute if self.is_percentage else failures >= self.amount


class Policy(Struct, frozen=True):
    """`most`: the failures after which nothing more starts; `may_hold`: a step that fails everywhere alike is held
    back.

    A task whose failure is allowed counts nowhere: it breaks nothing, and stops nothing.
    """

    on_failure: OnFailure = OnFailure.CONTINUE
    most: Limit | None = None
    may_hold: bool = True

    def breaks(self, task: Task) -> bool:
        """Whether a failure of `task` keeps what needs it from running."""
        return self.on_failure is not OnFailure.IGNORE and not task.traits.allow_failure

    def holds(self, task: Task) -> bool:
        """Whether the step of `task` may be held back: what needs it would not run anyhow."""
        return self.may_hold and self.breaks(task)

    @property
    def stops_at_once(self) -> bool:
        """Whether the first failure is the last."""
        return self.on_failure in (OnFailure.DRAIN, OnFailure.KILL)

    def is_enough(self, failures: int, to_execute: int) -> bool:
        """Whether so many failures, of that many tasks to execute, end the run."""
        if not failures:
            return False
        return self.stops_at_once or (self.most is not None and self.most.is_reached(failures, to_execute))


DEFAULT = Policy()


def parse_limit(text: str) -> Limit:
    """`5`, or `10%`; raises ValueError for what is no limit."""
    if text.endswith("%"):
        share = parse_number(text[:-1].rstrip(" "))
        if not 0 < share <= 100:
            raise ValueError("a percentage above 0 and up to 100 expected")
        return Limit(share, is_percentage=True)
    count = parse_number(text)
    if count < 1 or count.denominator != 1:
        raise ValueError("a whole number of 1 or more, or a percentage such as 10%, expected")
    return Limit(count)
