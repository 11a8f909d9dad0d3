"""A process on a real terminal, and what stands there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path

from showing import Glass


class OnTerminal:
    """A process with a terminal of its own; `raw` is all that it wrote there."""

    def __init__(self, directory: Path, words: list[str], columns: int = 80) -> None:
        self.raw = b""
        self._columns = columns
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
            os.chdir(directory)
            os.environ["TERM"] = "xterm"
            os.execv(words[0], words)

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Read on until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.raw.decode()
            assert self._read(0.1), self.raw.decode()

    def press(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def end(self) -> int:
        """Read to the end; the exit status."""
        while self._read(30.0):
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def shown(self) -> list[str]:
        """What stands on the screen."""
        glass = Glass(self._columns)
        glass.write(self.text.replace("\r\n", "\n"))
        return glass.shown

    def _read(self, seconds: float) -> bool:
        """Take what comes within so many seconds; False at the end."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:  # the other side is closed, as Linux says it
            return False
        self.raw += piece
        return bool(piece)
