"""Lines to paste, where a file or a study has a name that a shell or an option parser would take for something else."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answer, answer

from taskrun.cli.source import source_of

Typed = Callable[..., Answer]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    monkeypatch.chdir(tmp_path)
    return lambda *words: answer(capsys, *words)


@pytest.mark.parametrize(
    "file", ["jobs.txt", "-x.txt", "it's my.txt", "a=b.txt", "a*.txt", "-a=b.txt", "sub/new\nline.txt"]
)
def test_the_line_that_runs_a_task_again_names_the_file_that_was_run(typed: Typed, file: str) -> None:
    path = Path(file)
    path.parent.mkdir(exist_ok=True)
    path.write_text("echo a\necho b\n")
    opened = source_of((), file, None).open()
    name = opened.study.graph.tasks[1].name
    # The line is for bash; `$'...'` with an escape is all that shlex does not know.
    words = shlex.split(opened.again([name]).replace("$'sub/new\\012line.txt'", "'sub/new\nline.txt'"))
    assert words[:2] == ["taskrun", "run"]
    listed = typed("list", *words[2:])
    assert (listed.status, listed.out, listed.err) == (0, f"{name}  echo b\n", "")


def test_hints_quote_what_was_typed(typed: Typed) -> None:
    Path("my script.sh").write_text("true\n")
    said = typed("run", "my script.sh").err
    assert "`-F 'my script.sh'`" in said
    assert "`taskrun run - < 'my script.sh'`" in said
    assert typed("my study.yaml").err.endswith("did you mean `taskrun run 'my study.yaml'`?; see taskrun --help\n")
    assert typed("init", "--", "-y.yaml").out == "-y.yaml is written; next: taskrun run ./-y.yaml\n"
