"""A text with one command a line: which lines are commands, what they are called, and what none can be."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun import command_file
from taskrun.command_file import short_hash, study_of
from taskrun.errors import SweepError
from taskrun.graph import Study
from taskrun.model import STRICT_BASH, Shell


def study(text: bytes) -> Study:
    return study_of(text, name="jobs", root="/study", source="jobs.txt", shown="jobs.txt")


def commands(text: bytes) -> list[str]:
    return [task.action.text for task in study(text).graph.tasks if isinstance(task.action, Shell)]


def names(text: bytes) -> list[str]:
    return [task.name for task in study(text).graph.tasks]


def refusal(text: bytes) -> str:
    with pytest.raises(SweepError) as caught:
        study(text)
    return str(caught.value)


def test_each_line_is_a_command_for_strict_bash() -> None:
    made = study(b"echo a\necho b | cat\n")
    assert [task.action for task in made.graph.tasks] == [Shell("echo a"), Shell("echo b | cat")]
    assert made.graph.tasks[0].action == Shell("echo a", STRICT_BASH)
    assert {task.step.name for task in made.graph.tasks} == {"line"}
    assert not any(made.graph.needs)
    assert (made.name, made.root, made.source) == ("jobs", "/study", "jobs.txt")


def test_blank_lines_and_comments_are_skipped() -> None:
    assert commands(b"# first\n\n  \t\n   # indented\n#!/bin/bash\necho a # b\n\r\n") == ["echo a # b"]


def test_nothing_in_a_line_is_expanded() -> None:
    lines = ["echo {x} {outputs} {{y}} ${HOME} $USER *", "  echo   'a  b'  ", "echo \\", "echo %s %"]
    assert commands("\n".join(lines).encode()) == lines


def test_carriage_returns_at_line_ends_and_a_byte_order_mark_are_dropped() -> None:
    assert commands(b"\xef\xbb\xbfecho a\r\necho b\r\n") == ["echo a", "echo b"]
    assert commands(b"printf 'a\rb'\necho \r\r\n") == ["printf 'a\rb'", "echo \r"]


@given(st.lists(st.binary(max_size=20)))
def test_whatever_bytes_a_line_has_reach_the_command(lines: list[bytes]) -> None:
    lines = [b"x" + re.sub(rb"[\0\n\r]", b"", line) for line in lines]
    assert [os.fsencode(text) for text in commands(b"\n".join(lines))] == lines


def test_a_task_is_named_after_its_command_wherever_it_stands() -> None:
    one, other = names(b"echo a\necho b\n")
    assert names(b"# more\necho b\n\necho c\necho a") == [other, names(b"echo c")[0], one]
    assert re.fullmatch(r"line/[0-9a-f]{10}", one)
    assert names(b"echo a\r\n") == [one]
    assert names(b"echo  a\n") != [one]


def test_a_command_that_stands_there_again_is_another_task() -> None:
    a, b = names(b"echo a\necho b\n")
    assert names(b"echo a\necho b\necho a\necho a\n") == [a, b, f"{a}-2", f"{a}-3"]


def test_commands_whose_short_hashes_are_alike_get_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def poor(text: bytes, digits: int = 10) -> str:
        return "0" * digits if digits == 10 and text != b"echo c" else short_hash(text, digits)

    monkeypatch.setattr(command_file, "short_hash", poor)
    long = [f"line/{short_hash(text, 32)}" for text in (b"echo a", b"echo b")]
    c = f"line/{short_hash(b'echo c')}"
    assert names(b"echo a\necho c\necho b\necho a\n") == [long[0], c, long[1], f"{long[0]}-2"]
    assert names(b"echo b\necho a\n") == [long[1], long[0]]
    assert names(b"echo a\necho a\n") == ["line/0000000000", "line/0000000000-2"]


def test_a_text_without_commands_is_a_study_without_tasks_that_says_so() -> None:
    for text in (b"", b"\n\n", b"# nothing\r\n"):
        made = study(text)
        assert not made.graph.tasks
        assert made.hints == ("jobs.txt: there are no commands here",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"echo a\necho \0b\n", "jobs.txt:2:6: a NUL character can stand in no command; is this a text file?"),
        ("echo a\n".encode("utf-16"), "jobs.txt: this is UTF-16; save it as UTF-8"),
    ],
)
def test_what_no_command_can_be_is_one_sentence_with_its_place(text: bytes, says: str) -> None:
    assert refusal(text) == says


def test_more_commands_than_anybody_can_run_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_file, "MOST_COMMANDS", 2)
    assert refusal(b"a\nb\nc\n") == "jobs.txt: 3 commands are too many; at most 2 are taken"


@pytest.mark.timeout(60)
def test_a_hundred_thousand_lines_are_read_quickly() -> None:
    made = study(b"".join(b"./sim --seed %d > out/%d.dat\n" % (i, i) for i in range(100_000)))
    assert len(made.graph) == 100_000
