"""A Python file loaded for its Manager: what it finds around it, and each of its mistakes in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from taskrun.errors import SweepError
from taskrun.manager.library import Manager
from taskrun.manager.script import load_manager


def load(directory: Path, text: str | bytes, name: str = "sims.py") -> Manager:
    content = dedent(text).encode() if isinstance(text, str) else text
    (directory / name).write_bytes(content)
    return load_manager(str(directory / name), name)


def mistake(directory: Path, text: str | bytes) -> str:
    """The one line that is said; everything is as it was."""
    before = os.getcwd(), sys.argv, sys.path[:], sys.stdout, os.fstat(1).st_ino
    with pytest.raises(SweepError) as caught:
        load(directory, text)
    assert (os.getcwd(), sys.argv, sys.path, sys.stdout, os.fstat(1).st_ino) == before
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_file_finds_itself_as_the_program_in_its_own_directory(tmp_path: Path) -> None:
    before = os.getcwd(), sys.argv, sys.path[:]
    (tmp_path / "helper_of_sims.py").write_text("names = ['a', 'b']\n")
    manager = load(
        tmp_path,
        """
        import os, sys, helper_of_sims, taskrun
        found = __name__ != "__main__", __file__, sys.argv, sys.path[0], os.getcwd()
        manager = taskrun.Manager("sims")
        for name in helper_of_sims.names:
            manager.task_new(name, "true", env={"FOUND": repr(found)})
        """,
    )
    assert [task.name for task in manager.tasks] == ["a", "b"]
    path = str(tmp_path / "sims.py")
    directory = str(tmp_path)
    (found, _) = (task.env["FOUND"] for task in manager.study().graph.tasks)
    assert found == repr((True, path, [path], directory, directory))
    assert manager.root == directory
    assert (os.getcwd(), sys.argv, sys.path) == before
    assert not (tmp_path / "__pycache__").exists()


def test_classes_of_the_file_know_their_module(tmp_path: Path) -> None:
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import ClassVar
        import taskrun
        @dataclass
        class Point:
            count: ClassVar[int] = 1
            size: int = 2
        manager = taskrun.Manager(f"sims{Point().size}")
        """
    assert load(tmp_path, text).name == "sims2"


