"""Reads a journal from its first byte to the last one that counts; never writes.

A line that is no record is a torn tail where nothing at or after it was ever synced; before that it is damage, which
no program may gloss over.
"""

from __future__ import annotations

import errno
import gc
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from taskrun.descriptors import above_standard
from taskrun.errors import StateError
from taskrun.journal.checksums import Tail, tail_at
from taskrun.journal.lines import FORMAT, OLDEST, Damaged, from_line, from_lines, read_format
from taskrun.journal.records import Records
from taskrun.model import AnyRecord, HeaderRecord, RunEndRecord, RunRecord, SyncedRecord

JOURNAL = "journal.jsonl"
_BLOCK = 1 << 20
_FEW = 4096  # bytes: some lines
_LONGEST_HEADER = 1 << 20  # a command of `each` is its source
MARK = b'{"kind":"synced"'


class Reading(Struct):
    """What a journal holds. `end`: the byte at which the next record goes; what lies behind it, up to `size`, is a
    tail to be cut. `crc` is the checksum up to `end`.
    """

    records: Records
    end: int = 0
    size: int = 0
    crc: int = 0

    @property
    def tail(self) -> Tail:
        """Where the next record goes."""
        return Tail(self.end, self.crc)


def read_journal(directory: str, *, source: str | None = None) -> Records | None:
    """What is on record in a state directory, without a lock, also during a run; None where there is nothing yet.

    Raises StateError for a journal that cannot be read, or that is of another source than the one given.
    """
    path = os.path.join(directory, JOURNAL)
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        check_absent(directory)
        return None
    except OSError as error:
        raise cannot("read", path, error) from None
    try:
        try:
            reading = read_open(descriptor, path)
        except StateError:  # a half line that its writer cut off and wrote anew in between looks like damage, once
            reading = read_open(descriptor, path)
    finally:
        os.close(descriptor)
    if not reading.end:
        return None
    if source is not None:
        check_source(reading.records.header, path, source)
    return reading.records


def is_begun(directory: str) -> bool:
    """Whether there is a journal in a state directory; StateError where nobody can tell."""
    path = os.path.join(directory, JOURNAL)
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        check_absent(directory)
        return False
    except OSError as error:
        raise cannot("read", path, error) from None
    return True


def check_absent(directory: str) -> None:
    """Raise StateError where no state is found because something else, or a link to nowhere, stands in its place."""
    place = directory
    while place and not os.path.lexists(place):
        place = os.path.dirname(place)
    if not place:
        return
    try:
        if stat.S_ISDIR(os.stat(place).st_mode):
            return
    except OSError as error:
        raise cannot("read", place, error) from None
    raise cannot("read", place, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))


def read_header(directory: str, name: str = JOURNAL) -> HeaderRecord | None:
    """The header of the journal in a state directory; None where there is none that this version can read."""
    try:
        descriptor = open_regular(os.path.join(directory, name), os.O_RDONLY)
    except OSError:
        return None
    try:
        line, newline, _ = os.read(descriptor, _LONGEST_HEADER).partition(b"\n")
        found = from_line(line) if newline else None
    except (OSError, Damaged):
        return None
    finally:
        os.close(descriptor)
    return found if isinstance(found, HeaderRecord) and OLDEST <= found.format <= FORMAT else None


def read_last_run(directory: str) -> tuple[RunRecord, RunEndRecord] | None:
    """The last run and its end, where both stand among the last few lines; what only changed the records is no run."""
    try:
        descriptor = open_regular(os.path.join(directory, JOURNAL), os.O_RDONLY)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        lines = os.pread(descriptor, _FEW, max(0, size - _FEW)).split(b"\n")[1:]
    finally:
        os.close(descriptor)
    run: RunRecord | None = None
    found = None
    for line in lines:
        try:
            record = from_line(line) if line else None
        except Damaged:
            return None
        if isinstance(record, RunRecord) and record.command is None:
            run, found = record, None
        elif isinstance(record, RunEndRecord) and run is not None and record.run == run.run:
            found = run, record
    return found


def check_source(header: HeaderRecord, path: str, source: str) -> None:
    """Raise StateError where the journal is of a study that was made from something else."""
    if header.format and header.source != source and not _has_moved(header.source, source):
        raise StateError(
            f"{os.path.dirname(path)} is the state of another study, made from {header.source!r}, not {source!r}; "
            f"give this one a state of its own with `--name NAME` or `--state-dir DIR`"
        )


def _has_moved(before: str, now: str) -> bool:
    """Whether the absolute path `now` leads to the file that `before` led to, which is reached so too or is gone."""
    if not os.path.isabs(before) or os.path.basename(before) != os.path.basename(now) or not os.path.isfile(now):
        return False
    try:
        return os.path.samefile(before, now)
    except OSError:
        return not os.path.lexists(before)


def open_regular(path: str, flags: int) -> int:
    """Open a file that is one: a pipe in its place would be waited for. Raises OSError, also for what is none."""
    descriptor = above_standard(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o666))
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is no regular file", path)


