"""The bar at the bottom of a terminal, and what stands above it."""

from __future__ import annotations

import pytest
from showing import Glass, begin, end, failed, found, outset, sim, skipped, started, succeeded

from taskrun.history import History
from taskrun.model import StepShape, Stopping, Task
from taskrun.printer import Manner, Outset, Printer
from taskrun.printer.width import cut, printable, width
from taskrun.term import Terminal

TTY = Terminal(drawable=True)
GAUGE = "█████░░░░░░░░░░░░░░"


def on(glass: Glass, of: Outset | None = None, terminal: Terminal = TTY, **manner: object) -> Printer:
    return Printer(glass, terminal, of or outset(), Manner(**manner), columns=lambda: glass.columns)


def sims(count: int) -> list[Task]:
    return [sim(index) for index in range(count)]


def test_the_bar_stays_below_what_happens() -> None:
    glass, tasks = Glass(), sims(4)
    printer = on(glass, outset(selected={"sim": 4}, total=4, shapes=(StepShape("sim", 4, ("n",)),)))
    printer.show([begin(4)])
    assert glass.shown == ["sim ×4 (n)", "4 tasks", "░░░░░░░░░░░░░░░░░░░    0%  0/4"]
    printer.show([started(tasks[0]), started(tasks[1])])
    printer.tick(0.5)
    assert glass.shown[2:] == ["░░░░░░░░░░░░░░░░░░░    0%  0/4  2 running: sim/n=0, sim/n=1"]
    printer.show([succeeded(tasks[0], 1.0), started(tasks[2], 1.0)])
    assert glass.shown[2:] == [
        "succeeded  sim/n=0  1.0s",
        "████░░░░░░░░░░░░░░░   25%  1/4  ETA 2s  2 running: sim/n=1, sim/n=2",
    ]


def test_at_the_end_it_stands_at_100_percent_above_the_summary() -> None:
    glass, tasks = Glass(), sims(2)
    printer = on(glass)
    printer.show([begin(2)])
    printer.show([started(tasks[0]), succeeded(tasks[0], 1.0), found(tasks[1], 1.0)])
    printer.show([end(1.0)])
    printer.close()
    assert glass.shown == [
        "2 tasks",
        "succeeded  sim/n=0  1.0s",
        "███████████████████  100%  2/2  in 1.0s",
        "2 tasks in 1.0s: 1 succeeded, 1 fresh",
    ]
    assert glass.column == 0


def test_nothing_is_left_half_drawn_when_the_run_breaks_off() -> None:
    glass = Glass()
    printer = on(glass)
    printer.show([begin(2)])
    printer.show([started(sim(0))])
    printer.show([succeeded(sim(0), 0.01)])
    printer.close()
    assert glass.shown == ["2 tasks", "succeeded  sim/n=0  1.0s"]
    assert glass.column == 0


def test_drawing_is_bounded_whatever_the_number_of_events() -> None:
    glass, tasks = Glass(), sims(10_000)
    printer = on(glass, outset(selected={"sim": 10_000}, total=10_000))
    printer.show([begin(10_000)])
    for task in tasks:
        now = task.index / 1000  # ten seconds in all
        printer.show([started(task, now), succeeded(task, now)])
        printer.tick(now)
    assert 140 <= glass.writes <= 160
    printer.close()
    assert sum(row.startswith("succeeded") for row in glass.shown) == 10_000


def test_failures_are_seen_at_once() -> None:
    glass = Glass()
    printer = on(glass)
    printer.show([begin(2)])
    printer.show([failed(sim(0), 0.001, 0.0)])
    assert glass.shown[1] == "failed     sim/n=0  exit code 3 after 0.0s"
    assert "1 failed" in glass.shown[-1]


def test_fresh_and_skipped_tasks_are_counts() -> None:
    glass = Glass()
    printer = on(glass, outset(selected={"sim": 100}, total=100))
    printer.show([begin(100)])
    printer.show([found(sim(index)) for index in range(60)])
    printer.show([failed(sim(60), 1.0), *(skipped(sim(index), "sim/n=60") for index in range(61, 100))])
    assert [row for row in glass.shown if row.startswith(("fresh", "skipped"))] == [
        "skipped    39 tasks  sim/n=60 failed"
    ]
    assert "100%  100/100" in glass.shown[-1]


def test_what_is_skipped_for_different_reasons_is_told_apart_and_before_the_summary() -> None:
    glass = Glass()
    printer = on(glass, outset(selected={"sim": 6}, total=6))
    printer.show([begin(6)])
    printer.show(
        [*(failed(sim(index), 1.0, 0.0) for index in (0, 1)), skipped(sim(2), "sim/n=0"), skipped(sim(3), "sim/n=0"),
         skipped(sim(4), "sim/n=1"), skipped(sim(5), reason="stopped by SIGINT"), end(1.0, "SIGINT")]
    )  # fmt: skip
    told = [row for row in glass.shown if row.startswith(("skipped", "stopped"))]
    assert told == [
        "skipped    2 tasks  sim/n=0 failed",
        "skipped    sim/n=4  sim/n=1 failed",
        "skipped    sim/n=5  stopped by SIGINT",
        "stopped by SIGINT: 6 tasks in 1.0s: 2 failed, 4 skipped",
    ]


