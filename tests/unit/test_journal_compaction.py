"""A compact journal says the same as the long one: properties over any sequence of events."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
    spawned,
    started,
    taken_over,
    this_run,
    write,
)

from taskrun.errors import StateError
from taskrun.journal import Journal, MemoryJournal, Records
from taskrun.journal.appending import Appender
from taskrun.journal.compacting import compact
from taskrun.journal.lines import to_line
from taskrun.journal.recovering import recover
from taskrun.journal.weighing import live_size
from taskrun.model import Event, RunFinished, Signature, SkipRecord

NAME = "journal.jsonl"
LONG = tuple(f"in/{number}" for number in range(80))
SIGNATURES = [Signature("one"), Signature("two", inputs=LONG), Signature("three", inputs=LONG[1:])]

names = st.sampled_from(["a", "b", "c", "d/x=1"])


@st.composite
def histories(draw: st.DrawFn) -> list[list[Entry]]:
    """Runs of events and records in which each attempt of a task has its number."""
    attempts: dict[str, int] = {}
    runs: list[list[Entry]] = []
    for _ in range(draw(st.integers(1, 3))):
        events: list[Entry] = []
        for _ in range(draw(st.integers(0, 8))):
            name = draw(names)
            attempts[name] = attempt = attempts.get(name, 0) + 1
            signature = draw(st.sampled_from(SIGNATURES))
            figures = tuple((attempt, 0) for _ in signature.inputs)
            made: list[Entry] = [started(name, attempt, signature, inputs=figures), spawned(name, attempt)]
            made.append(draw(st.sampled_from([finished(name, attempt), failed(name, attempt)])))
            events += made[: draw(st.integers(1, 3))]
            figures = tuple((attempt, 1) for _ in signature.inputs)
            after = [confirmed(name, attempt, inputs=figures), taken_over(draw(names), name), reset(name, attempt)]
            events += draw(st.lists(st.sampled_from([*after, skipped(draw(names))]), max_size=2))
        if draw(st.booleans()):
            events.append(RunFinished(20.0, {"succeeded": 1}))
        runs.append(events)
    return runs


@settings(max_examples=20, deadline=None)
@given(histories())
def test_compaction_changes_nothing_that_is_said(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[Entry]]
) -> None:
    state = tmp_path_factory.mktemp("state")
    for number, events in enumerate(runs):
        write(state, events, run=f"r{number}")
    before = read(state)
    assert compact(str(state / NAME), read(state))
    after = read(state)
    assert said(after) == said(before)
    referred = {record.run for past in before.pasts() for record in (past.start, past.skip) if record}
    needed = referred | {f"r{len(runs) - 1}"}
    assert needed <= set(after.runs) <= needed | set(before.unended())  # these may put a result in doubt
    assert {run: before.run_ends[run] for run in after.run_ends} == after.run_ends
    assert (state / NAME).read_bytes().splitlines()[-1].startswith(b'{"kind":"synced"')


@settings(max_examples=20, deadline=None)
@given(histories(), st.floats(0, 1))
def test_a_journal_cut_anywhere_says_what_happened_up_to_some_record(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[Entry]], part: float
) -> None:
    state = tmp_path_factory.mktemp("state")
    content = b""
    possible = []
    memory = MemoryJournal(Records())
    for number, events in enumerate(runs):
        memory = MemoryJournal(memory.records, f"r{number}")
        content = write(state, *[[event] for event in events], run=f"r{number}")
        possible.append(said(memory.records)["pasts"])
        for event in events:
            enter(memory, [event])
            possible.append(said(memory.records)["pasts"])
    (state / NAME).write_bytes(content[: int(part * len(content))])
    journal = Journal.open(str(state), source=SOURCE, run=this_run("later"))
    journal.close()
    assert said(journal.records)["pasts"] in possible


def many(count: int, attempt: int = 1) -> list[Event]:
    names = [f"t{number}" for number in range(count)]
    return [event for name in names for event in (started(name, attempt), finished(name, attempt))]


def test_a_journal_that_is_mostly_history_is_compacted_when_it_is_opened(tmp_path: Path) -> None:
    write(tmp_path, *(many(200, attempt) for attempt in range(1, 4)))
    before = (tmp_path / NAME).stat().st_size
    records = read(tmp_path)
    write(tmp_path, run="r2")
    assert (tmp_path / NAME).stat().st_size < 0.4 * before
    assert said(read(tmp_path)) == said(records)
    inode = (tmp_path / NAME).stat().st_ino
    write(tmp_path, run="r3")
    assert (tmp_path / NAME).stat().st_ino == inode


@settings(max_examples=40, deadline=None)
@given(histories())
def test_what_a_compact_journal_would_have_is_known_beforehand(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[Entry]]
) -> None:
    state = tmp_path_factory.mktemp("state")
    for number, entries in enumerate(runs):
        write(state, entries, run=f"r{number}")
    expected = live_size(read(state))
    compact(str(state / NAME), read(state))
    size = (state / NAME).read_bytes().rindex(b"\n", 0, -1)
    assert abs(size - expected) < 200 * len(runs) + 0.2 * size


@pytest.mark.parametrize("step", [1, 7, 500])
def test_many_tasks_are_judged_by_some_of_them(tmp_path: Path, step: int) -> None:
    long = Signature("plot", inputs=LONG * 10)
    events: list[Entry] = []
    for number in range(4000):
        signature = long if number % step == 0 else Signature("x" * (number % 300))
        figures = ((1, 1),) * len(signature.inputs)
        events += [started(f"t{number}", signature=signature, inputs=figures), finished(f"t{number}")]
    size = len(write(tmp_path, events))
    assert size == pytest.approx(live_size(read(tmp_path)), rel=0.1)


@pytest.mark.parametrize("is_clean", [True, False])
def test_at_a_clean_end_what_is_mostly_history_is_compacted(tmp_path: Path, is_clean: bool) -> None:
    end: list[Entry] = [RunFinished(20.0, {"succeeded": 200})] if is_clean else []
    write(tmp_path / "much", *(many(200, attempt) for attempt in range(1, 4)), end)
    content = (tmp_path / "much" / NAME).read_bytes()
    assert content.count(b'"start"') == (200 if is_clean else 600)
    assert [past.attempts for past in read(tmp_path / "much").pasts()] == [3] * 200
    write(tmp_path / "much", [started("later")], run="r2")
    assert read(tmp_path / "much").past("later") is not None
    write(tmp_path / "little", many(1000), end)
    assert (tmp_path / "little" / NAME).read_bytes().count(b'"start"') == 1000


def test_nothing_is_compacted_that_another_run_has_taken(tmp_path: Path) -> None:
    journal = Journal.open(str(tmp_path), source=SOURCE, run=this_run("r1"))
    for attempt in range(1, 4):
        journal.append(many(200, attempt))
    journal.append([RunFinished(20.0, {"succeeded": 200})])
    (tmp_path / "lock").write_bytes(to_line(this_run("other", host="elsewhere")))
    with pytest.raises(StateError, match="was taken over by another run"):
        journal.close()
    assert (tmp_path / NAME).read_bytes().count(b'"start"') == 600


def no_sync(directory: str) -> None:
    raise PermissionError(13, "Permission denied", directory)


@pytest.mark.parametrize("attempts", [0, 3])
def test_a_directory_that_cannot_be_synced_loses_nothing(tmp_path: Path, attempts: int) -> None:
    for attempt in range(1, attempts + 1):
        write(tmp_path, many(200, attempt))
    path = tmp_path / NAME
    before = path.stat().st_size if attempts else 0
    descriptor, tail, records = recover(str(path), source=SOURCE, sync=no_sync)
    appender = Appender(str(path), descriptor, tail)
    try:
        assert (path.stat().st_size < before) == (attempts > 0)
        appender.check()
        appender.write(to_line(SkipRecord(run="r9", task="later", time=1.0, culprit="", reason="x")))
        appender.sync()
    finally:
        appender.close()
    assert read(tmp_path).past("later") is not None
    assert records.header == read(tmp_path).header


def test_a_small_journal_and_one_without_history_stay_as_they_are(tmp_path: Path) -> None:
    for attempt in range(1, 10):
        write(tmp_path / "small", many(1, attempt))
    assert (tmp_path / "small" / NAME).read_bytes().count(b'"start"') == 9
    write(tmp_path / "big", many(400))
    inode = (tmp_path / "big" / NAME).stat().st_ino
    write(tmp_path / "big", run="r2")
    assert (tmp_path / "big" / NAME).stat().st_ino == inode


def test_a_list_that_compaction_dropped_is_written_again(tmp_path: Path) -> None:
    old = Signature("x" * 40_000, inputs=LONG)
    for attempt in range(1, 4):
        signature = old if attempt < 3 else Signature("y")
        write(tmp_path, [started("a", attempt, signature, inputs=((1, 1),) * 80), finished("a", attempt)])
    write(tmp_path, [started("b", 1, old, inputs=((1, 1),) * 80)], run="r2")
    past = read(tmp_path).past("b")
    assert past is not None
    assert past.start is not None
    assert past.start.signature.inputs == LONG
    assert past.start.inputs == ((1, 1),) * 80
