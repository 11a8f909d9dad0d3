"""What tasks write, with `--output grouped` and `live`."""

from __future__ import annotations

import io

from showing import Glass, begin, end, failed, outset, reader, sim, started, succeeded

from taskrun.printer import Manner, Printer
from taskrun.term import Terminal
from taskrun.written import log_reader


class Both:
    """A printer on a terminal of which standard output and error are one, or on two streams."""

    def __init__(self, files: dict[str, bytes], output: str, *, terminal: Terminal | None = None) -> None:
        self.results = io.BytesIO()
        self.glass = Glass()
        manner = Manner(output=output, read=reader(files), log_of=lambda task, attempt: f"log of {task} {attempt}")
        self.printer = Printer(
            self.glass, terminal or Terminal(), outset(), manner, columns=lambda: 80, results=self.results
        )
        self.printer.show([begin(2)])

    @property
    def written(self) -> bytes:
        return self.results.getvalue()


def test_grouped_shows_a_whole_log_after_its_end_under_a_header() -> None:
    both = Both({"log0": b"one\n\xff\x00two"}, "grouped")
    both.printer.show([started(sim(0))])
    assert both.written == b""
    both.printer.show([succeeded(sim(0), log="log0"), succeeded(sim(1))])
    assert both.written == b"==> sim/n=0 <==\none\n\xff\x00two\n"


def test_grouped_shows_large_logs_whole() -> None:
    text = b"line\n" * 100_000
    both = Both({"log0": text}, "grouped")
    both.printer.show([succeeded(sim(0), log="log0")])
    assert both.written == b"==> sim/n=0 <==\n" + text


def test_live_shows_lines_as_they_come_with_the_name_before_each() -> None:
    files = {"log of sim/n=0 1": b"a\nb"}
    both = Both(files, "live")
    both.printer.show([started(sim(0)), started(sim(1))])
    both.printer.tick(1.0)
    assert both.written == b"sim/n=0: a\n"
    files["log of sim/n=1 1"] = b"x\n"
    files["log of sim/n=0 1"] += b"c\nd"
    both.printer.tick(1.05)  # too early to look again
    both.printer.tick(1.2)
    assert both.written == b"sim/n=0: a\nsim/n=0: bc\nsim/n=1: x\n"
    both.printer.show([failed(sim(0), 2.0, log="log of sim/n=0 1")])
    assert both.written.endswith(b"sim/n=1: x\nsim/n=0: d\n")
    both.printer.show([succeeded(sim(1), 2.0)])
    both.printer.tick(3.0)
    assert both.printer.due(3.0) is None


def test_live_shows_a_line_without_an_end_in_pieces() -> None:
    both = Both({"log of sim/n=0 1": b"x" * 200_000}, "live")
    both.printer.show([started(sim(0))])
    for now in range(1, 6):
        both.printer.tick(float(now))
    both.printer.show([succeeded(sim(0), 9.0)])
    lines = both.written.splitlines()
    assert len(lines) > 1
    assert b"".join(line.removeprefix(b"sim/n=0: ") for line in lines) == b"x" * 200_000


def test_failures_is_the_default_and_shows_nothing_of_what_succeeded() -> None:
    both = Both({"log0": b"text\n"}, "failures")
    both.printer.show([succeeded(sim(0), log="log0"), failed(sim(1), log="log0"), end()])
    assert both.written == b""


def test_output_never_stands_beside_the_bar() -> None:
    both = Both({"log0": b"text\n"}, "grouped", terminal=Terminal(drawable=True))
    both.printer.show([started(sim(0), 0.5)])
    assert "running" in both.glass.shown[-1]
    both.printer.show([succeeded(sim(0), 0.51, log="log0")])
    assert both.written
    assert both.glass.shown == ["2 tasks"]
    assert both.glass.column == 0
    both.printer.tick(0.6)
    assert both.glass.shown[1] == "succeeded  sim/n=0  1.0s"
    assert "50%" in both.glass.shown[2]


def test_nobody_reading_the_output_is_no_error() -> None:
    class Closed(io.BytesIO):
        def write(self, text: object) -> int:
            raise BrokenPipeError

    glass = io.StringIO()
    manner = Manner(output="grouped", read=reader({"log0": b"text\n"}))
    printer = Printer(glass, Terminal(), outset(), manner, columns=lambda: 80, results=Closed())
    printer.show([begin(2), succeeded(sim(0), log="log0"), succeeded(sim(1), log="log0"), end()])
    assert glass.getvalue().endswith("2 tasks in 2.0s: 2 succeeded\n")


def test_a_reader_of_files_gives_pieces_and_nothing_where_nothing_is(tmp_path) -> None:
    (tmp_path / "log").write_bytes(b"0123456789")
    read = log_reader(str(tmp_path))
    assert (read("log", 2, 3), read("log", -4, 100), read("log", -40, 4), read("log", 10, 5)) == (
        b"234", b"6789", b"0123", b"",
    )  # fmt: skip
    assert read("nosuch", 0, 9) == read("", 0, 9) == read("nul\0", 0, 9) == b""
