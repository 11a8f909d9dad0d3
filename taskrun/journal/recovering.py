"""Brings the journal of a held state directory into a form that can be appended to.

A torn tail is kept aside and cut; a journal of an older format is kept aside and written anew, one that is mostly
history is compacted; damage is reported and left alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from msgspec import structs

from taskrun.errors import StateError
from taskrun.journal.aside import free_name, keep_aside
from taskrun.journal.checksums import Tail
from taskrun.journal.compacting import compact, rewrite, sync_directory
from taskrun.journal.lines import FORMAT, to_line
from taskrun.journal.reading import Reading, cannot, check_source, mark_at_end, open_regular, read_open
from taskrun.journal.records import Records
from taskrun.journal.weighing import is_mostly_history
from taskrun.model import HeaderRecord

_MARK = 200  # bytes that hold a mark and the end of the line before it


def recover(path: str, *, source: str, sync: Callable[[str], None] = sync_directory) -> tuple[int, Tail, Records]:
    """Open the journal at `path`, made where there is none: its descriptor, where it ends, what it says.

    Raises StateError for one that cannot be read or written, is damaged, or belongs to another source.
    """
    descriptor = _open(path)
    try:
        reading = read_open(descriptor, path)
        check_source(reading.records.header, path, source)
        if reading.size > reading.end:
            _cut(descriptor, path, reading)
        tail = reading.tail
        if tail.size == 0:
            tail = _begin(descriptor, path, reading.records, source)
            with contextlib.suppress(OSError):
                sync(os.path.dirname(path))
        else:
            renewed = _renew(descriptor, path, reading, sync)
            if renewed is not None:
                tail, replaced = renewed, descriptor
                descriptor = _open(path)
                os.close(replaced)
    except StateError:
        os.close(descriptor)
        raise
    return descriptor, tail, reading.records


def open_end(path: str) -> tuple[int, Tail] | None:
    """Open the journal at `path` to append to it: its descriptor, and where it ends as its last line, a mark, says.

    None where another line is the last one, or there is no journal that can be opened.
    """
    try:
        descriptor = open_regular(path, os.O_RDWR | os.O_APPEND)
    except OSError:
        return None
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _MARK, max(0, size - _MARK))
    last = end[end.rfind(b"\n", 0, -1) + 1 :]
    mark = mark_at_end(last.removesuffix(b"\n"))
    if mark is None or mark.crc is None or not last.endswith(b"\n") or mark.upto + len(last) != size:
        os.close(descriptor)
        return None
    return descriptor, Tail(mark.upto, mark.crc).after(last)


def _open(path: str) -> int:
    try:
        return open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise cannot("open", path, error) from None


def _renew(descriptor: int, path: str, reading: Reading, sync: Callable[[str], None]) -> Tail | None:
    """Put another journal in the place of one that is not to be appended to; None where it may stay."""
    if reading.records.header.format < FORMAT:
        return _migrate(descriptor, path, reading.records, sync)
    if is_mostly_history(reading.records, reading.end):
        return compact(path, reading.records, sync=sync)
    return None


def _migrate(descriptor: int, path: str, records: Records, sync: Callable[[str], None]) -> Tail:
    """Go on in the format of today. At every instant one of the two journals is at `path`, whole."""
    old = records.header
    aside = f"{path}.format-{old.format}"
    try:
        keep_aside(descriptor, aside)
        with contextlib.suppress(OSError):
            sync(os.path.dirname(path))
        records.header = structs.replace(old, format=FORMAT)
        return rewrite(path, records, sync=sync)
    except OSError as error:
        raise cannot("bring into the format of this version", path, error) from None


def _cut(descriptor: int, path: str, reading: Reading) -> None:
    """Move what lies behind the last whole record into a file of its own."""
    try:
        keep_aside(descriptor, free_name(path, "cut"), begin=reading.end)
        os.ftruncate(descriptor, reading.end)
    except OSError as error:
        raise cannot("cut", path, error) from None


def _begin(descriptor: int, path: str, records: Records, source: str) -> Tail:
    header = HeaderRecord(format=FORMAT, source=source, salt=os.urandom(16).hex())
    line = to_line(header)
    try:
        written = os.write(descriptor, line)
    except OSError as error:
        raise cannot("write", path, error) from None
    if written < len(line):
        raise StateError(f"cannot write {path}: no space left for its first line")
    records.apply(header)
    return Tail().after(line)
