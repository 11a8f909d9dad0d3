"""What shims leave on disk about their commands: read by whoever finds an attempt without an end.

Only whole lines count, and only those of the run that is asked for: a file may be as old as a journal that was lost.
See `executors.shim` for its lines.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from taskrun.machine import Identity

_UNKNOWN = "-"
_ASKED = b"asked\n"


class End(Struct, frozen=True):
    """How a command ended: `status` as of `wait4`, times in seconds, `max_rss` in bytes, `time` since the epoch."""

    status: int
    seconds: float
    user: float
    system: float
    max_rss: int | None
    time: float


class Result(Struct, frozen=True):
    """What is known of a shim and its command. `is_asked`: a runner asked the command to end. `is_synced`: what the
    command made is on disk, whatever became of the machine since.

    `command` is None as long as there was none, `end` as long as it had none, or where the shim was killed before.
    """

    run: str
    boot: str
    shim: Identity
    is_locked: bool
    command: Identity | None = None
    end: End | None = None
    is_asked: bool = False
    is_synced: bool = False


def read_result(path: str, run: str | None = None) -> Result | None:
    """What a result file says; None where there is none, or it is of another run than `run`."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return None
    words = {line[0]: line[1:] for line in (line.decode(errors="replace").split(" ") for line in lines)}
    found = _begun(words.get("shim", []))
    if found is None or run not in (None, found.run):
        return None
    command = _command(words.get("started", []), found.shim.namespace)
    end = _end(words.get("ended", []))
    return replace(found, command=command, end=end, is_asked="asked" in words, is_synced="synced" in words)


def written(path: str) -> float:
    """When somebody last wrote in a result file: where the command has not ended, it began then."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return time.time()


def is_blank(path: str) -> bool:
    """Whether there is a result file in which nobody has written a word."""
    try:
        return not os.stat(path).st_size
    except OSError:
        return False


def is_held(path: str) -> bool | None:
    """Whether a shim holds this file, on whatever machine; None where that cannot be known."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(file)
    found = read_result(path)
    return False if found is not None and found.is_locked else None


def is_told(path: str, run: str) -> bool:
    """Whether it can be told from here what became of an attempt of a run, on whatever machine: it has ended, or a
    shim holds the file, or would hold it.
    """
    result = read_result(path, run)
    return result is not None and (result.end is not None or is_held(path) is not None)


def note_asked(path: str) -> None:
    """A command was asked to end: should the runner die now, what it makes of that is no result of its own."""
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(file, _ASKED)
        finally:
            os.close(file)


def _begun(words: list[str]) -> Result | None:
    try:
        run, boot, pid, ticks, namespace, lock = words
        return Result(run, boot, Identity(int(pid), _number(ticks), _number(namespace)), lock == "locked")
    except ValueError:
        return None


def _command(words: list[str], namespace: int | None) -> Identity | None:
    try:
        pid, ticks = words
        return Identity(int(pid), _number(ticks), namespace)
    except ValueError:
        return None


def _end(words: list[str]) -> End | None:
    try:
        status, seconds, user, system, peak, time = words
        return End(int(status), float(seconds), float(user), float(system), _number(peak), float(time))
    except ValueError:
        return None


def _number(word: str) -> int | None:
    return None if word == _UNKNOWN else int(word)
