"""Tells whether a journal is whole and, where it is not, in which lines: by what they hold, and by their checksums.

Reads every byte, takes no lock and never writes. Where only a checksum tells, all lines between two marks are named.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct

from taskrun.journal.checksums import Tail, tail_at
from taskrun.journal.lines import Damaged, from_line, from_lines, read_format
from taskrun.journal.reading import (
    JOURNAL,
    MARK,
    Reading,
    cannot,
    check_absent,
    check_format,
    mark_at_end,
    open_regular,
    pieces,
)
from taskrun.journal.records import Records
from taskrun.model import AnyRecord, HeaderRecord, SyncedRecord


class Damage(Struct, frozen=True):
    """Lines `first` to `last`, counted from 1, are not as they were written; `what` says how that shows."""

    first: int
    last: int
    what: str

    def __str__(self) -> str:
        where = f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"
        return f"{where}: {self.what}"


class Verdict(Struct, frozen=True):
    """The journal at `path`: `size` in bytes, how many `records` can be read (marks are none), its `format`; None and 0
    where there is no header, or no journal yet.

    `torn`: the bytes behind the last whole record; the next run keeps them aside and cuts them, and nothing is damaged
    by that. `damages` are in the order of the lines.
    """

    path: str
    size: int = 0
    records: int = 0
    format: int | None = None
    torn: int = 0
    damages: tuple[Damage, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether a run can go on with it."""
        return not self.damages


def verify(directory: str) -> Verdict:
    """Look at the journal in a state directory, also during a run.

    Raises StateError for one that cannot be read or was written by a newer version.
    """
    path = os.path.join(directory, JOURNAL)
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        check_absent(directory)
        return Verdict(path)
    except OSError as error:
        raise cannot("read", path, error) from None
    try:
        changed = os.fstat(descriptor).st_mtime_ns
        verdict = examine(descriptor, path)
        if verdict.is_whole or os.fstat(descriptor).st_mtime_ns == changed:
            return verdict
        return examine(descriptor, path)  # its writer may have been cutting back
    except OSError as error:
        raise cannot("read", path, error) from None
    finally:
        os.close(descriptor)


def examine(descriptor: int, path: str) -> Verdict:
    """As `verify`, of an open journal."""
    lines = _Lines(descriptor, path)
    covered = max((mark.record.upto for mark in lines.marks), default=0)
    torn = next((bad for bad in lines.bad if bad.position >= covered and bad.line > 1), None)
    end, records = (lines.end, lines.records) if torn is None else (torn.position, torn.records)
    damages = [Damage(bad.line, bad.line, bad.what) for bad in lines.bad if bad.position < end]
    damages += _unlike(descriptor, lines, end, [damage.first for damage in damages])
    damages.sort(key=lambda damage: damage.first)
    return Verdict(path, lines.size, records, lines.format, lines.size - end, tuple(damages))


class _Mark(Struct, frozen=True):
    """A mark, and where it stands now: its line, and the byte where it begins."""

    line: int
    position: int
    record: SyncedRecord

    @property
    def shift(self) -> int:
        """How many bytes came in before it, should it have been written directly behind what it covers."""
        return self.position - self.record.upto


class _Bad(Struct, frozen=True):
    """A line that is no record, the byte where it begins, and how many records there are before it."""

    line: int
    position: int
    what: str
    records: int


class _Lines:
    """What the lines of a journal hold, each taken by itself."""

    def __init__(self, descriptor: int, path: str) -> None:
        self.format: int | None = None
        self.records = 0
        self.marks: list[_Mark] = []
        self.bad: list[_Bad] = []
        self.end = 0
        self._starts = array("Q")
        reading = Reading(Records())
        for piece in pieces(descriptor, reading):
            if not self._starts:
                self.format = read_format(piece.partition(b"\n")[0])
                check_format(self.format, path)
            self._take(piece)
        self.size = reading.size

    def _take(self, piece: bytes) -> None:
        lines = piece.split(b"\n")
        records: Iterable[AnyRecord | Damaged] = from_lines(piece) or map(_record, lines)
        for line, record in zip(lines, records, strict=True):
            self._starts.append(self.end)
            if isinstance(record, SyncedRecord):
                self.marks.append(_Mark(len(self._starts), self.end, record))
            elif isinstance(record, Damaged):
                self._reject(line, str(record))
            elif isinstance(record, HeaderRecord) != (len(self._starts) == 1):
                self._reject(line, "it is a second header" if self.end else "it is no header")
            else:
                self.records += 1
            self.end += len(line) + 1

    def line_at(self, byte: int) -> int:
        """The number of the line that this byte is in."""
        return max(1, bisect_right(self._starts, max(0, byte)))

    def _reject(self, line: bytes, what: str) -> None:
        number = len(self._starts)
        self.bad.append(_Bad(number, self.end, what, self.records))
        mark = mark_at_end(line)
        if mark is not None:
            self.marks.append(_Mark(number, self.end + line.rindex(MARK), mark))


def _record(line: bytes) -> AnyRecord | Damaged:
    try:
        return from_line(line)
    except Damaged as damaged:
        return damaged


def _unlike(descriptor: int, lines: _Lines, end: int, known: Sequence[int]) -> list[Damage]:
    """The lines between two marks whose checksum is not the one that the later mark holds; but for those among which
    stands a line that is `known` to be damaged, which explains it.

    Behind damage that made the file longer or shorter, all is `shift` bytes away from where it was.
    """
    found: list[Damage] = []
    before, shift = Tail(), 0
    for mark in lines.marks:
        if mark.record.crc is None or mark.position >= end:
            continue
        upto = Tail(mark.record.upto, mark.record.crc)
        fitting = [moved for moved in (shift, mark.shift) if _is_like(descriptor, before, upto, moved)]
        first = min(lines.line_at(before.size + shift), mark.line)
        if fitting:
            shift = fitting[0]
        elif bisect_left(known, first) == bisect_right(known, mark.line):
            if found and found[-1].last >= first - 1:
                first = found.pop().first
            found.append(Damage(first, mark.line, "what stands there is not what was written"))
        before = upto
    return found


def _is_like(descriptor: int, before: Tail, upto: Tail, moved: int) -> bool:
    begin, end = before.size + moved, upto.size + moved
    if not 0 <= begin <= end:
        return False
    return tail_at(descriptor, end, Tail(begin, before.crc)) == Tail(end, upto.crc)
