"""What tasks write, shown as `--output grouped` and `live` say; bytes as they are.

Read from the tasks' logs: no runner stands between a task and its output.
"""

from __future__ import annotations

from typing import BinaryIO

from taskrun.model import Adopted, Event, Finished, Retrying, Started
from taskrun.printer.setting import Manner
from taskrun.term import Style, Terminal
from taskrun.written import ReadLog

_PIECE = 65_536
_LONGEST_LINE = 65_536  # a line without an end is shown in pieces of this size



class Silent:
    """Shows nothing of what tasks write; the others, which are not `is_silent`, do."""

    is_silent = True

    def take(self, event: Event) -> list[bytes]:
        """The output that becomes due with an event."""
        return []

    def poll(self) -> list[bytes]:
        """The output that came without one."""
        return []

    @property
    def is_waiting(self) -> bool:
        """Whether polling may find something."""
        return False


class Grouped(Silent):
    """A task's whole log after its end, under a header."""

    is_silent = False

    def __init__(self, manner: Manner, terminal: Terminal) -> None:
        self._read = manner.read
        self._paint = terminal.paint
        self._shown: set[str] = set()

    def take(self, event: Event) -> list[bytes]:
        if not isinstance(event, Finished | Retrying):
            return []
        log = event.settled.log
        if not log or log in self._shown:
            return []
        if isinstance(event, Retrying):
            self._shown.add(log)  # where it is not tried again after all, its end comes twice
        pieces = list(_pieces(self._read, log, 0))
        if not pieces:
            return []
        head = self._paint(f"==> {event.task.name} <==", Style.STRONG)
        end = [] if pieces[-1].endswith(b"\n") else [b"\n"]
        return [_encoded(f"{head}\n"), *pieces, *end]


class _Growing:
    """A log that is being written: how far it has been shown, and the start of a line that has no end yet."""

    __slots__ = ("begun", "path", "prefix", "shown")

    def __init__(self, path: str, prefix: bytes) -> None:
        self.path = path
        self.prefix = prefix
        self.shown = 0
        self.begun = b""


class Live(Silent):
    """Lines as they come, with the task's name before each."""

    is_silent = False

    def __init__(self, manner: Manner, terminal: Terminal) -> None:
        self._read = manner.read
        self._log_of = manner.log_of
        self._paint = terminal.paint
        self._growing: dict[int, _Growing] = {}

    @property
    def is_waiting(self) -> bool:
        return bool(self._growing)

    def take(self, event: Event) -> list[bytes]:
        if isinstance(event, Started):
            self._follow(event.task.index, event.task.name, event.attempt)
        elif isinstance(event, Adopted):
            self._follow(event.task.index, event.task.name, event.handle.attempt)
        elif isinstance(event, Finished | Retrying):
            log = self._growing.pop(event.task.index, None)
            if log is not None:
                log.path = event.settled.log or log.path
                lines = [line for piece in _pieces(self._read, log.path, log.shown) for line in _lines(log, piece)]
                return [*lines, *([log.prefix + log.begun + b"\n"] if log.begun else [])]
        return []

    def poll(self) -> list[bytes]:
        lines = []
        for log in self._growing.values():
            piece = self._read(log.path, log.shown, _PIECE)
            if piece:
                lines += _lines(log, piece)
        return lines

    def _follow(self, index: int, name: str, attempt: int) -> None:
        prefix = _encoded(self._paint(f"{name}:", Style.FAINT) + " ")
        self._growing[index] = _Growing(self._log_of(name, attempt), prefix)


def _pieces(read: ReadLog, path: str, start: int) -> list[bytes]:
    """All of a file from `start` on."""
    pieces = []
    while piece := read(path, start, _PIECE):
        pieces.append(piece)
        start += len(piece)
    return pieces


def _lines(log: _Growing, piece: bytes) -> list[bytes]:
    """The lines that `piece` completes."""
    log.shown += len(piece)
    *whole, log.begun = (log.begun + piece).split(b"\n")
    if len(log.begun) > _LONGEST_LINE:
        whole, log.begun = [*whole, log.begun], b""
    return [log.prefix + line + b"\n" for line in whole]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def shower(manner: Manner, terminal: Terminal) -> Silent:
    """The way that `--output` asks for; `terminal` is that of the stream it goes to."""
    if manner.output == "grouped":
        return Grouped(manner, terminal)
    return Live(manner, terminal) if manner.output == "live" else Silent()


def write(stream: BinaryIO, pieces: list[bytes]) -> None:
    """All pieces, at once visible."""
    stream.write(b"".join(pieces))
    stream.flush()
