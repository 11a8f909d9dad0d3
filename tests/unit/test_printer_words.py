"""What is said of a run where standard error is no terminal: every line, in order, and nothing else."""

from __future__ import annotations

import io
import time

import pytest
from showing import begin, end, failed, found, outset, plain, sim, skipped, started, succeeded

from taskrun.history import History
from taskrun.model import Argv, Cause, Gathering, Reason, ReasonKind, Shell, StepShape, Stopping
from taskrun.printer import Manner, Outset, Printer
from taskrun.printer.opening import opening_lines
from taskrun.printer.words import lingering
from taskrun.term import Terminal

SIM = StepShape("sim", 12, ("topology", "buffer"))
GRAPH = StepShape("graph", 3, ("topology",), (Gathering("parse", 4, 4, False),))
VERIFY = StepShape("verify", 1, (), (Gathering("sim", 12, 12, True),))


def opening(*shapes: StepShape, terminal: Terminal | None = None, room: int | None = None, **more: object) -> list[str]:
    of = Outset(**{"shapes": shapes, "total": 2, "selected": {"sim": 2}, **more})
    return opening_lines(of, terminal or Terminal(), room=room)


def test_the_first_lines_say_what_the_sweep_became() -> None:
    assert opening(SIM, GRAPH, VERIFY) == [
        "sim ×12 (topology, buffer)   graph ×3 (topology) ← 4 parse each   verify ×1 ← all 12 sim",
        "2 tasks",
    ]


def test_gathers_are_loud_in_colour() -> None:
    assert opening(VERIFY, terminal=Terminal(colour=True))[0] == "verify ×1\x1b[1m\x1b[36m ← all 12 sim\x1b[0m"


def test_gathers_of_different_sizes_and_of_several_steps() -> None:
    several = StepShape("graph", 3, (), (Gathering("sim", 2, 4, False), Gathering("parse", 9, 9, True)))
    assert opening(several)[0] == "graph ×3 ← 2–4 sim each, all 9 parse"


def test_a_narrow_terminal_breaks_between_steps() -> None:
    assert opening(SIM, GRAPH, VERIFY, room=70)[:2] == [
        "sim ×12 (topology, buffer)   graph ×3 (topology) ← 4 parse each",
        "verify ×1 ← all 12 sim",
    ]


def test_a_stream_for_ascii_only_gets_ascii() -> None:
    assert opening(GRAPH, terminal=Terminal(unicode=False))[0] == "graph x3 (topology) <- 4 parse each"


def test_hints_and_what_was_done_before_and_what_is_selected() -> None:
    assert opening(hints=("s.yaml:3:1: strange",), total=27, selected={"sim": 12, "parse": 8}, done={"sim": 7}) == [
        "hint: s.yaml:3:1: strange",
        "7 of 20 done before; what is unchanged is left alone (20 of 27 tasks selected)",
    ]


def test_one_line_for_each_end_and_100_percent_at_the_last() -> None:
    one, two = sim(0), sim(1)
    assert plain([begin(2), started(one), started(two), succeeded(one, 1.0), succeeded(two, 2.0, 2.0), end()]) == [
        "2 tasks",
        "[1/2  50% ETA 1s] succeeded  sim/n=0  1.0s",
        "[2/2 100% in 2.0s] succeeded  sim/n=1  2.0s",
        "2 tasks in 2.0s: 2 succeeded",
    ]


def test_colours_of_what_became_of_tasks() -> None:
    tasks = [sim(index) for index in range(4)]
    events = [begin(4), succeeded(tasks[0]), failed(tasks[1]), found(tasks[2]), skipped(tasks[3], "sim/n=1"), end()]
    shown = "\n".join(plain(events, terminal=Terminal(colour=True), of=outset(selected={"sim": 4}, total=4)))
    for said in (
        "\x1b[32msucceeded\x1b[0m", "\x1b[31mfailed\x1b[0m", "\x1b[33mfresh\x1b[0m", "\x1b[33mskipped\x1b[0m",
        "\x1b[35m[4/4 100% in 1.0s]\x1b[0m",
        "\x1b[32m1 succeeded\x1b[0m, \x1b[31m1 failed\x1b[0m, \x1b[33m1 skipped\x1b[0m, \x1b[33m1 fresh\x1b[0m",
    ):  # fmt: skip
        assert said in shown


def test_verbose_says_that_a_task_starts_why_and_with_what_command() -> None:
    task = sim(0, action=Shell("./sim \\\n  0"))
    why = (Reason(ReasonKind.NEW), Reason(ReasonKind.INPUT_CHANGED, "a\nb"))
    assert plain([begin(2), started(task, attempt=2, reasons=why)], verbose=True)[1:] == [
        "[0/2   0%] started    sim/n=0  attempt 2  new; input changed: a\\nb",
        "    ./sim \\",
        "      0",
    ]


def test_words_of_a_list_are_shown_as_they_could_be_pasted() -> None:
    task = sim(0, action=Argv(("./sim", "a b", "$x")))
    assert plain([begin(2), started(task)], verbose=True)[2] == "    ./sim 'a b' '$x'"


