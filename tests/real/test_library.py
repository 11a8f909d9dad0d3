"""The library with real processes; this test program is the host."""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from studies import Folder, command, wait_until

import taskrun
from taskrun import Failure, Manager, Summary, UsageError
from taskrun.errors import StateError, StateHeldError

pytestmark = pytest.mark.real

EXAMPLE = Path(__file__).parent.parent / "typed_example.py"
DONE = Summary(ok=True, succeeded=0, failed=0, fresh=0, skipped=0)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FORCE_COLOR", "NO_COLOR", "BASH_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def chain(root: Path, *, word: str = "one") -> Manager:
    """A file, its copy, and a task without files after that."""
    manager = Manager("sims", root=root)
    manager.task_new("make", f"echo {word} >a; echo made >>ran", outputs="a", step="first")
    copy = manager.task_new("copy", ["cp", "a", "b"], inputs=["a"], outputs="b")
    manager.task_new("last", "echo last >>ran", after=copy)
    return manager


# --- run --------------------------------------------------------------------------------------------------------------


def test_a_run_does_what_is_not_done(root: Path) -> None:
    manager = chain(root)
    first = manager.run()
    assert first == Summary(ok=True, succeeded=3, failed=0, fresh=0, skipped=0)
    assert ((root / "b").read_text(), (root / "ran").read_text()) == ("one\n", "made\nlast\n")
    assert manager.run() == Summary(ok=True, succeeded=0, failed=0, fresh=3, skipped=0)
    assert chain(root).run().fresh == 3
    assert chain(root, word="two").run() == first
    assert first.succeeded == 3
    assert (root / "b").read_text() == "two\n"


def test_tasks_can_be_added_after_a_run(root: Path) -> None:
    manager = chain(root)
    manager.run()
    more = manager.task_new("more", "cat b >c", inputs="b", stdout="c")
    assert manager.run() == Summary(ok=True, succeeded=1, failed=0, fresh=3, skipped=0)
    manager.tasks[-2].dependency_is(more)
    manager.task_new("and more", "true")
    assert manager.run().succeeded == 2  # what needs `more` without a file has not run since that did


def test_a_manager_without_tasks_has_nothing_to_do(root: Path) -> None:
    assert Manager("sims", root=root).run() == DONE
    assert Manager(root=root).run(dry_run=True) == DONE


def test_selected_tasks_bring_what_they_need(root: Path) -> None:
    manager = chain(root)
    assert manager.run("copy").succeeded == 2
    assert manager.run(manager.tasks[0], force=True) == Summary(ok=True, succeeded=1, failed=0, fresh=0, skipped=0)
    assert manager.run("first", only=True).fresh == 1
    only = Manager("other", root=root)
    needed = only.task_new("needed", "true")
    assert only.run(only.task_new("task", "true", after=needed), only=True).skipped == 1


def test_a_handle_selects_its_task_and_nothing_else(root: Path) -> None:
    manager = Manager("sims", root=root)
    for name in ("sims", "a=b", "[x]", "x"):
        manager.task_new(name, "true")
    for task in manager.tasks:
        assert manager.run(task, force=True).succeeded == 1
    assert manager.run("sims", force=True).succeeded == 4  # the step


def test_a_selection_that_matches_nothing_is_an_error_at_the_call(root: Path) -> None:
    manager = chain(root)
    with pytest.raises(UsageError, match=r"no step or task is called 'copi'; did you mean 'copy'\?"):
        manager.run("copi")
    with pytest.raises(UsageError, match=r"no step or task is called 'copi'"):
        manager.stream("copi")
    assert not (root / ".taskrun").exists()


def test_jobs_of_a_run_win_over_those_of_the_manager(root: Path) -> None:
    manager = Manager("sims", jobs=3, root=root)
    manager.task_new("all", "echo $TASKRUN_CORES", stdout="cores", cores=8)
    manager.run()
    assert (root / "cores").read_text() == "3\n"
    manager.run(jobs=2, force=True)
    assert (root / "cores").read_text() == "2\n"
    with pytest.raises(UsageError, match="jobs=0"):
        manager.run(jobs=0)


