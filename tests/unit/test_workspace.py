"""What stands around an attempt: parents made, outputs demanded, the half-done moved away and nothing else touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from records import new_task

from taskrun.executors.base import Refused
from taskrun.graph import Draft
from taskrun.journal import MemoryJournal, Records
from taskrun.judge import FileJudge
from taskrun.model import Cause, Ended, FileList, Prepared, Settled, Started, Status, Task
from taskrun.workspace import remove_tree

STATE = ".taskrun/sweep"


def judge_of(
    root: Path, task: Task, records: Records | None = None, state: str = STATE, *, is_lasting: bool = True
) -> FileJudge:
    draft = Draft()
    draft.add(task)
    return FileJudge(draft.build(), records or Records(), root=str(root), state=state, is_lasting=is_lasting)


def prepare(judge: FileJudge, task: Task) -> Prepared:
    prepared = judge.prepare(task)
    assert isinstance(prepared, Prepared)
    return prepared


def fail(judge: FileJudge, task: Task, attempt: int = 1) -> Settled:
    return judge.settle(task, Ended(0, attempt, 1.0, 2.0, exit_code=1))


def succeed(judge: FileJudge, task: Task) -> Settled:
    return judge.settle(task, Ended(0, 1, 1.0, 2.0, exit_code=0))


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(root: Path) -> list[str]:
    """All files below, relative; the failed ones as `FAILED/...`."""
    found = (str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.replace(f"{STATE}/failed/", "FAILED/") for path in found)


def test_parents_of_all_that_a_task_makes_are_made_just_before_it_starts(tmp_path: Path) -> None:
    task = new_task(outputs=("a/b/out",), stdout="logs/out", stderr="errors/err")
    judge = judge_of(tmp_path, task)
    judge.verdict(task, ())
    assert os.listdir(tmp_path) == []
    prepare(judge, task)
    assert sorted(os.listdir(tmp_path)) == ["a", "errors", "logs"]
    assert not (tmp_path / "a/b/out").exists()


def test_a_parent_that_cannot_be_made_is_a_failure_to_start_with_the_systems_words(tmp_path: Path) -> None:
    put(tmp_path / "file", "")
    task = new_task(outputs=("file/out",))
    found = judge_of(tmp_path, task).prepare(task)
    assert found == Refused(Cause.COULD_NOT_START, "cannot make room: file: File exists")
    task = new_task(outputs=("file/below/out",))
    found = judge_of(tmp_path, task).prepare(task)
    assert isinstance(found, Refused)
    assert "Not a directory" in found.message


def test_lists_are_written_before_the_start(tmp_path: Path) -> None:
    task = new_task(lists=(FileList(f"{STATE}/lists/x", ("a b", "bad\udcff")),))
    prepare(judge_of(tmp_path, task), task)
    assert (tmp_path / STATE / "lists/x").read_bytes() == b"a b\nbad\xff\n"


def test_every_declared_output_must_be_there(tmp_path: Path) -> None:
    task = new_task("sim/topology=mesh", outputs=("sims/a", "sims/b", "made"))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "made", "x")
    settled = succeed(judge, task)
    assert (settled.status, settled.cause) == (Status.FAILED, Cause.MISSING_OUTPUT)
    assert settled.message == "sim/topology=mesh did not make sims/a, sims/b"
    assert files(tmp_path) == ["FAILED/sim/topology=mesh/made"]


def test_figures_of_the_outputs_go_with_a_success(tmp_path: Path) -> None:
    task = new_task(outputs=("file", "directory"))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "file", "abc")
    put(tmp_path / "directory/inside", "x")
    settled = succeed(judge, task)
    assert settled.status is Status.SUCCEEDED
    assert settled.outputs[0][:2] == (3, (tmp_path / "file").stat().st_mtime_ns)
    assert isinstance(settled.outputs[1], str)


def test_only_what_the_failed_attempt_made_or_changed_is_moved(tmp_path: Path) -> None:
    task = new_task(inputs=("in",), outputs=("new", "changed", "kept", "sub/new"), stdout="log")
    put(tmp_path / "in", "in")
    put(tmp_path / "changed", "old")
    put(tmp_path / "kept", "good")
    judge = judge_of(tmp_path, task)
    assert sorted(prepare(judge, task).before) == ["changed", "kept"]
    put(tmp_path / "new", "half")
    put(tmp_path / "changed", "half of it")
    put(tmp_path / "sub/new", "half")
    put(tmp_path / "log", "what it said")
    put(tmp_path / "in", "touched")
    settled = fail(judge, task)
    assert (settled.status, settled.cause, settled.message) == (Status.FAILED, Cause.EXIT, "")
    assert files(tmp_path) == ["FAILED/sim/changed", "FAILED/sim/new", "FAILED/sim/sub/new", "in", "kept", "log"]


def test_the_last_failed_attempt_is_kept_until_the_next_failure_that_leaves_something(tmp_path: Path) -> None:
    task = new_task(outputs=("a", "b"))
    judge = judge_of(tmp_path, task)
    for made in ("a", "b"):
        prepare(judge, task)
        put(tmp_path / made, "half")
        fail(judge, task)
        assert files(tmp_path) == [f"FAILED/sim/{made}"]
    prepare(judge, task)
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/b"]


def test_a_directory_is_moved_whole(tmp_path: Path) -> None:
    task = new_task(outputs=("results",))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "results/1/a", "")
    put(tmp_path / "results/2", "")
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/results/1/a", "FAILED/sim/results/2"]


def test_inputs_are_never_moved_even_where_they_are_outputs_too_or_lie_in_one(tmp_path: Path) -> None:
    task = new_task(inputs=("data", "work/config"), outputs=("data", "work"))
    put(tmp_path / "data", "1")
    put(tmp_path / "work/config", "1")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "data", "changed in place")
    put(tmp_path / "work/half", "")
    fail(judge, task)
    assert files(tmp_path) == ["data", "work/config", "work/half"]


def test_the_study_itself_is_never_moved(tmp_path: Path) -> None:
    task = new_task(outputs=(".", "..", str(tmp_path)))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "half", "")
    fail(judge, task)
    assert files(tmp_path) == ["half"]


def test_outputs_elsewhere_are_kept_under_paths_that_lead_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "study"
    root.mkdir()
    task = new_task(outputs=("../up/x", str(tmp_path / "abs/y")))
    judge = judge_of(root, task)
    prepare(judge, task)
    put(tmp_path / "up/x", "")
    put(tmp_path / "abs/y", "")
    fail(judge, task)
    assert files(root) == sorted(["FAILED/sim/%2E%2E/up/x", f"FAILED/sim/%2F{tmp_path}/abs/y"])
    assert files(tmp_path / "up") == files(tmp_path / "abs") == []


def test_on_another_file_system_it_is_renamed_beside_itself(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    output = shared / f"taskrun-{os.getpid()}-out"
    beside = Path(f"{output}.failed")
    task = new_task(outputs=(str(output),))
    judge = judge_of(tmp_path, task)
    try:
        for content in ("one", "two"):
            prepare(judge, task)
            output.write_text(content)
            assert fail(judge, task).message == ""
            assert beside.read_text() == content
            assert not output.exists()
    finally:
        output.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)


def test_where_the_state_does_not_last_it_stays_beside_itself_under_a_name_that_the_task_does_not_use(
    tmp_path: Path,
) -> None:
    task = new_task(inputs=("made/a.failed",), outputs=("made/a", "made/b"))
    put(tmp_path / "made/a.failed", "read")
    judge = judge_of(tmp_path, task, is_lasting=False)
    for content in ("one", "two"):
        prepare(judge, task)
        put(tmp_path / "made/a", content)
        put(tmp_path / "made/b", content)
        assert fail(judge, task).message == ""
        assert files(tmp_path) == ["made/a.failed", "made/a.failed.failed", "made/b.failed"]
        assert (tmp_path / "made/a.failed").read_text() == "read"
        assert (tmp_path / "made/a.failed.failed").read_text() == (tmp_path / "made/b.failed").read_text() == content


def test_a_symlink_is_moved_and_not_what_it_points_to(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    put(tmp_path / "precious", "")
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    (tmp_path / "out").symlink_to(tmp_path / "precious")
    fail(judge, task)
    assert files(tmp_path) == ["FAILED/sim/out", "precious"]


def test_what_cannot_be_moved_is_said_and_no_crash(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    judge = judge_of(tmp_path, task)
    prepare(judge, task)
    put(tmp_path / "out", "half")
    put(tmp_path / STATE / "failed", "a file in the way")
    settled = fail(judge, task)
    assert settled.cause is Cause.EXIT
    assert "cannot move the unfinished out away: " in settled.message


def test_what_an_earlier_run_left_half_done_is_moved_by_what_is_on_record(tmp_path: Path) -> None:
    task = new_task(outputs=("kept", "half"))
    put(tmp_path / "kept", "good")
    records = Records()
    prepared = prepare(judge_of(tmp_path, task, records), task)
    MemoryJournal(records, "r1").append([Started(1.0, task, 1, 1, prepared)])
    put(tmp_path / "half", "...")
    settled = judge_of(tmp_path, task, records).settle(task, Ended(0, 1, 1.0, 2.0, cause=Cause.INTERRUPTED))
    assert settled.cause is Cause.INTERRUPTED
    assert files(tmp_path) == ["FAILED/sim/half", "kept"]


@pytest.mark.parametrize("starts_over", [False, True])
def test_an_attempt_that_outlived_its_runner_leaves_no_script_and_no_empty_log(
    tmp_path: Path, starts_over: bool
) -> None:
    said, silent = new_task("said"), new_task("silent")
    for task, text in ((said, "something"), (silent, "")):
        records = Records()
        prepared = prepare(judge_of(tmp_path, task, records), task)
        MemoryJournal(records, "r1").append([Started(1.0, task, 2, 1, prepared)])
        put(tmp_path / STATE / f"logs/{task.name}.2.log", text)
        put(tmp_path / STATE / f"scripts/{task.name}.2", "true")
        judge = judge_of(tmp_path, task, records)
        if starts_over:
            prepare(judge, task)
        else:
            settled = judge.settle(task, Ended(0, 2, 1.0, 2.0, exit_code=0))
            assert settled.log == (f"{STATE}/logs/said.2.log" if text else None)
    assert files(tmp_path) == [f"{STATE}/logs/said.2.log"]


def test_a_task_that_starts_over_an_attempt_without_an_end_begins_clean(tmp_path: Path) -> None:
    task = new_task(outputs=("half",))
    records = Records()
    prepared = prepare(judge_of(tmp_path, task, records), task)
    MemoryJournal(records, "r1").append([Started(1.0, task, 1, 1, prepared)])
    put(tmp_path / "half", "...")
    assert prepare(judge_of(tmp_path, task, records), task).before == {}
    assert files(tmp_path) == ["FAILED/sim/half"]


def test_what_never_began_moves_nothing(tmp_path: Path) -> None:
    task = new_task(outputs=("out",))
    put(tmp_path / "out", "good")
    settled = judge_of(tmp_path, task).settle(
        task, Ended(0, 1, 1.0, 2.0, cause=Cause.MISSING_INPUT, message="in is not there")
    )
    assert (settled.cause, settled.message) == (Cause.MISSING_INPUT, "in is not there")
    assert files(tmp_path) == ["out"]


@pytest.mark.parametrize("absolute", [False, True])
def test_the_log_is_named_as_seen_from_the_study_where_there_is_anything_in_it(tmp_path: Path, absolute: bool) -> None:
    task = new_task()
    judge = judge_of(tmp_path, task, state=str(tmp_path / STATE) if absolute else STATE)
    prepare(judge, task)
    assert succeed(judge, task).log is None
    put(tmp_path / STATE / "logs/sim.1.log", "")
    assert succeed(judge, task).log is None
    put(tmp_path / STATE / "logs/sim.1.log", "something")
    assert succeed(judge, task).log == f"{STATE}/logs/sim.1.log"


def test_what_lies_too_deep_to_be_removed_is_a_problem_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(path: str) -> None:
        raise RecursionError

    monkeypatch.setattr(shutil, "rmtree", too_deep)
    (tmp_path / "deep").mkdir()
    with pytest.raises(OSError, match="too deep"):
        remove_tree(str(tmp_path / "deep"))
