"""Fresh or not: each reason of the design, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from records import STEP, new_task

from taskrun.executors.base import Fresh, Refused, Stale
from taskrun.freshness import Files, Signer
from taskrun.freshness.looks import figure_of, look_at
from taskrun.graph import Draft, Edge, Graph
from taskrun.journal import MemoryJournal, Records
from taskrun.judge import DryJudge, FileJudge
from taskrun.model import (
    Argv,
    Cause,
    Check,
    Ended,
    Finished,
    Prepared,
    Reason,
    ReasonKind,
    Settled,
    Shell,
    Started,
    Step,
    Task,
    mark,
)

GOOD = {"exit_code": 0}


class Study:
    """A directory with files, a graph over it, and a journal in memory; each `run` is a new judge."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = Records()
        self.clock = 1_000_000_000

    def put(self, path: str, text: str = "text") -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self.clock += 1_000_000_000
        os.utime(place, ns=(self.clock, self.clock))

    def run(self, graph: Graph, *, only: set[str] | None = None, force: bool = False) -> dict[str, str]:
        """Run what is stale, in order; what became of each task."""
        judge = FileJudge(graph, self.records, root=str(self.root), state=".taskrun/sweep")
        ran: set[int] = set()
        said = {}
        for task in graph.tasks:
            if only is not None and task.name not in only:
                continue
            nodes = [node for node in graph.needs[task.index] if ran & set(graph.members(node))]
            verdict = judge.verdict(task, nodes)
            if isinstance(verdict, Refused):
                said[task.name] = verdict.message
                continue
            if isinstance(verdict, Fresh) and not force:
                said[task.name] = "fresh"
                continue
            said[task.name] = "; ".join(map(str, verdict.reasons)) if isinstance(verdict, Stale) else "forced"
            ran.add(task.index)
            self.execute(judge, task)
        return said

    def execute(self, judge: FileJudge, task: Task, **ended: object) -> Settled:
        attempt = self.records.attempts(task.name) + 1
        prepared = judge.prepare(task)
        assert isinstance(prepared, Prepared)
        journal = MemoryJournal(self.records, "r")
        journal.append([Started(1.0, task, attempt, 1, prepared)])
        for path in task.outputs:
            self.put(path, f"{task.name} {attempt}")
        end = Ended(task.index, attempt, 1.0, 2.0, **(ended or GOOD))  # type: ignore[arg-type]
        settled = judge.settle(task, end)
        assert isinstance(settled, Settled)
        journal.append([Finished(2.0, task, end, settled)])
        return settled


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


Needs = dict[int, list[tuple[int, ...]]]


def graph(
    *tasks: Task, needs: Needs | None = None, edge: Edge = Edge.FILE, order: Needs | None = None
) -> Graph:
    draft = Draft()
    for task in tasks:
        draft.add(task)
    for consumer, nodes in (needs or {}).items():
        for members in nodes:
            draft.need(consumer, draft.gather(members), edge)
    for consumer, nodes in (order or {}).items():
        for members in nodes:
            draft.need(consumer, draft.gather(members), Edge.ORDER)
    return draft.build()


def chain() -> Graph:
    return graph(
        new_task("sim", 0, inputs=("in",), outputs=("sim.dat",)),
        new_task("parse", 1, inputs=("sim.dat",), outputs=("parse.csv",)),
        needs={1: [(0,)]},
    )


def figure(path: str) -> object:
    return figure_of(look_at(path))


# --- figures ---------------------------------------------------------------------------------------------------------


def test_a_files_figure_is_its_size_and_mtime_symlinks_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("abc")
    os.utime(tmp_path / "a", ns=(5, 1234567890123456789))
    (tmp_path / "link").symlink_to("a")
    assert figure(str(tmp_path / "a")) == figure(str(tmp_path / "link")) == (3, 1234567890123456789)