# --- failures ---------------------------------------------------------------------------------------------------------


def test_failures_are_in_the_summary_and_raise_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager("sims", root=root, jobs=1)
    bad = manager.task_new("bad one", "echo why >&2; exit 3")
    manager.task_new("killed", "kill -KILL $$")
    manager.task_new("redirected", "echo text; exit 1", stdout="text", stderr="nothing")
    manager.task_new("forgets", "true", outputs="x/y")
    manager.task_new("not there", ["no-such-program"])
    manager.task_new("reads", "true", inputs="missing")
    manager.task_new("after", "true", after=manager.task_new("between", "true", after=bad))
    summary = manager.run()
    assert (summary.ok, summary.succeeded, summary.failed, summary.skipped) == (False, 0, 6, 2)
    assert summary.stopped_by is None
    found = {failure.task: failure for failure in summary.failures}
    assert {name: (one.cause, one.exit_code, one.signal) for name, one in found.items()} == {
        "bad one": ("exit", 3, None),
        "killed": ("signal", None, "SIGKILL"),
        "redirected": ("exit", 1, None),
        "forgets": ("missing output", 0, None),
        "not there": ("could not start", None, None),
        "reads": ("missing input", None, None),
    }
    monkeypatch.chdir("/")
    assert Path(found["bad one"].log or "").read_text() == "why\n"
    assert found["redirected"].log == str(root / "text")
    assert found["killed"].log is None
    assert "x/y" in found["forgets"].message
    assert "missing" in found["reads"].message
    assert all(failure.seconds >= 0 for failure in summary.failures)


def test_a_failure_is_a_value(root: Path) -> None:
    failure = Failure("a", "exit", 1, None, 0.5, "", None)
    assert failure == Failure("a", "exit", 1, None, 0.5, "", None)
    with pytest.raises(AttributeError):
        failure.task = "b"  # type: ignore[misc]


# --- stream -----------------------------------------------------------------------------------------------------------


def test_the_stream_is_that_of_run_json(root: Path, folder: Folder) -> None:
    events = list(chain(root).stream())
    assert [(type(event), getattr(event, "task", None)) for event in events] == [
        (taskrun.RunStarted, None),
        (taskrun.Started, "make"), (taskrun.Finished, "make"),
        (taskrun.Started, "copy"), (taskrun.Finished, "copy"),
        (taskrun.Started, "last"), (taskrun.Finished, "last"),
        (taskrun.RunFinished, None),
    ]  # fmt: skip
    folder.write("sweep.yaml", "steps: {a: 'true'}\n")
    printed = {event["event"]: set(event) - {"event"} for event in folder.events()}
    for event in events:
        assert printed[event.__struct_config__.tag] == set(event.__struct_fields__)


def test_each_event_is_on_record_when_it_comes(root: Path) -> None:
    for event in chain(root).stream():
        text = (root / ".taskrun/sims/journal.jsonl").read_text()
        kinds = [(record["kind"], record.get("task")) for record in map(json.loads, text.splitlines())]
        if isinstance(event, taskrun.Started):
            assert ("start", event.task) in kinds
            assert ("spawn", event.task) in kinds, "it is told of when there is a process"
        elif isinstance(event, taskrun.Finished):
            assert ("end", event.task) in kinds


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("way", ["close", "del"])
def test_leaving_the_stream_early_ends_what_runs_and_lets_the_state_go(root: Path, way: str) -> None:
    manager = Manager("sims", root=root, jobs=2)
    manager.task_new("sleep", "echo $$ >pid; exec sleep 1000")
    manager.task_new("waits", "until [ -s pid ]; do sleep 0.01; done")
    stream = manager.stream()

    def follow() -> None:
        for event in stream:
            if isinstance(event, taskrun.Finished):
                raise KeyError(event.task)

    with pytest.raises(KeyError, match="waits"):
        follow()
    pid = int((root / "pid").read_text())
    assert lives(pid)
    if way == "close":
        stream.close()
    else:
        del stream, follow
        gc.collect()
    assert not lives(pid)
    records = [json.loads(line) for line in (root / ".taskrun/sims/journal.jsonl").read_text().splitlines()]
    ends = {record["task"]: record.get("cause") for record in records if record["kind"] == "end"}
    assert ends == {"waits": None, "sleep": "cancelled"}
    assert [record["cancelled"] for record in records if record["kind"] == "run_end"] == [1]
    status = subprocess.run(command("status", "--name", "sims"), cwd=root, capture_output=True, text=True, check=True)
    assert ": left early by its program: 1 succeeded, 1 cancelled\n" in status.stdout
    assert manager.run("waits").fresh == 1


