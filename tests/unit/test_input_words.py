"""Text files of commands on the command line: what only looks, and what is no file of commands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answer, answer

import taskrun

Typed = Callable[..., Answer]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """A command typed in a directory of its own, which writes nothing there."""
    monkeypatch.chdir(tmp_path)

    def type_it(*words: str) -> Answer:
        found = answer(capsys, *words)
        assert not (tmp_path / ".taskrun").exists()
        return found

    return type_it


@pytest.mark.parametrize("content", ["", "\n# only a comment\n"])
def test_a_file_without_commands_is_no_mistake(typed: Typed, tmp_path: Path, content: str) -> None:
    (tmp_path / "jobs.txt").write_text(content)
    for words in (("run",), ("run", "-n"), ("run", "--json")):
        assert typed(*words, "jobs.txt") == (0, "", "taskrun: jobs.txt: there are no commands here\n")
    assert typed("list", "--json", "jobs.txt") == (0, "[]\n", "")
    assert json.loads(typed("status", "--json", "jobs.txt").out)["tasks"] == []


def test_what_is_wrong_with_a_file_is_one_sentence(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "jobs.txt").touch()
    (tmp_path / "dir.txt").mkdir()
    (tmp_path / "nul.txt").write_bytes(b"echo a\necho \0b\n")
    (tmp_path / "link.txt").symlink_to("gone")
    os.mkfifo(tmp_path / "fifo.txt")
    os.mkfifo(tmp_path / "fifo.yaml")
    said = {
        "job.txt": "job.txt: there is no such file; did you mean 'jobs.txt'?",
        "dir.txt": "dir.txt: this is a directory, not a file",
        "nul.txt": "nul.txt:2:6: a NUL character can stand in no command; is this a text file?",
        "link.txt": "link.txt: this is a link to 'gone', which is not there",
        "fifo.txt": "fifo.txt: this is no regular file",
        "fifo.yaml": "fifo.yaml: this is no regular file",
        "no/jobs.txt": "no/jobs.txt: there is no such file; there is no directory 'no' either",
    }
    for file, sentence in said.items():
        for name in ("run", "list", "status", "check"):
            assert typed(name, file) == (2, "", f"{sentence}\n")


def test_the_lines_of_a_file_are_listed_selected_and_shown_as_they_are(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "jobs.txt").write_text("echo {x} '${HOME}'\necho b\n")
    tasks = json.loads(typed("list", "--json", "jobs.txt").out)
    assert [task["command"] for task in tasks] == ["echo {x} '${HOME}'", "echo b"]
    assert {task["step"] for task in tasks} == {"line"}
    name = tasks[1]["name"]
    assert typed("list", "jobs.txt", name).out == typed("list", "jobs.txt", f"{name[:9]}*").out == f"{name}  echo b\n"
    assert "bash -euo pipefail -c 'echo b'" in typed("run", "-n", "jobs.txt", name).out
    assert "2 tasks" in typed("check", "jobs.txt", "line").out
    assert "did you mean" in typed("list", "jobs.txt", name[:-1]).err


@pytest.mark.parametrize(
    "words", [("echo {x}",), ("echo {x}", "x=1", "y=1"), ("echo", "{x}", "x=1"), ("echo {x}", "x=*"), ()]
)
def test_a_wrong_each_is_one_sentence(typed: Typed, words: tuple[str, ...]) -> None:
    result = typed("each", *words)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_a_dry_run_of_each_is_commands_and_nothing_else(typed: Typed) -> None:
    result = typed("each", "echo {x}", "x=a b,c", "-n")
    assert (result.status, result.err) == (0, "")
    assert result.out.count("exec env") == 2
    assert "TASKRUN_PARAM_X='a b'" in result.out


def test_a_sweep_file_that_a_shell_hands_over_is_read(typed: Typed) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write("steps: {a: 'true'}\n")
    with os.fdopen(reading):
        assert [task["name"] for task in json.loads(typed("list", "--json", "-F", f"/dev/fd/{reading}").out)] == ["a"]


def test_one_file_at_a_time(typed: Typed) -> None:
    sentence = "taskrun: -F stands twice, for 'a.yaml' and for 'b.yaml'; one FILE at a time\n"
    for name in ("run", "list", "status"):
        assert typed(name, "-F", "a.yaml", "--file", "b.yaml") == (2, "", sentence)


@pytest.mark.parametrize("option", ["-F", "--state-dir", "--name"])
def test_an_option_that_is_given_empty_is_not_taken_for_none(typed: Typed, option: str) -> None:
    for name in ("run", "list", "status", "reset", "check"):
        assert typed(name, option, "") == (2, "", f"taskrun: {option} '': it is empty\n")


@pytest.mark.parametrize(
    ("file", "meant"),
    [(".", "sweep.yaml"), ("-", "sweep.yaml"), ("", "sweep.yaml"), ("..", "../sweep.yaml"), ("sub", "sub/sweep.yaml"),
     ("new", "new.yaml"), ("new.txt", "new.yaml"), ("new/", "new.yaml")],
)  # fmt: skip
def test_init_offers_a_name_that_it_would_take(typed: Typed, tmp_path: Path, file: str, meant: str) -> None:
    (tmp_path / "sub").mkdir()
    said = f"taskrun: {file!r}: the name of a sweep file ends in .yaml, as in {meant!r}\n"
    assert typed("init", file) == (2, "", said)


def test_no_directory_is_offered_as_a_file(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "studies.yaml").mkdir()
    assert typed("run", "studis.yaml", "others.yaml") == (2, "", "studis.yaml: there is no such file\n")
    (tmp_path / "studies.yaml/a.yaml").mkdir()
    assert typed("run", "studies.yaml") == (2, "", "studies.yaml: this is a directory, not a file\n")
    assert "name another FILE" not in typed("run").err


def test_where_only_studies_without_a_file_are_known_that_is_said(typed: Typed, tmp_path: Path) -> None:
    assert "`taskrun init` writes one to begin with" in typed("list", "--name", "mine").err
    (tmp_path / "elsewhere").mkdir()
    mine = taskrun.Manager("mine", root=tmp_path / "elsewhere")
    mine.task_new("a", "true")
    mine.run()
    known = ("--state-dir", "elsewhere/.taskrun")
    for name in ("run", "list", "points", "check"):
        for words in (("--name", "mine"), ("--name", "other"), ()):
            result = typed(name, *known, *words)
            assert result.status == 2
            assert result.err == (
                "taskrun: there is no sweep.yaml here; `taskrun status --name mine` shows what is on record of a study "
                "that has no file\n"
            )


def test_a_missing_argument_is_one_line(typed: Typed) -> None:
    sentence = "taskrun: missing argument 'SHELL', one of bash, zsh, fish; see taskrun completion --help\n"
    assert typed("completion") == (2, "", sentence)


def test_init_where_the_directory_is_gone(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert typed("init").err == "taskrun: 'sweep.yaml' cannot be written: the current directory is gone\n"
    assert typed("init", "no/x.yaml").err == "taskrun: 'no/x.yaml' cannot be written: there is no directory 'no'\n"


def test_each_has_no_select_and_does_not_speak_of_it(typed: Typed) -> None:
    assert "SELECT" in typed("run", "--help").out
    assert "SELECT" not in typed("each", "--help").out


def test_a_mistyped_option_is_one_sentence(typed: Typed) -> None:
    said = typed("run", "--forse").err
    assert said.startswith("taskrun: no such option '--forse'; did you mean one of '--force'")
    assert said.endswith("; see taskrun run --help\n")
