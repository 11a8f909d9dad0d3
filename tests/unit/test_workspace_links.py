"""Outputs that are symlinks: what the user had in place stays, what a failed attempt made or changed goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from records import new_task
from test_workspace import fail, files, judge_of, prepare, put, succeed

from taskrun.journal import MemoryJournal, Records
from taskrun.model import Cause, Ended, Started

KEPT = ".taskrun/sweep/failed/sim"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    found = shared / f"taskrun-{os.getpid()}-links"
    found.mkdir()
    yield found
    for path in sorted(found.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    found.rmdir()


def link(path: Path, to: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


# --- a link that the attempt made -------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["data/real", "out", "../../nowhere"])
def test_one_that_leads_nowhere_is_moved_like_any_output(tmp_path: Path, to: str) -> None:
    task = new_task(outputs=("out",))
    judge = judge_of(tmp_path, task)
    for _ in range(2):
        assert prepare(judge, task).links == {}
        link(tmp_path / "out", to)
        assert fail(judge, task).message == ""
        assert files(tmp_path) == ["FAILED/sim/out"]


def test_one_that_leads_nowhere_is_no_output_and_does_not_stay(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    link(tmp_path / "out", "data/real")
    settled = succeed(judge, task)
    assert (settled.cause, settled.message) == (Cause.MISSING_OUTPUT, "sim did not make out")
    assert files(tmp_path) == ["FAILED/sim/out"]


def test_it_still_leads_there_from_where_it_is_kept_and_its_target_stays(tmp_path: Path) -> None:
    task = new_task(outputs=("sub/out", "directory"))
    put(tmp_path / "data/real", "somebody's")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    link(tmp_path / "sub/out", "../data/real")
    link(tmp_path / "directory", "data")
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/directory", "FAILED/sim/sub/out", "data/real"]
    assert (tmp_path / KEPT / "sub/out").read_text() == "somebody's"
    assert (tmp_path / KEPT / "directory/real").read_text() == "somebody's"
    assert not os.path.isabs(os.readlink(tmp_path / KEPT / "sub/out"))


def test_beside_itself_it_is_kept_where_the_state_does_not_last(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    judge = judge_of(tmp_path, task, is_lasting=False)
    for _ in range(2):
        prepare(judge, task)
        link(tmp_path / "out", "data/real")
        assert fail(judge, task).message == ""
        assert files(tmp_path) == ["out.failed"]
        assert os.readlink(tmp_path / "out.failed") == "data/real"


def test_one_that_was_turned_elsewhere_is_the_attempts(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    put(tmp_path / "real", "old good")
    put(tmp_path / "other", "somebody's, too")
    link(tmp_path / "out", "real")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    (tmp_path / "out").unlink()
    link(tmp_path / "out", "other")
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/out", "other", "real"]
    assert (tmp_path / KEPT / "out").read_text() == "somebody's, too"


def test_a_file_that_took_the_place_of_a_link_is_moved_itself(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    put(tmp_path / "real", "old good")
    link(tmp_path / "out", "real")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    (tmp_path / "out").unlink()
    put(tmp_path / "out", "half")
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/out", "real"]
    assert (tmp_path / "real").read_text() == "old good"


def test_what_is_no_link_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(look: Callable[[str], os.stat_result]) -> Callable[[str], os.stat_result]:
        return lambda path: (asked.append(os.path.basename(path)), look(path))[1]

    task = new_task(outputs=("there", "to come"))
    put(tmp_path / "there", "")
    judge = judge_of(tmp_path, task)
    monkeypatch.setattr(os, "stat", ask(os.stat))
    monkeypatch.setattr(os, "lstat", ask(os.lstat))
    prepare(judge, task)
    assert asked == ["there", "to come", tmp_path.name]


# --- a link that was there before -------------------------------------------------------------------------------------


def test_what_it_leads_to_is_moved_where_that_was_changed_and_the_link_stays(tmp_path: Path) -> None:
    task = new_task(outputs=("a", "b", "same", "gone"))
    for name in ("a", "same", "gone"):
        put(tmp_path / f"real/{name}", "old good")
    for name in task.outputs:
        link(tmp_path / name, f"real/{name}")
    judge = judge_of(tmp_path, task)
    prepared = prepare(judge, task)
    assert prepared.links == {name: f"real/{name}" for name in task.outputs}
    assert sorted(prepared.before) == ["a", "gone", "same"]
    (tmp_path / "a").write_text("half")
    (tmp_path / "b").write_text("half")
    (tmp_path / "real/gone").unlink()
    assert fail(judge, task).message == ""
    assert files(tmp_path) == ["FAILED/sim/a", "FAILED/sim/b", "a", "b", "gone", "real/same", "same"]
    assert [os.readlink(tmp_path / name) for name in task.outputs] == ["real/a", "real/b", "real/same", "real/gone"]
    assert (tmp_path / KEPT / "a").read_text() == (tmp_path / KEPT / "b").read_text() == "half"


def test_one_that_led_nowhere_and_still_does_stays(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    link(tmp_path / "out", "data/real")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    assert succeed(judge, task).cause is Cause.MISSING_OUTPUT
    assert files(tmp_path) == ["out"]


def test_a_directory_behind_it_stays_and_what_is_in_it_goes(tmp_path: Path) -> None:
    task = new_task(outputs=("results", "new"))
    put(tmp_path / "scratch/old", "")
    (tmp_path / "scratch").chmod(0o750)
    link(tmp_path / "results", str(tmp_path / "scratch"))
    link(tmp_path / "new", "scratch-2")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "results/sub/half", "")
    put(tmp_path / "scratch-2/half", "")
    assert fail(judge, task).message == ""
    kept = ["FAILED/sim/new/half", "FAILED/sim/results/old", "FAILED/sim/results/sub/half"]
    assert files(tmp_path) == [*kept, "new", "results"]
    assert os.listdir(tmp_path / "results") == []
    assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o750
    assert not (tmp_path / "scratch-2").exists()


def test_nothing_goes_twice_where_several_outputs_are_one(tmp_path: Path) -> None:
    task = new_task(outputs=("a", "b", "real"))
    link(tmp_path / "a", "real")
    link(tmp_path / "b", "a")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "real", "half")
    assert fail(judge, task).message == ""
    assert files(tmp_path) == ["FAILED/sim/a", "a", "b"]


def test_what_the_task_reads_and_the_study_are_not_moved_from_behind_it(tmp_path: Path) -> None:
    root = tmp_path / "study"
    task = new_task(inputs=("table", "work/config"), outputs=("out", "around", "up", "here"))
    put(root / "data", "1")
    put(root / "work/config", "1")
    for name, to in (("table", "data"), ("out", "data"), ("around", "work"), ("up", ".."), ("here", ".")):
        link(root / name, to)
    judge = judge_of(root, task)
    prepare(judge, task)
    put(root / "data", "changed in place")
    put(root / "work/half", "")
    assert fail(judge, task).message == ""
    assert files(root) == ["around", "data", "here", "out", "table", "up", "work/config", "work/half"]


def test_a_study_that_is_reached_by_a_link_itself_knows_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link(tmp_path / "study", "real")
    root = tmp_path / "study"
    task = new_task(outputs=("out", "up"))
    link(root / "out", "data")
    link(root / "up", str(tmp_path / "real"))
    judge = judge_of(root, task)
    assert prepare(judge, task).links == {"out": "data", "up": str(tmp_path / "real")}
    put(root / "data", "half")
    assert fail(judge, task).message == ""
    assert files(root) == ["FAILED/sim/out", "out", "up"]


def test_on_another_file_system_its_target_is_renamed_beside_itself(tmp_path: Path, elsewhere: Path) -> None:
    task = new_task(outputs=("out", "results"))
    link(tmp_path / "out", str(elsewhere / "real"))
    link(tmp_path / "results", str(elsewhere / "made"))
    (elsewhere / "made").mkdir()
    judge = judge_of(tmp_path, task)
    for content in ("one", "two"):
        prepare(judge, task)
        put(tmp_path / "out", content)
        put(tmp_path / "results/half", content)
        assert fail(judge, task).message == ""
        assert files(tmp_path) == ["out", "results"]
        assert files(elsewhere) == ["made.failed/half", "real.failed"]
        assert (elsewhere / "real.failed").read_text() == (elsewhere / "made.failed/half").read_text() == content
        assert (elsewhere / "made").is_dir()


# --- what an earlier run left -----------------------------------------------------------------------------------------


def test_what_was_a_link_before_is_on_record(tmp_path: Path) -> None:
    task = new_task(outputs=("users", "own"))
    link(tmp_path / "users", "real")
    records = Records()
    prepared = prepare(judge_of(tmp_path, task, records), task)
    MemoryJournal(records, "r1").append([Started(1.0, task, 1, 1, prepared)])
    put(tmp_path / "real", "half")
    link(tmp_path / "own", "real")
    judge_of(tmp_path, task, records).settle(task, Ended(0, 1, 1.0, 2.0, cause=Cause.INTERRUPTED))
    assert files(tmp_path) == ["FAILED/sim/own", "FAILED/sim/users", "users"]
    assert (tmp_path / KEPT / "users").read_text() == "half"
