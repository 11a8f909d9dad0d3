"""What a stream can show, from the stream, the environment and `--color`."""

from __future__ import annotations

import io

import pytest

from taskrun.term import Style, Terminal, columns, look


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    encoding = "ascii"


@pytest.mark.parametrize(
    ("color", "environment", "on_terminal", "on_pipe"),
    [
        ("auto", {}, True, False),
        ("auto", {"NO_COLOR": "1"}, False, False),
        ("auto", {"NO_COLOR": ""}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, True, True),
        ("auto", {"TERM": "dumb"}, False, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ("always", {"NO_COLOR": "1"}, True, True),
        ("never", {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colour_goes_by_the_option_then_the_environment_then_the_stream(
    color: str, environment: dict[str, str], on_terminal: bool, on_pipe: bool
) -> None:
    assert look(Tty(), color=color, environment=environment).colour is on_terminal
    assert look(io.StringIO(), color=color, environment=environment).colour is on_pipe


def test_a_line_can_be_drawn_over_only_on_a_terminal_that_is_not_dumb() -> None:
    assert look(Tty(), color="never", environment={}).drawable
    assert not look(Tty(), color="always", environment={"TERM": "dumb"}).drawable
    assert not look(io.StringIO(), color="always", environment={}).drawable


def test_signs_beyond_ascii_need_a_stream_that_carries_them() -> None:
    assert look(io.StringIO(), color="auto", environment={}).unicode
    assert not look(Ascii(), color="auto", environment={}).unicode


def test_no_stream_or_a_closed_one_can_show_nothing() -> None:
    closed = Tty()
    closed.close()
    assert not look(None, color="auto", environment={}).drawable
    assert not look(closed, color="auto", environment={}).drawable


def test_a_stream_without_a_terminal_counts_as_80_columns() -> None:
    assert columns(io.StringIO()) == 80


def test_paint_colours_or_leaves_alone() -> None:
    assert Terminal(colour=True).paint("x", Style.GOOD) == "\x1b[32mx\x1b[0m"
    assert Terminal().paint("x", Style.GOOD) == "x"
