"""The library without a run: what a call says, the graph that comes of it, and what is refused where it is said."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import taskrun
from taskrun import Manager, Task, UsageError
from taskrun.errors import CycleError, GraphError, TaskrunError
from taskrun.graph import Edge
from taskrun.model import Argv, Gathering, Shell, StepShape


@pytest.fixture
def manager(tmp_path: Path) -> Manager:
    return Manager("sims", root=tmp_path)


def described(manager: Manager, name: str) -> object:
    graph = manager.study().graph
    index = graph.index(name)
    assert index is not None
    return graph.tasks[index]


def needs(manager: Manager, name: str) -> dict[str, Edge]:
    """What a task needs, and how; each other task is needed by one edge."""
    graph = manager.study().graph
    index = graph.index(name)
    assert index is not None
    pairs = [(member, graph.edge(index, node)) for node in graph.needs[index] for member in graph.members(node)]
    assert len({member for member, _ in pairs}) == len(pairs)
    return {graph.tasks[member].name: edge for member, edge in pairs}


def refusal(manager: Manager, *arguments: object, **keys: object) -> str:
    """What a call of `task_new` is refused with; nothing has come of it."""
    before = manager.tasks
    with pytest.raises(TaskrunError) as caught:
        manager.task_new(*arguments, **keys)  # type: ignore[arg-type]
    assert manager.tasks == before
    return str(caught.value)


# --- importing --------------------------------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_that_costs() -> None:
    script = "import sys, taskrun; print(*{'click', 'yaml', 'psutil', 'msgspec', 'inspect'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_public_names_are_there() -> None:
    assert len(taskrun.__all__) <= 15
    for name in taskrun.__all__:
        assert getattr(taskrun, name) is not None
        assert name in dir(taskrun)
    with pytest.raises(AttributeError, match="no attribute 'Managr'"):
        _ = taskrun.Managr


# --- a Manager --------------------------------------------------------------------------------------------------------


def test_a_manager_has_the_directory_of_its_construction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manager = Manager("sims", jobs=8)
    monkeypatch.chdir("/")
    assert (manager.name, manager.root, manager.jobs) == ("sims", str(tmp_path), 8)
    study = manager.study()
    assert (study.name, study.root, study.source) == ("sims", str(tmp_path), "Manager sims")
    assert len(study.graph) == 0


def test_a_relative_root_is_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Manager(root=Path("a")).root == str(tmp_path / "a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "../x"}, "a Manager cannot be called '../x': it names the state's directory"),
        ({"name": ""}, "a Manager cannot be called '': it is empty"),
        ({"name": 3}, "a Manager's name must be a str, not int"),
        ({"jobs": 0}, "jobs=0: a whole number of cores, at least 1, expected"),
        ({"jobs": True}, "jobs=True: a whole number"),
        ({"jobs": 1.5}, "jobs=1.5: a whole number"),
        ({"jobs": "4"}, "jobs='4': a whole number"),
        ({"root": "/no/such"}, "root='/no/such': there is no such directory"),
        ({"root": 4}, "root=4: a directory is expected"),
        ({"root": ""}, "root='': a directory is expected; '.' is the current one"),
    ],
)
def test_a_wrong_argument_of_a_manager_is_an_error_at_the_call(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Manager(**arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


# --- a task -----------------------------------------------------------------------------------------------------------


def test_a_text_is_for_the_shell_and_words_are_for_none(manager: Manager) -> None:
    manager.task_new("text", "echo {x} ${HOME}")
    manager.task_new("words", ["echo", Path("a/b"), "{x}", ""])
    manager.task_new("pair", ("echo", "~"))
    assert described(manager, "text").action == Shell("echo {x} ${HOME}")
    assert described(manager, "words").action == Argv(("echo", "a/b", "{x}", ""))
    assert described(manager, "pair").action == Argv(("echo", "~"))


@pytest.mark.parametrize(("key", "value"), [("stdout", True), ("stdout", 3), ("stderr", 1), ("cwd", False)])
def test_a_number_is_no_path(manager: Manager, key: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"^task 'a': `{key}` must be a path, not {value!r}$"):
        manager.task_new("a", "true", **{key: value})


@pytest.mark.parametrize("value", [5, ["a", 5], {"csv": 5}, {"csv": ["a", 5]}, (path for path in [Path("a"), 5])])
def test_nor_is_one_among_paths(manager: Manager, value: object) -> None:
    with pytest.raises(UsageError, match=r"^task 'a': `outputs` must be a path, not 5$"):
        manager.task_new("a", "true", outputs=value)


def test_keys_have_python_values(manager: Manager, tmp_path: Path) -> None:
    manager.task_new(
        "a", "true", stdout="./out//a.txt", stderr="stdout", inputs=["x", Path("d/../y"), str(tmp_path / "z")],
        outputs={"csv": "o.csv", "rest": ["p", Path("q")]}, cwd="sub", env={"A": 1, "B": 0.5, "C": True, "D": ""},
        shell="sh -c", cores=0.5, priority=-3, desc="what for", step="sim", retries=None,
    )  # fmt: skip
    task = described(manager, "a")
    assert (task.stdout, task.stderr) == ("out/a.txt", "out/a.txt")
    assert task.inputs == ("x", "y", "z")
    assert task.outputs == ("o.csv", "p", "q")
    assert task.cwd == "sub"
    assert task.env == {"A": "1", "B": "0.5", "C": "true", "D": ""}
    assert task.action == Shell("true", ("sh", "-c"))
    assert (task.traits.cores, task.traits.priority) == (0.5, -3)
    assert (task.step.name, task.step.desc) == ("sim", "what for")


def test_without_keys_a_task_is_of_the_managers_step(manager: Manager, tmp_path: Path) -> None:
    manager.task_new("a", "true")
    assert described(manager, "a").step.name == "sims"
    nameless = Manager(root=tmp_path)
    nameless.task_new("a", "true")
    assert described(nameless, "a").step.name == "task"


def test_texts_and_paths_are_taken_as_they_are(manager: Manager) -> None:
    manager.task_new("a", "true", stdout="~/x", inputs="${HOME}/{y}", env={"P": "~/{z}"}, cwd="$HOME")
    task = described(manager, "a")
    assert (task.stdout, task.inputs, task.env, task.cwd) == ("~/x", ("${HOME}/{y}",), {"P": "~/{z}"}, "$HOME")


def test_what_was_right_once_does_not_make_another_value_right(manager: Manager) -> None:
    manager.task_new("a", "true", cores=1, priority=1, env={"A": 1, "B": "x y"}, shell="sh -c")
    manager.task_new("b", "true", cores=1.0, priority=0, env={"A": "1", "B": "x y"}, shell=["sh", "-c"])
    assert described(manager, "a").traits is not described(manager, "b").traits
    assert described(manager, "a").env is described(manager, "b").env
    assert described(manager, "a").action == described(manager, "b").action
    for keys in ({"cores": True}, {"priority": "1x"}, {"env": {"A": "\0"}}, {"env": {"A": [1]}}, {"shell": ["sh", ""]}):
        assert refusal(manager, "c", "true", **keys).startswith("task 'c': ")


def test_numbers_of_other_libraries_and_texts_of_enums_are_values_too(manager: Manager) -> None:
    class Whole:
        def __index__(self) -> int:
            return 2

    class Topology(str, Enum):  # noqa: UP042 - whose str() is not its text
        MESH = "mesh"

    manager.task_new(Topology.MESH, ["netsim", Topology.MESH], cores=Whole(), env={"T": Topology.MESH})
    task = described(manager, "mesh")
    assert type(task.name) is str
    assert (task.traits.cores, task.env, task.action) == (2, {"T": "mesh"}, Argv(("netsim", "mesh")))


def test_a_name_may_be_any_text_of_a_line(manager: Manager) -> None:
    for name in ("torus graph", "..", "a/b", "ä{x}*", "x=1", "-f"):
        assert manager.task_new(name, "true").name == name
    assert repr(manager.tasks[0]) == "<taskrun.Task 'torus graph'>"


@pytest.mark.parametrize(
    ("arguments", "keys", "message"),
    [
        (("", "true"), {}, "a task's name is empty"),
        (("a\nb", "true"), {}, r"a task's name, 'a\nb', holds a control character"),
        ((3, "true"), {}, "a task's name must be a str, not int"),
        (("a\ud800", "true"), {}, r"a task's name, 'a\ud800': the character '\ud800' is no text that can be written"),
        (("a", "true"), {"step": ""}, "a step's name is empty"),
        (("a", "tr\0ue"), {}, "task 'a': a NUL character can stand in no command and in no path"),
        (("a", " "), {}, "task 'a': the command is empty"),
        (("a", []), {}, "task 'a': the command is empty"),
        (("a", ["", "x"]), {}, "task 'a': the command is empty"),
        (("a", ["netsim", 1024]), {}, "task 'a': a word of the command is of type int; write str(1024)"),
        (("a", b"true"), {}, "task 'a': the command must be a text, or a list of words, not of type bytes"),
        (("a", None), {}, "task 'a': the command must be a text, or a list of words, not of type NoneType"),
        (("a", {"x"}), {}, "task 'a': the command must be a text, or a list of words, not of type set"),
        (("a", "true"), {"wrap": "''"}, "task 'a': `wrap` names no program: its first word is empty"),
        (("a", "true"), {"shell": "'' -c"}, "task 'a': `shell` names no program: its first word is empty"),
        (("a", "true", "x\0"), {}, "task 'a': a NUL character can stand in no command and in no path"),
        (("a", "true", ""), {}, "task 'a': `stdout` is empty"),
        (("a", "true", ["x"]), {}, "task 'a': `stdout` must be a text, not a list"),
        (("a", "true"), {"core": 2}, "task 'a': unknown key 'core'; did you mean 'cores'?"),
        (("a", "true"), {"steps": "x"}, "task 'a': unknown key 'steps'; did you mean 'step'?"),
        (
            ("a", "true"),
            {"per": ["x"]},
            "task 'a': `per` is no key here: a Manager's task runs once; make one for each",
        ),
        (("a", "true"), {"run": "x"}, "task 'a': `run` is no key here: the command is the second argument"),
        (("a", "true"), {"cores": "two"}, "task 'a': `cores`: 'two' is not a number"),
        (("a", "true"), {"cores": "{x}"}, "task 'a': `cores`: '{x}' is not a number"),
        (("a", "true"), {"cores": -1}, "task 'a': `cores`: -1 is negative"),
        (("a", "true"), {"cores": float("nan")}, "task 'a': `cores`: 'nan' is not a number"),
        (("a", "true"), {"cores": [1]}, "task 'a': `cores` must be a number, not a list"),
        (("a", "true"), {"priority": "high"}, "task 'a': `priority`: 'high' is not a number"),
        (("a", "true"), {"priority": ""}, "task 'a': `priority`: '' is not a number"),
        (("a", "true"), {"timeout": 90}, "task 'a': `timeout`: '90' has no unit; write it as 90s or 2h"),
        (("a", "true"), {"timeout": "0s"}, "task 'a': `timeout`: '0s' is no time at all"),
        (("a", "true"), {"retries": -2}, "task 'a': `retries`: -2 is not a whole number of 0 or more"),
        (("a", "true"), {"env": ["A=1"]}, "task 'a': `env` must be a mapping, not a list"),
        (("a", "true"), {"env": {"A=": 1}}, "task 'a': `env`: 'A=' is no name of a variable"),
        (("a", "true"), {"env": {1: 1}}, "task 'a': a name in `env` is of type int, not str"),
        (("a", "true"), {"env": {"A": None}}, "task 'a': `env.A` has no value"),
        (("a", "true"), {"shell": "bash '"}, "task 'a': `shell`: \"bash '\" is no list of words"),
        (("a", "true"), {"inputs": [["a"]]}, "task 'a': an item of `inputs` must be a text, not a list"),
        (("a", "true"), {"inputs": {"a", "b"}}, "task 'a': `inputs` cannot be of type set; its order is not fixed"),
        (("a", "true"), {"outputs": b"x"}, "task 'a': `outputs` cannot be of type bytes"),
        (("a", "true"), {"inputs": "x", "outputs": ["y", "./x"]}, "a reads 'x' and makes it too; a file that is"),
        (("a", "true"), {"after": "b"}, "`after` takes a Task or several, not 'b'"),
        (("a", "true"), {"after": ["b"]}, "a Task is expected, not 'b'"),
        (("a", "true"), {"after": {"b": "done"}}, "`after`: 'done' is not any"),
        (("a", "true"), {"after": {"b": "any"}}, "a Task is expected, not 'b'"),
    ],
)
def test_a_wrong_argument_of_a_task_is_an_error_at_the_call(
    manager: Manager, arguments: tuple[object, ...], keys: dict[str, object], message: str
) -> None:
    assert refusal(manager, *arguments, **keys).startswith(message)


def test_a_name_or_a_path_that_another_task_has_is_an_error_at_the_call(manager: Manager, tmp_path: Path) -> None:
    manager.task_new("a", "true", stdout="a.txt", outputs="d/x", stderr="/dev/null")
    manager.task_new("b", "true", stderr="/dev/null")
    assert refusal(manager, "a", "false") == "two tasks have the name 'a'"
    for keys in ({"outputs": "a.txt"}, {"stderr": "./a.txt"}, {"outputs": ["y", tmp_path / "a.txt"]}):
        assert refusal(manager, "c", "true", **keys) == "a and c both write 'a.txt'"
    assert refusal(manager, "c", "true", stdout=f"../{tmp_path.name}/d/x") == "a and c both write 'd/x'"
    manager.task_new("c", "true", outputs="y")  # nothing of the refused ones is left


def test_one_task_may_write_a_path_in_two_ways(manager: Manager) -> None:
    manager.task_new("a", "true", stdout="x", stderr="x", outputs="x")
    assert described(manager, "a").outputs == ("x",)


# --- dependencies -----------------------------------------------------------------------------------------------------


def test_dependencies_are_edges_without_a_file(manager: Manager) -> None:
    graph = manager.task_new("graph", "true")
    sims = [manager.task_new(f"sim {n}", "true") for n in range(3)]
    for sim in (*sims, sims[0]):
        graph.dependency_is(sim)
    graph.dependency_is(*sims)
    graph.dependency_is()
    assert needs(manager, "graph") == dict.fromkeys(["sim 0", "sim 1", "sim 2"], Edge.ORDER)
    manager.task_new("last", "true", after=graph)
    manager.task_new("very last", "true", after=[graph, *sims])
    assert needs(manager, "last") == {"graph": Edge.ORDER}
    assert set(needs(manager, "very last")) == {"graph", "sim 0", "sim 1", "sim 2"}


def test_the_call_that_would_close_a_cycle_is_refused_and_names_it(manager: Manager) -> None:
    a, b, c, d = (manager.task_new(name, "true") for name in "abcd")
    b.dependency_is(a)
    c.dependency_is(b)
    with pytest.raises(CycleError, match=r"^a cycle: a -> c -> b -> a$") as caught:
        a.dependency_is(d, c)
    assert caught.value.names == ("a", "c", "b")
    with pytest.raises(CycleError, match=r"^a cycle: b -> b$"):
        b.dependency_is(b)
    assert needs(manager, "a") == {}  # not even the first of those two
    d.dependency_is(a)
    assert needs(manager, "d") == {"a": Edge.ORDER}


def test_a_cycle_through_many_tasks_at_once_is_named(manager: Manager) -> None:
    first = manager.task_new("first", "true")
    many = [manager.task_new(f"many {n}", "true", after=first) for n in range(40)]
    last = manager.task_new("last", "true", after=many)
    with pytest.raises(CycleError, match=r"^a cycle: first -> last -> many \d+ -> first$"):
        first.dependency_is(last)
    with pytest.raises(CycleError, match=r"^a cycle: first -> many 0 -> first$"):
        first.dependency_is(*many)
    with pytest.raises(CycleError, match=r"^a cycle: many 7 -> many 7$"):
        many[7].dependency_is(*many)


@pytest.mark.parametrize("others", [["a"], [None], [[]], [{}], [0] * 20, ["a"] * 20, [[]] * 20])
def test_what_is_no_task_is_no_dependency(manager: Manager, others: list[object]) -> None:
    task = manager.task_new("a", "true")
    with pytest.raises(UsageError, match="a Task is expected, not"):
        task.dependency_is(*others)  # type: ignore[arg-type]


def test_a_list_of_tasks_is_to_be_unpacked(manager: Manager) -> None:
    task, other = manager.task_new("a", "true"), manager.task_new("b", "true")
    with pytest.raises(UsageError, match=r"a Task is expected, not list; write \*tasks for what a list holds"):
        task.dependency_is([other])  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 20])
def test_another_managers_task_is_no_dependency(manager: Manager, count: int) -> None:
    other = Manager("others")
    strangers = [other.task_new(f"s{n}", "true") for n in range(count)]
    with pytest.raises(UsageError, match="'s0' is a task of another Manager"):
        manager.task_new("a", "true").dependency_is(*strangers)
    with pytest.raises(UsageError, match="'s0' is a task of another Manager"):
        manager.task_new("b", "true", after=strangers)
    with pytest.raises(UsageError, match="'s0' is a task of another Manager"):
        manager.run(strangers[0])


def test_many_tasks_that_need_the_same_many_share_them(manager: Manager) -> None:
    sims = [manager.task_new(f"sim {n}", "true") for n in range(300)]
    for number in range(300):
        manager.task_new(f"plot {number}", "true").dependency_is(*sims)
    graph = manager.study().graph
    assert len(graph.gathers) == 1
    assert sum(map(len, graph.needs)) == 300
    assert len(list(graph.needed(599))) == 300


def test_a_long_chain_has_as_many_edges_as_were_said(manager: Manager) -> None:
    last: Task | None = None
    for number in range(20_000):
        task = manager.task_new(f"t{number}", "true")
        if last is not None:
            task.dependency_is(last)
        last = task
    graph = manager.study().graph
    assert (len(graph), sum(map(len, graph.needs))) == (20_000, 19_999)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_path_that_another_task_makes_is_a_dependency(manager: Manager, tmp_path: Path) -> None:
    manager.task_new("a", "true", outputs="d/x")
    manager.task_new("b", "true", outputs=["e/1", "e/f/2"])
    manager.task_new("same", "true", inputs=tmp_path / "d" / "x")
    manager.task_new("inside", "true", inputs="d/x/part")
    manager.task_new("above", "true", inputs=["e", "elsewhere"])
    manager.task_new("all", "true", inputs=".", outputs="d2")
    for name in ("same", "inside"):
        assert needs(manager, name) == {"a": Edge.FILE}
    assert needs(manager, "above") == {"b": Edge.FILE}
    assert needs(manager, "all") == {"a": Edge.FILE, "b": Edge.FILE}


def test_a_file_and_an_order_are_one_edge_with_a_file(manager: Manager) -> None:
    sims = [manager.task_new(f"sim {n}", "true", outputs=f"s{n}") for n in range(40)]
    one = manager.task_new("one", "true", inputs="s3")
    one.dependency_is(sims[3], sims[4])
    many = manager.task_new("many", "true", inputs=["s3", "s17"])
    many.dependency_is(*sims)
    assert needs(manager, "one") == {"sim 3": Edge.FILE, "sim 4": Edge.ORDER}
    found = needs(manager, "many")
    assert {name for name, edge in found.items() if edge is Edge.FILE} == {"sim 3", "sim 17"}
    assert len(found) == 40


def test_a_redirect_file_is_an_output_where_it_is_listed_or_read(manager: Manager) -> None:
    manager.task_new("log", "true", stdout="log.txt")
    manager.task_new("listed", "true", stdout="listed.txt", outputs="listed.txt")
    manager.task_new("read", "true", stdout="d/read.txt", stderr="d/errors.txt")
    assert described(manager, "read").outputs == ()
    manager.task_new("reader", "true", inputs="d/read.txt")
    assert described(manager, "log").outputs == ()
    assert described(manager, "listed").outputs == ("listed.txt",)
    assert described(manager, "read").outputs == ("d/read.txt",)
    manager.task_new("reader of all", "true", inputs="d")
    assert described(manager, "read").outputs == ("d/read.txt", "d/errors.txt")


def test_files_that_go_in_a_circle_are_named_when_the_graph_is_built(manager: Manager) -> None:
    manager.task_new("a", "true", inputs="y", outputs="x")
    b = manager.task_new("b", "true", inputs="x", outputs="z")
    manager.task_new("c", "true", outputs="y", after=b)
    with pytest.raises(CycleError, match=r"^a cycle: a -> c -> b -> a$"):
        manager.run()


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ("d/x/y", "b writes 'd/x/y' inside 'd/x', which a makes; let one task make both, or part the paths"),
        (".taskrun/x", "b writes '.taskrun/x' into the state of taskrun"),
        (".taskrun", "b writes '.taskrun', which is the state of taskrun"),
    ],
)
def test_an_output_where_none_may_be_is_an_error_when_the_graph_is_built(
    manager: Manager, outputs: str, message: str
) -> None:
    manager.task_new("a", "true", outputs="d/x")
    manager.task_new("b", "true", outputs=outputs)
    with pytest.raises(GraphError) as caught:
        manager.study()
    assert str(caught.value) == message


# --- the study --------------------------------------------------------------------------------------------------------


def test_steps_have_shapes(manager: Manager) -> None:
    for number in range(3):
        plot = manager.task_new(f"plot {number}", "true", step="plot")
        plot.dependency_is(*[manager.task_new(f"sim {number} {n}", "true", step="sim") for n in range(4)])
    manager.task_new("report", "true", step="report", after=manager.tasks)
    assert manager.study().shapes == (
        StepShape("plot", 3, (), (Gathering("sim", 4, 4, False),)),
        StepShape("sim", 12, ()),
        StepShape("report", 1, (), (Gathering("plot", 3, 3, True), Gathering("sim", 12, 12, True))),
    )


def test_of_very_many_steps_only_the_tasks_are_counted(manager: Manager) -> None:
    sims = [manager.task_new(f"sim {number}", "true", step=f"sim {number}") for number in range(150)]
    for number in range(150):
        manager.task_new(f"plot {number}", "true", step=f"plot {number}", after=sims)
    manager.task_new("all", "true", step="sim 0", after=sims)
    assert {(shape.count, shape.gathers) for shape in manager.study().shapes} == {(1, ()), (2, ())}
    manager.task_new("report", "true", step="report", after=manager.tasks)
    assert manager.study().shapes[-1] == StepShape("report", 1, ())  # although it needs two of a step


def test_an_input_that_is_nowhere_is_a_hint(manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    manager.task_new("a", "true", inputs=["there", "x"], outputs="made")
    manager.task_new("b", "true", inputs=["made", "x"])
    assert manager.study().hints == ("a: the input 'x' is not there, and no task makes it",)
    manager.task_new("c", "true", inputs=["y", "z"])
    assert manager.study().hints == ("a: the input 'x' and 2 more are not there, and no task makes them",)


def test_a_study_is_built_once_until_something_is_added(manager: Manager) -> None:
    a = manager.task_new("a", "true")
    first = manager.study()
    assert manager.study() is first
    b = manager.task_new("b", "true")
    second = manager.study()
    assert (len(first.graph), len(second.graph)) == (1, 2)
    b.dependency_is(a)
    third = manager.study()
    b.dependency_is(a)
    assert manager.study() is third is not second


@pytest.mark.parametrize("switch", ["hold", "force", "only", "dry_run", "progress", "commands"])
def test_what_is_on_or_off_is_said_so(tmp_path: Path, switch: str) -> None:
    manager = Manager("m", root=tmp_path)
    for value in (3, "x", None):
        with pytest.raises(UsageError) as caught:
            manager.run(**{switch: value})  # type: ignore[arg-type]
        assert str(caught.value) == f"{switch}={value!r}: True or False expected"
    if switch in ("hold", "force", "only"):
        with pytest.raises(UsageError, match=f"{switch}=0: True or False expected"):
            manager.stream(**{switch: 0})  # type: ignore[arg-type]
