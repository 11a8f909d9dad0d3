"""Names of tasks: what they are made of, where their files lie, and how tasks are selected."""

from __future__ import annotations

import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.errors import UsageError
from taskrun.model import Argv, Step, Task
from taskrun.names import Selection, decode, encode, parse_name, select, task_name, task_path

PLAIN = set(string.ascii_letters + string.digits + "_.+-:@=")


def study() -> list[Task]:
    """sim (topology, buffer), graph (topology), verify, and a task with a name as a program gives it."""
    sim = Step("sim", ("topology", "buffer"), ("seed",))
    graph = Step("graph", ("topology",))
    topologies = ("fat_tree", "mesh", "a/b")
    rows = [(sim, (t, b), (f"{b}1",)) for t, b in itertools.product(topologies, ("8", "16"))]
    rows += [(graph, (t,), ()) for t in topologies]
    rows += [(Step("verify"), (), ())]
    named = [(task_name(step.name, step.names, values), step, values, lets) for step, values, lets in rows]
    named += [("x=1 [odd]*", Step("other"), (), ())]
    return [
        Task(index=place, name=name, step=step, action=Argv(("true",)), values=values, lets=lets)
        for place, (name, step, values, lets) in enumerate(named)
    ]


def chosen(*words: str) -> list[str]:
    tasks = study()
    return [tasks[place].name for place in select(tasks, words)]


def refusal(*words: str) -> str:
    with pytest.raises(UsageError) as caught:
        select(study(), words)
    return str(caught.value)


def test_a_name_is_the_step_and_its_values() -> None:
    assert task_name("sim", ("topology", "buffer"), ("mesh", "1024")) == "sim/topology=mesh/buffer=1024"
    assert task_name("lint", (), ()) == "lint"


def test_values_are_percent_encoded() -> None:
    assert encode("a b/c,d%é~") == "a%20b%2Fc%2Cd%25%C3%A9%7E"
    assert encode("A-z_0.+:@=9") == "A-z_0.+:@=9"


@given(st.text())
def test_encoding_is_undone_and_needs_no_quoting(value: str) -> None:
    assert decode(encode(value)) == value
    assert set(encode(value)) <= PLAIN | {"%"}


def test_file_names_that_are_no_utf8_survive() -> None:
    assert decode(encode("caf\udce9")) == "caf\udce9"


def test_a_name_is_parsed_in_any_order() -> None:
    assert parse_name("sim/buffer=8/topology=a%2Fb") == ("sim", {"buffer": "8", "topology": "a/b"})
    assert parse_name("sim") == ("sim", {})


@pytest.mark.parametrize("text", ["", "my task", "sim/mesh", "sim/a=1/a=2", "/a=1", "sim/"])
def test_what_is_no_name_is_not_parsed(text: str) -> None:
    assert parse_name(text) is None


def test_a_made_name_is_its_own_path() -> None:
    assert task_path("sim/topology=a%2Fb/buffer=..") == "sim/topology=a%2Fb/buffer=.."


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("fat tree", "fat%20tree"),
        ("..", "%2E%2E"),
        ("a/./b", "a/%2E/b"),
        ("a//b", "a/%/b"),
        ("/x", "%/x"),
        ("50%", "50%25"),
    ],
)
def test_a_given_name_is_encoded_in_paths(name: str, path: str) -> None:
    assert task_path(name) == path


@given(st.lists(st.text(alphabet="ab%20 ./=é", max_size=8), unique=True, max_size=8))
def test_different_names_have_different_paths_below_the_directory(names: list[str]) -> None:
    paths = [task_path(name) for name in names]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(path.split("/"))


def test_a_long_component_is_cut_and_ends_in_a_hash() -> None:
    one, other = (task_path(task_name("sim", ("f", "b"), ("é" * 300 + end, "1"))) for end in "xy")
    assert one != other
    assert all(len(component.encode()) <= 200 for component in (*one.split("/"), *other.split("/")))
    assert one.startswith("sim/f=%C3%A9%C3%A9")
    assert one.endswith("/b=1")
    assert "%" not in one.split("/")[1][-19:]


def test_nothing_selects_everything() -> None:
    assert len(chosen()) == len(study())


def test_a_step_selects_all_its_tasks() -> None:
    assert chosen("graph") == ["graph/topology=fat_tree", "graph/topology=mesh", "graph/topology=a%2Fb"]


def test_a_name_is_found_in_any_order_and_spelling() -> None:
    assert chosen("sim/buffer=8/topology=mesh") == ["sim/topology=mesh/buffer=8"]
    assert chosen("graph/topology=a%2fb") == ["graph/topology=a%2Fb"]


def test_globs_match_slashes_too() -> None:
    assert chosen("sim*=8") == [f"sim/topology={t}/buffer=8" for t in ("fat_tree", "mesh", "a%2Fb")]
    assert chosen("*h*=mesh") == ["graph/topology=mesh"]


