"""A study made call by call is the study of the sweep file with the same tasks; a loaded one can grow."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import study

import taskrun
from taskrun import Manager
from taskrun.errors import CycleError, GraphError, SweepError, UsageError
from taskrun.graph import Graph, Study
from taskrun.model import Shell, Task, as_run

Needs = dict[str, bool]  # by name, whether for a file


def needs(graph: Graph, task: Task) -> Needs:
    found: Needs = {}
    for node in graph.needs[task.index]:
        for member in graph.members(node):
            name = graph.tasks[member].name
            found[name] = found.get(name, False) or graph.edge(task.index, node).has_file
    return found


def told(made: Study) -> dict[str, object]:
    """What matters of a study's tasks."""
    return {
        task.name: (task.inputs, set(task.outputs), task.stdout, task.stderr, needs(made.graph, task))
        for task in made.graph.tasks
    }


def text(task: Task) -> str:
    assert isinstance(task.action, Shell)
    return as_run(task.action.text, 1)


def rebuilt(made: Study, chance: random.Random) -> Manager:
    """The same tasks, one call after another; these, and what each comes after, are said in any order."""
    manager = Manager(made.name, root=made.root)
    orders = []
    for task in chance.sample(made.graph.tasks, len(made.graph)):
        redirects = {task.stdout, task.stderr} if chance.random() < 0.5 else set()
        outputs = [path for path in task.outputs if path not in redirects]
        manager.task_new(
            task.name, text(task), task.stdout, task.stderr,
            step=task.step.name, inputs=list(task.inputs), outputs=outputs,
        )  # fmt: skip
        for name, has_file in needs(made.graph, task).items():
            if not has_file or chance.random() < 0.3:
                orders.append((task.name, name))
    handles = {task.name: task for task in manager.tasks}
    chance.shuffle(orders)
    for consumer, producer in orders:
        handles[consumer].dependency_is(handles[producer])
    return manager


@st.composite
def sweeps(draw: st.DrawFn) -> str:
    """A sweep file of a few steps, each reading some of those before it: by placeholder, by path, or not at all."""
    lines = ["sweep: {a: [1, 2, 3], b: [x, y]}", "steps:"]
    for number in range(draw(st.integers(2, 5))):
        where = draw(st.sampled_from(["{a}/{b}", "{a}", "{b}", "all"])) if number else "{a}/{b}"
        lines += [f"  s{number}:", f"    outputs: s{number}/{where}/out"]
        if draw(st.booleans()):
            lines.append(f"    stdout: s{number}/{where}/log")
        words, inputs, after = [], [], []
        for other in range(number):
            match draw(st.integers(0, 5)):
                case 0:
                    words.append(f"{{s{other}.outputs}}")
                case 1:
                    inputs.append(f"s{other}")
                case 2:
                    inputs.append(f"{{s{other}.outputs}}")
                case 3:
                    after.append(f"s{other}")
        lines += [f"    inputs: [{', '.join(map(repr, inputs))}]"] if inputs else []
        lines += [f"    after: [{', '.join(after)}]"] if after else []
        lines.append(f'    run: "make {" ".join(words)}"')
    return "\n".join(lines) + "\n"


@given(sweeps(), st.integers(0, 999))
@settings(max_examples=60)
def test_the_same_tasks_make_the_same_graph(sweep: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = study(Path(directory), sweep).study
        again = rebuilt(made, random.Random(seed)).study()
        assert told(again) == told(made)
        assert {shape.step: shape.count for shape in again.shapes} == {shape.step: shape.count for shape in made.shapes}


@given(sweeps(), st.integers(0, 999))
@settings(max_examples=40)
def test_a_loaded_study_that_grows_keeps_what_it_was(sweep: str, seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        made = study(Path(directory), sweep).study
        manager = taskrun.load(Path(directory) / "sweep.yaml")
        assert told(manager.study()) == told(made)
        before = manager.tasks
        one = manager.task_new("one", "true", outputs="one.out", after=chance.sample(before, 2))
        two = manager.task_new("two", "true", inputs=["one.out", chance.choice(made.graph.tasks).outputs[0]])
        before[-1].dependency_is(*chance.sample(before[:-1], 1))
        grown = manager.study()
        for task in made.graph.tasks[:-1]:
            assert needs(grown.graph, grown.graph.tasks[task.index]) == needs(made.graph, task)
        assert set(needs(grown.graph, grown.graph.tasks[-1])) >= {"one"}
        with pytest.raises(CycleError):
            before[0].dependency_is(*before, one, two)


SWEEP = """\
sweep: {n: [1, 2]}
steps:
  sim: {run: "echo {n} >{outputs}", outputs: "sim/{n}"}
  sum: {run: "cat {sim.outputs} >{outputs}", outputs: total}
"""


def test_a_loaded_study_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SWEEP)
    manager = taskrun.load(tmp_path / "study.yaml", jobs=3)
    assert (manager.name, manager.root, manager.jobs) == ("study", str(tmp_path), 3)
    assert [task.name for task in manager.tasks] == ["sim/n=1", "sim/n=2", "sum"]
    assert manager.tasks[0] is manager.tasks[0]
    assert manager.study().source == "study.yaml"
    assert manager.study().names == ("n",)


def test_tasks_of_a_file_can_come_after_new_ones(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SWEEP)
    manager = taskrun.load(tmp_path / "study.yaml")
    total = manager.tasks[-1]
    check = manager.task_new("check", "true", after=manager.tasks[:2])
    total.dependency_is(check)
    manager.task_new("show", "cat total", inputs=tmp_path / "total", stdout="shown")
    graph = manager.study().graph
    assert needs(graph, graph.tasks[2]) == {"sim/n=1": True, "sim/n=2": True, "check": False}
    assert needs(graph, graph.tasks[4]) == {"sum": True}
    assert [(shape.step, shape.names) for shape in manager.study().shapes] == [
        ("sim", ("n",)),
        ("sum", ()),
        ("study", ()),
    ]
    with pytest.raises(CycleError, match=r"^a cycle: sim/n=1 -> sum -> sim/n=1$"):
        manager.tasks[0].dependency_is(total)
    for arguments, keys in ((("sum", "true"), {}), (("new", "true"), {"outputs": "total"})):
        with pytest.raises(GraphError):
            manager.task_new(*arguments, **keys)


def test_a_new_task_may_not_write_over_the_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SWEEP)
    manager = taskrun.load(tmp_path / "study.yaml")
    manager.task_new("new", "true", outputs="study.yaml")
    with pytest.raises(GraphError, match=r"new writes 'study.yaml', which is the sweep file"):
        manager.study()


def test_a_file_with_mistakes_or_of_another_kind_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("steps: {a: {cmd: true}}\n")
    with pytest.raises(SweepError, match="unknown key 'cmd'"):
        taskrun.load(tmp_path / "study.yaml")
    for path in (tmp_path / "nothing.yaml", "study.py", 3):
        with pytest.raises((UsageError, SweepError)):
            taskrun.load(path)  # type: ignore[arg-type]
