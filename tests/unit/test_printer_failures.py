"""A failure, at once and again at the end."""

from __future__ import annotations

import pytest
from showing import begin, end, failed, outset, plain, reader, sim, skipped, succeeded

from taskrun.model import Argv, Cause, Event, Shell
from taskrun.term import Terminal

LOG = ".taskrun/sweep/logs/sim/n=0.1.log"


def told(*events: Event, files: dict[str, bytes] | None = None, total: int = 2, **manner: object) -> list[str]:
    of = outset(selected={"sim": total}, total=total)
    return plain([begin(total), *events, end()], of=of, read=reader(files or {}), **manner)[1:]


def test_a_failure_is_shown_at_once_and_again_at_the_end() -> None:
    block = [
        "    command:",
        "        ./sim 0",
        f"    log: {LOG}",
        "        Traceback:",
        "          at line 3",
        "    to run it again:",
        "        taskrun run sweep.yaml sim/n=0",
    ]
    assert told(failed(sim(0), log=LOG), succeeded(sim(1)), files={LOG: b"Traceback:\n  at line 3\n"}) == [
        "[1/2  50% ETA 1s] failed     sim/n=0  exit code 3 after 1.0s",
        *block,
        "[2/2 100% in 1.0s] succeeded  sim/n=1  1.0s",
        "failed     sim/n=0  exit code 3 after 1.0s",
        *block,
        "2 tasks in 2.0s: 1 succeeded, 1 failed",
    ]


def test_the_last_20_lines_as_they_are_and_bytes_that_are_no_text_as_escapes() -> None:
    text = b"".join(b"line %d\t\n" % number for number in range(30)) + b"caf\xe9 caf\xc3\xa9\r\n\nend"
    shown = told(failed(sim(0), log=LOG), files={LOG: text})
    lines = shown[shown.index(f"    log: {LOG}") + 1 : shown.index("    to run it again:")]
    assert lines == [*(f"        line {number}\t" for number in range(13, 30)), "        caf\\xe9 café", "        ",
                     "        end"]  # fmt: skip


def test_colours_of_a_log_end_with_their_line_on_a_terminal() -> None:
    shown = told(failed(sim(0), log=LOG), files={LOG: b"\x1b[31mred\n"}, terminal=Terminal(drawable=True))
    assert "        \x1b[31mred\x1b[0m" in shown


@pytest.mark.parametrize(
    ("files", "path"),
    [({"err": b"e\n", "out": b"o\n"}, "err"), ({"out": b"o\n"}, "out"), ({LOG: b"l\n", "err": b"e\n"}, LOG)],
)
def test_where_there_is_no_log_the_redirect_file_stands_for_it(files: dict[str, bytes], path: str) -> None:
    task = sim(0, stdout="out", stderr="err")
    shown = told(failed(task, log=LOG), files=files)
    assert f"    log: {path}" in shown
    assert f"        {files[path].decode().strip()}" in shown


def test_nothing_of_what_it_wrote_with_output_none() -> None:
    shown = told(failed(sim(0), log=LOG), files={LOG: b"secret\n"}, output="none")
    assert f"    log: {LOG}" in shown
    assert not [line for line in shown if "secret" in line]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"code": 3}, "exit code 3 after 1.0s"),
        ({"code": None, "signal": "SIGKILL"}, "killed by SIGKILL after 1.0s"),
        ({"cause": Cause.MISSING_OUTPUT, "message": "sim did not make x", "code": 0},
         "missing output: sim did not make x after 1.0s"),
        ({"cause": Cause.MISSING_INPUT, "message": "x is not there", "code": None}, "missing input: x is not there"),
        ({"cause": Cause.COULD_NOT_START, "message": "no such file", "code": None}, "could not start: no such file"),
    ],
)  # fmt: skip
def test_how_a_task_failed(more: dict[str, object], said: str) -> None:
    assert told(failed(sim(0), **more))[0].partition("] ")[2] == f"failed     sim/n=0  {said}"


def test_equal_failures_are_one_at_the_end_and_what_they_held_up_is_a_count() -> None:
    tasks = [sim(index) for index in range(6)]
    files = {f"log{index}": b"%d\nno such file\n" % index for index in range(3)} | {"log3": b"other\n"}
    failures = [failed(task, 1.0, 1.0, log=f"log{task.index}") for task in tasks[:4]]
    held_up = [skipped(tasks[4], "sim/n=0"), skipped(tasks[5], "sim/n=2")]
    shown = told(*failures, *held_up, files=files, total=6)
    assert shown[shown.index("[6/6 100% in 1.0s] skipped    sim/n=5  sim/n=2 failed") + 1 :] == [
        "failed     sim/n=0  exit code 3 after 1.0s",
        "    and 2 more that failed alike:",
        "        sim/n=1",
        "        sim/n=2",
        "    command:",
        "        ./sim 0",
        "    log: log0",
        "        0",
        "        no such file",
        "    to run them again:",
        "        taskrun run sweep.yaml sim/n=0 sim/n=1 sim/n=2",
        "    2 skipped because of them",
        "failed     sim/n=3  exit code 3 after 1.0s",
        "    command:",
        "        ./sim 3",
        "    log: log3",
        "        other",
        "    to run it again:",
        "        taskrun run sweep.yaml sim/n=3",
        "6 tasks in 2.0s: 4 failed, 2 skipped",
    ]


def test_many_equal_failures_name_some_and_their_step_runs_them_again() -> None:
    shown = told(*(failed(sim(index)) for index in range(1000)), total=1000)
    summary = shown[shown.index("    and 999 more that failed alike:") :]
    assert len(summary) < 30
    assert "        ... and 979 more" in summary
    assert "        taskrun run sweep.yaml sim" in summary


def test_more_kinds_of_failures_than_anyone_reads_are_a_line_each_after_the_first_50() -> None:
    tasks = [sim(index) for index in range(60)]
    files = {f"log{task.index}": b"%d\n" % task.index for task in tasks}
    shown = told(*(failed(task, log=f"log{task.index}") for task in tasks), files=files, total=60)
    assert shown[-2] == "failed     sim/n=59  exit code 3 after 1.0s"
    assert shown.count("    command:") == 60 + 50


def test_the_line_to_paste_is_what_the_manner_says() -> None:
    task = sim(0, "my sim's")
    assert "        again: [\"my sim's\"]" in told(failed(task), again=lambda names: f"again: {names}")


@pytest.mark.parametrize(
    ("action", "code", "log", "hint"),
    [
        (Shell("yes | head -1"), 141, b"", "141 is SIGPIPE under pipefail"),
        (Shell("yes | head -1", ("sh", "-c")), 141, b"", ""),
        (Shell("nosuch"), 127, b"", "127 means"),
        (Argv(("./wrapper",)), 127, b"", ""),
        (Shell("echo $nosuch"), 1, b"bash: nosuch: unbound variable\n", "the shell's option -u"),
        (Shell("false"), 1, b"", ""),
    ],
)
def test_a_known_riddle_gets_a_hint(action: Shell | Argv, code: int, log: bytes, hint: str) -> None:
    shown = told(failed(sim(0, action=action), code=code, log=LOG), files={LOG: log})
    found = [line for line in shown if line.startswith("    hint: ")]
    assert len(found) == (2 if hint else 0)
    assert all(line.startswith(f"    hint: {hint}") for line in found)
