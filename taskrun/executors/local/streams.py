"""Where a task's standard streams go: files, opened by the new process itself, so that no runner stands between.

A redirect file is emptied at each attempt; what is not redirected goes to the attempt's log; an empty log is not kept.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from stat import S_ISFIFO

FileAction = tuple[int, int, str, int, int] | tuple[int, int, int]

_REDIRECT = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_LOG = _REDIRECT | os.O_APPEND
_MODE = 0o666  # less the umask


class Streams:
    """The files of one attempt, as absolute paths. `error` is None where it shares the description of `output`."""

    __slots__ = ("error", "log", "output")

    def __init__(self, output: str, error: str | None, log: str | None) -> None:
        self.output = output
        self.error = error
        self.log = log

    def flags(self, path: str) -> int:
        """How this one of them is opened."""
        return _LOG if path == self.log else _REDIRECT

    def actions(self, null: int, closes: Sequence[FileAction]) -> list[FileAction]:
        """What the new process does to have them as 0, 1 and 2; `null` is an open /dev/null."""
        error: FileAction = (os.POSIX_SPAWN_DUP2, 1, 2)
        if self.error is not None:
            error = os.POSIX_SPAWN_OPEN, 2, self.error, self.flags(self.error), _MODE
        output = os.POSIX_SPAWN_OPEN, 1, self.output, self.flags(self.output), _MODE
        return [(os.POSIX_SPAWN_DUP2, null, 0), output, error, *closes]

    def refuse_pipes(self) -> None:
        """OSError for a redirect to a FIFO: opening one holds up the runner, and so whoever would read it."""
        for path in (self.output, self.error):
            if path is not None and path != self.log and os.path.exists(path) and S_ISFIFO(os.stat(path).st_mode):
                raise OSError(errno.ESPIPE, "it is a named pipe", path)

    def open(self) -> tuple[int, int]:
        """The same files, opened here: two descriptors, or one twice. OSError names the path."""
        output = os.open(self.output, self.flags(self.output), _MODE)
        if self.error is None:
            return output, output
        try:
            return output, os.open(self.error, self.flags(self.error), _MODE)
        except OSError:
            os.close(output)
            raise


def discard_if_empty(log: str) -> bool:
    """Keep no log in which nothing stands; whether this one is gone."""
    try:
        if not os.stat(log).st_size:
            os.unlink(log)
            return True
    except OSError:
        pass  # somebody was quicker, or it cannot be helped: an empty file harms nobody
    return False


def streams_of(stdout: str | None, stderr: str | None, *, root: str, log: str) -> Streams:
    """For what a task declares; both paths as the task has them, `log` absolute."""
    if stdout is None and stderr is None:
        return Streams(log, None, log)
    output = log if stdout is None else os.path.join(root, stdout)
    if stderr == stdout:
        return Streams(output, None, None)
    error = log if stderr is None else os.path.join(root, stderr)
    return Streams(output, error, log if log in (output, error) else None)


def first_obstacle(streams: Streams, directory: str) -> OSError | None:
    """What stood in the way of a start of which only an error number is known: a file or the directory.

    Tried one by one, as the new process did, without changing what is there.
    """
    try:
        os.stat(os.path.join(directory, "."))
    except OSError as obstacle:
        return OSError(obstacle.errno, obstacle.strerror, directory)
    try:
        for path in (streams.output, streams.error):
            if path is not None:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE))
    except OSError as obstacle:
        return obstacle
    return None
