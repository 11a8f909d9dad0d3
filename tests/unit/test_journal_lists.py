"""Long lists of inputs stand in the journal once, whichever tasks and records name them."""

from __future__ import annotations

from pathlib import Path

from records import confirmed, finished, read, started, write

from taskrun.model import Signature

NAME = "journal.jsonl"


def test_a_long_list_that_tasks_share_is_written_once_and_read_as_one(tmp_path: Path) -> None:
    paths = tuple(f"sims/{number}/sim.dat" for number in range(1000))
    figures = tuple((number, number) for number in range(1000))
    signature = Signature("plot", inputs=paths)
    names = [f"plot/{number}" for number in range(100)]
    content = write(tmp_path, *[[started(name, signature=signature, inputs=figures)] for name in names])
    assert len(content) < 100_000
    records = read(tmp_path)
    starts = [past.start for past in records.pasts() if past.start is not None]
    assert len(starts) == 100
    assert {(start.signature.inputs, start.inputs) for start in starts} == {(paths, figures)}
    assert len({id(start.signature.inputs) for start in starts} | {id(start.inputs) for start in starts}) == 2
    write(tmp_path, [started("more", signature=signature, inputs=figures)], run="r2")
    assert (tmp_path / NAME).read_bytes().count(b'"kind":"list"') == 2
    past = read(tmp_path).past("more")
    assert past is not None
    assert past.start is not None
    assert past.start.signature.inputs == paths


def test_the_many_inputs_of_a_confirmation_stand_in_a_list(tmp_path: Path) -> None:
    old = tuple((number, 1) for number in range(64))
    new = tuple((number, 2) for number in range(64))
    signature = Signature("plot", inputs=tuple(f"in/{number}" for number in range(64)))
    names = [f"plot/{number}" for number in range(10)]
    write(tmp_path, [event for name in names for event in (started(name, 1, signature, inputs=old), finished(name))])
    content = write(tmp_path, [confirmed(name, inputs=new) for name in names], run="r2")
    assert content.count(b'"kind":"list"') == 3
    starts = [past.start for past in read(tmp_path).pasts()]
    assert {start.inputs for start in starts if start is not None} == {new}
    write(tmp_path, [confirmed("plot/0", inputs=new[1:])], run="r3")
    assert (tmp_path / NAME).read_bytes().count(b'"kind":"list"') == 3
