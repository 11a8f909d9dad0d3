"""What one look at a path tells, and whether that is what is on record.

A look reads no content. Where it leaves the question open, `compare` says so, and the content decides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from enum import Enum, auto
from operator import attrgetter, itemgetter

from msgspec import Struct

from taskrun.defaults import STATES
from taskrun.digests import blake2b
from taskrun.model import Check, Figure

SMALL = 1 << 20  # bytes: files up to this size are compared by content where size and time leave it open
PLAIN = (0, 0, 0, 0)  # a device or a pipe: it is there, and nothing else about it means anything

Without = frozenset[bytes]  # names of files and directories below a directory, as seen from there
_NOTHING: Without = frozenset()
_OF_A_STATE = {"journal.jsonl", "lock"}  # what shows that a directory is one, wherever `--state-dir` put it


class Directory(Struct, frozen=True):
    """The set of the files below a directory: how many, their bytes, the mtime of the newest, and digests of their
    names with size and mtime, and of these with ctime and inode too. `without`: the names that were left out.
    """

    count: int
    size: int
    newest: int
    digest: str
    strict: str
    without: Without = frozenset()

    def __str__(self) -> str:
        return f"{self.count} files {self.digest}"


Look = tuple[int, int, int, int] | Directory | None  # of a file: size, mtime in ns, ctime in ns, inode


class Compared(Enum):
    """What a look says of a file on record."""

    SAME = auto()
    OTHER = auto()
    OPEN = auto()  # its content may be the same


def look_at(path: str, without: Without = _NOTHING) -> Look:
    """A look, symlinks followed; None where there is nothing to be had. `without`: what of a directory is left out."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(found.st_mode):
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
    return _directory(path, found, without) if stat.S_ISDIR(found.st_mode) else PLAIN


def figure_of(look: Look) -> Figure:
    """What goes on record of a look, as long as no content is known."""
    return look[:2] if isinstance(look, tuple) else None if look is None else str(look)


def with_content(look: Look, content: str, check: Check) -> Figure:
    """What goes on record of a look and the digest of the content ("": it could not be had)."""
    if isinstance(look, tuple):
        if not content:
            return look[:2]
        return (*look[:2], content, *look[2:]) if check is Check.HASH else (*look[:2], content)
    if look is None or not content:
        return figure_of(look)
    return f"{look} {content} {look.strict}" if check is Check.HASH else f"{look} {content}"


def size_of(look: Look) -> int:
    """How many bytes it takes to read it."""
    return look[0] if isinstance(look, tuple) else 0 if look is None else look.size


def newest_of(look: Look) -> int:
    """When it was changed last, in ns since the epoch."""
    return look[1] if isinstance(look, tuple) else 0 if look is None else look.newest


def content_in(figure: Figure) -> str:
    """The digest of the content on record, "" where there is none."""
    if isinstance(figure, tuple):
        return str(figure[2]) if len(figure) > 2 else ""
    words = figure.split(" ") if figure else []
    return words[3] if len(words) > 3 else ""


def compare(then: Figure, now: Look, check: Check) -> Compared:
    """Whether a file is as it is on record."""
    if then is None or now is None:
        return Compared.SAME if then is now is None else Compared.OTHER
    if check is Check.EXISTS or check is Check.MTIME:
        return Compared.SAME
    if isinstance(now, tuple):
        return _compare_file(then, now, check) if isinstance(then, tuple) else Compared.OTHER
    return _compare_directory(then, now, check) if isinstance(then, str) else Compared.OTHER


def _compare_file(then: tuple[int | str, ...], now: tuple[int, int, int, int], check: Check) -> Compared:
    is_same = then[:2] == now[:2]
    has_content = len(then) > 2
    if check is Check.HASH and has_content:
        if is_same and then[3:] == now[2:]:
            return Compared.SAME
    elif is_same:
        return Compared.SAME
    if then[0] != now[0] or not has_content or (check is Check.STAT and now[0] > SMALL):
        return Compared.OTHER
    return Compared.OPEN


def _compare_directory(then: str, now: Directory, check: Check) -> Compared:
    words = then.split(" ")  # N files DIGEST [CONTENT [STRICT]]
    is_same = words[:3] == str(now).split(" ")
    has_content = len(words) > 3
    if check is Check.HASH and has_content:
        if is_same and words[4:] == [now.strict]:
            return Compared.SAME
    elif is_same:
        return Compared.SAME
    if words[0] != str(now.count) or not has_content or (check is Check.STAT and now.size > SMALL):
        return Compared.OTHER
    return Compared.OPEN


def difference(then: Figure, now: Look) -> str:
    """In a few words, what differs between what is on record and what is there."""
    if not then:
        return "new"
    if isinstance(then, str):
        return "its files" if isinstance(now, Directory) else "was a directory, is a file now"
    if isinstance(now, Directory):
        return "was a file, is a directory now"
    return "size" if now is None or then[0] != now[0] else "content" if len(then) > 2 else "time"


# --- directories ------------------------------------------------------------------------------------------------------


def _directory(path: str, found: os.stat_result, without: Without) -> Directory:
    files = sorted(files_below(path, found, without), key=itemgetter(0))
    plain, strict = blake2b(digest_size=16), blake2b(digest_size=12)
    size = newest = 0
    for name, entry in files:
        line = b"-" if entry is None else b"%d %d" % (entry.st_size, entry.st_mtime_ns)
        plain.update(b"%b\0%b\0" % (name, line))
        if entry is None:
            continue
        strict.update(b"%b\0%d %d %d %d\0" % (name, *_all_of(entry)))
        newest = max(newest, entry.st_mtime_ns)
        size += entry.st_size if stat.S_ISREG(entry.st_mode) else 0
    return Directory(len(files), size, newest, plain.hexdigest(), strict.hexdigest(), without)


def _all_of(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def files_below(
    path: str, found: os.stat_result, without: Without = _NOTHING
) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Each file below a directory by its path from there; None for what cannot be looked at.

    A directory that several links lead to is looked at once, where it comes first: the others stand for themselves.
    What taskrun itself writes, in whatever study, is nobody's input: it changes with every run.
    """
    seen = {(found.st_dev, found.st_ino): b"."}
    left: list[tuple[str, bytes]] = [(path, b"")]
    while left:  # there is no limit to how deep directories lie in each other
        path, prefix = left.pop()
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=attrgetter("name"))
        except OSError:
            yield prefix + b"?", None
            continue
        if _OF_A_STATE.issubset([entry.name for entry in entries]):
            continue
        for entry in entries:
            name = prefix + os.fsencode(entry.name)
            if entry.name == STATES or name in without:
                continue
            try:
                found = os.stat(entry.path)
            except OSError:
                yield name, None
                continue
            if not stat.S_ISDIR(found.st_mode):
                yield name, found
                continue
            first = seen.setdefault((found.st_dev, found.st_ino), name)
            if first is name:
                left.append((entry.path, name + b"/"))
            else:
                yield b"%b\0%b" % (name, first), None
