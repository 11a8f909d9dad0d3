"""Locales that lack a character which a study has: nothing dies of it, and commands stay the bytes that they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from studies import command

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

STREAM = {"PYTHONIOENCODING": "latin-1"}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
STUDY = "sweep:\n  a: [π, b]\nsteps:\n  s:\n    run: 'echo {a} é > {outputs}'\n    outputs: '{a}/out'\n"
BUG = b"this is a bug"


def answer(folder: Folder, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*words), cwd=folder.path, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("environment", [STREAM, ASCII], ids=["stream", "locale"])
@pytest.mark.parametrize("words", ["list", "points", "check", "status", "why s", "clean", "list --json", "schema"])
def test_what_the_stream_cannot_hold_is_written_as_an_escape(
    folder: Folder, environment: dict[str, str], words: str
) -> None:
    folder.write("sweep.yaml", STUDY)
    done = answer(folder, environment, *words.split())
    assert (done.returncode, BUG in done.stderr) == (0, False)
    if words in ("list", "points"):
        assert rb"\u03c0" in done.stdout


def test_a_word_diff_is_told_with_an_arrow_that_the_stream_lacks(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {s: 'true 1'}\n")
    folder.taskrun("run")
    folder.write("sweep.yaml", "steps: {s: 'true 2'}\n")
    done = answer(folder, STREAM, "why", "s")
    assert (done.returncode, rb"1 \u2192 2" in done.stdout) == (0, True)


def test_a_dry_run_writes_the_bytes_that_a_run_executes(folder: Folder, tmp_path: Path) -> None:
    folder.write("sweep.yaml", STUDY)
    script = answer(folder, STREAM, "run", "-n", "-v")
    assert (script.returncode, script.stderr) == (0, b"")
    subprocess.run(["bash"], input=script.stdout, cwd=tmp_path, check=True)
    made = folder.files()
    for path in ("π/out", "b/out"):
        (folder.path / path).unlink()
    assert answer(folder, STREAM, "run").returncode == 0
    assert folder.files() == made
    assert made["π/out"] == "π é\n".encode()


def test_what_has_no_bytes_in_the_locale_cannot_start_and_all_else_can(folder: Folder) -> None:
    folder.write("sweep.yaml", STUDY.replace(" é", ""))
    script = answer(folder, ASCII, "run", "-n", "-v")
    assert (script.returncode, script.stdout.count(b"mkdir -p"), script.stdout.count(b"mkdir -p b")) == (1, 1, 1)
    assert b"s/a=%CF%80: no program can be given this: 'ascii' codec" in script.stderr
    done = answer(folder, ASCII, "run")
    assert (done.returncode, BUG in done.stderr) == (1, False)
    assert b"could not start: cannot make room: 'ascii' codec" in done.stderr
    assert folder.statuses() == {"s/a=%CF%80": "failed", "s/a=b": "succeeded"}


def test_an_input_whose_name_the_locale_lacks_is_missing(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {s: {run: cat é, inputs: é}}\n")
    folder.write("é", "")
    done = answer(folder, ASCII, "run")
    assert (done.returncode, BUG in done.stderr) == (1, False)
    assert rb"\xe9 is no name that the locale's encoding (ascii) has" in done.stderr
