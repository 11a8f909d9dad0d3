"""What changes a past afterwards: files that were confirmed, a record that was taken over, a reset."""

from __future__ import annotations

from pathlib import Path

import pytest
from records import (
    SOURCE,
    Entry,
    confirmed,
    enter,
    failed,
    finished,
    read,
    reset,
    said,
    skipped,
    started,
    taken_over,
    this_run,
    write,
)

from taskrun.journal import Journal, MemoryJournal, Records
from taskrun.journal.noting import records_of
from taskrun.model import Cause, Past, Signature

NAME = "journal.jsonl"


def known(tmp_path: Path, name: str) -> Past:
    past = read(tmp_path).past(name)
    assert past is not None
    return past


def test_what_was_confirmed_is_known_by_its_new_figures(tmp_path: Path) -> None:
    signature = Signature("x", inputs=("in",), outputs=("out",))
    begin: list[Entry] = [started("a", signature=signature, inputs=((1, 1),)), finished("a", outputs=((2, 2),))]
    write(tmp_path, begin)
    assert not known(tmp_path, "a").is_confirmed
    write(tmp_path, [confirmed("a", inputs=((1, 3),))], run="r2")
    past = known(tmp_path, "a")
    assert past.start is not None
    assert past.end is not None
    assert (past.is_confirmed, past.start.inputs, past.end.outputs) == (True, ((1, 3),), ((2, 2),))
    write(tmp_path, [confirmed("a", outputs=((2, 4),))], run="r3")
    write(tmp_path, [started("b"), finished("b"), confirmed("b", outputs=())], run="r3b")
    past = known(tmp_path, "a")
    assert past.end is not None
    assert past.end.outputs == ((2, 4),)
    assert known(tmp_path, "b").is_confirmed
    write(tmp_path, [started("a", attempt=2, signature=signature), finished("a", attempt=2)], run="r4")
    assert not known(tmp_path, "a").is_confirmed


@pytest.mark.parametrize("before", [[], [started("a")], [failed("a")], [started("a"), finished("a")]])
def test_a_confirmation_of_another_attempt_says_nothing(tmp_path: Path, before: list[Entry]) -> None:
    write(tmp_path, [started("z"), *before])
    expected = said(read(tmp_path))
    write(tmp_path, [confirmed("a", attempt=2, inputs=((1, 1),))], run="r2")
    assert said(read(tmp_path)) == expected


def test_a_past_that_is_taken_over_goes_on_under_the_new_name(tmp_path: Path) -> None:
    signature = Signature("x", env={"OLD": "ab12"}, outputs=("out",))
    write(tmp_path, [started("old", attempt=3, signature=signature), finished("old", attempt=3, outputs=((7, 7),))])
    before = known(tmp_path, "old")
    write(tmp_path, [taken_over("new", "old")], run="r2")
    assert read(tmp_path).past("old") is None
    past = known(tmp_path, "new")
    assert past.start is not None
    assert past.end is not None
    assert (past.start.task, past.start.step, past.end.task, past.name) == ("new", "sim", "new", "new")
    assert past.start.signature == Signature("x", env={"NEW": "cd34"}, outputs=("out",))
    assert (past.end.outputs, past.attempts, past.ended) == (((7, 7),), 3, before.ended)


def test_a_takeover_counts_the_attempts_of_both_names(tmp_path: Path) -> None:
    write(tmp_path, [started("old"), finished("old"), reset("new", attempts=5), taken_over("new", "old")])
    assert read(tmp_path).attempts("new") == 5


@pytest.mark.parametrize("before", [[], [started("old")], [failed("old", cause=Cause.MISSING_INPUT, code=None)]])
def test_a_takeover_of_what_has_no_result_changes_nothing(tmp_path: Path, before: list[Entry]) -> None:
    write(tmp_path, before)
    expected = said(read(tmp_path))
    write(tmp_path, [taken_over("new", "old")], run="r2")
    assert said(read(tmp_path)) == expected


def test_a_reset_leaves_nothing_but_the_count_of_the_attempts(tmp_path: Path) -> None:
    write(tmp_path, [started("a", attempt=4), finished("a", attempt=4), skipped("a"), reset("a", 4), reset("b")])
    assert known(tmp_path, "a") == Past("a", attempts=4)
    assert read(tmp_path).attempts("b") == 0
    assert read(tmp_path).open_starts() == []
    write(tmp_path, [started("a", attempt=5)], run="r2")
    assert read(tmp_path).attempts("a") == 5


def test_records_that_no_event_leaves_go_on_record_in_one_write(tmp_path: Path) -> None:
    start, end = records_of([started("b"), finished("b")], "r1")
    journal = Journal.open(str(tmp_path), source=SOURCE, run=this_run())
    journal.amend([reset("a", 3), start, end])
    journal.amend([])
    during = said(read(tmp_path))
    journal.close()
    assert during == said(journal.records) == said(read(tmp_path))
    memory = MemoryJournal(Records())
    enter(memory, [reset("a", 3), start, end])
    assert said(memory.records)["pasts"] == during["pasts"]
