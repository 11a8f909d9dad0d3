"""Text files of commands on the command line: what only looks, and what is no file of commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answer, answer

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
    said = {
        "job.txt": "job.txt: there is no such file; did you mean 'jobs.txt'?",
        "dir.txt": "dir.txt: this is a directory, not a file",
        "nul.txt": "nul.txt:2:6: a NUL character can stand in no command; is this a text file?",
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
