"""What is read of a shim's result file, whatever stands there."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from taskrun.machine import Identity
from taskrun.results import End, Result, is_held, note_asked, read_result

BEGUN = "shim the-run boot-1 100 5000 77 locked\n"
STARTED = BEGUN + "started 101 5001\n"
ENDED = STARTED + "ended 768 3.25 0.5 0.125 4096 1700000000.5\n"


def read(tmp_path: Path, text: str | bytes, run: str | None = "the-run") -> Result | None:
    path = tmp_path / "result"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_result(os.fspath(path), run)


def test_a_whole_file_says_who_and_how(tmp_path: Path) -> None:
    assert read(tmp_path, ENDED) == Result(
        "the-run", "boot-1", Identity(100, 5000, 77), True, Identity(101, 5001, 77),
        End(768, 3.25, 0.5, 0.125, 4096, 1700000000.5),
    )  # fmt: skip


def test_what_is_not_known_is_none(tmp_path: Path) -> None:
    found = read(tmp_path, "shim the-run - 100 - - unlocked\nstarted 101 -\nended 0 1 1 1 - 1\n")
    assert found is not None
    assert (found.shim, found.command) == (Identity(100, None, None), Identity(101, None, None))
    assert found.end is not None
    assert found.end.max_rss is None


def test_only_whole_lines_count(tmp_path: Path) -> None:
    for cut in range(len(ENDED)):
        found = read(tmp_path, ENDED[:cut])
        assert (found is not None) is (cut >= len(BEGUN))
        assert (found is not None and found.command is not None) is (cut >= len(STARTED))
        assert found is None or found.end is None


@pytest.mark.parametrize(
    "text", ["", "\n", "\0" * 512, "shim\n", "shim a b c d e f\n", "started 1 2\n", b"\xff\n", "ended 0 1 1 1 1 1\n"]
)
def test_anything_else_is_no_result(tmp_path: Path, text: str | bytes) -> None:
    assert read(tmp_path, text, None) is None


@pytest.mark.parametrize("line", ["ended", "ended soon", "ended 0 1 1 1 1", "\0\0\0", "ended 0 1 1 1 x 1"])
def test_a_damaged_line_takes_no_other_with_it(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, f"{STARTED}{line}\n") == read(tmp_path, STARTED)


def test_a_file_of_another_run_is_no_result(tmp_path: Path) -> None:
    assert read(tmp_path, ENDED, "another-run") is None
    assert read(tmp_path, ENDED, None) is not None


def test_no_file_is_no_result(tmp_path: Path) -> None:
    assert read_result(os.fspath(tmp_path / "none")) is None
    assert is_held(os.fspath(tmp_path / "none")) is None
    note_asked(os.fspath(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_that_a_command_was_asked_to_end_stays_known(tmp_path: Path) -> None:
    read(tmp_path, STARTED)
    note_asked(os.fspath(tmp_path / "result"))
    found = read(tmp_path, (tmp_path / "result").read_bytes() + b"ended 0 1 1 1 1 1\n")
    assert found is not None
    assert found.is_asked
    assert found.end is not None


def test_the_lock_tells_where_there_was_one(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "result")
    read(tmp_path, STARTED)
    assert is_held(path) is False
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_held(path) is True
    read(tmp_path, STARTED.replace(" locked", " unlocked"))
    assert is_held(path) is None
    read(tmp_path, "")
    assert is_held(path) is None, "a shim that has just begun"
