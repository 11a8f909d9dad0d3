"""Numbers, sizes, durations and booleans as a user writes and reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.quantity import (
    parse_boolean,
    parse_duration,
    parse_number,
    parse_size,
    show_number,
    show_seconds,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", Fraction(1, 10)),
        ("010", 10),
        ("1e3", 1000),
        ("-2.5E-1", Fraction(-1, 4)),
        (".5", Fraction(1, 2)),
        ("+3.", 3),
    ],
)
def test_a_number_is_read_exactly(text: str, number: Fraction) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "1_000", "0x10", "1/2", "١", " 1", "1\n", "1e", "e3", "a" * 5000]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number(text)


def test_an_exponent_that_would_eat_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="'1e999999999' is out of range"):
        parse_number("1e999999999")


@pytest.mark.parametrize("read", [parse_number, parse_size, parse_duration])
def test_what_no_float_could_hold_is_refused(read: Callable[[str], object]) -> None:
    unit = {parse_size: "G", parse_duration: "d"}.get(read, "")
    with pytest.raises(ValueError, match="9\\.\\.\\.' is out of range"):
        read("9" * 400 + unit)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20),
        ("2G", 2 << 30),
        ("1.5G", 3 << 29),
        ("100", 100),
        ("8k", 8192),
        ("1GiB", 1 << 30),
        ("3MB", 3 << 20),
    ],
)
def test_a_size_counts_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1M", "M", "2X", "2 G G", "1e3", "nan", "G2"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 512M or 2G"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("2h", 7200),
        ("1d12h", 129600),
        ("1h30m", 5400),
        ("500ms", Fraction(1, 2)),
        ("1.5h", 5400),
        ("1w", 604800),
    ],
)
def test_a_duration_has_units(text: str, seconds: Fraction) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("90", "has no unit; write it as 90s"),
        ("1e3", "has no unit"),
        ("30m1h", "larger units stand first"),
        ("1h1h", "larger units stand first"),
        ("soon", "write it as 90s, 2h or 1d12h"),
        ("-5s", "write it as 90s"),
        ("5 s ", "write it as 90s"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_duration(text)


def test_booleans_are_four_words() -> None:
    assert [parse_boolean(text) for text in ("true", "yes", "True", "FALSE", "no")] == [True, True, True, False, False]


@pytest.mark.parametrize("text", ["on", "off", "1", "y", "tRuE", ""])
def test_other_words_are_no_booleans(text: str) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        parse_boolean(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0s"),
        (0.34, "0.3s"),
        (9.96, "10s"),
        (12.2, "12s"),
        (59.7, "1m00s"),
        (185, "3m05s"),
        (3599.9, "1h00m"),
        (7800, "2h10m"),
        (86399, "1d00h"),
        (100800, "1d04h"),
        (-3.0, "0.0s"),
    ],
)
def test_times_are_shown_in_two_figures(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1K"),
        (1536, "1.5K"),
        (1048575, "1M"),
        (512 << 20, "512M"),
        (1 << 60, "1024P"),
    ],
)
def test_sizes_are_shown_in_the_largest_unit(size: int, shown: str) -> None:
    assert show_size(size) == shown


@given(st.integers(0, 1 << 55))
def test_a_size_that_was_shown_can_be_read(size: int) -> None:
    assert abs(parse_size(show_size(size)) - size) <= size / 15


@pytest.mark.parametrize(("number", "shown"), [(Fraction(4), "4"), (Fraction(1, 2), "0.5"), (Fraction(1, 3), "0.333")])
def test_numbers_are_shown_short(number: Fraction, shown: str) -> None:
    assert show_number(number) == shown


@given(st.text(max_size=20), st.sampled_from([parse_number, parse_size, parse_duration, parse_boolean]))
def test_any_text_is_read_or_refused_with_a_sentence(text: str, parse: Callable[[str], object]) -> None:
    with suppress(ValueError):
        parse(text)
        return
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse(text)
