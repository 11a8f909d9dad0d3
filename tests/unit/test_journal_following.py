"""A journal read on while another process appends to it, cuts it, or puts a compact one in its place."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from taskrun.errors import StateError
from taskrun.journal import JOURNAL, Follower, Records, read_journal
from taskrun.journal.lines import to_line
from taskrun.model import EndRecord, HeaderRecord, RunRecord, Signature, StartRecord

SOURCE = "sweep.yaml"


def lines() -> bytes:
    found = to_line(HeaderRecord(format=1, source=SOURCE, salt="00"))
    found += to_line(RunRecord(run="r", time=0.0, host="h", boot="b", pid=1))
    for number in range(100):
        name = f"sim/n={number}"
        found += to_line(
            StartRecord(run="r", task=name, attempt=1, round=1, time=float(number), signature=Signature("x"))
        )
        if number % 3:
            found += to_line(EndRecord(task=name, attempt=1, time=float(number), status="succeeded"))
    return found


def seen(records: Records) -> dict[str, tuple[object, object]]:
    return {past.name: (past.start, past.end) for past in records.pasts()}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_writer_does_the_follower_knows_what_a_reader_from_the_beginning_knows(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    journal = tmp_path / JOURNAL
    follower = Follower(os.fspath(tmp_path), source=SOURCE)
    follower.catch_up()
    text, at = lines(), 0
    while at < len(text):
        piece = text[at : at + chance.choice([1, 40, 500, 5000])]
        if chance.random() < 0.3:  # half of it, which the next write cuts off
            journal.write_bytes(text[:at] + piece[: len(piece) // 2])
        else:
            at += len(piece)
            journal.write_bytes(text[:at])
        if chance.random() < 0.1:
            (tmp_path / "new").write_bytes(journal.read_bytes())
            os.replace(tmp_path / "new", journal)
        follower.catch_up()
        assert seen(follower.records) == seen(read_journal(os.fspath(tmp_path)) or Records())
    assert len(seen(follower.records)) == 100


def test_the_journal_of_another_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(lines())
    with pytest.raises(StateError, match=r"made from 'sweep\.yaml', not 'other\.yaml'"):
        Follower(os.fspath(tmp_path), source="other.yaml").catch_up()
