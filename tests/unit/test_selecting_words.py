"""Selections and `--set` on the command line: which tasks are taken, and what is said where none can be."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answer, answer
from networks import NET

TIED = """
sweep:
  t, d: [[mesh, 2], [torus, 3]]
  csv: points.csv
steps:
  sim: echo {t} {d} {load}
"""


Typed = Callable[..., Answer]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """A command typed where a study is, which writes nothing there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(NET)
    (tmp_path / "plain").write_text(NET)

    def type_it(*words: str) -> Answer:
        found = answer(capsys, *words)
        assert not (tmp_path / ".taskrun").exists()
        return found

    return type_it


def listed(typed: Typed, *words: str) -> list[str]:
    return [task["name"] for task in json.loads(typed("list", "--json", *words).out)]


SELECTIONS = [
    (("graph",), ["graph/topology=mesh", "graph/topology=torus"]),
    (("sim/topology=mesh/buffer=2",), ["sim/topology=mesh/buffer=2"]),
    (("sim/buffer=2/topology=mesh",), ["sim/topology=mesh/buffer=2"]),
    (("*=torus/buffer=4",), ["sim/topology=torus/buffer=4", "parse/topology=torus/buffer=4"]),
    (("graph", "buffer=2", "sim"), ["sim/topology=mesh/buffer=2", "sim/topology=torus/buffer=2"]),
    (("all", "graph/topology=m*"), ["graph/topology=mesh", "all"]),
    (("topology=mesh", "buffer=1,4", "parse"), ["parse/topology=mesh/buffer=1", "parse/topology=mesh/buffer=4"]),
]


@pytest.mark.parametrize(("words", "expected"), SELECTIONS, ids=lambda value: " ".join(value)[:40])
def test_what_a_selection_takes(typed: Typed, words: tuple[str, ...], expected: list[str]) -> None:
    assert listed(typed, *words) == listed(typed, "sweep.yaml", *words) == expected


MISTAKES = [
    (("smi",), "no step or task is called 'smi'; did you mean 'sim'?"),
    (("sim/topology=mehs/buffer=1",), "did you mean 'sim/topology=mesh/buffer=1'?"),
    (("sim/topology=mesh",), "to select all of these: sim topology=mesh"),
    (("x*",), "no task matches 'x*'"),
    (("bufer=1",), "no task has a parameter 'bufer'; did you mean 'buffer'?"),
    (("buffer=3",), "no task has buffer=3; the values are '1', '2', '4'"),
    (("topology=mehs",), "no task has topology=mehs; did you mean 'mesh'?"),
    (("buffer=1..2",), "no task has buffer=1..2; a selection takes values, not ranges: buffer=1,2"),
    (("buffer=8-9",), "a selection takes values, not ranges: buffer=A,B,..."),
    (("buffer=1*",), "values are compared as written, for a pattern write '*/buffer=1*'"),
    (("ALL",), "did you mean 'all'?"),
    (("Buffer=1",), "did you mean 'buffer'?"),
    (("xyz=1",), "no task has a parameter 'xyz'; the parameters are 'topology', 'buffer'"),
    (("xyz/buffer=1",), "called 'xyz/buffer=1'; the steps are 'sim', 'parse', 'graph', 'all'"),
    (("xyz",), "called 'xyz'; the steps are 'sim', 'parse', 'graph', 'all'"),
    (("sim", "net.yaml"), "no step or task is called 'net.yaml'; FILE stands before what is selected of it"),
    (("sweep.yaml", "net.yaml"), "called 'net.yaml'; one FILE at a time, and this is about 'sweep.yaml'"),
    (("plain",), "called 'plain'; `-F plain` reads the file of that name as a sweep file"),
    (("all", "buffer=1"), "no task matches 'all buffer=1'; none that the rest selects has a parameter 'buffer'"),
]


@pytest.mark.parametrize(("words", "says"), MISTAKES, ids=lambda value: " ".join(value)[:30])
def test_a_selection_that_matches_nothing_is_one_sentence(typed: Typed, words: tuple[str, ...], says: str) -> None:
    for name in ("run", "list", "check"):
        result = typed(name, *words)
        assert (result.status, result.out) == (2, "")
        assert says in result.err
        assert result.err.count("\n") == 1


