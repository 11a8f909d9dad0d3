"""A journal of the first format: read as it is, and kept aside by the first run that goes on with it."""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import SOURCE, failed, finished, read, said, skipped, spawned, started, this_run, write

from taskrun.errors import StateError
from taskrun.journal import Follower, Journal, read_header
from taskrun.journal.lines import FORMAT, to_line, to_lines
from taskrun.journal.noting import records_of
from taskrun.model import HeaderRecord, RunEndRecord, Signature, SyncedRecord

NAME = "journal.jsonl"
ASIDE = "journal.jsonl.format-1"


def old_journal(state: Path, *, tail: bytes = b"") -> bytes:
    """What an earlier version left; its bytes."""
    header = HeaderRecord(format=1, source=SOURCE, salt="ab" * 16)
    signature = Signature("x", inputs=tuple(f"in/{number}" for number in range(70)))
    long = started("long", signature=signature, inputs=((1, 1),) * 70)
    events = [started("a"), spawned("a"), finished("a"), started("b"), failed("b"), skipped("c"), long, started("d")]
    content = to_lines([header, this_run("r1"), *records_of(events, "r1"), RunEndRecord(run="r1", time=20.0)])
    content += to_line(SyncedRecord(upto=len(content), crc=crc32(content))) + tail
    state.mkdir(parents=True, exist_ok=True)
    (state / NAME).write_bytes(content)
    return content


def formats(records: object) -> object:
    """What is said, but for the format."""
    assert isinstance(records, dict)
    header = records["header"]
    return {**records, "header": (header.source, header.salt)}


def test_a_reader_reads_it_as_it_is_and_changes_nothing(tmp_path: Path) -> None:
    content = old_journal(tmp_path)
    assert read(tmp_path).header.format == 1
    header = read_header(str(tmp_path))
    assert header is not None
    assert header.format == 1
    follower = Follower(str(tmp_path), source=SOURCE)
    follower.catch_up()
    assert follower.records.past("a") is not None
    assert (tmp_path / NAME).read_bytes() == content
    assert os.listdir(tmp_path) == [NAME]


def test_the_first_run_keeps_it_aside_and_goes_on_in_the_format_of_today(tmp_path: Path) -> None:
    content = old_journal(tmp_path)
    before = formats(said(read(tmp_path)))
    write(tmp_path, run="r2")
    assert (tmp_path / ASIDE).read_bytes() == content
    assert read(tmp_path).header.format == FORMAT
    assert formats(said(read(tmp_path))) == before
    assert set(read(tmp_path).runs) == {"r1", "r2"}
    write(tmp_path, [started("a", attempt=2)], run="r3")
    assert (tmp_path / ASIDE).read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == [".gitignore", NAME, ASIDE, "lock"]


def test_a_torn_tail_goes_its_own_way_first(tmp_path: Path) -> None:
    content = old_journal(tmp_path, tail=b'{"kind":"sta')
    write(tmp_path, run="r2")
    assert (tmp_path / f"{NAME}.cut-1").read_bytes() == b'{"kind":"sta'
    assert (tmp_path / ASIDE).read_bytes() + b'{"kind":"sta' == content


def test_who_reads_on_during_the_change_goes_on_with_the_new_file(tmp_path: Path) -> None:
    old_journal(tmp_path)
    follower = Follower(str(tmp_path), source=SOURCE)
    follower.catch_up()
    write(tmp_path, [started("later")], run="r2")
    follower.catch_up()
    assert said(follower.records) == said(read(tmp_path))


def test_damage_is_left_alone_and_not_kept_aside(tmp_path: Path) -> None:
    content = old_journal(tmp_path).replace(b'"task":"b"', b'"task":"x"')
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StateError, match="is damaged"):
        Journal.open(str(tmp_path), source=SOURCE, run=this_run("r2"))
    assert (tmp_path / NAME).read_bytes() == content
    assert not (tmp_path / ASIDE).exists()


def test_where_it_cannot_be_kept_aside_it_stays_and_the_run_does_not_begin(tmp_path: Path) -> None:
    content = old_journal(tmp_path)
    (tmp_path / ASIDE).mkdir()
    with pytest.raises(StateError, match=r"cannot bring into the format of this version .*journal\.jsonl: Is a direct"):
        Journal.open(str(tmp_path), source=SOURCE, run=this_run("r2"))
    assert (tmp_path / NAME).read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == [".gitignore", NAME, ASIDE, "lock"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([f"{ASIDE}.new", ASIDE, f"{NAME}.new"]), st.floats(0, 1))
def test_after_a_crash_at_any_instant_it_is_done_again(
    tmp_path_factory: pytest.TempPathFactory, writing: str, part: float
) -> None:
    """While one of the files was being written, or when it was just done; those before it are there."""
    state = tmp_path_factory.mktemp("state")
    content = old_journal(state)
    before = formats(said(read(state)))
    if writing == f"{NAME}.new":
        (state / ASIDE).write_bytes(content)
    (state / writing).write_bytes(content if writing == ASIDE else content[: int(part * len(content))])
    assert formats(said(read(state))) == before
    write(state, run="r2")
    assert formats(said(read(state))) == before
    assert (state / ASIDE).read_bytes() == content
    write(state, run="r3")
    assert formats(said(read(state))) == before
