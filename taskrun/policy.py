"""What the user wants of failures: a small frozen value, which the plan and the scheduler ask."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from msgspec import Struct

from taskrun.errors import did_you_mean
from taskrun.model import Task
from taskrun.quantity import parse_number

HELD_BACK = "held back"  # how the reason begins of what is left of a step that fails everywhere alike


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
        """Whether the step of `task` may be held back: what needs it would not run anyhow, and its tasks are alike."""
        return self.may_hold and task.step.is_template and self.breaks(task)

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


def read_on_failure(word: object) -> OnFailure:
    """The member that a word stands for; raises ValueError where none does."""
    known = [each.value for each in OnFailure]
    if isinstance(word, str) and word in known:
        return OnFailure(word)
    meant = did_you_mean(word, known) if isinstance(word, str) else ""
    raise ValueError(f"one of {', '.join(known)} expected" + (f"; {meant}" if meant else ""))


def parse_limit(text: str) -> Limit:
    """`5`, or `10%`; raises ValueError for what is no limit."""
    is_percentage = text.endswith("%")
    try:
        amount = parse_number(text.removesuffix("%").rstrip(" "))
    except ValueError:
        amount = Fraction(0)
    is_right = amount <= 100 if is_percentage else amount.denominator == 1
    if amount <= 0 or not is_right:
        raise ValueError("a whole number of 1 or more expected, or a percentage above 0% and up to 100%")
    return Limit(amount, is_percentage=is_percentage)
