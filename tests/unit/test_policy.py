"""What the user wants of failures, as a value: what breaks what, and how many are enough."""

from __future__ import annotations

from fractions import Fraction

import pytest
from fakes import task
from msgspec.structs import replace

from taskrun.model import TRAITS
from taskrun.policy import Limit, OnFailure, Policy, parse_limit, read_on_failure

PLAIN = task(0, "a")
ALLOWED = task(0, "a", replace(TRAITS, allow_failure=True))


def test_a_failure_breaks_what_needs_it_unless_it_is_ignored_or_allowed() -> None:
    for mode in OnFailure:
        assert Policy(mode).breaks(PLAIN) is (mode is not OnFailure.IGNORE)
        assert not Policy(mode).breaks(ALLOWED)


def test_only_what_breaks_something_is_held_back() -> None:
    assert Policy().holds(PLAIN)
    assert not Policy().holds(ALLOWED)
    assert not Policy(OnFailure.IGNORE).holds(PLAIN)
    assert not Policy(may_hold=False).holds(PLAIN)


@pytest.mark.parametrize(
    ("mode", "limit", "failures", "to_execute", "is_enough"),
    [
        (OnFailure.CONTINUE, None, 9, 9, False),
        (OnFailure.IGNORE, None, 9, 9, False),
        (OnFailure.DRAIN, None, 0, 9, False),
        (OnFailure.DRAIN, None, 1, 9, True),
        (OnFailure.KILL, "5", 1, 9, True),
        (OnFailure.CONTINUE, "3", 2, 9, False),
        (OnFailure.IGNORE, "3", 3, 9, True),
        (OnFailure.CONTINUE, "10%", 9, 100, False),
        (OnFailure.CONTINUE, "10%", 10, 100, True),
        (OnFailure.CONTINUE, "10%", 10, 101, False),
        (OnFailure.CONTINUE, "10%", 1, 3, True),
        (OnFailure.CONTINUE, "1%", 0, 0, False),
        (OnFailure.CONTINUE, "100%", 2, 3, False),
        (OnFailure.CONTINUE, "100%", 3, 3, True),
    ],
)
def test_how_many_failures_are_enough(
    mode: OnFailure, limit: str | None, failures: int, to_execute: int, is_enough: bool
) -> None:
    policy = Policy(mode, parse_limit(limit) if limit else None)
    assert policy.is_enough(failures, to_execute) is is_enough


def test_limits_are_counts_or_percentages() -> None:
    assert parse_limit("5") == Limit(Fraction(5))
    assert parse_limit("10%") == parse_limit("10 %") == Limit(Fraction(10), is_percentage=True)
    assert parse_limit("0.5%").amount == Fraction(1, 2)
    assert parse_limit("100%").amount == 100


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "%", "0%", "-5%", "101%", "100.1%", "nan", "5%%"])
def test_what_is_no_limit_is_told_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number of 1 or more expected, or a percentage above 0% and up to"):
        parse_limit(text)


def test_an_unknown_mode_is_told_the_nearest_one() -> None:
    assert read_on_failure("drain") is OnFailure.DRAIN
    with pytest.raises(ValueError, match=r"^one of continue, drain, kill, ignore expected; did you mean 'ignore'\?$"):
        read_on_failure("ignroe")
    with pytest.raises(ValueError, match=r"^one of continue, drain, kill, ignore expected$"):
        read_on_failure(None)
