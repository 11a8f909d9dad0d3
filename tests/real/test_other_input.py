"""Studies that are no sweep file: commands in a text file or on standard input, and `taskrun each`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from studies import command
from test_terminal import OnTerminal

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

Finished = subprocess.CompletedProcess[bytes]


def fed(folder: Folder, text: str | bytes, *words: str) -> Finished:
    """Run the command with this on its standard input."""
    text = text.encode() if isinstance(text, str) else text
    return subprocess.run(command(*words), cwd=folder.path, input=text, capture_output=True, timeout=120, check=False)


def pasted(folder: Folder, line: str) -> Finished:
    """What a shell makes of a line that a user pastes."""
    script = f'taskrun() {{ {sys.executable} -m taskrun "$@"; }}\n{line}\n'
    return subprocess.run(["bash", "-c", script], cwd=folder.path, capture_output=True, timeout=120, check=False)


def to_paste(result: Finished | subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that run failed tasks again, those shown at the end."""
    said = result.stderr if isinstance(result.stderr, str) else result.stderr.decode()
    lines = re.findall(r"to run (?:it|them) again:\n +(.*)", said)
    return lines[len(lines) // 2 :] if "more that failed alike" not in said else lines[-1:]


def recorded(folder: Folder, *words: str, text: str = "") -> dict[str, str]:
    """What is on record of each task."""
    status = json.loads(fed(folder, text, "status", "--json", *words).stdout)
    return {task["name"]: task["status"] for task in status["tasks"]}


def started(result: Finished) -> list[str]:
    """The tasks that `run --json` says were started."""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    return [event["task"] for event in events if event["event"] == "started"]


def states(folder: Folder) -> set[str]:
    return {path.name for path in (folder.path / ".taskrun").glob("*")}


# Text files.


def test_the_lines_of_a_file_run_in_its_directory_and_only_once(folder: Folder) -> None:
    folder.write("sub/jobs.txt", "# what to do\necho one > one.out\n\necho two > two.out\r\necho one > one.out\n")
    first = fed(folder, "", "run", "sub/jobs.txt", "--json")
    assert first.returncode == 0, first.stderr
    assert len(started(first)) == 3
    assert folder.files().keys() == {"sub/jobs.txt", "sub/one.out", "sub/two.out"}
    assert (folder.path / "sub/.taskrun/jobs").is_dir()
    folder.write("sub/jobs.txt", "echo two > two.out\necho three > three.out\necho one > one.out\n")
    (name,) = started(fed(folder, "", "run", "sub/jobs.txt", "--json"))
    listed = folder.taskrun("list", "sub/jobs.txt").stdout
    assert f"{name}  echo three" in listed


def test_bytes_reach_the_command_as_they_are(folder: Folder) -> None:
    (folder.path / "jobs.txt").write_bytes(b"printf 'caf\xe9' > a\r\nprintf %s \xff > b\n")
    assert folder.taskrun("run", "jobs.txt").returncode == 0
    assert folder.files()["a"] == b"caf\xe9"
    assert folder.files()["b"] == b"\xff"
    assert folder.taskrun("run", "jobs.txt").stderr.endswith("2 fresh\n")


def test_a_line_longer_than_the_system_takes_runs_as_it_is(folder: Folder) -> None:
    folder.write("jobs.txt", f"printf %s {'x' * 1_000_000} | wc -c > long\nwc -c < jobs.txt > short\n")
    result = folder.taskrun("run", "jobs.txt", "-q")
    assert result.returncode == 0, result.stderr[:1000]
    assert folder.read("long").strip() == "1000000"
    dry = folder.taskrun("run", "jobs.txt", "-n", "-f")
    (folder.path / "long").unlink()
    subprocess.run(["bash"], input=dry.stdout, cwd=folder.path, text=True, check=True, timeout=60)
    assert folder.read("long").strip() == "1000000"


def test_every_command_takes_a_file_and_its_lines(folder: Folder) -> None:
    folder.write("jobs.txt", "echo good\necho bad; exit 3\n")
    assert folder.taskrun("run", "jobs.txt").returncode == 1
    statuses = recorded(folder, "jobs.txt")
    assert sorted(statuses.values()) == ["failed", "succeeded"]
    good = next(name for name, status in statuses.items() if status == "succeeded")
    assert folder.taskrun("logs", "jobs.txt", good).stdout == "good\n"
    assert folder.taskrun("logs", "jobs.txt", f"{good[:9]}*").stdout == "good\n"
    assert folder.taskrun("list", "jobs.txt", good).stdout == f"{good}  echo good\n"
    assert "1 task" in folder.taskrun("check", "jobs.txt", good).stdout
    assert folder.taskrun("list", "jobs.txt", "line").stdout.count("\n") == 2
    assert started(fed(folder, "", "run", "jobs.txt", good, "-f", "--json")) == [good]


def test_a_failed_line_is_run_again_by_the_line_to_paste(folder: Folder) -> None:
    folder.write("my jobs.txt", "touch a\ntouch b; [ -e mended ]\n")
    (line,) = to_paste(folder.taskrun("run", "my jobs.txt"))
    folder.write("mended", "")
    assert pasted(folder, line).returncode == 0
    assert set(recorded(folder, "my jobs.txt").values()) == {"succeeded"}


# Standard input.


def test_standard_input_is_run_and_the_same_input_again_carries_on(folder: Folder) -> None:
    text = "echo hello\n[ -e mended ] && echo mended\n"
    first = fed(folder, text, "run", "-")
    assert first.returncode == 1
    assert re.fullmatch(rb"==> line/\w{10} <==\nhello\n", first.stdout)
    (state,) = states(folder)
    assert state.startswith("stdin-")
    folder.write("mended", "")
    again = fed(folder, text, "run", "-")
    assert re.fullmatch(rb"==> line/\w{10} <==\nmended\n", again.stdout)
    assert fed(folder, "echo other\n", "run", "-").returncode == 0
    assert len(states(folder)) == 2


def test_a_name_keeps_the_state_of_growing_input(folder: Folder) -> None:
    assert len(started(fed(folder, "echo a\n", "run", "-", "--name", "mine", "--json"))) == 1
    assert len(started(fed(folder, "echo b\necho a\n", "run", "--name", "mine", "-", "--json"))) == 1
    assert states(folder) == {"mine"}
    assert len(recorded(folder, "-", "--name", "mine", text="echo a\necho b\n")) == 2


def test_every_command_reads_standard_input(folder: Folder) -> None:
    text = "echo a\necho b\n"
    listed = fed(folder, text, "list", "-").stdout.decode()
    name = listed.split()[0]
    assert fed(folder, text, "run", "-", name, "-q").returncode == 0
    assert sorted(recorded(folder, "-", text=text).values()) == ["succeeded", "waiting"]
    assert fed(folder, text, "logs", "-", name).stdout == b"a\n"
    assert b"no mistakes, 2 tasks" in fed(folder, text, "check", "-").stdout
    assert fed(folder, text, "run", "-n", "-").stdout.count(b"exec env") == 1


def test_failed_commands_of_standard_input_are_fed_again_by_the_line_to_paste(folder: Folder) -> None:
    text = b"echo it\\'s; [ -e mended ]\nprintf 'caf\xe9'; [ -e mended ]\ntrue\ntouch \"a b\"; [ -e mended ]\n"
    first = fed(folder, text, "run", "-")
    lines = to_paste(first)
    assert lines, first.stderr
    assert all(line.startswith("printf '%s\\n' ") for line in lines)
    folder.write("mended", "")
    for line in lines:
        assert pasted(folder, line).returncode == 0, line
    assert len(states(folder)) == 1
    last = fed(folder, text, "run", "-")
    assert last.stderr.endswith(b"4 fresh\n"), last.stderr


def test_the_second_of_two_equal_commands_is_fed_again_as_such(folder: Folder) -> None:
    text = "mkdir once || [ -e mended ]\n" * 2
    (line,) = to_paste(fed(folder, text, "run", "-j", "1", "-"))
    folder.write("mended", "")
    assert pasted(folder, line).returncode == 0
    assert fed(folder, text, "run", "-").stderr.endswith(b"2 fresh\n")


def test_many_failed_commands_are_fed_again_together(folder: Folder) -> None:
    text = "".join(f"[ -e mended ] # {number}\n" for number in range(30))
    first = fed(folder, text, "run", "-")
    (line,) = to_paste(first)
    folder.write("mended", "")
    assert pasted(folder, line).returncode == 0
    assert fed(folder, text, "run", "-").stderr.endswith(b"30 fresh\n")


def test_empty_standard_input_is_no_mistake(folder: Folder) -> None:
    result = fed(folder, "", "run", "-")
    assert (result.returncode, result.stdout) == (0, b"")
    assert result.stderr == b"taskrun: standard input: there are no commands here\n"
    assert not (folder.path / ".taskrun").exists()


def test_standard_input_that_cannot_be_read_is_a_sentence(folder: Folder) -> None:
    closed = pasted(folder, "taskrun run - <&-")
    assert closed.returncode == 2
    assert b"standard input is closed" in closed.stderr
    nul = fed(folder, b"a\0", "run", "-")
    assert nul.stderr == b"standard input:1:2: a NUL character can stand in no command; is this a text file?\n"


def test_commands_are_read_from_a_terminal_until_it_ends(folder: Folder) -> None:
    terminal = OnTerminal(folder.path, command("run", "-"))
    terminal.until(lambda: "until Ctrl-D" in terminal.text)
    terminal.press(b"echo typed > typed.out\n\x04")
    assert terminal.end() == 0, terminal.text
    assert folder.read("typed.out") == "typed\n"


# each


def test_each_runs_and_shows_what_came_and_only_new_values_the_next_time(folder: Folder) -> None:
    first = folder.taskrun("each", "echo {t} {n}", "t=x,y", "n=1..2", "-j", "1")
    assert first.returncode == 0, first.stderr
    assert first.stdout == "".join(f"==> echo/t={t}/n={n} <==\n{t} {n}\n" for t in "xy" for n in (1, 2))
    assert "echo ×4 (t, n)" in first.stderr
    more = fed(folder, "", "each", "echo {t} {n}", "t=x,y", "n=2,3", "--json")
    assert sorted(started(more)) == ["echo/t=x/n=3", "echo/t=y/n=3"]
    (state,) = states(folder)
    assert re.fullmatch(r"echo-\w{10}", state)


def test_each_over_files_makes_files(folder: Folder) -> None:
    for name in ("a.csv", "b c.csv"):
        folder.write(f"data/{name}", f"{name}\n")
    words = ("each", "tr a-z A-Z < {f} > {outputs}; echo {f.name}", "f=data/*.csv")
    paths = ("--outputs", "out/{f.stem}.up", "--stdout", "log/{f.stem}")
    dry = folder.taskrun(*words, *paths, "-n")
    assert not (folder.path / "out").exists()
    result = folder.taskrun(*words, *paths)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    made = {name: text for name, text in folder.files().items() if not name.startswith("data/")}
    assert made == {
        "out/a.up": b"A.CSV\n",
        "out/b c.up": b"B C.CSV\n",
        "log/a": b"a.csv\n",
        "log/b c": b"b c.csv\n",
    }
    for name in made:
        (folder.path / name).unlink()
    subprocess.run(["bash"], input=dry.stdout, cwd=folder.path, text=True, check=True, timeout=60)
    assert {name: text for name, text in folder.files().items() if not name.startswith("data/")} == made
    folder.taskrun(*words, *paths)
    (folder.path / "out/a.up").unlink()
    assert folder.taskrun(*words, *paths).stderr.endswith("1 succeeded, 1 fresh\n")


def test_a_failed_task_of_each_is_run_again_by_the_line_to_paste(folder: Folder) -> None:
    words = ("each", "touch '{t} {n}.out'; [ -e mended ] || [ {n} != 2 ]", "t=x y,z", "n=1..3")
    first = folder.taskrun(*words, "--outputs", "{t} {n}.out", "--name", "my study", "--state-dir", "st")
    assert first.returncode == 1
    (line,) = to_paste(first)
    folder.write("mended", "")
    result = pasted(folder, line)
    assert result.returncode == 0, result.stderr
    assert b"2 of 2" not in result.stderr
    assert {path.name for path in (folder.path / "st").iterdir()} == {"my study"}
    assert not (folder.path / ".taskrun").exists()
    last = folder.taskrun(*words, "--outputs", "{t} {n}.out", "--name", "my study", "--state-dir", "st")
    assert last.stderr.endswith("6 fresh\n")


def test_one_name_is_not_for_two_commands(folder: Folder) -> None:
    assert folder.taskrun("each", "echo {x}", "x=1", "--name", "n").returncode == 0
    refused = folder.taskrun("each", "echo -- {x}", "x=1", "--name", "n")
    assert refused.returncode == 3
    assert "made from 'each echo {x}', not 'each echo -- {x}'" in refused.stderr


def test_what_is_no_utf_8_names_a_study_all_the_same(folder: Folder) -> None:
    words = ("each", os.fsdecode(b"echo caf\xe9 {x}; [ -e mended ]"), "x=1")
    first = fed(folder, "", *words)
    assert first.stdout == b"==> echo/x=1 <==\ncaf\xe9 1\n"
    (line,) = to_paste(first)
    folder.write("mended", "")
    assert pasted(folder, line).returncode == 0
    assert fed(folder, "", *words).stderr.endswith(b"1 fresh\n")
    file = folder.path / os.fsdecode(b"caf\xe9.yaml")
    try:
        file.write_text("steps: {a: 'true'}")
    except OSError:
        pytest.skip("this file system has no such names")
    assert fed(folder, "", "run", file.name).returncode == 0
    assert fed(folder, "", "run", file.name).stderr.endswith(b"1 fresh\n")


# A reader that goes away.

LIST = [("list", "-"), ("list", "-", "--json"), ("status", "-", "--json"), ("run", "-n", "-")]
EACH = ("each", "echo {n}", "n=1..150")


@pytest.mark.parametrize("words", LIST, ids=" ".join)
def test_who_only_looks_stops_quietly_when_nobody_reads_on(folder: Folder, words: tuple[str, ...]) -> None:
    text = "".join(f"echo {number}\n" for number in range(3000))
    assert _first_line_of(folder, text, *words) == 0


@pytest.mark.parametrize("words", [EACH, (*EACH, "--json"), (*EACH, "--output", "live"), (*EACH, "-n")], ids=" ".join)
def test_a_run_goes_on_quietly_when_nobody_reads_on(folder: Folder, words: tuple[str, ...]) -> None:
    assert _first_line_of(folder, "", *words) == 0
    if "-n" not in words:
        assert folder.taskrun(*EACH).stderr.endswith("150 fresh\n")


def test_a_run_whose_reader_has_gone_still_tells_of_failures_by_its_status(folder: Folder) -> None:
    assert _first_line_of(folder, "", "each", "echo {n}; exit 1", "n=1..50", "--json") == 1


def _first_line_of(folder: Folder, text: str, *words: str) -> int:
    """Read one line and close the pipe; the exit status. Nothing may be said of a pipe."""
    folder.write("input", text)
    with open(folder.path / "input") as source, open(folder.path / "errors", "wb") as errors:
        run = subprocess.Popen(command(*words), cwd=folder.path, stdin=source, stdout=subprocess.PIPE, stderr=errors)
    assert run.stdout is not None
    assert os.read(run.stdout.fileno(), 1)
    run.stdout.close()
    status = run.wait(timeout=60)
    said = folder.read("errors")
    assert "Traceback" not in said
    assert "pipe" not in said.lower()
    return status
