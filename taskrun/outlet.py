"""A stream that never makes a run wait for whoever reads it.

A pipe that nobody empties blocks its writer in the kernel, deaf to signals. What does not fit is kept, and goes out
when there is room; only when all is done, or more is kept than memory is for, is the reader waited for. What a program
has put in the place of a stream (a notebook's, a test's) is written to plainly.
"""

from __future__ import annotations

import os
import select
import stat
from collections import deque
from io import RawIOBase, TextIOBase, TextIOWrapper
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


class Plain:
    """As `Outlet`, for a stream that is no file of the system's, or that a program put in the place of one."""

    is_behind = False

    def __init__(self, like: TextIO | None) -> None:
        self._like = like
        self.trouble: OSError | None = None
        self.text: TextIO = Tolerant(like)  # type: ignore[assignment]  # as above
        self.binary: BinaryIO = _Decoding(self.text)  # type: ignore[assignment]  # as above

    def drain(self, *, patiently: bool = False) -> None:
        """Nothing is kept."""


class Tolerant(TextIOBase):
    """Writes whatever it is given to a stream (None: to nowhere): names that are no text as the bytes that they are, or
    with escapes where the stream takes no bytes.
    """

    def __init__(self, like: TextIO | None) -> None:
        self._like = like

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has it as a variable
        return getattr(self._like, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        if self._like is None:
            return len(text)
        try:
            return self._like.write(text)
        except UnicodeEncodeError:
            pass
        binary: BinaryIO | None = getattr(self._like, "buffer", None)
        if binary is None:
            return self._like.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        self._like.flush()
        return binary.write(text.encode("utf-8", "surrogateescape"))

    def flush(self) -> None:
        if self._like is not None:
            self._like.flush()


class _Decoding(RawIOBase):
    """Bytes for a stream of text."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raw = bytes(memoryview(data))  # type: ignore[arg-type]  # as above
        self._text.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)


def outlet_for(stream: TextIO | None, original: TextIO | None) -> Outlet | Plain:
    """The outlet of a standard stream, `original` being what it was when Python started."""
    return Outlet(stream) if stream is not None and stream is original and _is_open(stream) else Plain(stream)


def _is_open(stream: TextIO) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False
