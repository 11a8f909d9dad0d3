"""What a mark covers is what was written: no byte of it changes unnoticed, and no file goes away unnoticed."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import SOURCE, failed, finished, read, said, skipped, spawned, started, this_run, write

from taskrun.errors import StateError
from taskrun.journal import Journal, read_holder, read_journal
from taskrun.journal.appending import Appender
from taskrun.journal.lines import from_line, to_line, to_lines
from taskrun.journal.noting import records_of
from taskrun.journal.recovering import recover
from taskrun.model import Event, HeaderRecord, Signature, SkipRecord, SyncedRecord

NAME = "journal.jsonl"


def some_events() -> list[Event]:
    signature = Signature("netsim -t mesh", env={"X": "12ab"}, inputs=("in.txt",), outputs=("out",))
    first = started("a", signature=signature, inputs=((5, 17),), before={"out": (1, 2)})
    return [first, spawned("a"), finished("a", outputs=((7, 8),)), started("b"), failed("b"), skipped("c")]


def journal_of(*batches: list[Event]) -> bytes:
    """A journal with a mark behind each batch."""
    content = to_lines([HeaderRecord(format=1, source=SOURCE, salt="ab" * 16), this_run()])
    for events in batches:
        content += to_lines(records_of(events, "r1"))
        content += to_line(SyncedRecord(upto=len(content), crc=crc32(content)))
    return content


def check_marks(content: bytes) -> int:
    """All marks hold what is before their byte; how many there are."""
    records = [from_line(line) for line in content.splitlines()]
    marks = [record for record in records if isinstance(record, SyncedRecord)]
    assert all(mark.crc == crc32(content[: mark.upto]) for mark in marks)
    return len(marks)


# --- damage ----------------------------------------------------------------------------------------------------------


def assert_noticed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"journal\.jsonl"):
        read_journal(str(path.parent))
    assert path.read_bytes() == content


def test_any_byte_that_changes_before_the_last_mark_is_noticed(tmp_path: Path) -> None:
    content = journal_of(some_events(), [started("d"), finished("d")])
    assert check_marks(content) == 2
    path = tmp_path / NAME
    for position in range(0, content.rindex(b"\n", 0, -1) + 1, 3):
        old = content[position]
        for new in {old ^ 1, 10, 34} - {old}:
            assert_noticed(path, content[:position] + bytes([new]) + content[position + 1 :])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_before_the_last_mark_is_taken_for_a_torn_tail(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    state = tmp_path_factory.mktemp("state")
    content = journal_of(some_events())
    upto = content.rindex(b"\n", 0, -1) + 1
    begin = data.draw(st.integers(0, upto - 1))
    piece = data.draw(st.binary(min_size=1, max_size=upto - begin))
    damaged = content[:begin] + piece + content[begin + len(piece) :]
    if damaged == content:
        return
    assert_noticed(state / NAME, damaged)
    with pytest.raises(StateError):
        recover(str(state / NAME), source=SOURCE)
    assert (state / NAME).read_bytes() == damaged
    assert not list(state.glob("*.cut-*"))


def test_a_changed_text_is_named_with_the_path_and_the_lines_between_two_marks(tmp_path: Path) -> None:
    content = write(tmp_path, some_events())
    (tmp_path / NAME).write_bytes(content.replace(b"netsim", b"netsin"))
    with pytest.raises(StateError, match=r"journal\.jsonl:\d+-\d+ is damaged: what stands there is not what"):
        Journal.open(str(tmp_path), source=SOURCE, run=this_run())


def test_marks_without_a_checksum_are_taken_as_they_are(tmp_path: Path) -> None:
    content = journal_of(some_events())
    (tmp_path / NAME).write_bytes(content[: content.rindex(b',"crc"')] + b"}\n")
    assert said(read(tmp_path))["pasts"]
    write(tmp_path, [skipped("later")], run="r2")
    assert read(tmp_path).past("later") is not None


# --- kept along as bytes are written ---------------------------------------------------------------------------------


def test_checksums_are_right_after_a_tail_was_cut(tmp_path: Path) -> None:
    content = write(tmp_path, some_events())
    (tmp_path / NAME).write_bytes(content + b'{"kind":"sta')
    assert check_marks(write(tmp_path, some_events(), run="r2")) >= 2


def test_checksums_are_right_with_two_threads_and_a_reader_never_sees_damage(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / NAME
    descriptor, tail, _ = recover(str(path), source=SOURCE)
    appender = Appender(str(path), descriptor, tail)
    is_over = threading.Event()
    wrong: list[StateError] = []

    def repeat(act: Callable[[], object]) -> None:
        try:
            while not is_over.is_set():
                act()
        except StateError as error:
            wrong.append(error)

    acts: list[Callable[[], object]] = [appender.sync, lambda: read_journal(str(tmp_path))]
    threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for number in range(1000):
        appender.write(to_line(SkipRecord(run="r", task=f"t{number}", time=1.0, culprit="", reason="x")))
    is_over.set()
    for thread in threads:
        thread.join()
    appender.sync()
    appender.close()
    assert wrong == []
    assert check_marks(path.read_bytes()) >= 2
    assert len(list(read(tmp_path).pasts())) == 1000


# --- a file that goes away -------------------------------------------------------------------------------------------


def test_state_that_is_deleted_is_noticed_by_the_next_append_and_at_the_end(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = Journal.open(str(state), source=SOURCE, run=this_run())
    shutil.rmtree(state)
    with pytest.raises(StateError, match=r"journal\.jsonl was deleted or moved during the run"):
        journal.append([started("a")])
    for again in (journal.check, lambda: journal.append([started("b")]), journal.close):
        with pytest.raises(StateError, match=r"journal\.jsonl was deleted or moved during the run"):
            again()
    journal.close()


def test_state_that_is_moved_away_is_noticed_by_the_next_append_also_where_it_comes_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = Journal.open(str(state), source=SOURCE, run=this_run())
    state.rename(tmp_path / "away")
    with pytest.raises(StateError, match="was deleted or moved during the run"):
        journal.append([started("a")])
    (tmp_path / "away").rename(state)
    with pytest.raises(StateError, match="was deleted or moved during the run"):
        journal.append([started("a")])
    with pytest.raises(StateError, match="was deleted or moved during the run"):
        journal.close()
    assert read(state).past("a") is None


@pytest.mark.parametrize("events", [[], [started("a")]])
def test_state_that_is_moved_away_or_replaced_is_noticed_at_the_end(tmp_path: Path, events: list[Event]) -> None:
    for name in ("moved", "replaced"):
        state = tmp_path / name
        journal = Journal.open(str(state), source=SOURCE, run=this_run())
        journal.append(events)
        state.rename(tmp_path / f"{name}.old")
        if name == "replaced":
            write(state)
        found = "was deleted" if name == "moved" else "was (replaced|deleted)"  # where it was looked for in between
        with pytest.raises(StateError, match=found):
            journal.close()
        assert read(tmp_path / f"{name}.old") is not None


# --- what is no file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, "lock"])
def test_a_pipe_in_place_of_a_file_is_refused_by_all_and_waited_for_by_none(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(StateError, match=rf"cannot \w+ .*{name}: it is no regular file$"):
        Journal.open(str(tmp_path), source=SOURCE, run=this_run())
    if name == NAME:
        with pytest.raises(StateError, match=r"cannot read .*journal\.jsonl: it is no regular file$"):
            read_journal(str(tmp_path))
    assert read_holder(str(tmp_path)) is None


def test_a_device_in_place_of_the_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to("/dev/zero")
    with pytest.raises(StateError, match=r"journal\.jsonl: it is no regular file$"):
        read_journal(str(tmp_path))
