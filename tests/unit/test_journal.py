"""The journal: what is appended is what is read, whatever became of the file's end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import (
    SOURCE,
    Entry,
    confirmed,
    failed,
    finished,
    new_task,
    read,
    reset,
    said,
    skipped,
    spawned,
    started,
    taken_over,
    this_run,
    unmarked,
    write,
)

from taskrun.errors import StateError
from taskrun.journal import Journal, MemoryJournal, Records, handle_of, read_journal
from taskrun.journal.lines import from_line
from taskrun.journal.reading import check_source, read_open
from taskrun.journal.recovering import recover
from taskrun.model import (
    Adopted,
    AnyRecord,
    Cause,
    Event,
    Found,
    Handle,
    HeaderRecord,
    Recovered,
    Retrying,
    RunFinished,
    RunStarted,
    Signature,
    Stopping,
)

NAME = "journal.jsonl"


def all_kinds() -> list[Event]:
    signature = Signature("netsim -t mesh", env={"X": "12ab"}, inputs=("in.txt",), outputs=("out", "dir"))
    return [
        RunStarted(9.0, 3),
        Found(9.5, new_task("old")),
        started("a", signature=signature, inputs=((5, 17),), before={"out": (1, 2)}),
        spawned("a"),
        finished("a", outputs=((7, 8), "2 files 1f")),
        started("b"),
        failed("b"),
        skipped("c"),
        started("d"),
        spawned("d"),
        started("e"),
        confirmed("a", inputs=((5, 18),)),
        RunFinished(20.0, {"succeeded": 1}),
    ]


def every_record() -> list[Entry]:
    """What leaves a record of each kind but a list."""
    return [*all_kinds(), taken_over("new", "a"), reset("b"), started("b", attempt=2)]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".taskrun" / "sweep"


def put(state: Path, content: bytes) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    (state / NAME).write_bytes(content)
    return state / NAME


def recovered(path: Path) -> Records:
    descriptor, tail, records = recover(str(path), source=SOURCE)
    os.close(descriptor)
    content = path.read_bytes()
    assert (len(content), crc32(content)) == (tail.size, tail.crc)
    return records


def test_what_is_appended_is_what_is_read(state: Path) -> None:
    journal = Journal.open(str(state), source=SOURCE, run=this_run())
    journal.append(all_kinds())
    during = said(read(state))
    journal.close()
    assert during == said(journal.records) == said(read(state))
    past = read(state).past("a")
    assert past is not None
    assert past.start is not None
    assert past.end is not None
    assert past.start.inputs == ((5, 18),)
    assert past.start.before == {"out": (1, 2)}
    assert past.end.outputs == ((7, 8), "2 files 1f")


def test_each_kind_of_event_is_put_on_record_or_known_to_leave_nothing(state: Path) -> None:
    end = failed("f")
    events = [
        *all_kinds(),
        Recovered(20.0, new_task("f"), end.ended, end.settled),
        Adopted(21.0, new_task("d"), Handle("r1", 1, 1, 77, 8, 9)),
        Stopping(22.0, 1, "SIGINT", 0),
        Retrying(23.0, new_task("f"), end.ended, end.settled, 1, 53.0),
    ]
    assert {type(event) for event in events} == set(get_args(Event))
    long = started("g", signature=Signature("x", inputs=("in",) * 100), inputs=((1, 1),) * 100)
    lines = write(state, [*events, long, *every_record()]).splitlines()
    assert {type(from_line(line)) for line in lines} == set(get_args(AnyRecord))
    assert read(state).past("f") is not None


def test_a_closed_journal_ends_in_a_mark_that_covers_it(state: Path) -> None:
    content = write(state, all_kinds())
    *lines, mark = content.splitlines(keepends=True)
    assert mark == b'{"kind":"synced","upto":%d,"crc":%d}\n' % (sum(map(len, lines)), crc32(b"".join(lines)))


def test_the_state_directory_is_left_alone_by_version_control(state: Path) -> None:
    write(state)
    assert (state / ".gitignore").read_text() == "*\n"


def test_nothing_is_on_record_where_nothing_is(tmp_path: Path) -> None:
    assert read_journal(str(tmp_path / "nowhere")) is None
    put(tmp_path, b"")
    assert read_journal(str(tmp_path)) is None
    put(tmp_path, b'{"kind":"head')
    assert read_journal(str(tmp_path)) is None


def test_a_start_replaces_what_was_known_of_the_task_and_a_skip_stands_beside_it(state: Path) -> None:
    write(state, [started("a"), finished("a"), skipped("a")])
    past = read(state).past("a")
    assert past is not None
    assert past.end is not None
    assert past.skip is not None
    write(state, [started("a", attempt=2)], run="r2")
    past = read(state).past("a")
    assert past is not None
    assert (past.end, past.skip) == (None, None)
    assert read(state).attempts("a") == 2
    assert read(state).open_starts() == ["a"]


def test_an_end_without_a_start_of_its_own_is_a_failure_that_counts_as_an_attempt(state: Path) -> None:
    write(state, [started("a"), finished("a"), failed("a", attempt=2, cause=Cause.MISSING_INPUT, code=None)])
    past = read(state).past("a")
    assert past is not None
    assert past.start is None
    assert past.end is not None
    assert past.end.cause == "missing input"
    assert read(state).attempts("a") == 2


def test_what_an_earlier_run_left_is_ended_by_a_later_one(state: Path) -> None:
    write(state, [started("a"), started("b")])
    end = failed("a", cause=Cause.INTERRUPTED, code=None)
    write(state, [Recovered(20.0, new_task("a"), end.ended, end.settled)], run="r2")
    write(state, [Adopted(21.0, new_task("b"), Handle("r1", 1, 1, 77, 8, 9))], run="r3")
    records = read(state)
    assert records.open_starts() == ["b"]
    assert handle(state, "b", host="any") == Handle("r1", 1, 1, 77, 8, 9)


# --- cut anywhere ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "every"),
    [
        ([started("a"), finished("a")], 1),
        ([started("a"), finished("a"), confirmed("a", outputs=((1, 1),)), taken_over("n", "a"), reset("n", 4)], 9),
    ],
)
def test_cut_anywhere_it_says_what_its_whole_lines_say(tmp_path: Path, entries: list[Entry], every: int) -> None:
    content = write(tmp_path / "whole", entries)
    for length in range(0, len(content) + 1, every):
        state = tmp_path / "cut"
        path = put(state, content[:length])
        whole = content[: content.rfind(b"\n", 0, length) + 1]
        expected = Records()
        for line in whole.splitlines():
            expected.apply(from_line(line))
        records = recovered(path)
        if whole:
            assert said(records) == said(expected)
            assert path.read_bytes() == whole
        else:
            assert records.salt
            assert path.read_bytes().count(b"\n") == 1
        aside = state / f"{NAME}.cut-1"
        assert (aside.read_bytes() if aside.exists() else b"") == content[len(whole) : length]
        aside.unlink(missing_ok=True)


def test_cut_anywhere_a_reader_sees_the_whole_lines_and_changes_nothing(tmp_path: Path) -> None:
    content = write(tmp_path / "whole", every_record())
    for length in range(0, len(content) + 1, 3):
        path = put(tmp_path / "cut", content[:length])
        records = read_journal(str(path.parent))
        count = content.count(b"\n", 0, length)
        assert (records is None) == (count == 0)
        assert path.stat().st_size == length
    assert sorted(os.listdir(tmp_path / "cut")) == [NAME]


def test_after_a_cut_the_next_record_stands_on_a_line_of_its_own(state: Path) -> None:
    content = write(state, [started("a"), finished("a")])
    put(state, content[: content.rindex(b'"end"')])
    write(state, [started("b"), finished("b")], run="r2")
    records = read(state)
    assert records.open_starts() == ["a"]
    assert records.past("b") is not None


# --- damage ----------------------------------------------------------------------------------------------------------


JUNK = [
    b'{"kind":"end","task":"a","attempt":1,"time":1.0,"status":"succeedfd"}\n',
    b'{"kind":"end","task":"a","attempt":1,"time":1.0,"status":"failed","cause":"exis"}\n',
    b"garbage\n",
    b"\0" * 40 + b"\n",
    b"\n",
    b'{"kind":"nonsense"}\n',
    b'{"kind":"end"}\n',
    b"\xff\n",
]


@pytest.mark.parametrize("junk", JUNK)
def test_damage_behind_the_last_mark_is_cut_and_kept_aside(state: Path, junk: bytes) -> None:
    content = write(state, [started("a"), finished("a")])
    later = b'{"kind":"run","run":"r9","time":1.0,"host":"h","boot":"b","pid":1}\n'
    path = put(state, content + junk + later)
    assert "r9" not in read(state).runs
    assert "r9" not in recovered(path).runs
    assert path.read_bytes() == content
    assert (state / f"{NAME}.cut-1").read_bytes() == junk + later


def test_each_damaged_line_before_the_last_mark_is_reported_with_its_number(state: Path) -> None:
    content = write(state, all_kinds())
    lines = content.splitlines(keepends=True)
    for number in range(2, len(lines)):
        damaged = [*lines]
        damaged[number - 1] = b"#" * (len(lines[number - 1]) - 1) + b"\n"
        path = put(state, b"".join(damaged))
        for attempt in (lambda: read_journal(str(state)), lambda path=path: recover(str(path), source=SOURCE)):
            with pytest.raises(StateError, match=rf"journal\.jsonl:{number} is damaged: "):
                attempt()
        assert path.read_bytes() == b"".join(damaged)
    assert not list(state.glob("*.cut-*"))


def test_a_mark_covers_what_is_before_its_byte_and_nothing_else(state: Path) -> None:
    content = unmarked(write(state, [started("a"), finished("a")]))
    mark = b'{"kind":"synced","upto":%d}\n' % len(content)
    path = put(state, content + b"garbage\n" + mark)
    path = put(state, content + b"garbage\n" + mark)
    recovered(path)
    assert path.read_bytes() == content
    path = put(state, content + b"garbage\n" + mark.replace(b"%d" % len(content), b"%d" % (len(content) + 1)))
    with pytest.raises(StateError, match="damaged"):
        recover(str(path), source=SOURCE)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"kind":"header","format":3,"origin":"x"}\n', "was written by a newer taskrun: its format is 3"),
        (b'{"kind":"header","format":0,"source":"x","salt":""}\n', "is no journal of taskrun"),
        (b'{"kind":"run"}\n', "is no journal of taskrun"),
        (b"hello\nworld\n", "is no journal of taskrun"),
        (b"[" * 100_000 + b"\n", "is no journal of taskrun"),
        (b"\xff\xfe\n", "is no journal of taskrun"),
    ],
)
def test_what_is_no_journal_is_refused_and_left_as_it_is(state: Path, content: bytes, sentence: str) -> None:
    path = put(state, content)
    with pytest.raises(StateError, match=sentence):
        Journal.open(str(state), source=SOURCE, run=this_run())
    with pytest.raises(StateError, match=sentence):
        read_journal(str(state))
    assert path.read_bytes() == content


def test_a_directory_in_place_of_the_journal_is_named_with_the_systems_words(state: Path) -> None:
    (state / NAME).mkdir(parents=True)
    with pytest.raises(StateError, match=r"journal\.jsonl: Is a directory"):
        Journal.open(str(state), source=SOURCE, run=this_run())
    with pytest.raises(StateError, match=r"journal\.jsonl: Is a directory"):
        read_journal(str(state))


def test_a_file_in_place_of_the_state_directory_is_named_with_the_systems_words(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match=r"cannot make .*state: File exists"):
        Journal.open(str(tmp_path / "state"), source=SOURCE, run=this_run())


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_no_permission_is_named_with_the_systems_words(state: Path) -> None:
    write(state)
    (state / NAME).chmod(0)
    with pytest.raises(StateError, match="Permission denied"):
        read_journal(str(state))


def test_the_state_of_another_study_is_refused_with_a_hint(state: Path) -> None:
    content = write(state)
    with pytest.raises(StateError, match=r"another study, made from 'sweep.yaml', not 'other.yaml'; .*--state-dir"):
        Journal.open(str(state), source="other.yaml", run=this_run("r2"))
    assert (state / NAME).read_bytes() == content


# --- names that are no UTF-8 -----------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(max_codepoint=0x10FFFF), max_size=8), min_size=1, max_size=4))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    state = tmp_path_factory.mktemp("state")
    odd = "bad\udcff"
    signature = Signature(odd + texts[0], env=dict.fromkeys(texts, "1"), outputs=(*texts, odd))
    events: list[Event] = [started(texts[0], signature=signature, before={odd: (1, 2)}), skipped(texts[-1])]
    memory = MemoryJournal(Records(), "r1")
    memory.append(events)
    write(state, events)
    found, expected = said(read(state)), said(memory.records)
    assert (found["pasts"], found["open"]) == (expected["pasts"], expected["open"])


# --- attempts without an end -----------------------------------------------------------------------------------------


def handle(state: Path, name: str, *, boot: str = "", host: str = "") -> Handle:
    records = read(state)
    past = records.past(name)
    assert past is not None
    return handle_of(records, past, boot=boot or this_run().boot, host=host or this_run().host)


def test_an_open_attempt_of_this_boot_is_found_by_its_process_or_by_its_environment(state: Path) -> None:
    write(state, [started("a", attempt=4), spawned("a", attempt=4), started("b")])
    assert handle(state, "a", host="renamed") == Handle("r1", 4, 1, 4321, 99, 7)
    assert handle(state, "b", host="renamed") == Handle("r1", 1, 1)


def test_an_open_attempt_of_an_earlier_boot_has_no_process(state: Path) -> None:
    write(state, [started("a"), spawned("a")])
    assert handle(state, "a", boot="another") == Handle("r1", 1, 1)


def test_an_open_attempt_of_another_machine_names_it(state: Path) -> None:
    write(state, [started("a"), spawned("a")])
    assert handle(state, "a", boot="another", host="elsewhere") == Handle("r1", 1, 1, host=this_run().host)


def test_read_open_leaves_the_collector_as_it_was(state: Path) -> None:
    import gc

    write(state)
    descriptor = os.open(state / NAME, os.O_RDONLY)
    try:
        read_open(descriptor, NAME)
    finally:
        os.close(descriptor)
    assert gc.isenabled()


def test_a_state_that_lies_elsewhere_goes_with_its_file_by_whatever_path(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    file, other = tmp_path / "one/sweep.yaml", tmp_path / "two/sweep.yaml"
    file.write_text("")
    header = HeaderRecord(format=1, source=str(file), salt="00")
    other.write_text("")
    with pytest.raises(StateError, match="another study"):
        check_source(header, "state/journal.jsonl", str(other))
    other.unlink()
    os.link(file, other)  # as where a directory is mounted twice
    check_source(header, "state/journal.jsonl", str(other))
    file.unlink()
    check_source(header, "state/journal.jsonl", str(other))
    with pytest.raises(StateError, match="another study"):
        check_source(header, "state/journal.jsonl", str(tmp_path / "two/gone.yaml"))