def test_a_file_that_is_called_like_a_selection_changes_nothing(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "sim").write_text("")
    (tmp_path / "buffer=2").write_text("")
    assert len(listed(typed, "sim", "buffer=2")) == 2


def test_a_word_that_looks_like_a_file_is_one_and_another_needs_its_option(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("steps: {main: 'true'}")
    (tmp_path / "x=1.yaml").write_text("steps: {other: 'true'}")
    (tmp_path / "plan").write_text("steps: {planned: 'true'}")
    assert listed(typed, "-F", "x=1.yaml") == ["other"]
    assert listed(typed, "--file", "plan", "planned") == ["planned"]
    assert listed(typed, "main") == ["main"]
    assert typed("list", "x=1.yaml").status == 2
    (tmp_path / "sweep.yaml").unlink()
    result = typed("run", "plan")
    assert result.status == 2
    assert "`-F plan` reads it as a sweep file" in result.err


# --set


@pytest.mark.parametrize("values", ["buffer=1,2,4,8", "buffer=8..9", "buffer=2,8", "buffer=4,2,1"])
def test_other_values_leave_nothing_out_that_could_be_selected(typed: Typed, values: str) -> None:
    result = typed("run", "-n", "--set", values)
    assert (result.status, result.err) == (0, "")


def test_where_nothing_is_gathered_set_needs_no_hint(typed: Typed, tmp_path: Path) -> None:
    steps = "{s: 'echo {a} {b}', t: {run: 'echo {a}', after: s}}"
    (tmp_path / "sweep.yaml").write_text(f"sweep: {{a: [1, 2], b: [1, 2]}}\nsteps: {steps}")
    assert typed("run", "-n", "--set", "a=1").err == ""
    assert "this makes each t gather 1 of 2 s" in typed("run", "-n", "--set", "b=1").err


def test_the_hint_at_selecting_can_be_pasted_whatever_the_values(typed: Typed, tmp_path: Path) -> None:
    steps = "{s: {run: 'echo {o}', outputs: '{o}'}, t: 'cat {s.outputs}'}"
    (tmp_path / "sweep.yaml").write_text(f"sweep: {{o: ['-O2 -g', 'a,b', 50%, x/y]}}\nsteps: {steps}")
    said = "this makes t gather 2 of 4 s; to run only some tasks, select: taskrun run sweep.yaml"
    for values, chosen in {"-O2 -g,x/y": "'o=-O2 -g,x/y'", "50%,x/y": "o=50%25,x/y"}.items():
        assert f"--set {chosen}: {said} {chosen}\n" in typed("run", "-n", "--set", f"o={values}").err
        assert len(typed("list", "s", *shlex.split(chosen)).out.splitlines()) == 2


SETS = [
    ("t=mesh", "'t' is tied to others by the key 't, d', its values cannot be replaced alone; select instead: t=mesh"),
    ("load=1..3", "'load' is a column of points.csv, its values cannot be replaced alone; select instead: load=1,2,3"),
    ("lod=1", "the sweep has no name 'lod'; did you mean 'load'?"),
    ("load=", "--set load=: no values"),
    ("load", "--set 'load': NAME=VALUES expected, such as --set buffer=1024,2048"),
]


@pytest.mark.parametrize(("assignment", "says"), SETS)
def test_what_cannot_be_set_is_one_sentence(typed: Typed, tmp_path: Path, assignment: str, says: str) -> None:
    (tmp_path / "sweep.yaml").write_text(TIED)
    (tmp_path / "points.csv").write_text("load\n1\n2\n")
    result = typed("run", "--set", assignment)
    assert result.status == 2
    assert says in result.err
    assert result.err.count("\n") == 1


def test_a_name_is_set_once(typed: Typed) -> None:
    result = typed("run", "--set", "buffer=1", "--set", "buffer=2")
    assert result.status == 2
    assert "--set buffer: given twice; all its values stand together, as buffer=A,B" in result.err


@pytest.mark.parametrize("file", ["jobs.txt", "build.py", "-"])
def test_what_is_no_sweep_has_nothing_to_set(typed: Typed, tmp_path: Path, file: str) -> None:
    (tmp_path / "jobs.txt").write_text("echo a\n")
    (tmp_path / "build.py").write_text("")
    result = typed("run", file, "--set", "x=1")
    assert result.status == 2
    assert result.err == f"taskrun: --set replaces the values of a sweep, and {file!r} has none\n"
