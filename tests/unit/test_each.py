"""`taskrun each`: a typed command and its values become the study that a sweep file would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from loaded import Loaded

from taskrun.cli import each as typed
from taskrun.cli.source import Opened, source_of
from taskrun.errors import TaskrunError
from taskrun.sweep.values import parse_values, stands_for_itself


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(*words: str, outputs: tuple[str, ...] = (), stdout: str | None = None, **options: str) -> Opened:
    source = source_of((), None, options.get("state_dir"), options.get("name"))
    return typed.open_each(typed.parse_each(words, outputs, stdout), source)


def each(*words: str, outputs: tuple[str, ...] = (), stdout: str | None = None) -> Loaded:
    return Loaded(opened(*words, outputs=outputs, stdout=stdout).study)


def refusal(*words: str, **options: object) -> str:
    with pytest.raises(TaskrunError) as caught:
        opened(*words, **options)  # type: ignore[arg-type]
    assert caught.value.exit_status == 2
    return str(caught.value)


def runs(*words: str) -> list[str]:
    made = each(*words)
    return [made.run(name) for name in made.names]


# What comes of it.


def test_a_command_runs_once_for_each_combination() -> None:
    made = each("netsim -t {t} -b {b}", "t=mesh,torus", "b=1..3")
    assert made.names == [f"netsim/t={t}/b={b}" for t in ("mesh", "torus") for b in (1, 2, 3)]
    assert made.run("netsim/t=torus/b=2") == "netsim -t torus -b 2"
    assert [(shape.step, shape.count, shape.names) for shape in made.study.shapes] == [("netsim", 6, ("t", "b"))]


def test_without_values_it_is_one_task() -> None:
    assert each("make all").names == ["make"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("x=a,b,c", ["a", "b", "c"]),
        ("x=1..4", ["1", "2", "3", "4"]),
        ("x=0..1..0.25", ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        ("x=1..3,8,3", ["1", "2", "3", "8"]),
        ("x=@list", ["one", "t w o"]),
        ("x=data/*.csv", ["data/a.csv", "data/b c.csv"]),
        ("x=a=b", ["a=b"]),
    ],
)
def test_values_are_written_short(here: Path, values: str, expected: list[str]) -> None:
    (here / "list").write_text("one\nt w o\n")
    (here / "data").mkdir()
    for name in ("a.csv", "b c.csv", "d.txt"):
        (here / "data" / name).touch()
    assert [task.values[0] for task in each("cat {x}", values).graph.tasks] == expected


def test_values_are_quoted_where_they_stand_and_formats_and_escapes_work(here: Path) -> None:
    (here / "a b.csv").touch()
    assert runs("wc {f} \"{f.stem}\" > '{f.stem}'.n {{f}} ${f} awk '{print $1}'", "f=*.csv") == [
        "wc 'a b.csv' \"a b\" > 'a b'.n {f} ${f} awk '{print $1}'"
    ]
    assert runs("x {n:03d} {n:raw}", "n=7") == ["x 007 7"]
    assert runs("echo {task.name} $TASKRUN_PARAM_N", "n=1") == ["echo echo/n=1 $TASKRUN_PARAM_N"]


def test_outputs_and_stdout_take_values_and_are_known_to_the_command() -> None:
    made = each("sim {n} -o {outputs}", "n=1,2", outputs=("out/{n}.dat", "out/{n}.log"), stdout="{n}.txt")
    task = made["sim/n=2"]
    assert task.outputs == ("out/2.dat", "out/2.log")
    assert task.stdout == "2.txt"
    assert made.run("sim/n=2") == "sim 2 -o out/2.dat out/2.log"
    assert each("sim {stdout}", "n=1", stdout="{n}").run("sim/n=1") == "sim 1"


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("netsim -t {t}", "netsim"),
        ("./run.sh {t}", "run_sh"),
        ("/usr/bin/python3 x.py {t}", "python3"),
        ("OMP_NUM_THREADS=2 ./sim {t}", "sim"),
        ("7z a {t}", "_7z"),
        ("{t}", "each"),
        ("t {t}", "each"),
        ("task {t}", "each"),
        ("[ {t} = a ]", "each"),
        ("x" * 60 + " {t}", "x" * 40),
    ],
)
def test_the_step_is_called_like_the_program(command: str, step: str) -> None:
    assert each(command, "t=a").names == [f"{step}/t=a"]


def test_a_step_is_never_called_like_a_value() -> None:
    assert each("each {each}", "each=a").names == ["command/each=a"]


def test_the_state_is_named_after_the_command_whatever_the_values(here: Path) -> None:
    one, more = opened("sim {n}", "n=1"), opened("sim {n}", "n=1..9", stdout="{n}")
    assert one.study.name == more.study.name
    assert one.study.name.startswith("sim-")
    assert one.state == str(here / ".taskrun" / one.study.name)
    assert one.study.source == "each sim {n}"
    assert opened("sim  {n}", "n=1").study.name != one.study.name
    assert opened("sim {n}", "n=1", name="mine").state == str(here / ".taskrun" / "mine")
    assert opened("sim {n}", "n=1", state_dir="s").state == str(here / "s" / one.study.name)


def test_what_tasks_print_is_shown_unless_said_otherwise() -> None:
    assert opened("sim").output == "grouped"


def test_a_file_in_the_command_is_no_riddle(here: Path) -> None:
    (here / "a.csv").touch()
    assert opened("wc {f}", "f=*.csv").study.hints == ()


def test_what_is_strange_is_hinted_at() -> None:
    (hint,) = opened("gcc {opts}", "opts=-O2 -g").study.hints
    assert hint.startswith("opts=: '-O2 -g' holds an option and a space")
    (hint,) = opened("echo ${n} {n}", "n=1").study.hints
    assert hint.startswith("the command: ${n} is a variable of the shell")


# What can be wrong with it.


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "which command? taskrun each 'gzip"),
        (("",), "the command is empty"),
        ((" \n",), "the command is empty"),
        (("echo", "{x}", "x=1"), "'{x}' is no NAME=VALUES; the command is one word, in quotes: taskrun each 'gzip"),
        (("echo", "hello"), "'hello' is no NAME=VALUES; the command is one word, in quotes"),
        (("x=1", "echo {x}"), "'echo {x}' is no NAME=VALUES; the command comes first"),
        (("echo {}", ":::", "a"), "':::' is no NAME=VALUES; values are given by name"),
        (("wc {f}", "a.csv", "b.csv"), "'a.csv' is no NAME=VALUES; a pattern is given by name, in quotes"),
        (("echo {x}", "x=1", "x=2"), "x= stands twice; all its values stand together, as x=A,B"),
        (("echo {x} {X}", "x=1", "X=2"), "x= and X= differ only in capitals"),
        (("echo {x}", "x="), "x=: no values"),
        (("echo {x}", "x=a,,b"), "x=a,,b: an empty value between commas"),
        (("echo {x}", "x=8..1"), "x=8..1: 8..1 counts down; 8..1..-1?"),
        (("echo {x}", "x=*.none"), "x=*.none: no file matches '*.none'"),
        (("echo {x}", "x=@none"), "x=@none: 'none' cannot be read: No such file or directory"),
        (("echo {x}", "x=a\udcff"), "x=a\udcff: a value is not UTF-8"),
        (("echo {x}", "a-b=1"), "a-b=: 'a-b' is not a name"),
        (("echo {x}", "task=1"), "task=: 'task' is a reserved name"),
        (("echo {x}", "x=1", "y=2"), "y=: the command does not mention 'y'; use it as {y}, or take it out"),
        (("echo {toplogy}", "topology=1"), "the command: nothing is called 'toplogy'; did you mean 'topology'?"),
        (("echo {x}",), "the command: nothing is called 'x'; x=A,B gives it values; braces that are meant as text"),
        (("echo {outputs}",), "the command: {outputs} stands for nothing here; add `--outputs PATH`"),
        (("echo {inputs.stem}",), "the command: {inputs.stem} stands for nothing here; only a sweep file can"),
        (("echo {x:05d}", "x=a"), "the command: {x:05d}: '05d' is no format of the text 'a' (in echo/x=a)"),
        (("echo {a} {b} {c}", "a=1..2000", "b=1..2000", "c=1"), "the command: 4,000,000 tasks, of which"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_where(words: tuple[str, ...], says: str) -> None:
    said = refusal(*words)
    assert said.startswith(says)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("outputs", "stdout", "says"),
    [
        (("out",), None, "--outputs: echo/x=1 and echo/x=2 both write 'out'; put {x} into the path"),
        ((), "out", "--stdout: echo/x=1 and echo/x=2 both write 'out'; put {x} into the path"),
        (("",), None, "--outputs: "),
        (("{y}",), None, "--outputs: nothing is called 'y'"),
        (("{stdout}",), None, "--outputs: {stdout} stands for nothing here; add `--stdout PATH`"),
        ((".taskrun/x{x}",), None, "--outputs: echo/x=1 writes '.taskrun/x1' into the state of taskrun"),
    ],
)
def test_a_mistake_in_a_path_names_its_option(outputs: tuple[str, ...], stdout: str | None, says: str) -> None:
    assert refusal("echo {x}", "x=1,2", outputs=outputs, stdout=stdout).startswith(says)


# The line to paste.


def test_a_failed_task_is_run_again_by_its_values_and_the_same_options(here: Path) -> None:
    found = opened("a {t} '{b}'", "t=x,y", "b=1..9", outputs=("o{t}{b}",), stdout="{t}/{b}", name="n", state_dir="s")
    assert found.again(["a/t=y/b=3"]) == (
        "taskrun each --state-dir s --name n --stdout '{t}/{b}' --outputs 'o{t}{b}' 'a {t} '\\''{b}'\\''' t=y b=3"
    )


def test_several_are_run_again_by_a_product_or_else_as_a_whole() -> None:
    found = opened("a {t} {b}", "t=x,y", "b=1..9")
    assert found.again(["a/t=x/b=3", "a/t=y/b=3", "a/t=x/b=4", "a/t=y/b=4"]) == "taskrun each 'a {t} {b}' t=x,y b=3,4"
    whole = "taskrun each 'a {t} {b}' t=x,y b=1..9"
    assert found.again(["a/t=x/b=3", "a/t=y/b=4"]) == whole
    assert found.again(["a"]) == whole
    assert opened("make").again(["make"]) == "taskrun each make"


def test_a_value_that_cannot_be_typed_brings_the_whole_line(here: Path) -> None:
    (here / "list").write_text("a,b\n1..3\nx*\n@y\nplain, \n fine\n")
    found = opened("a {t}", "t=@list")
    assert found.again(["a/t=%20fine"]) == "taskrun each 'a {t}' 't= fine'"
    for name in found.study.graph.tasks[:5]:
        assert found.again([name.name]) == "taskrun each 'a {t}' t=@list"


@pytest.mark.parametrize("value", ["a", "a b", "1.5", "a..b", "a@b", "-x", "=", "é", "~"])
def test_a_plain_value_stands_for_itself(value: str) -> None:
    assert stands_for_itself(value)
    assert list(parse_values(value, os.curdir)) == [value]


@pytest.mark.parametrize("value", ["", "a,b", "1..3", "0..1..0.5", "@x", "*", "a?", "[x"])
def test_any_other_does_not(value: str) -> None:
    assert not stands_for_itself(value)
