"""A damaged journal: in which lines that is, and what can be saved of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import SOURCE, Entry, confirmed, failed, finished, read, said, skipped, spawned, started, this_run, write

from taskrun.errors import StateError, StateHeldError
from taskrun.journal import Journal, Records, repair, verify
from taskrun.journal.lines import from_line, to_line, to_lines
from taskrun.journal.lock import Lock
from taskrun.journal.noting import records_of
from taskrun.model import Event, HeaderRecord, Signature, SyncedRecord

NAME = "journal.jsonl"
SIGNATURE = Signature("netsim -t mesh", env={"X": "12ab"}, inputs=("in.txt",), outputs=("out",))
LONG = Signature("plot", inputs=tuple(f"in/{number}" for number in range(64)))
FIRST: list[Event] = [started("a", signature=SIGNATURE, inputs=((5, 17),)), spawned("a"), finished("a"), skipped("b")]
SECOND: list[Event] = [started("b"), failed("b"), started("c")]
THIRD: list[Event] = [finished("c"), started("d"), spawned("d"), finished("d")]


def marked(*batches: list[Event], version: int = 2) -> bytes:
    """A journal with a mark behind each batch."""
    content = to_lines([HeaderRecord(format=version, source=SOURCE, salt="ab" * 16), this_run()])
    for events in batches:
        content += to_lines(records_of(events, "r1"))
        content += to_line(SyncedRecord(upto=len(content), crc=crc32(content)))
    return content


def put(state: Path, content: bytes) -> str:
    (state / NAME).write_bytes(content)
    return str(state)


def lines_of(content: bytes) -> list[bytes]:
    """Its records as they stand, without header and marks."""
    return [line for line in content.splitlines()[1:] if b'"synced"' not in line]


def spans(state: str) -> list[tuple[int, int]]:
    return [(damage.first, damage.last) for damage in verify(state).damages]


def said_by(lines: list[bytes]) -> object:
    records = Records()
    for line in lines:
        records.apply(from_line(line))
    return said(records)["pasts"]


WHOLE = marked(FIRST, SECOND, THIRD)  # lines 1-7, 8-11, 12-16; the marks in 7, 11 and 16
COVERED = WHOLE.rindex(b"\n", 0, -1) + 1


# --- verify ----------------------------------------------------------------------------------------------------------


def test_a_whole_journal_is_found_whole(tmp_path: Path) -> None:
    size = len(write(tmp_path, FIRST))
    verdict = verify(str(tmp_path))
    assert verdict.is_whole
    assert (verdict.path, verdict.size, verdict.format, verdict.torn) == (str(tmp_path / NAME), size, 2, 0)
    assert verdict.records == 2 + len(FIRST)
    assert verify(put(tmp_path, WHOLE)).records == 13


def test_where_there_is_no_journal_there_is_nothing_to_say(tmp_path: Path) -> None:
    for state in (str(tmp_path / "nowhere"), put(tmp_path, b"")):
        verdict = verify(state)
        assert (verdict.is_whole, verdict.size, verdict.records, verdict.format) == (True, 0, 0, None)


@pytest.mark.parametrize("tail", [b'{"kind":"sta', b"garbage\n", b'garbage\n{"kind":"end"}\nmore', b"\0" * 100])
def test_a_torn_tail_is_no_damage(tmp_path: Path, tail: bytes) -> None:
    verdict = verify(put(tmp_path, WHOLE + tail))
    assert (verdict.is_whole, verdict.torn, verdict.records) == (True, len(tail), 13)
    write(tmp_path, run="r2")
    assert verify(str(tmp_path)).torn == 0


def test_any_byte_that_changes_before_the_last_mark_is_in_one_of_the_lines_that_are_named(tmp_path: Path) -> None:
    for position in set(range(0, COVERED, 2)) - {WHOLE.index(b":2") + 1}:  # another format is another sentence
        for new in {WHOLE[position] ^ 1, 10} - {WHOLE[position]}:
            state = put(tmp_path, WHOLE[:position] + bytes([new]) + WHOLE[position + 1 :])
            line = WHOLE.count(b"\n", 0, position) + 1
            assert any(first <= line <= last for first, last in spans(state)), (position, new)


def test_where_only_a_checksum_tells_the_lines_between_the_marks_are_named(tmp_path: Path) -> None:
    assert spans(put(tmp_path, WHOLE.replace(b"netsim", b"netsin"))) == [(1, 7)]
    assert spans(put(tmp_path, WHOLE.replace(b'"task":"b","attempt"', b'"task":"x","attempt"'))) == [(7, 11)]
    with pytest.raises(StateError, match=r"jsonl:7-11 is damaged: .*; `taskrun check .* --state --repair` saves"):
        read(tmp_path)
    assert spans(put(tmp_path, WHOLE.replace(b'"task":"d"', b'"task":"x"'))) == [(11, 16)]
    both = WHOLE.replace(b"netsim", b"netsin").replace(b'"task":"d"', b'"task":"x"')
    assert spans(put(tmp_path, both)) == [(1, 7), (11, 16)]


@pytest.mark.parametrize("text", [b"", b"a much longer command"])
def test_damage_that_moves_what_follows_is_not_found_there(tmp_path: Path, text: bytes) -> None:
    assert spans(put(tmp_path, WHOLE.replace(b"netsim -t mesh", text))) == [(1, 7)]


def test_an_unreadable_line_is_named_with_what_the_reader_found(tmp_path: Path) -> None:
    lines = WHOLE.splitlines(keepends=True)
    lines[3] = b"#" * (len(lines[3]) - 1) + b"\n"
    lines[8] = b"\n"
    verdict = verify(put(tmp_path, b"".join(lines)))
    assert [(damage.first, damage.last) for damage in verdict.damages] == [(4, 4), (9, 9)]
    assert str(verdict.damages[0]).startswith("line 4: JSON is malformed")
    assert verdict.records == 11
    with pytest.raises(StateError, match=r"journal\.jsonl:4 is damaged: JSON is malformed.*--repair` saves"):
        read(tmp_path)


@pytest.mark.parametrize("first", [b"#" * 20, b'{"kind":"header","format":2,"origin":"x"}', WHOLE.splitlines()[1]])
def test_a_first_line_that_is_no_header_is_damage(tmp_path: Path, first: bytes) -> None:
    verdict = verify(put(tmp_path, first + b"\n" + WHOLE.partition(b"\n")[2]))
    assert (verdict.damages[0].first, verdict.is_whole) == (1, False)
    with pytest.raises(StateError, match="is no journal of taskrun"):
        Journal.open(str(tmp_path), source=SOURCE, run=this_run("r2"))


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    state = put(tmp_path, b'{"kind":"header","format":3}\n')
    for act in (verify, repair):
        with pytest.raises(StateError, match="written by a newer taskrun"):
            act(state)


# --- repair ----------------------------------------------------------------------------------------------------------


def test_a_whole_journal_is_left_as_it_is(tmp_path: Path) -> None:
    content = WHOLE + b"torn"
    found = repair(put(tmp_path, content))
    assert (found.kept, found.lost, found.aside) == (13, 0, None)
    assert os.listdir(tmp_path) == [NAME]
    assert (tmp_path / NAME).read_bytes() == content
    assert repair(str(tmp_path / "nowhere")).kept == 0


def test_each_other_record_is_saved_and_the_old_journal_kept(tmp_path: Path) -> None:
    lines = WHOLE.splitlines(keepends=True)
    for number in [*range(2, 7), *range(8, 11), *range(12, 16)]:
        state = tmp_path / str(number)
        state.mkdir()
        damaged = [*lines]
        damaged[number - 1] = b"#" * (len(lines[number - 1]) - 1) + b"\n"
        put(state, b"".join(damaged))
        found = repair(str(state))
        assert (found.kept, found.lost) == (12, 1)
        assert [(damage.first, damage.last) for damage in found.damages] == [(number, number)]
        assert found.aside == str(state / f"{NAME}.damaged-1")
        assert Path(found.aside).read_bytes() == b"".join(damaged)
        saved = (state / NAME).read_bytes()
        assert lines_of(saved) == [line for line in lines_of(WHOLE) if line + b"\n" != lines[number - 1]]
        assert verify(str(state)).is_whole
        assert saved.splitlines()[-1].startswith(b'{"kind":"synced","upto":%d,' % (saved.rindex(b"\n", 0, -1) + 1))
        write(state, [started("later")], run="r2")
        assert read(state).past("later") is not None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_the_damage_all_untouched_lines_are_saved(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    state = tmp_path_factory.mktemp("state")
    after_header = WHOLE.index(b"\n") + 1
    begin = data.draw(st.integers(after_header, COVERED - 1))
    end = data.draw(st.integers(begin, min(COVERED, begin + 300)))
    damaged = WHOLE[:begin] + data.draw(st.binary(max_size=40)) + WHOLE[end:]
    put(state, damaged)
    if verify(str(state)).is_whole:
        return
    found = repair(str(state))
    saved = lines_of((state / NAME).read_bytes())
    before, after = WHOLE[: WHOLE.rindex(b"\n", 0, begin) + 1], WHOLE[end:].partition(b"\n")[2]
    untouched = lines_of(before) + lines_of(b"\n" + after)
    assert [line for line in saved if line in untouched] == untouched
    assert found.kept == len(saved) + 1
    assert verify(str(state)).is_whole
    assert found.aside is not None
    assert Path(found.aside).read_bytes() == damaged
    assert said(read(state))["pasts"] == said_by(saved)


def test_records_that_were_glued_together_are_taken_apart(tmp_path: Path) -> None:
    content = WHOLE.replace(b'\n{"kind":"skip"', b'#{"kind":"skip"').replace(b'\n{"kind":"spawn"', b'{"kind":"spawn"')
    found = repair(put(tmp_path, content))
    assert (found.kept, found.lost) == (13, 0)
    assert lines_of((tmp_path / NAME).read_bytes()) == lines_of(WHOLE)


def test_what_names_a_list_that_is_lost_is_lost_too(tmp_path: Path) -> None:
    old, new = ((1, 1),) * 64, ((1, 2),) * 64
    entries: list[Entry] = [started("a", signature=LONG, inputs=old), finished("a"), confirmed("a", inputs=new)]
    write(tmp_path, entries)
    content = (tmp_path / NAME).read_bytes()
    lists = [line for line in content.splitlines() if b'"kind":"list"' in line]
    assert len(lists) == 3
    for line in lists:
        state = tmp_path / str(lists.index(line))
        state.mkdir()
        found = repair(put(state, content.replace(line, b"#" * len(line))))
        past = read(state).past("a")
        assert past is not None
        assert found.lost == 2
        is_confirmation = line == lists[2]
        assert (past.start is not None) == is_confirmation
        assert not past.is_confirmed or is_confirmation
    assert past.start is not None
    assert past.start.inputs == old


def test_a_second_repair_keeps_the_first_old_journal_too(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path, [started(f"a{number}"), finished(f"a{number}")], run=f"r{number}")
        content = (tmp_path / NAME).read_bytes().replace(b'"task":"a%d"' % number, b'"task":"x%d"' % number)
        (tmp_path / NAME).write_bytes(content)
        assert repair(str(tmp_path)).aside == str(tmp_path / f"{NAME}.damaged-{number}")
        assert (tmp_path / f"{NAME}.damaged-{number}").read_bytes() == content


# --- the header ------------------------------------------------------------------------------------------------------


def header_of(state: Path) -> tuple[str, str]:
    header = read(state).header
    return header.source, header.salt


@pytest.mark.parametrize("old", [b'"kind":"header"', b'"format":2', b'{"kind"', b"\n"])
def test_a_header_is_made_anew_from_what_is_left_of_it(tmp_path: Path, old: bytes) -> None:
    found = repair(put(tmp_path, WHOLE.replace(old, b"#" * len(old), 1)))
    assert header_of(tmp_path) == (SOURCE, "ab" * 16)
    assert found.kept == 13
    assert lines_of((tmp_path / NAME).read_bytes()) == lines_of(WHOLE)


def test_a_header_is_taken_from_a_journal_that_was_kept_aside(tmp_path: Path) -> None:
    put(tmp_path, marked(FIRST, version=1))
    write(tmp_path, run="r2")
    lines = (tmp_path / NAME).read_bytes().splitlines(keepends=True)
    for first in (b"#" * 20 + b"\n", b""):
        state = tmp_path / f"s{len(first)}"
        state.mkdir()
        shutil.copy(tmp_path / f"{NAME}.format-1", state)
        repair(put(state, first + b"".join(lines[1:])))
        assert header_of(state) == (SOURCE, "ab" * 16)
        assert read(state).header.format == 2
        assert set(read(state).runs) == {"r1", "r2"}


@pytest.mark.parametrize("content", [b"hello\nworld\n", b"#" * 20 + b"\n" + WHOLE.partition(b"\n")[2]])
def test_without_any_header_it_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StateError, match=r"journal\.jsonl cannot be repaired: its first line is no header"):
        repair(put(tmp_path, content))
    assert (tmp_path / NAME).read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == [NAME, "lock"]


# --- held, and no room -----------------------------------------------------------------------------------------------


def test_a_state_that_is_held_is_not_repaired(tmp_path: Path) -> None:
    content = WHOLE.replace(b"netsim", b"netsin")
    put(tmp_path, content)
    lock = Lock.take(str(tmp_path), this_run())
    try:
        with pytest.raises(StateHeldError):
            repair(str(tmp_path))
    finally:
        lock.release()
    assert (tmp_path / NAME).read_bytes() == content


def test_where_nothing_can_be_kept_aside_nothing_is_changed(tmp_path: Path) -> None:
    content = WHOLE.replace(b"netsim", b"netsin")
    put(tmp_path, content)
    (tmp_path / f"{NAME}.damaged-1.new").mkdir()
    with pytest.raises(StateError, match=r"cannot repair .*journal\.jsonl: Is a directory"):
        repair(str(tmp_path))
    assert (tmp_path / NAME).read_bytes() == content
    assert not (tmp_path / f"{NAME}.new").exists()
