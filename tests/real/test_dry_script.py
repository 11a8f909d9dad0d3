"""What a dry run writes, read by a real bash from another directory."""

from __future__ import annotations

import io
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from showing import FIRST, sim

from taskrun.executors.dry import DryExecutor
from taskrun.model import NOTHING_SPECIAL, Argv, FileList, Shell, Step, Task

pytestmark = pytest.mark.real

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def bash(root: Path, *tasks: Task, shell: str = "bash") -> subprocess.CompletedProcess[bytes]:
    """Pipe the tasks' script into a shell that stands elsewhere."""
    stream = io.StringIO()
    executor = DryExecutor(stream, root=str(root), pools={"cores": Fraction(2)})
    for task in tasks:
        executor.start(task, FIRST, NOTHING_SPECIAL)
    script = stream.getvalue().encode("utf-8", "surrogateescape")
    return subprocess.run([shell], input=script, capture_output=True, cwd="/", check=False, timeout=60)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_directories_redirections_cwd_and_environment(tmp_path: Path, shell: str) -> None:
    root = tmp_path / "my study's"
    (root / "sub").mkdir(parents=True)
    step = Step("sim", ("value",))
    text = 'pwd; echo "$TASKRUN_PARAM_VALUE|$OWN|$TASKRUN_TASK"; echo made > ../out/new/file; echo oops >&2; cat'
    task = Task(
        0, "sim/value=x", step, Shell(text), outputs=("out/new/file",), stdout="o/1", stderr="e/2",
        values=("a 'b'\n$c",), cwd="sub", env={"OWN": "x y"},
    )  # fmt: skip
    done = bash(root, task, shell=shell)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (root / "o/1").read_text() == f"{root}/sub\na 'b'\n$c|x y|sim/value=x\n"
    assert (root / "e/2").read_text() == "oops\n"
    assert (root / "out/new/file").read_text() == "made\n"


def test_both_streams_in_one_file_and_unredirected_ones_as_they_are(tmp_path: Path) -> None:
    both = sim(0, action=Shell("echo a; echo b >&2; echo c"), stdout="both", stderr="both")
    none = sim(1, action=Shell("echo d; echo e >&2"))
    done = bash(tmp_path, both, none)
    assert (done.stdout, done.stderr) == (b"d\n", b"e\n")
    assert (tmp_path / "both").read_text() == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("text", "code"), [("exit 7", 7), ("false | true", 1), ("echo $unset_variable", 1), ("kill -9 $$", 137)]
)
def test_it_is_strict_and_stops_at_the_first_failure(tmp_path: Path, text: str, code: int) -> None:
    done = bash(tmp_path, sim(0, action=Shell(text)), sim(1, action=Shell("touch later")))
    assert done.returncode == code
    assert not (tmp_path / "later").exists()


def test_a_redirect_or_directory_that_cannot_be_stops_it(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    for task in (sim(0, stdout="o"), sim(0, cwd="nosuch")):
        done = bash(tmp_path, task, sim(1, action=Shell("touch later")))
        assert done.returncode
        assert not (tmp_path / "later").exists()


def test_other_shells_and_lists(tmp_path: Path) -> None:
    program = tmp_path / "a=b"
    program.write_text("#!/bin/sh\necho \"$1\" > list\n")
    program.chmod(0o755)
    bash(tmp_path, sim(0, action=Argv(("./a=b", "x  $y"))), sim(1, action=Shell("false; echo on > sh", ("sh", "-c"))))
    assert (tmp_path / "list").read_text() == "x  $y\n"
    assert (tmp_path / "sh").read_text() == "on\n"


def test_programs_are_found_in_the_tasks_own_path(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "own-program"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho found > out\n")
    program.chmod(0o755)
    done = bash(tmp_path, sim(0, action=Argv(("own-program",)), env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == "found\n"


@pytest.mark.parametrize("words", [("bash", "-euo", "pipefail", "-c"), ("sh", "-ec")])
def test_a_string_longer_than_the_system_takes_in_one_argument(tmp_path: Path, words: tuple[str, ...]) -> None:
    text = f"cat\n: {'é' * 100_000}\necho end\nfalse\necho not reached\n"
    done = bash(tmp_path, sim(0, action=Shell(text, words), stdout="out"))
    assert (done.returncode, done.stderr) == (1, b"")
    assert (tmp_path / "out").read_text() == "end\n"


def test_lists_of_many_files(tmp_path: Path) -> None:
    lines = tuple(f"sims/a file {number}" for number in range(50_000))
    task = sim(0, action=Shell("wc -l < lists/all > count"), lists=(FileList("lists/all", lines),))
    assert bash(tmp_path, task).returncode == 0
    assert (tmp_path / "count").read_text().strip() == "50000"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, max_size=4), value=WORDS, name=WORDS)
def test_any_text_arrives_as_it_is(tmp_path: Path, words: list[str], value: str, name: str) -> None:
    task = Task(
        0, name or "x", Step("sim", ("value",)), Argv(("printf", "%s\\0", "-", *words)), values=(value,), stdout="words"
    )
    asked = Task(1, name or "x", Step("sim", ("value",)), Argv(("env", "-0")), values=(value,), stdout="env")
    done = bash(tmp_path, task, asked)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "words").read_bytes().decode().split("\0")[:-1] == ["-", *words]
    environment = dict(line.split("=", 1) for line in (tmp_path / "env").read_bytes().decode().split("\0") if line)
    assert environment["TASKRUN_PARAM_VALUE"] == value
    assert environment["TASKRUN_TASK"] == (name or "x")