def test_a_stream_that_nobody_reads_starts_nothing(root: Path) -> None:
    manager = chain(root)
    stream = manager.stream()
    assert not (root / ".taskrun").exists()
    stream.close()
    assert manager.run().succeeded == 3


def test_a_run_inside_a_run_of_the_same_study_is_refused(root: Path) -> None:
    manager = chain(root)
    for event in manager.stream():
        if isinstance(event, taskrun.Started):
            for again in (manager, chain(root)):
                with pytest.raises(StateHeldError, match=f"pid {os.getpid()}"):
                    again.run()
    assert manager.run().fresh == 3


def test_runs_of_one_manager_in_two_threads_do_not_disturb_each_other(root: Path) -> None:
    manager = Manager("sims", root=root)
    manager.task_new("waits", "until [ -e go ]; do sleep 0.01; done; touch made", outputs="made")
    summaries: list[Summary] = []
    first = threading.Thread(target=lambda: summaries.append(manager.run()))
    first.start()
    wait_until((root / ".taskrun/sims/logs").exists)
    with pytest.raises(StateHeldError):
        manager.run()
    (root / "go").touch()
    first.join()
    assert summaries == [Summary(ok=True, succeeded=1, failed=0, fresh=0, skipped=0)]


def test_managers_one_after_another_keep_states_of_their_own(root: Path) -> None:
    one, two = Manager("one", root=root), Manager("two", root=root)
    for manager in (one, two):
        manager.task_new("same", f"touch {manager.name}", outputs=manager.name)
    assert [manager.run().succeeded for manager in (one, two, one, two)] == [1, 1, 0, 0]
    assert sorted(os.listdir(root / ".taskrun")) == ["one", "two"]
    for event in one.stream(force=True):
        if isinstance(event, taskrun.Started):
            assert two.run(force=True).succeeded == 1


def test_a_state_of_another_source_is_refused(root: Path) -> None:
    (root / "sims.yaml").write_text("steps: {a: 'true'}\n")
    taskrun.load(root / "sims.yaml").run()
    with pytest.raises(StateError, match=r"sims\.yaml"):
        chain(root).run()


def test_without_a_name_nothing_is_kept(root: Path) -> None:
    manager = Manager(root=root)
    manager.task_new("ok", "touch x", outputs="x")
    manager.task_new("bad", "echo why; exit 1")
    for _ in range(2):
        summary = manager.run()
        assert (summary.succeeded, summary.failed) == (1, 1)
        assert Path(summary.failures[0].log or "").read_text() == "why\n"
    assert os.listdir(root) == ["x"]


# --- what is written --------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_it_is_asked_for(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    manager = chain(root)
    manager.task_new("bad", "echo to the log; exit 1")
    manager.run()
    list(manager.stream(force=True))
    assert capfd.readouterr() == ("", "")


def test_a_dry_run_prints_what_bash_can_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manager = chain(root)
    manager.task_new("dirs", "cat b", stdout="d/e/f", inputs="b", cwd=".", env={"X": "a b"})
    assert manager.run(dry_run=True) == DONE
    printed = capsys.readouterr()
    assert (os.listdir(root), printed.err) == ([], "")
    subprocess.run(["bash"], input=printed.out, text=True, check=True)
    assert ((root / "b").read_text(), (root / "d/e/f").read_text()) == ("one\n", "one\n")
    manager.run()
    assert manager.run(dry_run=True) == Summary(ok=True, succeeded=0, failed=0, fresh=4, skipped=0)
    assert capsys.readouterr() == ("", "")
    bad = Manager("bad", root=root)
    bad.task_new("reads", "true", inputs="missing")
    summary = bad.run(dry_run=True)
    assert (summary.ok, summary.failed, summary.failures[0].cause) == (False, 1, "missing input")