def test_what_cannot_be_had_has_no_figure(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    for path in ("nowhere", "dangling", "loop", "file/below", "x" * 300, "nul\0"):
        assert figure(str(tmp_path / path)) is None


def test_a_device_is_there_and_nothing_else() -> None:
    assert figure("/dev/null") == (0, 0)


def test_a_directory_is_the_set_of_its_files(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").write_text("1")
    os.utime(top / "a" / "b" / "file", ns=(1, 1))
    first = figure(str(top))
    (top / "empty").mkdir()
    assert figure(str(top)) == first
    (top / "a" / "b" / "file").write_text("2")
    second = figure(str(top))
    (top / "new").write_text("")
    assert len({first, second, figure(str(top))}) == 3


def test_a_directory_of_symlinks_that_go_around_has_a_figure(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "a" / "gone").symlink_to("nowhere")
    (tmp_path / "b\udcff").write_text("x")
    assert figure(str(tmp_path)) == figure(str(tmp_path))


def test_a_directory_may_be_as_deep_as_the_system_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as context:
            context.chdir(tmp_path)
            for _ in range(1500):
                os.mkdir("a")
                os.chdir("a")
            Path("file").write_text("1")
        assert str(figure(str(tmp_path))).startswith("1 files ")
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "a")], check=True)  # Python's own way does not go that deep


def test_equal_looks_at_a_long_list_are_one_object(tmp_path: Path) -> None:
    paths = tuple(f"f{number}" for number in range(100))
    for path in paths:
        (tmp_path / path).write_text(path)
    files = Files(str(tmp_path))
    assert files.looks(paths) is files.looks(paths)
    assert figure_of(files.looks(paths)[3]) == files.figure("f3")
    assert files.take(paths, Check.STAT) is files.take(paths, Check.STAT)


# --- signatures ------------------------------------------------------------------------------------------------------


def test_a_signature_holds_no_value_and_depends_on_the_salt() -> None:
    task = new_task(env={"TOKEN": "hunter2"})
    one, other = Signer("aa").signature(task), Signer("bb").signature(task)
    assert "hunter2" not in str(one)
    assert one.env["TOKEN"] != other.env["TOKEN"]
    assert Signer("aa").signature(task) == one


def test_marks_are_signed_as_written() -> None:
    cores = mark("{task.cores}", "4")
    assert Signer("").signature(Task(0, "a", STEP, Shell(f"make -j{cores}"))).command == "make -j{task.cores}"
    assert Signer("").signature(Task(0, "a", STEP, Argv(("make", cores)))).command == ("make", "{task.cores}")
    assert Signer("").signature(Task(0, "a", STEP, Argv(("make", cores)))).shell == ()
    task = new_task(env={"N": cores})
    assert Signer("").signature(task).env == Signer("").signature(new_task(env={"N": "{task.cores}"})).env


def test_values_of_the_point_and_lets_are_signed_whatever_their_order() -> None:
    one = Task(0, "a", Step("a", ("x", "y"), ("seed",)), Shell("c"), values=("1", "2"), lets=("12",))
    other = Task(0, "a", Step("a", ("y", "x"), ("seed",)), Shell("c"), values=("2", "1"), lets=("12",))
    assert Signer("s").signature(one) == Signer("s").signature(other)
    assert sorted(Signer("s").signature(one).env) == ["TASKRUN_PARAM_SEED", "TASKRUN_PARAM_X", "TASKRUN_PARAM_Y"]


def test_one_value_under_two_names_has_two_hashes() -> None:
    env = Signer("salt").signature(new_task(env={"A": "v", "B": "v"})).env
    assert env["A"] != env["B"]


# --- reasons ---------------------------------------------------------------------------------------------------------


def test_the_second_run_finds_everything_fresh(study: Study) -> None:
    study.put("in")
    assert study.run(chain()) == {"sim": "new", "parse": "new"}
    assert study.run(chain()) == {"sim": "fresh", "parse": "fresh"}


