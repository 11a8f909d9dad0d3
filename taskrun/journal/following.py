"""Reads a journal on from where it was read last, while a run appends to it; takes no lock and never writes.

A compacted journal is another file: it is read anew.
"""

from __future__ import annotations

import os

from taskrun.journal.lines import Damaged, from_line, from_lines
from taskrun.journal.reading import JOURNAL, cannot, check_absent, check_source, open_regular, read_open
from taskrun.journal.records import Records
from taskrun.model import AnyRecord


class Follower:
    """The records of a state directory, kept up to date by `catch_up`; there need not be a journal yet.

    `source` names what the study was made from: the journal of another one is refused.
    """

    def __init__(self, directory: str, *, source: str) -> None:
        self.records = Records()
        self._source = source
        self._path = os.path.join(directory, JOURNAL)
        self._file: tuple[int, int] | None = None
        self._end = 0

    def catch_up(self) -> None:
        """Take in what has been appended; raises StateError where the journal cannot be read."""
        try:
            descriptor = open_regular(self._path, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            check_absent(os.path.dirname(self._path))
            return
        except OSError as error:
            raise cannot("read", self._path, error) from None
        try:
            self._read(descriptor)
        except OSError as error:
            raise cannot("read", self._path, error) from None
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) == self._file and found.st_size >= self._end and self._append(descriptor):
            return
        reading = read_open(descriptor, self._path)
        check_source(reading.records.header, self._path, self._source)
        self.records, self._end = reading.records, reading.end
        self._file = (found.st_dev, found.st_ino)

    def _append(self, descriptor: int) -> bool:
        """Take in the whole lines since the last ones; False where something else stands there now."""
        rest = b""
        position = self._end
        while block := os.pread(descriptor, 1 << 20, position):
            rest += block
            position += len(block)
        lines, newline, _ = rest.rpartition(b"\n")
        if not newline:
            return True
        try:
            records: list[AnyRecord] = from_lines(lines) or [from_line(line) for line in lines.split(b"\n")]
        except Damaged:
            return False
        for record in records:
            self.records.apply(record)
        self._end += len(lines) + 1
        return True