def test_steps_names_and_globs_add_up_in_the_order_of_the_study() -> None:
    assert chosen("verify", "graph/topology=mesh", "sim/*mesh*16", "verify") == [
        "sim/topology=mesh/buffer=16",
        "graph/topology=mesh",
        "verify",
    ]


def test_a_narrowing_takes_away_and_leaves_out_what_lacks_the_name() -> None:
    both = ["sim/topology=mesh/buffer=8", "sim/topology=mesh/buffer=16"]
    assert chosen("topology=mesh") == [*both, "graph/topology=mesh"]
    assert chosen("sim", "buffer=8", "topology=mesh,a/b") == [both[0], "sim/topology=a%2Fb/buffer=8"]
    assert chosen("topology=a%2Fb", "graph") == ["graph/topology=a%2Fb"]


def test_a_comma_in_a_value_is_told_from_one_between_values() -> None:
    step = Step("sim", ("load",))
    tasks = [
        Task(index=place, name=f"sim/load={encode(value)}", step=step, action=Argv(("true",)), values=(value,))
        for place, value in enumerate(("a,b", "a", "c,d", "c", "d"))
    ]
    assert select(tasks, ["load=a,b"]) == [0]
    assert select(tasks, ["load=a%2Cb,a"]) == [0, 1]
    assert select(tasks, ["load=c,d"]) == [3, 4]
    assert select(tasks, ["load=c%2Cd"]) == [2]
    with pytest.raises(UsageError, match=r"no task has load=b; a comma inside of a value is written %2C"):
        select(tasks, ["load=b,a"])


def test_a_value_is_taken_as_written_and_decoded_only_where_none_is_written_so() -> None:
    step = Step("sim", ("f",))
    tasks = [
        Task(index=place, name=f"sim/f={encode(value)}", step=step, action=Argv(("true",)), values=(value,))
        for place, value in enumerate(("%41", "A", "a b", "x,%42", "B"))
    ]
    assert select(tasks, ["f=%41"]) == [0]
    assert select(tasks, ["f=%2541"]) == [0]
    assert select(tasks, ["f=%42"]) == [4]
    assert select(tasks, ["f=a%20b,A"]) == [1, 2]
    assert select(tasks, ["f=x,%42"]) == [3]


def test_a_let_value_narrows_as_well() -> None:
    assert chosen("seed=81", "topology=mesh") == ["sim/topology=mesh/buffer=8"]


def test_values_are_compared_as_written() -> None:
    assert refusal("buffer=8.0").startswith("no task has buffer=8.0")
    assert "for a pattern write '*/topology=x*'" in refusal("topology=x*")


def test_a_name_that_looks_like_a_pattern_is_a_name() -> None:
    assert chosen("x=1 [odd]*") == ["x=1 [odd]*"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("smi",), "no step or task is called 'smi'; did you mean 'sim'?"),
        (("sim/topology=mehs/buffer=8",), "did you mean 'sim/topology=mesh/buffer=8'?"),
        (("sim/topologie=mesh/buffer=8",), "did you mean 'sim/topology=mesh/buffer=8'?"),
        (("sim/topology=mehs",), "called 'sim/topology=mehs'; to select all of these: sim topology=mesh"),
        (("zzz*",), "no task matches 'zzz*'"),
        (("sim*=9",), "no task matches 'sim*=9'"),
        (("topolgy=mesh",), "no task has a parameter 'topolgy'; did you mean 'topology'?"),
        (("topology=mesh,fat_tre",), "no task has topology=fat_tre; did you mean 'fat_tree'?"),
        (("graph", "buffer=8"), "'graph buffer=8'; none that the rest selects has a parameter 'buffer'"),
        (("topology=mesh", "topology=fat_tree"), "all together none"),
    ],
)
def test_a_selection_that_matches_nothing_names_the_nearest(words: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal(*words)


def test_a_word_is_parsed_without_tasks() -> None:
    parsed = Selection.parse(["sim", "b=1,2", "sim/b=3", "*b=4"])
    assert parsed == Selection(("sim", "sim/b=3", "*b=4"), (("b", ("1", "2")),))


@pytest.mark.timeout(20)
def test_a_hundred_thousand_tasks_are_selected_quickly() -> None:
    step = Step("sim", ("a", "b"))
    rows = list(itertools.product(map(str, range(1000)), map(str, range(100))))
    tasks = [
        Task(index=place, name=task_name("sim", step.names, row), step=step, action=Argv(("true",)), values=row)
        for place, row in enumerate(rows)
    ]
    assert len(select(tasks, ["sim/a=7/*", "sim/b=3/a=8", "b=3"])) == 2
    with pytest.raises(UsageError):
        select(tasks, ["sim/a=7/b=1000"])