def test_a_changed_input_reruns_the_task_and_what_needs_it(study: Study) -> None:
    study.put("in", "1")
    study.run(chain())
    study.put("in", "22")
    assert study.run(chain()) == {
        "sim": "input changed: in (size)",
        "parse": "input changed: sim.dat (content)",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action": Shell("netsim -s 2000 -t mesh")}, "command changed: 1000 → 2000"),
        ({"action": Shell("netsim -t mesh")}, "command changed: -s 1000 → nothing"),
        ({"env": {"A": "2", "B": "b"}}, "env changed: A"),
        ({"env": {"A": "1"}}, "env changed: B"),
        ({"cwd": "sub"}, "cwd changed: . → sub"),
        ({"action": Shell("netsim -s 1000 -t mesh", ("sh", "-c"))}, "shell changed: bash -euo pipefail -c → sh -c"),
        ({"inputs": ("in", "in2")}, "inputs changed: its inputs grew: in2"),
        ({"inputs": ("in2",)}, "inputs changed: came: in2; went: in"),
        ({"outputs": ("out", "out2")}, "outputs changed: came: out2; output missing: out2"),
    ],
)
def test_each_part_of_the_signature_has_its_reason(study: Study, changes: dict[str, object], reason: str) -> None:
    study.put("in")
    study.put("in2")
    keys: dict[str, object] = {
        "action": Shell("netsim -s 1000 -t mesh"),
        "env": {"A": "1", "B": "b"},
        "inputs": ("in",),
        "outputs": ("out",),
    }
    study.run(graph(Task(0, "sim", STEP, **keys)))  # type: ignore[arg-type]
    changed = graph(Task(0, "sim", STEP, **{**keys, **changes}))  # type: ignore[arg-type]
    assert study.run(changed) == {"sim": reason}
    assert study.run(changed) == {"sim": "fresh"}


def test_order_of_inputs_is_a_change(study: Study) -> None:
    study.put("a")
    study.put("b")
    study.run(graph(new_task(inputs=("a", "b"), outputs=("out",))))
    assert study.run(graph(new_task(inputs=("b", "a"), outputs=("out",)))) == {
        "sim": "inputs changed: in another order"
    }


def test_outputs_that_are_gone_or_changed_are_made_again(study: Study) -> None:
    task = graph(new_task(outputs=("a", "b")))
    study.run(task)
    (study.root / "a").unlink()
    study.put("b", "touched by someone else")
    assert study.run(task) == {"sim": "output missing: a; output changed: b (size)"}


def test_many_files_are_counted_after_three(study: Study) -> None:
    task = graph(new_task(outputs=tuple(f"o{number}" for number in range(100))))
    study.run(task)
    for number in range(100):
        (study.root / f"o{number}").unlink()
    assert study.run(task) == {"sim": "output missing: o0, o1, o2 and 97 more"}


def test_a_task_without_outputs_is_done_once_recorded_but_its_redirect_must_be_there(study: Study) -> None:
    task = graph(new_task(stdout="log"))
    study.put("log")
    study.run(task)
    study.put("log", "changed")
    assert study.run(task) == {"sim": "fresh"}
    (study.root / "log").unlink()
    assert study.run(task) == {"sim": "output missing: log"}


def test_the_redirect_file_of_a_task_with_outputs_is_a_log(study: Study) -> None:
    task = graph(new_task(stdout="log", outputs=("out",)))
    study.run(task)
    assert study.run(task) == {"sim": "fresh"}


def test_what_a_need_did_in_an_earlier_run_of_its_own_counts(study: Study) -> None:
    study.put("in")
    ordered = Draft()
    ordered.add(new_task("first", 0))
    ordered.add(new_task("second", 1, outputs=("out",)))
    ordered.need(1, 0, Edge.ORDER)
    tasks = ordered.build()
    study.run(tasks)
    assert study.run(tasks, only={"first"}, force=True) == {"first": "forced"}
    assert study.run(tasks) == {"first": "fresh", "second": "needs ran: first"}
    assert study.run(tasks) == {"first": "fresh", "second": "fresh"}


def test_a_gather_names_those_that_ran(study: Study) -> None:
    tasks = graph(
        *[new_task(f"sim/{number}", number) for number in range(5)],
        new_task("plot", 5, outputs=("plot.png",)),
        needs={5: [(0, 1, 2, 3, 4)]},
        edge=Edge.ORDER,
    )
    study.run(tasks)
    assert study.run(tasks)["plot"] == "fresh"
    study.run(tasks, only={"sim/1"}, force=True)
    assert study.run(tasks)["plot"] == "needs ran: sim/1"