def test_with_verbose_they_are_told_one_by_one() -> None:
    glass = Glass()
    printer = on(glass, verbose=True)
    printer.show([begin(2)])
    printer.show([found(sim(0), 1.0), skipped(sim(1), reason="stopped")])
    assert glass.shown[1:3] == ["fresh      sim/n=0", "skipped    sim/n=1  stopped"]


def test_quiet_draws_no_bar() -> None:
    glass = Glass()
    printer = on(glass, quiet=True)
    printer.show([begin(2), started(sim(0)), succeeded(sim(0))])
    printer.tick(5.0)
    assert glass.shown == []
    assert printer.due(5.0) is None


@pytest.mark.parametrize("columns", [2, 5, 10, 20, 49, 50, 60, 79, 200])
def test_the_bar_is_cut_to_the_width(columns: int) -> None:
    glass = Glass(columns)
    printer = on(glass)
    tasks = [sim(index, "sim/" + "漢字" * 30 + str(index)) for index in range(2)]
    printer.show([begin(2)])
    for step in range(3):
        printer.show([started(task) for task in tasks])
        printer.tick(step + 1.0)
    opening = -(-len("2 tasks") // columns)
    assert len(glass.shown) == opening + 1
    assert width(glass.shown[-1]) < max(columns, 2)


def test_a_terminal_that_changes_its_width_gets_the_bar_anew() -> None:
    glass = Glass(80)
    printer = on(glass)
    printer.show([begin(2)])
    printer.show([started(sim(0, "sim/name=" + "x" * 60))])
    printer.tick(0.2)
    glass.resize(30)
    printer.tick(0.3)
    assert glass.shown == ["2 tasks", "  0%  0/2  1 running: sim/n…"]
    glass.resize(70)
    printer.tick(0.4)
    assert glass.shown == ["2 tasks", "░░░░░░░░░░░░░░░░░    0%  0/2  1 running: sim/name=xxxxxxxxxxxxxxxxx…"]


def test_a_tick_is_wanted_for_what_has_not_been_drawn_and_once_a_second() -> None:
    glass = Glass()
    printer = on(glass)
    assert printer.due(0.0) is None
    printer.show([begin(2)])
    assert printer.due(0.25) == 0.75
    printer.show([succeeded(sim(0), 0.01)])
    assert printer.due(0.02) == pytest.approx(1 / 15 - 0.02)
    printer.tick(0.1)
    assert glass.shown[1] == "succeeded  sim/n=0  1.0s"
    printer.show([succeeded(sim(1), 2.0), end(2.0)])
    assert printer.due(3.0) is None


def test_the_bar_is_magenta_and_what_failed_red() -> None:
    written = []

    class Record(Glass):
        def write(self, text: str) -> int:
            written.append(text)
            return super().write(text)

    printer = on(Record(), terminal=Terminal(drawable=True, colour=True))
    printer.show([begin(2)])
    printer.show([failed(sim(0), 1.0)])
    assert f"\x1b[35m{'█' * 9}{'░' * 10}   50%  1/2  ETA 1s\x1b[0m  \x1b[31m1 failed\x1b[0m" in written[-1]


def test_stopping_is_said_at_once() -> None:
    glass = Glass()
    printer = on(glass)
    printer.show([begin(2)])
    printer.show([started(sim(0)), Stopping(0.01, 1, "SIGINT", 1)])
    assert glass.shown[1] == "stopping: waiting for 1 running task; Ctrl-C again to terminate them"


def test_the_time_to_go_counts_what_is_done_before_neither_way() -> None:
    glass = Glass()
    history = History([("sim", 10.0)])
    printer = on(glass, outset(selected={"sim": 10}, total=10, done={"sim": 6}, slots=2.0, history=history))
    printer.show([begin(10)])
    assert "0%  0/10  ETA 20s" in glass.shown[-1]
    printer.show([found(sim(index), 0.1) for index in range(6)])
    assert "60%  6/10  ETA 20s" in glass.shown[-1]
    printer.show([started(sim(6), 0.2), started(sim(7), 0.2)])
    printer.show([succeeded(sim(6), 10.2, 10.0), succeeded(sim(7), 10.2, 10.0)])
    assert "80%  8/10  ETA 10s" in glass.shown[-1]


def test_what_was_done_before_but_runs_again_counts_for_the_time_to_go() -> None:
    glass = Glass()
    done = {"sim": 10, "graph": 10}
    of = outset(selected=done, total=20, done=done, slots=2.0, history=History([("sim", 10.0)]))
    printer = on(glass, of)
    printer.show([begin(20)])
    assert "ETA" not in glass.shown[-1]
    printer.show([started(sim(0), 0.1), started(sim(1), 0.1)])
    printer.show([succeeded(sim(0), 10.1, 10.0), succeeded(sim(1), 10.1, 10.0)])
    assert "10%  2/20  ETA 1m30s" in glass.shown[-1]


def test_width_and_cutting_of_wide_and_combining_characters() -> None:
    assert width("a漢é́") == 4
    assert cut("a漢字b", 4) == "a漢…"
    assert cut("abcdef", 5, unicode=False) == "ab..."
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 0) == ""
    assert printable("a\tb\x1b\udcff") == "a\\tb\\x1b\\udcff"