def test_progress_is_shown_where_standard_error_is_captured(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manager = chain(root)
    manager.task_new("bad", "echo why; exit 3", desc="what for")
    manager.run(progress=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert lines[0] == "first ×1   sims ×3"
    assert "manager.run('bad')" in printed.err
    assert lines[-1].endswith("3 succeeded, 1 failed")


def test_commands_are_printed_when_they_start(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manager = chain(root)
    manager.run(commands=True)
    assert capsys.readouterr() == ("echo one >a; echo made >>ran\ncp a b\necho last >>ran\n", "")
    manager.run(commands=True, progress=True, force=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cp a b" in printed.err


def test_commands_that_nobody_can_read_end_no_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        for stream in (None, io.TextIOWrapper(pipe, write_through=True), io.TextIOWrapper(io.BytesIO(), "ascii")):
            monkeypatch.setattr(sys, "stdout", stream)
            manager = Manager(root=root)
            manager.task_new("a", ["touch", "\xe4 \udcff"])
            manager.task_new("b", "true", after=manager.tasks)
            assert manager.run(commands=True).ok
        assert isinstance(stream, io.TextIOWrapper)
        assert stream.buffer.getvalue() == b"touch '\xc3\xa4 \xff'\ntrue\n"


def test_progress_is_shown_where_the_current_directory_is_gone(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path_factory.mktemp("gone")
    monkeypatch.chdir(gone)
    gone.rmdir()
    manager = Manager("sims", root=root)
    manager.task_new("bad", "echo why; exit 1")
    assert manager.run(progress=True).failed == 1


# --- beside the command line ------------------------------------------------------------------------------------------


def test_a_loaded_sweep_goes_on_where_the_command_line_stopped(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "sweep: {n: [1, 2]}\nsteps:\n  sim: {run: 'echo {n} >{outputs}', outputs: 'sim/{n}'}\n"
        "  sum: {run: 'cat {sim.outputs} >{outputs}', outputs: total}\n",
    )
    assert folder.taskrun("run", "n=1", "sim").returncode == 0
    manager = taskrun.load(folder.path / "sweep.yaml")
    assert manager.run() == Summary(ok=True, succeeded=2, failed=0, fresh=1, skipped=0)
    assert folder.read("total") == "1\n2\n"
    assert {event["event"] for event in folder.events()} == {"run_started", "fresh", "run_finished"}
    manager.task_new("show", "cat total", inputs="total", stdout="shown")
    assert manager.run() == Summary(ok=True, succeeded=1, failed=0, fresh=3, skipped=0)
    assert folder.read("shown") == "1\n2\n"
    assert folder.taskrun("run").returncode == 0


def test_the_typed_example_passes_mypy_and_runs(root: Path) -> None:
    words = [sys.executable, "-m", "mypy", "--strict", str(EXAMPLE)]
    checked = subprocess.run(words, cwd=EXAMPLE.parent.parent, capture_output=True, text=True, check=False)
    assert checked.stdout.startswith("Success"), checked.stdout
    ran = subprocess.run([sys.executable, str(EXAMPLE), str(root)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1] == "3 6 []"


def test_a_failure_that_never_ran_has_no_log_of_an_earlier_one(tmp_path: Path) -> None:
    manager = taskrun.Manager("s", root=tmp_path)
    manager.task_new("a", "echo said; exit 1", stdout="out", inputs="in")
    (tmp_path / "in").write_text("")
    assert manager.run().failures[0].log == str(tmp_path / "out")
    (tmp_path / "in").unlink()
    failure = manager.run().failures[0]
    assert (failure.cause, failure.log) == ("missing input", None)


def test_standard_error_may_go_to_a_file_called_stdout(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: {run: 'echo out; echo err >&2', stdout: o, stderr: ./stdout}}\n")
    assert folder.taskrun("run").returncode == 0
    assert (folder.read("o"), folder.read("stdout")) == ("out\n", "err\n")