def test_what_it_prints_goes_to_standard_error_whoever_prints_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load(
        tmp_path,
        """
        import os, taskrun
        print("printed")
        os.system("echo by a child")
        manager = taskrun.Manager()
        """,
    )
    out, err = capfd.readouterr()
    assert (out, sorted(err.splitlines())) == ("", ["by a child", "printed"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import taskrun\n1 / 0\n", "sims.py:2: ZeroDivisionError: division by zero"),
        ("def f():\n    g()\n\ndef g():\n    raise ValueError\n\nf()\n", "sims.py:5: ValueError"),
        ("class Odd(Exception): pass\nraise Odd('one\\ntwo')\n", "sims.py:2: Odd: one"),
        ("import json\njson.loads('{')\n", "sims.py:2: json.decoder.JSONDecodeError: Expecting property name"),
        ("import nothing_of_that_name\n", "sims.py:1: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("x = 1\nfor :\n", "sims.py:2:5: this is no Python: invalid syntax"),
        ("def f(:\n    pass\n", "sims.py:1:7: this is no Python: "),
        ("x = (1,\n", "sims.py:1:5: this is no Python: '(' was never closed"),
        ("if True:\nx = 1\n", "sims.py:2:1: this is no Python: expected an indented block"),
        (b"x = 1\ny = '\xe4'\n", "sims.py:2:6: this file is not UTF-8 (byte 0xe4); save it as UTF-8"),
        (b"x = 1\ny = '\0'\n", "sims.py:2:6: this is a binary file, not text"),
        (b"# coding: no-such\n", "sims.py: this is no Python: "),
        ("import sys\nsys.exit(3)\n", "sims.py:2: this ends the program while it is loaded (SystemExit: 3); put it"),
        ("quit()\n", "sims.py:1: this ends the program while it is loaded (SystemExit"),
        ("raise GeneratorExit\n", "sims.py:1: GeneratorExit"),
        ("def f(): f()\nf()\n", "sims.py:1: RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_what_it_raises_is_one_line_with_its_place(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert mistake(tmp_path, text).startswith(line)


def test_an_error_in_a_module_beside_it_names_both_places(tmp_path: Path) -> None:
    (tmp_path / "beside_sims.py").write_text("def f():\n    raise KeyError('x')\n")
    said = mistake(tmp_path, "import beside_sims\n\nbeside_sims.f()\n")
    assert said == "sims.py:3: KeyError: 'x'; raised in beside_sims.py:2"
    (tmp_path / "reader_beside_sims.py").write_text("import json\njson.loads('x')\n")
    said = mistake(tmp_path, "import reader_beside_sims\n")
    assert said.startswith("sims.py:1: json.decoder.JSONDecodeError: Expecting value")
    assert said.endswith("; raised in reader_beside_sims.py:2")
    (tmp_path / "broken_beside_sims.py").write_text("x = 1\nx =\n")
    said = mistake(tmp_path, "import broken_beside_sims\n")
    assert said == "sims.py:1: SyntaxError: invalid syntax; raised in broken_beside_sims.py:2"


MADE = "import taskrun\nmanager = taskrun.Manager('sims')\na = manager.task_new('a', 'true')\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("b = manager.task_new('a', 'true')\n", "sims.py:4: two tasks have the name 'a'"),
        ("b = manager.task_new('b', 'true')\nb.dependency_is(a)\na.dependency_is(b)\n", "sims.py:6: a cycle: "),
        ("a.dependency_is(None)\n", "sims.py:4: "),
        ("taskrun.Manager('../x')\n", "sims.py:4: a Manager cannot be called '../x'"),
    ],
)
def test_a_mistake_in_a_call_has_the_place_of_the_call_and_its_own_words(tmp_path: Path, text: str, line: str) -> None:
    assert mistake(tmp_path, MADE + text).startswith(line)


@pytest.mark.parametrize("call", ["manager.run()", "manager.run(dry_run=True)", "next(manager.stream())"])
def test_it_is_not_run_while_it_is_loaded(tmp_path: Path, call: str) -> None:
    line = mistake(tmp_path, MADE + f"def main():\n    {call}\n\nmain()\n")
    assert line == (
        "sims.py:5: this runs the manager while the file is being loaded, which is for `taskrun` to do; "
        'put it under `if __name__ == "__main__":`'
    )
    assert not (tmp_path / ".taskrun").exists()


def test_where_a_module_beside_it_runs_the_manager_that_is_the_place(tmp_path: Path) -> None:
    (tmp_path / "runner_beside_sims.py").write_text(MADE + "manager.run()\n")
    line = mistake(tmp_path, "import runner_beside_sims\n")
    assert line.startswith("runner_beside_sims.py:4: this runs the manager while the file is being loaded")


def test_nor_in_the_spelling_of_2013(tmp_path: Path) -> None:
    text = "import taskrun\nmanager = taskrun.Task.Manager(numProcs=2)\nmanager.run_request_is()\n"
    assert mistake(tmp_path, text).startswith("sims.py:3: this runs the manager while the file is being loaded")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1\n", "it leaves no taskrun.Manager in the name `manager`"),
        ("manger = 1\n", "it leaves no taskrun.Manager in the name `manager`; did you mean 'manger'?"),
        (
            "import taskrun\nm = taskrun.Manager()\n",
            "it leaves no taskrun.Manager in the name `manager`; there is one in `m`: write `manager = m`",
        ),
        (
            "def main():\n    manager = 1\nif __name__ == '__main__': main()\n",
            "it leaves no taskrun.Manager in the name `manager`; line 2 makes one, but not when the file is loaded",
        ),
        ("manager = []\n", "`manager` is a list, no taskrun.Manager"),
        ("manager = None\n", "`manager` is None, no taskrun.Manager"),
        (
            "from taskrun import Manager as manager\n",
            "`manager` is the class Manager, no taskrun.Manager; a call makes one: `manager = Manager()`",
        ),
        (
            "def manager(): pass\n",
            "`manager` is a function, no taskrun.Manager; a call makes one: `manager = manager()`",
        ),
    ],
)
def test_a_file_without_a_manager_says_where_one_may_be(tmp_path: Path, text: str, what: str) -> None:
    assert mistake(tmp_path, text) == f"sims.py: {what}"


def test_the_mistakes_of_a_sweep_file_that_it_loads_keep_their_own_places(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("steps:\n  a: {rum: x}\n")
    text = "import taskrun\nmanager = taskrun.load('sweep.yaml')\n"
    with pytest.raises(SweepError, match=r"^sweep.yaml:2:7: "):
        load(tmp_path, text)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    (tmp_path / "sims.py").mkdir()
    (tmp_path / "simm.py").touch()
    missing = "there is no such file; did you mean 'simm.py'?"
    for name, what in (("sims.py", "this is a directory, not a file"), ("sim.py", missing)):
        with pytest.raises(SweepError) as caught:
            load_manager(str(tmp_path / name), name)
        assert str(caught.value) == f"{name}: {what}"


def test_a_keyboard_interrupt_is_nobodys_mistake(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, "raise KeyboardInterrupt\n")
