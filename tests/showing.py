"""For tests of what a run shows: events in one line, a printer over a recording stream, a screen that obeys it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from taskrun.executors.base import Attempt
from taskrun.model import (
    Cause,
    Ended,
    Event,
    Finished,
    Found,
    Prepared,
    Reason,
    RunFinished,
    RunStarted,
    Settled,
    Shell,
    Signature,
    Skipped,
    Started,
    Status,
    Step,
    Task,
)
from taskrun.printer import Manner, Outset, Printer
from taskrun.term import Terminal

FIRST = Attempt(1)
_STEPS: dict[str, Step] = {}


def sim(index: int, name: str = "", **more: object) -> Task:
    """A task called `sim/n=INDEX`, or as given; the step is what stands before the first slash."""
    name = name or f"sim/n={index}"
    step = _STEPS.setdefault(name.split("/")[0], Step(name.split("/")[0]))
    return replace(Task(index, name, step, Shell(f"./sim {index}")), **more)


def started(task: Task, time: float = 0.0, attempt: int = 1, reasons: tuple[Reason, ...] = ()) -> Started:
    return Started(time, task, attempt, 1, Prepared(Signature("")), reasons)


def succeeded(task: Task, time: float = 1.0, seconds: float = 1.0, log: str | None = None) -> Finished:
    ended = Ended(task.index, 1, time - seconds, time, exit_code=0, seconds=seconds, max_rss=4096)
    return Finished(time, task, ended, Settled(Status.SUCCEEDED, log=log))


def failed(
    task: Task,
    time: float = 1.0,
    seconds: float = 1.0,
    *,
    code: int | None = 3,
    signal: str | None = None,
    cause: Cause | None = None,
    message: str = "",
    log: str | None = None,
) -> Finished:
    ended = Ended(task.index, 1, time - seconds, time, exit_code=code, signal=signal, seconds=seconds)
    cause = cause or (Cause.SIGNAL if signal else Cause.EXIT)
    return Finished(time, task, ended, Settled(Status.FAILED, cause=cause, message=message, log=log))


def found(task: Task, time: float = 0.0) -> Found:
    return Found(time, task)


def skipped(task: Task, culprit: str = "", time: float = 1.0, reason: str = "") -> Skipped:
    return Skipped(time, task, culprit, reason or f"{culprit} failed")


def begin(total: int, time: float = 0.0) -> RunStarted:
    return RunStarted(time, total)


def end(time: float = 2.0, stopped_by: str | None = None, **counts: int) -> RunFinished:
    return RunFinished(time, counts, stopped_by)


def reader(files: Mapping[str, bytes]) -> Callable[[str, int, int], bytes]:
    """Reads pieces of files that are only in a mapping."""

    def read(path: str, start: int, size: int) -> bytes:
        text = files.get(path, b"")
        begin = start if start >= 0 else max(len(text) + start, 0)
        return text[begin : begin + size]

    return read


def outset(**more: object) -> Outset:
    return Outset(**{"selected": {"sim": 2}, "total": 2, **more})


def plain(
    events: list[Event], *, terminal: Terminal | None = None, of: Outset | None = None, **manner: object
) -> list[str]:
    """The lines that a printer writes where standard error is no terminal."""
    stream = io.StringIO()
    manner.setdefault("again", lambda names: f"taskrun run sweep.yaml {' '.join(names)}")
    printer = Printer(stream, terminal or Terminal(), of or outset(), Manner(**manner), columns=lambda: 80)
    for event in events:
        printer.show([event])
    printer.close()
    return stream.getvalue().splitlines()


class Glass(io.StringIO):
    """A terminal's screen: what stands on it after carriage returns, moves up and erasures. Colours are ignored."""

    def __init__(self, columns: int = 80) -> None:
        super().__init__()
        self.columns = columns
        self.rows = [""]
        self.row = self.column = 0
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[^\x1b]", text, re.DOTALL):
            self._take(piece)
        return len(text)

    @property
    def shown(self) -> list[str]:
        """The rows that are not empty, without what would be invisible at their ends."""
        return [row.rstrip() for row in self.rows if row.strip()]

    def resize(self, columns: int) -> None:
        """As terminals do that break long rows anew; the cursor stays with its text."""
        rows: list[str] = []
        for row in self.rows:
            rows += [row[start : start + columns] for start in range(0, max(len(row), 1), columns)]
        self.rows, self.columns = rows, columns
        self.row, self.column = len(rows) - 1, len(rows[-1])

    def _take(self, piece: str) -> None:
        if piece == "\r":
            self.column = 0
        elif piece == "\n":
            self._down()
        elif not piece.startswith("\x1b"):
            self._put(piece)
        elif piece.endswith("A"):
            self.row = max(self.row - int(piece[2:-1]), 0)
        elif piece.endswith("J"):
            self.rows = [*self.rows[: self.row], self.rows[self.row][: self.column]]

    def _put(self, char: str) -> None:
        if self.column == self.columns:
            self._down()
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + char + row[self.column + 1 :]
        self.column += 1

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append("")
