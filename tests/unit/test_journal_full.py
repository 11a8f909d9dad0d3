"""A disk that is full: whole lines or nothing, and nothing after what was lost."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from records import SOURCE, finished, read, reset, started, this_run, unmarked, write
from studies import wait_until

from taskrun.errors import StateError
from taskrun.journal import Journal
from taskrun.journal.lines import from_line, to_lines
from taskrun.journal.noting import records_of

NAME = "journal.jsonl"


def no_room(path: Path, more: int) -> AbstractContextManager[None]:
    """A disk on which `path` may grow by so many bytes."""
    return limit(resource.RLIMIT_FSIZE, path.stat().st_size + more)


@contextmanager
def limit(which: int, amount: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(which)
    resource.setrlimit(which, (amount, hard))
    try:
        yield
    finally:
        resource.setrlimit(which, (soft, hard))


FULL = r"cannot write .*journal\.jsonl: File too large"


def test_a_write_that_falls_short_is_cut_back_to_a_whole_line_and_nothing_follows(tmp_path: Path) -> None:
    journal = Journal.open(str(tmp_path), source=SOURCE, run=this_run())
    with no_room(tmp_path / NAME, 200), pytest.raises(StateError, match=FULL):
        journal.append([started("a"), finished("a"), started("b"), finished("b"), started("c")])
    content = (tmp_path / NAME).read_bytes()
    assert content.endswith(b"\n")
    assert read(tmp_path).past("c") is None
    for again in (
        lambda: journal.append([started("d"), finished("d")]),
        lambda: journal.amend([reset("d")]),
        journal.check,
        journal.close,
    ):
        with pytest.raises(StateError, match=FULL):
            again()
    assert (tmp_path / NAME).read_bytes() == content
    assert journal.records.past("a") is None
    write(tmp_path, [started("d"), finished("d")], run="r2")
    assert read(tmp_path).past("d") is not None
    assert not list(tmp_path.glob("*.cut-*"))


@pytest.mark.parametrize("more", range(0, 400, 23))
def test_wherever_the_disk_is_full_the_file_is_a_beginning_of_what_was_to_be_written(tmp_path: Path, more: int) -> None:
    events = [started("a"), finished("a"), started("b"), finished("b")]
    journal = Journal.open(str(tmp_path), source=SOURCE, run=this_run())
    with no_room(tmp_path / NAME, more), pytest.raises(StateError, match=FULL):
        journal.append(events)
    with pytest.raises(StateError, match=FULL):
        journal.close()
    lines = unmarked((tmp_path / NAME).read_bytes()).splitlines()[2:]
    assert [from_line(line) for line in lines] == records_of(events, "r1")[: len(lines)]


def test_a_mark_that_finds_no_room_ends_the_run_too(tmp_path: Path) -> None:
    journal = Journal.open(str(tmp_path), source=SOURCE, run=this_run())
    wait_until(lambda: b'"synced"' in (tmp_path / NAME).read_bytes())
    lines = to_lines(records_of([started("a")], "r1"))
    with no_room(tmp_path / NAME, len(lines) + 20):
        journal.append([started("a")])
        with pytest.raises(StateError, match=FULL):
            journal.close()
    assert read(tmp_path).open_starts() == ["a"]
    assert unmarked((tmp_path / NAME).read_bytes()).endswith(lines)
