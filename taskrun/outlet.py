"""A stream that never makes a run wait for whoever reads it.

A pipe that nobody empties blocks its writer in the kernel, deaf to signals. What does not fit is kept, and goes out
when there is room; only when all is done, or more is kept than memory is for, is the reader waited for.
"""

from __future__ import annotations

import os
import select
import stat
from collections import deque
from io import RawIOBase, TextIOWrapper
from typing import BinaryIO, TextIO

# What poll calls writable has room for so many bytes: a pipe, by POSIX; a terminal that is not held (Ctrl-S), in fact.
_PIPE_PIECE = 4096
_TERMINAL_PIECE = 256
_MOST_KEPT = 64 << 20  # bytes; more is what tasks wrote, not what we have to say


class _Outlet(RawIOBase):
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._kept: deque[memoryview] = deque()
        self._size = 0
        self._piece = _piece_for(fd)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def fileno(self) -> int:
        return self._fd

    def write(self, data: object) -> int:
        piece = memoryview(bytes(memoryview(data)))  # type: ignore[arg-type]  # typeshed's buffer is no memoryview's
        self._kept.append(piece)
        self._size += len(piece)
        self.drain(patiently=self._size > _MOST_KEPT)
        return len(piece)

    def drain(self, *, patiently: bool = False) -> None:
        """Write what there is room for; patiently, all."""
        while self._kept:
            if self._piece and not self._has_room(None if patiently else 0):
                return
            head = self._kept[0]
            written = os.write(self._fd, head[: self._piece] if self._piece else head)
            self._size -= written
            if written < len(head):
                self._kept[0] = head[written:]
            else:
                self._kept.popleft()

    def forget(self) -> None:
        """Nobody will read it."""
        self._kept.clear()
        self._size = 0

    @property
    def is_behind(self) -> bool:
        return bool(self._kept)

    def _has_room(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        return bool(poll.poll(timeout))


def _piece_for(fd: int) -> int:
    """How much to write at a time where a write may block; 0 where none does."""
    mode = os.fstat(fd).st_mode
    if os.isatty(fd):
        return _TERMINAL_PIECE
    return _PIPE_PIECE if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else 0


class Outlet:
    """Both faces of one: `text` for words, `binary` for what tasks wrote. `like` is the stream in whose place it is."""

    def __init__(self, like: TextIO) -> None:
        like.flush()
        self._raw = _Outlet(like.fileno())
        self.binary: BinaryIO = self._raw  # type: ignore[assignment]  # RawIOBase is what a BinaryIO does here
        self.text: TextIO = TextIOWrapper(
            self._raw, encoding=like.encoding, errors=like.errors, newline="\n", write_through=True
        )  # type: ignore[type-var]  # as above
        self.trouble: OSError | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something is kept that the reader has not taken."""
        return self._raw.is_behind

    def drain(self, *, patiently: bool = False) -> None:
        """Write what there is room for now; patiently, wait for the reader to take all."""
        try:
            self._raw.drain(patiently=patiently)
        except OSError as trouble:
            self.trouble = trouble
            self._raw.forget()