def read_open(descriptor: int, path: str) -> Reading:
    """Read an open journal; raises StateError for damage, another format, and what is no journal."""
    was_enabled = gc.isenabled()
    gc.disable()  # a million new objects and no garbage: each collection would walk them all
    try:
        return _Reader(descriptor, path).read()
    except OSError as error:
        raise cannot("read", path, error) from None
    finally:
        if was_enabled:
            gc.enable()


def cannot(do: str, path: str, error: OSError) -> StateError:
    """The sentence for a system call that failed."""
    return StateError(f"cannot {do} {path}: {error.strerror or error}")


class _Reader:
    """One journal on its way in: a million lines, so they are decoded many at a time."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self._reading = Reading(Records())
        self._number = 0  # lines so far
        self._mark: SyncedRecord | None = None

    def read(self) -> Reading:
        reading = self._reading
        rest = pieces(self._descriptor, reading)
        for piece in rest:
            if not self._number:
                _check_header(piece.partition(b"\n")[0], self._path)
            before = self._number
            damage = self._take(piece)
            if damage is not None:
                lines = piece.split(b"\n")
                good = self._number - before
                reading.end += sum(len(line) + 1 for line in lines[:good])
                if not self._number:
                    raise StateError(f"{self._path} is no journal of taskrun: its first line is no header: {damage}")
                what = f"{self._path}:{self._number + 1} is damaged: {damage}{_hint(self._path)}"
                _check_unsynced(chain(lines[good:], _lines(rest)), reading.end, what)
                break
            reading.end += len(piece) + 1
        reading.crc = _checksum(self._descriptor, reading.end, self._mark, self._path)
        return reading

    def _take(self, piece: bytes) -> Damaged | None:
        """Take in these lines, up to one that is damaged."""
        records = from_lines(piece)
        if records is not None:
            return self._apply(records)
        for line in piece.split(b"\n"):
            try:
                record = from_line(line)
            except Damaged as damage:
                return damage
            second = self._apply([record])
            if second is not None:
                return second
        return None

    def _apply(self, records: Sequence[AnyRecord]) -> Damaged | None:
        apply = self._reading.records.apply
        for record in records:
            if isinstance(record, SyncedRecord):
                if record.crc is not None:
                    self._mark = record
            elif isinstance(record, HeaderRecord) and self._number:
                return Damaged("a second header")
            self._number += 1
            apply(record)
        return None


def pieces(descriptor: int, reading: Reading) -> Iterator[bytes]:
    """Whole lines, many at a time, without the last newline; counts `reading.size` on to the end of the file."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    rest = b""
    size = min(_BLOCK, os.fstat(descriptor).st_size + 1)  # a whole block for a small file costs more than the file
    while block := os.read(descriptor, size):
        reading.size += len(block)
        head, newline, tail = block.rpartition(b"\n")
        if not newline:
            rest += block
            continue
        yield rest + head
        rest = tail


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    return chain.from_iterable(piece.split(b"\n") for piece in pieces)


def _check_header(line: bytes, path: str) -> None:
    found = read_format(line)
    if found is None:
        raise StateError(no_journal(path) + _hint(path))
    check_format(found, path)


def no_journal(path: str) -> str:
    """The sentence for a file without a header."""
    return f"{path} is no journal of taskrun: its first line is no header"


def _hint(path: str) -> str:
    from taskrun.journal.repairing import advice  # only who is in trouble needs it

    return f"; {advice(path)}"


def check_format(found: int | None, path: str) -> None:
    """Raise StateError for a journal of a version to come."""
    if found is not None and found > FORMAT:
        raise StateError(f"{path} was written by a newer taskrun: its format is {found}, this one reads {FORMAT}")


def _checksum(descriptor: int, end: int, mark: SyncedRecord | None, path: str) -> int:
    """The checksum of what is before byte `end`; raises StateError where the last mark holds another one."""
    begin = Tail()
    if mark is not None:
        begin = tail_at(descriptor, mark.upto, begin)
        if mark.upto > end or begin != Tail(mark.upto, mark.crc or 0):
            raise StateError(_unlike(descriptor, mark, path) + _hint(path))
    return tail_at(descriptor, end, begin).crc


def _unlike(descriptor: int, mark: SyncedRecord, path: str) -> str:
    """Says where the checksums tell that something was changed."""
    from taskrun.journal.verifying import examine  # only for a damaged journal

    damages = examine(descriptor, path).damages
    if not damages:
        return f"{path} is damaged: what is before byte {mark.upto} is not what was written there"
    first, last = damages[0].first, damages[0].last
    lines = f"{first}" if first == last else f"{first}-{last}"
    return f"{path}:{lines} is damaged: {damages[0].what}"


def _check_unsynced(rest: Iterator[bytes], damaged: int, sentence: str) -> None:
    """Read on from a damaged line that begins at byte `damaged`: no mark there may say that it was synced.

    A mark may also be the end of the damaged line: where the newline before it is what was damaged.
    """
    for line in rest:
        mark = mark_at_end(line)
        if mark is not None and mark.upto > damaged:
            raise StateError(sentence)


def mark_at_end(line: bytes) -> SyncedRecord | None:
    """The mark that a line ends in, which may have been glued to something else."""
    begin = line.rfind(MARK)
    try:
        record = from_line(line[begin:]) if begin >= 0 else None
    except Damaged:
        return None
    return record if isinstance(record, SyncedRecord) else None
