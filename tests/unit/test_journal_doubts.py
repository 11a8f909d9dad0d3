"""Results of the minute before a machine went down are in doubt, until somebody has looked at them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import SOURCE, read, reset, this_run

from taskrun.journal import Journal, MemoryJournal, Records
from taskrun.journal.compacting import compact
from taskrun.model import (
    AnyRecord,
    ConfirmRecord,
    EndRecord,
    RunEndRecord,
    RunRecord,
    Signature,
    SkipRecord,
    StartRecord,
    TakeoverRecord,
)

HERE = this_run().boot


def run(name: str, at: float = 1000.0, boot: str = "old") -> RunRecord:
    return this_run(name, boot=boot, time=at)


def attempt(task: str, begin: float, end: float | None, *, number: int = 1, name: str = "r1") -> list[AnyRecord]:
    """A start, and an end that is a success; None: there is none."""
    start = StartRecord(run=name, task=task, attempt=number, round=1, time=begin, signature=Signature("x"))
    if end is None:
        return [start]
    return [start, EndRecord(task=task, attempt=number, time=end, status="succeeded", exit_code=0)]


def records(*entries: Iterable[AnyRecord] | AnyRecord) -> Records:
    """What these say; each a record or several."""
    found = Records()
    for entry in entries:
        MemoryJournal(found).amend([entry] if isinstance(entry, AnyRecord) else list(entry))
    return found


A = attempt("a", 1000, 1010)
B = attempt("b", 1030, 1040)
OPEN = attempt("open", 1090, None)


def test_what_succeeded_in_the_minute_before_the_last_record_is_in_doubt() -> None:
    assert set(records(run("r1"), A, B, OPEN).doubtful(HERE)) == {"b"}
    assert set(records(run("r1"), A, B, attempt("c", 1069, 1070)).doubtful(HERE)) == {"a", "b", "c"}
    assert set(records(run("r1"), A, B, attempt("c", 1070, 1070.5)).doubtful(HERE)) == {"b", "c"}


def test_what_a_clean_run_of_the_same_minute_left_is_in_doubt_too() -> None:
    ended = RunEndRecord(run="r1", time=1041)
    assert set(records(run("r1"), A, B, ended, run("r2", 1050)).doubtful(HERE)) == {"a", "b"}
    assert not records(run("r1"), A, B, ended, run("r2", 1200)).doubtful(HERE)


def test_nothing_is_in_doubt_after_a_clean_end_or_under_the_same_boot() -> None:
    assert not records(run("r1"), A, B, RunEndRecord(run="r1", time=1041)).doubtful(HERE)
    assert not records(run("r1"), A, B).doubtful("old")
    assert not Records().doubtful(HERE)


def test_a_failure_is_never_in_doubt() -> None:
    start, end = attempt("a", 1000, 1010)
    assert isinstance(end, EndRecord)
    failure = EndRecord(task="a", attempt=1, time=1010, status="failed", cause="exit", exit_code=1)
    assert not records(run("r1"), start, failure).doubtful(HERE)


@pytest.mark.parametrize(
    "later",
    [
        [ConfirmRecord(task="a", attempt=1, time=2000, outputs=())],
        attempt("a", 2000, 2010, number=2, name="r2"),
        attempt("a", 1000, 1010, number=2, name="r2"),  # by a clock that went back
        [reset("a")],
    ],
)
def test_what_was_looked_at_or_made_again_is_in_doubt_no_more(later: list[AnyRecord]) -> None:
    assert not records(run("r1"), A, run("r2", 2000, HERE), later).doubtful(HERE)


def test_a_result_that_was_taken_over_stays_in_doubt_under_its_new_name() -> None:
    taken = TakeoverRecord(task="new", origin="a", time=2000)
    assert set(records(run("r1"), A, run("r2", 2000, HERE), taken).doubtful(HERE)) == {"new"}


def test_each_unclean_end_of_another_boot_counts() -> None:
    ends = [run("r1"), A, run("r2", 2000, "older"), attempt("b", 2000, 2010, name="r2"), run("r3", 3000, HERE)]
    found = records(*ends, attempt("c", 3000, 3010, name="r3"))
    assert set(found.doubtful(HERE)) == {"a", "b"}
    assert set(found.doubtful("old")) == {"b", "c"}


def test_the_late_record_of_an_attempt_that_an_earlier_run_began_does_not_set_the_clock_back() -> None:
    lost = attempt("lost", 1000, 1005)
    found = records(run("r1"), lost[0], run("r2", 5000), attempt("b", 5000, 5001, name="r2"), lost[1])
    assert set(found.doubtful(HERE)) == {"b"}


def test_a_clock_that_starts_in_1970_casts_doubt_on_nothing_old() -> None:
    found = records(run("r1"), A, RunEndRecord(run="r1", time=1e9), run("r2", 10), attempt("b", 11, 12, name="r2"))
    assert set(found.doubtful(HERE)) == {"b"}


# --- after a compaction ----------------------------------------------------------------------------------------------

times = st.integers(0, 8).map(lambda number: 1000.0 + 25 * number)
tasks = st.sampled_from("abcd")


@st.composite
def pasts(draw: st.DrawFn) -> list[AnyRecord]:
    """Some runs, each with starts, ends and skips at any time, and with an end or without."""
    numbers: dict[str, int] = {}
    found: list[AnyRecord] = []
    for name in [f"r{number}" for number in range(draw(st.integers(1, 5)))]:
        found.append(run(name, draw(times), draw(st.sampled_from([HERE, "old", "older"]))))
        for task in draw(st.lists(tasks, max_size=4)):
            numbers[task] = numbers.get(task, 0) + 1
            end = draw(st.none() | times)
            found += attempt(task, draw(times), end, number=numbers[task], name=name)
            if draw(st.booleans()):
                found.append(SkipRecord(run=name, task=draw(tasks), time=draw(times), culprit="", reason="x"))
        if draw(st.booleans()):
            found.append(RunEndRecord(run=name, time=draw(times)))
    return found


@settings(max_examples=60, deadline=None)
@given(pasts(), st.integers(1, 2))
def test_a_compact_journal_leaves_the_same_in_doubt(
    tmp_path_factory: pytest.TempPathFactory, entries: list[AnyRecord], times: int
) -> None:
    state = tmp_path_factory.mktemp("state")
    journal = Journal.open(str(state), source=SOURCE, run=this_run("first"))
    journal.amend([RunEndRecord(run="first", time=1.0), *entries])
    journal.close()
    expected = {boot: set(read(state).doubtful(boot)) for boot in (HERE, "old", "older", "other")}
    known = read(state)
    for _ in range(times):
        assert compact(str(state / "journal.jsonl"), known)
        assert {boot: set(known.doubtful(boot)) for boot in expected} == expected
        known = read(state)
    assert {boot: set(known.doubtful(boot)) for boot in expected} == expected
    runs = known.runs
    for _ in range(3):  # the same again
        assert compact(str(state / "journal.jsonl"), known)
        known = read(state)
    assert known.runs == runs
