"""What would run for ever again: directories around a task's own files, and the like. A stable decision, and a word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from records import new_task
from test_freshness import Study, graph

from taskrun.executors.base import Stale
from taskrun.freshness.contents import AT_ONCE
from taskrun.graph import Graph
from taskrun.judge import FileJudge
from taskrun.model import Check, Traits


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def around(*inputs: str, check: Check = Check.STAT, **keys: object) -> Graph:
    """A task that reads these directories, and makes its files somewhere in them."""
    keys = {"outputs": ("out/table",), **keys}
    return graph(new_task("sim", 0, inputs=inputs, traits=Traits(check=check), **keys))  # type: ignore[arg-type]


# --- directories around what a task itself makes ----------------------------------------------------------------------


@pytest.mark.parametrize("check", list(Check))
@pytest.mark.parametrize("directory", [".", "..", "out", "/"])
def test_a_directory_that_is_read_is_without_what_the_task_makes_in_it(
    tmp_path: Path, check: Check, directory: str
) -> None:
    study = Study(tmp_path / "study")
    directory = str(tmp_path) if directory == "/" else directory
    study.put("out/given")
    tasks = around(directory, check=check, stdout="out/log")
    assert study.run(tasks) == {"sim": "new"}
    study.put("out/log", "what it said")
    assert study.run(tasks) == {"sim": "fresh"}
    study.put("out/other", "somebody else's")
    changed = f"input changed: {directory} {because(check)}"
    assert study.run(tasks) == {"sim": "fresh" if check is Check.EXISTS else changed}
    assert study.run(tasks) == {"sim": "fresh"}


def because(check: Check) -> str:
    return "(newer than what is made of it)" if check is Check.MTIME else "(its files)"


def test_a_directory_that_the_task_makes_is_left_out_whole(study: Study) -> None:
    study.put("data/given")
    tasks = around("data", outputs=("data/made",))
    study.run(tasks)
    (study.root / "data/made").unlink()
    study.put("data/made/a", "1")
    study.put("data/made/sub/b")
    found = FileJudge(tasks, study.records, root=str(study.root), state=".taskrun/sweep").verdict(tasks.tasks[0], ())
    assert isinstance(found, Stale)
    assert [str(reason) for reason in found.reasons] == ["output changed: data/made (was a file, is a directory now)"]


@pytest.mark.parametrize("state", [".taskrun/sweep", "deep/.taskrun/sweep", "elsewhere/sweep"])
def test_no_state_directory_is_read(study: Study, state: str) -> None:
    study.put("given")
    study.put(f"{state}/lock", "")
    study.put(f"{state}/journal.jsonl", "a line")
    study.run(around("."))
    study.put(f"{state}/journal.jsonl", "a line, and another")
    study.put(f"{state}/logs/sim.1.log")
    assert study.run(around(".")) == {"sim": "fresh"}


def test_each_reader_of_a_directory_leaves_out_its_own(study: Study) -> None:
    study.put("data/given")
    tasks = graph(
        new_task("one", 0, inputs=("data",), outputs=("data/one",)),
        new_task("both", 1, inputs=("data",), outputs=("both",)),
        needs={1: [(0,)]},
    )
    assert study.run(tasks) == {"one": "new", "both": "new"}
    assert study.run(tasks) == {"one": "fresh", "both": "fresh"}
    study.put("data/one", "edited")
    assert study.run(tasks)["one"] == "output changed: data/one (size)"


def test_much_in_such_a_directory_is_read_by_a_thread(study: Study) -> None:
    study.put("data/given", "x" * (AT_ONCE + 1))
    tasks = around("data", check=Check.HASH, outputs=("data/made",))
    study.run(tasks)
    os.utime(study.root / "data/given", ns=(5, 5))
    judge = FileJudge(tasks, study.records, root=str(study.root), state=".taskrun/sweep")
    try:
        found = judge.verdict(tasks.tasks[0], ())
        while type(found).__name__ == "Pending":
            found = judge.verdict(tasks.tasks[0], ())
        assert not isinstance(found, Stale)
    finally:
        judge.close()


# --- inputs that a command changes, or that come from the future ------------------------------------------------------


class Meddling(Study):
    """Whatever makes `out` also does something to its input."""

    def __init__(self, root: Path, meddle: Callable[[Path], object]) -> None:
        super().__init__(root)
        self.meddle = meddle

    def put(self, path: str, text: str = "text") -> None:
        super().put(path, text)
        if path.startswith("out"):
            self.meddle(self.root / "in")

    def hints(self, tasks: Graph) -> list[str]:
        """What is said of each task's end, all of one run."""
        judge = FileJudge(tasks, self.records, root=str(self.root), state=".taskrun/sweep")
        return [self.execute(judge, task).message for task in tasks.tasks]


def reader(check: Check = Check.STAT, **traits: object) -> Graph:
    return around("in", check=check, outputs=("out",), **traits)


CHANGED = (
    "the input 'in' changed while sim ran, so that it will run again; where its own command does that, in every run"
)


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda path: path.write_text("more and more"), CHANGED),
        (lambda path: path.unlink(), "the input 'in' went away while sim ran: the next run will miss it"),
        (lambda path: path.touch(), ""),
        (lambda path: path.read_text(), ""),
    ],
)
def test_an_input_that_changed_meanwhile_is_worth_a_hint(
    tmp_path: Path, meddle: Callable[[Path], object], said: str
) -> None:
    study = Meddling(tmp_path, meddle)
    study.put("in")
    assert study.hints(reader()) == [said]


def test_a_hint_is_given_once_for_a_step_and_never_of_what_runs_always(tmp_path: Path) -> None:
    study = Meddling(tmp_path, lambda path: path.write_text(path.read_text() + "more"))
    study.put("in")
    several = graph(*(new_task(f"sim/{i}", i, inputs=("in",), outputs=(f"out{i}",)) for i in range(5)))
    assert [hint.count("sim/0") for hint in study.hints(several)] == [1, 0, 0, 0, 0]
    always = graph(new_task("sim", 0, inputs=("in",), outputs=("out",), traits=Traits(always=True)))
    assert study.hints(always) == [""]


def test_by_mtime_an_input_from_the_future_is_changed_when_its_time_changes(tmp_path: Path) -> None:
    future = 10**11 * 10**9 // 10  # ns: the year 2286
    study = Meddling(tmp_path, lambda path: None)
    study.put("in")
    os.utime(study.root / "in", ns=(future, future))
    said = "the time of the input 'in' lies in the future; another one counts as a change"
    assert study.hints(reader(Check.MTIME)) == [said]
    assert study.run(reader(Check.MTIME)) == {"sim": "fresh"}
    os.utime(study.root / "in", ns=(future - 1, future - 1))
    assert study.run(reader(Check.MTIME)) == {"sim": "input changed: in (newer than what is made of it)"}
    assert study.run(reader(Check.MTIME)) == {"sim": "fresh"}


def test_by_mtime_a_command_that_leaves_its_output_as_old_as_it_was_does_not_run_for_ever(study: Study) -> None:
    study.put("in")
    study.run(reader(Check.MTIME))
    os.utime(study.root / "out", ns=(5, 5))
    assert study.run(reader(Check.MTIME)) == {"sim": "fresh"}
