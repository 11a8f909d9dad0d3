"""What is executed for an action, in which environment, with which streams: the parts that start nothing."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from taskrun.executors.local.commands import direct_command, find_program, long_text, plain_command
from taskrun.executors.local.environment import Environments, Surroundings
from taskrun.executors.local.streams import streams_of
from taskrun.model import Action, Argv, Shell, Step, Task, Traits, mark

INHERITED = {b"PATH": b"/usr/bin:/bin", b"HOME": b"/home/me"}


def around(root: Path, declared: dict[str, str] | None = None, **inherited: str) -> Surroundings:
    variables = INHERITED | {os.fsencode(name): os.fsencode(value) for name, value in inherited.items()}
    task = Task(0, "t", Step("t"), Shell("true"), env=declared or {})
    return Environments(variables, "run", Fraction(4)).around(task, os.fspath(root))


def program(root: Path, name: str, mode: int = 0o755) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)


@pytest.mark.parametrize("action", [Shell("true"), Shell("./tool a=b\n"), Shell(f"cat {mark('{task.attempt}', None)}")])
def test_a_simple_string_needs_no_bash(tmp_path: Path, action: Action) -> None:
    found = direct_command(action, around(tmp_path), 3)
    assert found is not None
    assert found[1][-1] in ("true", "a=b", "3")


@pytest.mark.parametrize(
    "action",
    [
        Shell("true; false"),
        Shell("echo $HOME"),
        Shell("no-such-program-anywhere"),
        Shell("true", ("bash", "-c")),
        Shell("true", ("sh", "-euo", "pipefail", "-c")),
        Argv(("true",)),
    ],
)
def test_anything_else_does(tmp_path: Path, action: Action) -> None:
    assert direct_command(action, around(tmp_path), 1) is None


@pytest.mark.parametrize(
    "inherited", [{"IFS": ","}, {"BASH_ENV": "x"}, {"BASH_FUNC_true%%": "() { :; }"}, {"LC_ALL": "?"}]
)
def test_nor_does_bash_stand_aside_where_the_environment_speaks_to_it(
    tmp_path: Path, inherited: dict[str, str]
) -> None:
    assert direct_command(Shell("true"), around(tmp_path, **inherited), 1) is None
    assert direct_command(Shell("true"), around(tmp_path, inherited), 1) is None


def test_a_program_is_looked_up_in_the_tasks_own_path_from_its_own_directory(tmp_path: Path) -> None:
    program(tmp_path, "bin/tool")
    program(tmp_path, "closed/tool", 0o644)
    (tmp_path / "folder/tool").mkdir(parents=True)
    here = os.fspath(tmp_path)
    assert find_program("tool", ("folder", "closed", "bin"), here) == "bin/tool"
    assert find_program("tool", ("", f"{here}/bin"), here) == f"{here}/bin/tool"
    assert find_program("./any/thing", (), here) == "./any/thing"
    with pytest.raises(PermissionError):
        find_program("tool", ("closed",), here)
    with pytest.raises(FileNotFoundError):
        find_program("tool", ("/nowhere",), here)


def test_a_long_string_goes_to_a_script_where_its_shell_can_read_one(tmp_path: Path) -> None:
    text = "é" * 70_000
    assert long_text(Shell(text), 1) == text
    assert long_text(Shell("é" * 60_000), 1) is None
    assert long_text(Shell(text, ("ssh", "host")), 1) is None
    assert long_text(Argv((text,)), 1) is None
    for words, expected in {
        ("bash", "-euo", "pipefail", "-c"): ("bash", "-euo", "pipefail", "FILE"),
        ("sh", "-ec"): ("sh", "-e", "FILE"),
        ("sh", "-c"): ("sh", "FILE"),
    }.items():
        assert plain_command(Shell(text, words), around(tmp_path), 1, os.fspath(tmp_path), "FILE")[1] == expected


def variables_of(root: Path, task: Task, attempt: int = 1, **inherited: str) -> dict[str, str]:
    variables = INHERITED | {os.fsencode(name): os.fsencode(value) for name, value in inherited.items()}
    found = Environments(variables, "run", Fraction(4)).around(task, os.fspath(root)).of(task, attempt)
    return {os.fsdecode(name): os.fsdecode(value) for name, value in found.items()}


def test_the_environment_is_inherited_declared_and_ours_in_this_order(tmp_path: Path) -> None:
    step = Step("sim", ("load",), ("seed",))
    task = Task(
        0,
        "sim/load=1",
        step,
        Shell("true"),
        values=("1",),
        lets=("2",),
        env={"HOME": "/elsewhere", "TASKRUN_STEP": "no", "N": f"x{mark('{task.attempt}', None)}"},
    )
    found = variables_of(tmp_path, task, 2, TASKRUN_PARAM_OTHER="of another run", TASKRUN_RUN="too", KEPT="yes")
    assert found == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/elsewhere",
        "KEPT": "yes",
        "N": "x2",
        "PWD": os.fspath(tmp_path),
        "TASKRUN_RUN": "run",
        "TASKRUN_TASK": "sim/load=1",
        "TASKRUN_STEP": "sim",
        "TASKRUN_ATTEMPT": "2",
        "TASKRUN_CORES": "1",
        "TASKRUN_PARAM_LOAD": "1",
        "TASKRUN_PARAM_SEED": "2",
    }


@pytest.mark.parametrize(("asked", "shown"), [("1/2", "0.5"), ("4", "4"), ("64", "4"), ("0", "0")])
def test_a_task_is_told_the_cores_that_it_gets(tmp_path: Path, asked: str, shown: str) -> None:
    task = Task(0, "t", Step("t"), Shell("true"), traits=Traits((("cores", Fraction(asked)),)))
    assert variables_of(tmp_path, task)["TASKRUN_CORES"] == shown


def test_the_way_by_which_we_came_is_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    task = Task(0, "t", Step("t"), Shell("true"))
    link, real = os.fspath(tmp_path / "link"), os.fspath(tmp_path / "real")
    assert variables_of(tmp_path / "real", task, PWD=link)["PWD"] == link
    assert variables_of(tmp_path / "real", task, PWD=f"{link}/.")["PWD"] == real
    assert variables_of(tmp_path / "real", task, PWD="/tmp")["PWD"] == real


@pytest.mark.parametrize(
    ("stdout", "stderr", "expected"),
    [
        (None, None, ("/log", None, "/log")),
        ("o", None, ("/root/o", "/log", "/log")),
        (None, "e", ("/log", "/root/e", "/log")),
        ("o", "e", ("/root/o", "/root/e", None)),
        ("o", "o", ("/root/o", None, None)),
        ("o", "stdout", ("/root/o", "/root/stdout", None)),
        ("/abs", "/abs", ("/abs", None, None)),
    ],
)
def test_what_is_not_redirected_goes_to_the_log(
    stdout: str | None, stderr: str | None, expected: tuple[str, str | None, str | None]
) -> None:
    found = streams_of(stdout, stderr, root="/root", log="/log")
    assert (found.output, found.error, found.log) == expected


@pytest.mark.parametrize(
    ("shell", "text", "word"),
    [
        (("bash", "-euo", "pipefail", "-c"), "-tool x | cat", " -tool x | cat"),
        (("/bin/sh", "-c"), "+tool; :", " +tool; :"),
        (("env", "A=1", "zsh", "-c"), "-tool; :", " -tool; :"),
        (("bash", "-c"), "tool -x; :", "tool -x; :"),
        (("python3", "-c"), "-1", "-1"),  # where a blank means something, and the word is no option
    ],
)
def test_a_command_that_begins_like_an_option_is_none(
    tmp_path: Path, shell: tuple[str, ...], text: str, word: str
) -> None:
    _, words = plain_command(Shell(text, shell), around(tmp_path), 1, os.fspath(tmp_path), "")
    assert words == (*shell, word)