def test_quiet_says_nothing_but_failures_and_the_summary() -> None:
    one, two = sim(0), sim(1)
    shown = plain([begin(2), found(one), failed(two, 1.0), end()], quiet=True)
    block = ["failed     sim/n=1  exit code 3 after 1.0s"]
    block += ["    command:", "        ./sim 1", "    to run it again:", "        taskrun run sweep.yaml sim/n=1"]
    ends = ["2 tasks in 2.0s: 1 failed, 1 fresh"]
    assert shown == block * 2 + ends


def test_fresh_tasks_are_left_out_of_the_time_to_go() -> None:
    of = outset(selected={"sim": 10}, total=10, done={"sim": 8}, history=History([("sim", 3.0)]))
    assert plain([begin(10), found(sim(0))], of=of)[-1] == "[ 1/10  10% ETA 6s] fresh      sim/n=0"


def test_a_task_that_never_ran_before_has_no_time_to_go() -> None:
    assert plain([begin(2), found(sim(0))])[-1] == "[1/2  50%] fresh      sim/n=0"


def test_a_run_of_nothing_ends_at_100_percent() -> None:
    assert plain([begin(0), end(0.0)], of=Outset()) == ["0 tasks", "0 tasks in 0.0s"]


@pytest.mark.parametrize(
    ("level", "signal", "running", "said"),
    [
        (1, "SIGINT", 3, "stopping: waiting for 3 running tasks; Ctrl-C again to terminate them"),
        (1, "SIGINT", 0, "stopping: nothing is running"),
        (2, "SIGINT", 1, "stopping: terminating 1 running task; Ctrl-C again to kill them"),
        (3, "SIGINT", 1, "stopping: killing 1 running task"),
        (2, "SIGTERM", 3, "stopping (SIGTERM): terminating 3 running tasks"),
    ],
)
def test_a_signal_and_what_the_next_one_would_do(level: int, signal: str, running: int, said: str) -> None:
    assert plain([begin(2), Stopping(1.0, level, signal, running)])[1:] == [said]


def test_a_stopped_run_says_so_and_cancelled_tasks_are_no_failures_to_look_at() -> None:
    one, two = sim(0), sim(1)
    cancelled = failed(one, 2.0, 2.0, signal="SIGTERM", code=None, cause=Cause.CANCELLED)
    assert plain([begin(2), started(one), cancelled, skipped(two, reason="stopped"), end(2.0, "SIGINT")])[1:] == [
        "[1/2  50%] cancelled  sim/n=0  after 2.0s",
        "[2/2 100% in 2.0s] skipped    sim/n=1  stopped",
        "stopped by SIGINT: 2 tasks in 2.0s: 1 cancelled, 1 skipped",
    ]


def test_names_that_would_move_the_cursor_are_shown_escaped() -> None:
    assert plain([begin(2), found(sim(0, "a\x1b[2J\nb"))])[-1] == "[1/2  50%] fresh      a\\x1b[2J\\nb"


def test_lines_gather_for_a_fifteenth_of_a_second_and_what_needs_a_look_does_not_wait() -> None:
    written: list[str] = []

    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    printer = Printer(Pipe(), Terminal(), outset(total=9), Manner(), columns=lambda: 80)
    printer.show([begin(9)])
    assert len(written) == 1
    for index in range(4):
        printer.show([succeeded(sim(index), 0.01)])
    assert len(written) == 1
    assert printer.due(0.02) == pytest.approx(1 / 15 - 0.02)
    printer.tick(0.07)
    assert [text.count("\n") for text in written[1:]] == [4]
    assert printer.due(0.07) is None
    printer.show([succeeded(sim(4), 0.08)])
    printer.show([failed(sim(5), 0.09)])
    assert "sim/n=4" in written[2]
    assert "sim/n=5" in written[2]
    printer.show([succeeded(sim(6), 0.1)])
    printer.close()
    assert "sim/n=6" in written[3]


def test_nobody_reading_any_more_is_no_error() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    printer = Printer(Closed(), Terminal(), outset(), Manner(), columns=lambda: 80)
    printer.show([begin(2), succeeded(sim(0))])
    printer.close()
    assert isinstance(printer.trouble, BrokenPipeError)


def test_100_000_fresh_tasks_are_told_quickly() -> None:
    tasks = [sim(index) for index in range(100_000)]
    of = outset(selected={"sim": 100_000}, total=100_000, done={"sim": 100_000})
    for terminal in (Terminal(), Terminal(drawable=True, colour=True)):
        printer = Printer(io.StringIO(), terminal, of, Manner(), columns=lambda: 80)
        begun = time.process_time()
        printer.show([begin(100_000)])
        for task in tasks:
            printer.show([found(task)])
        printer.show([end()])
        assert time.process_time() - begun < 5.0  # seconds; ten times what is needed


def test_what_a_run_that_is_over_waits_for_is_named() -> None:
    assert lingering({12: "b"}, 3.2) == "waiting for what b left running (process group 12), 4s at most"
    several = lingering({1: "a", 2: "b", 3: "b", 4: "c", 5: "d"}, 600.0)
    assert several == (
        "waiting for what a, b, c and 1 more left running (process groups 1, 2, 3 and 2 more), 10m at most"
    )
    assert lingering({12: "b"}, -1.0) == "waiting for what b left running (process group 12)"
