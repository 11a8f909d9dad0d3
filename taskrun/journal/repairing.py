"""Saves the whole records of a damaged journal into a new one; the old one is kept aside as it is.

Only done when somebody asks for it: what was lost may be the end of a task, which then runs again.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct, structs

from taskrun.defaults import DEFAULT_FILE, STATES
from taskrun.errors import StateError
from taskrun.journal.aside import free_name, keep_aside
from taskrun.journal.compacting import sync_directory, write_whole
from taskrun.journal.lines import FORMAT, Damaged, from_line, from_lines, to_line
from taskrun.journal.lock import Lock
from taskrun.journal.reading import JOURNAL, Reading, cannot, open_regular, pieces, read_header
from taskrun.journal.records import Records
from taskrun.journal.verifying import Damage, verify
from taskrun.machine import boot_id, host_name, namespace, start_ticks
from taskrun.model import (
    AnyRecord,
    ConfirmRecord,
    HeaderRecord,
    ListRecord,
    RunRecord,
    StartRecord,
    SyncedRecord,
)
from taskrun.shell import quote_visible

_BEGIN = b'{"kind":"'
_SOURCE = re.compile(rb'"source":("(?:[^"\\]|\\.)*")')
_SALT = re.compile(rb'"salt":"([0-9a-f]{32})"')
_ASIDES = (".format-", ".damaged-")  # journals of this state that were kept aside
_BATCH = 1 << 20
_BEYOND_REPAIR = "move it away, or keep the state elsewhere with `--state-dir DIR`"


class Repaired(Struct, frozen=True):
    """What became of the journal at `path`: how many records were `kept` and at least how many were `lost`, by the
    `damages` that there were, and where the old one is kept; None where it was whole, and nothing was done.
    """

    path: str
    kept: int
    lost: int = 0
    aside: str | None = None
    damages: tuple[Damage, ...] = ()


def _is_repairable(path: str) -> bool:
    """Whether anybody can tell what a damaged journal is the state of."""
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return bool(_header(descriptor, path))
    except (OSError, StateError):
        return False
    finally:
        os.close(descriptor)


def advice(path: str, study: Sequence[str] | None = None) -> str:
    """What to do about a journal that cannot be read: where it can be repaired, a line to paste where one stands.

    `study`: the words that name its study on a command line, where they are known.
    """
    if not _is_repairable(path):
        return _BEYOND_REPAIR
    words = ["taskrun", "check", *(_study_of(path) if study is None else study), "--state", "--repair"]
    return f"`{' '.join(map(quote_visible, words))}` saves what can be read"


def _study_of(path: str) -> Iterator[str]:
    above, name = os.path.split(os.path.dirname(path))
    is_here = _is_here(above)
    if not is_here:
        yield from ("--state-dir", above)
    if not (is_here and f"{name}.yaml" == DEFAULT_FILE and os.path.lexists(DEFAULT_FILE)):
        yield from ("--name", name)


def _is_here(states: str) -> bool:
    try:
        return states == os.path.join(os.getcwd(), STATES)
    except OSError:  # the current directory is gone
        return False


def repair(directory: str) -> Repaired:
    """Repair the journal in a state directory, which is held meanwhile.

    Raises StateHeldError where a run holds it, StateError where it cannot be read or written, is of a newer version, or
    has no header left: then nobody knows what it is the state of.
    """
    verdict = verify(directory)
    if verdict.is_whole:
        return Repaired(verdict.path, verdict.records)
    lock = Lock.take(directory, _this_process())
    try:
        verdict = verify(directory)  # nobody else writes now
        if verdict.is_whole:
            return Repaired(verdict.path, verdict.records)
        return _repair(verdict.path, verdict.damages)
    except OSError as error:
        raise cannot("repair", os.path.join(directory, JOURNAL), error) from None
    finally:
        lock.release()


def _repair(path: str, damages: tuple[Damage, ...]) -> Repaired:
    descriptor = open_regular(path, os.O_RDONLY)
    temporary, aside = f"{path}.new", free_name(path, "damaged")
    try:
        salvage = _Salvage(descriptor, _header(descriptor, path))
        write_whole(temporary, salvage.batches())
        keep_aside(descriptor, aside)
        _sync_beside(path)
        os.replace(temporary, path)
        _sync_beside(path)
    finally:
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return Repaired(path, salvage.kept, salvage.lost, aside, damages)


class _Salvage:
    """The records of a journal, line by line as they stand, behind a header; counts what is kept and what is lost."""

    def __init__(self, descriptor: int, header: bytes) -> None:
        self.kept = 1
        self.lost = 0
        self._descriptor = descriptor
        self._header = header
        self._lists: set[str] = set()

    def batches(self) -> Iterator[bytes]:
        yield self._header
        for piece in pieces(self._descriptor, Reading(Records())):
            lines = piece.split(b"\n")
            records = from_lines(piece)
            pairs = zip(lines, records, strict=True) if records is not None else self._readable(lines)
            yield b"".join([line + b"\n" for line, record in pairs if self._is_kept(record)])

    def _readable(self, lines: Iterable[bytes]) -> Iterator[tuple[bytes, AnyRecord]]:
        for line in lines:
            found = list(_records(line))
            if len(found) < max(1, line.count(_BEGIN)):
                self.lost += max(1, line.count(_BEGIN)) - len(found)
            yield from found

    def _is_kept(self, record: AnyRecord) -> bool:
        """Marks and headers are made anew. What names a list that is lost would seem to have had no inputs."""
        match record:
            case SyncedRecord() | HeaderRecord():
                return False
            case ListRecord():
                self._lists.add(record.digest)
            case StartRecord() if not {record.paths, record.figures} <= {None, *self._lists}:
                self.lost += 1
                return False
            case ConfirmRecord() if record.seen is not None and record.seen not in self._lists:
                self.lost += 1
                return False
        self.kept += 1
        return True


def _records(line: bytes) -> Iterator[tuple[bytes, AnyRecord]]:
    """The whole records in a line, which may be several where newlines were damaged, with junk between them."""
    with contextlib.suppress(Damaged):
        yield line, from_line(line)
        return
    for piece in line.split(_BEGIN)[1:]:
        whole = _BEGIN + piece[: piece.rfind(b"}") + 1]
        with contextlib.suppress(Damaged):
            yield whole, from_line(whole)


def _header(descriptor: int, path: str) -> bytes:
    """The line of the header: as it stands, or from what is left of it, or from a journal that was kept aside."""
    first = next(pieces(descriptor, Reading(Records())), b"").partition(b"\n")[0]
    for line, record in _records(first):
        if isinstance(record, HeaderRecord):
            return line + b"\n"
    header = _left_of_header(first) or _header_aside(path)
    if header is None:
        raise StateError(
            f"{path} cannot be repaired: its first line is no header, so that nobody can tell what it is the state of; "
            f"it was left as it is; {_BEYOND_REPAIR}"
        )
    return to_line(structs.replace(header, format=FORMAT))  # which reads all records of older ones too


def _left_of_header(line: bytes) -> HeaderRecord | None:
    source, salt = _SOURCE.search(line), _SALT.search(line)
    if source is None or salt is None:
        return None
    try:
        name = msgspec.json.decode(source[1], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return HeaderRecord(format=FORMAT, source=name, salt=salt[1].decode())


def _header_aside(path: str) -> HeaderRecord | None:
    directory, name = os.path.split(path)
    kinds = tuple(name + kind for kind in _ASIDES)
    for other in sorted(os.listdir(directory or "."), reverse=True):
        if other.startswith(kinds) and (header := read_header(directory, other)) is not None:
            return header
    return None


def _sync_beside(path: str) -> None:
    with contextlib.suppress(OSError):
        sync_directory(os.path.dirname(path))


def _this_process() -> RunRecord:
    pid = os.getpid()
    return RunRecord(
        run=f"repair-{os.urandom(8).hex()}",
        time=time.time(),
        host=host_name(),
        boot=boot_id(),
        pid=pid,
        ticks=start_ticks(pid),
        namespace=namespace(),
        command="repair",
    )