def test_failed_and_interrupted_tasks_run_again_and_say_so(study: Study) -> None:
    task = new_task(outputs=("out",))
    judge = FileJudge(graph(task), study.records, root=str(study.root), state=".taskrun/sweep")
    study.execute(judge, task, exit_code=3)
    assert judge.verdict(task, ()) == Stale((Reason(ReasonKind.FAILED_BEFORE, "exit 3"),))
    study.execute(judge, task, exit_code=None, signal="SIGKILL")
    assert judge.verdict(task, ()) == Stale((Reason(ReasonKind.FAILED_BEFORE, "SIGKILL"),))
    study.execute(judge, task, exit_code=None, cause=Cause.INTERRUPTED)
    assert judge.verdict(task, ()) == Stale((Reason(ReasonKind.INTERRUPTED),))
    prepared = judge.prepare(task)
    assert isinstance(prepared, Prepared)
    MemoryJournal(study.records, "r").append([Started(1.0, task, 9, 1, prepared)])
    assert judge.verdict(task, ()) == Stale((Reason(ReasonKind.INTERRUPTED),))


def test_an_input_that_is_not_there_is_refused(study: Study) -> None:
    assert study.run(graph(new_task(inputs=("in", "in2")))) == {"sim": "in, in2 are not there"}
    judge = FileJudge(chain(), study.records, root=str(study.root), state=".taskrun/sweep")
    assert judge.verdict(chain().tasks[0], ()) == Refused(Cause.MISSING_INPUT, "in is not there")
    assert judge.prepare(chain().tasks[0]) == Refused(Cause.MISSING_INPUT, "in is not there")


def test_what_a_need_should_have_made_and_is_not_there_is_refused(study: Study) -> None:
    study.put("in")
    study.run(chain())
    (study.root / "sim.dat").unlink()
    judge = FileJudge(chain(), study.records, root=str(study.root), state=".taskrun/sweep")
    assert judge.verdict(chain().tasks[1], ()) == Refused(Cause.MISSING_INPUT, "sim.dat is not there")


def test_a_dry_run_takes_what_would_be_made_for_made(study: Study) -> None:
    study.put("in")
    tasks = graph(
        new_task("sim", 0, inputs=("in",), outputs=("sims",)),
        new_task("parse", 1, inputs=("sims/1/a",), outputs=("x/y",)),
        new_task("plot", 2, inputs=("x", "other"), outputs=("png",)),
        needs={1: [(0,)], 2: [(1,)]},
    )
    judge = DryJudge(tasks, study.records, root=str(study.root))
    sim, parse, plot = tasks.tasks
    ended = Ended(0, 1, 0.0, 0.0, **GOOD)  # type: ignore[arg-type]
    assert isinstance(judge.verdict(sim, ()), Stale)
    judge.settle(sim, ended)
    assert judge.verdict(parse, (0,)) == Stale((Reason(ReasonKind.NEW),))
    judge.settle(parse, ended)
    assert judge.verdict(plot, (1,)) == Refused(Cause.MISSING_INPUT, "other is not there")
    study.put("other")
    judge = DryJudge(tasks, study.records, root=str(study.root))
    judge.settle(parse, ended)
    assert isinstance(judge.verdict(plot, (1,)), Stale)
    assert sorted(os.listdir(study.root)) == ["in", "other"]


def test_10_000_tasks_over_10_000_files_look_at_each_file_a_few_times(study: Study) -> None:
    count = 2000
    paths = tuple(f"in/{number}" for number in range(count))
    (study.root / "in").mkdir()
    for path in paths:
        (study.root / path).touch()
    tasks = graph(*[new_task(f"plot/{number}", number, inputs=paths, stdout="log") for number in range(count)])
    study.put("log")
    judge = FileJudge(tasks, study.records, root=str(study.root), state=".taskrun/sweep")
    for task in tasks.tasks:
        study.execute(judge, task)
    judge = FileJudge(tasks, study.records, root=str(study.root), state=".taskrun/sweep")
    assert all(judge.verdict(task, ()) == Fresh() for task in tasks.tasks)
