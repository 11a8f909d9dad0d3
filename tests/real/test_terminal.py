"""A run on a real terminal: what stands on it at the end, and after Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from showing import Glass
from studies import Folder, command

pytestmark = pytest.mark.real


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
            os.execv(sys.executable, words)

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


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+\.\ds", "TIME", line) for line in lines]


def test_the_bar_ends_at_100_percent_above_the_summary_and_in_colour(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: [1, 2]}\nsteps:\n  sim: echo {n}\n")
    terminal = OnTerminal(folder.path, command("run", "-j", "1"))
    assert terminal.end() == 0
    assert without_times(terminal.shown) == [
        "sim ×2 (n)",
        "2 tasks",
        "succeeded  sim/n=1  TIME",
        "succeeded  sim/n=2  TIME",
        "███████████████████  100%  2/2  in TIME",
        "2 tasks in TIME: 2 succeeded",
    ]
    assert "\x1b[32msucceeded\x1b[0m" in terminal.text
    assert "\x1b[35m█" in terminal.text


def test_no_color_is_obeyed_on_a_terminal(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    folder.write("sweep.yaml", "steps:\n  sim: echo\n")
    terminal = OnTerminal(folder.path, command("run"))
    assert terminal.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)


def test_ctrl_c_says_what_it_does_and_leaves_a_clean_terminal(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  wait: sleep 60\n  never: {run: echo, after: wait}\n")
    terminal = OnTerminal(folder.path, command("run", "-j", "1"))
    terminal.until(lambda: "1 running: wait" in terminal.text)
    terminal.press(b"\x03")
    terminal.until(lambda: "Ctrl-C again to terminate" in terminal.text)
    terminal.press(b"\x03")
    assert terminal.end() == 130
    shown = [re.sub(r"\^C|(?<=never)  .*", "", line) for line in without_times(terminal.shown)]
    assert shown == [
        "wait ×1   never ×1",
        "2 tasks",
        "stopping: waiting for 1 running task; Ctrl-C again to terminate them",
        "stopping: terminating 1 running task; Ctrl-C again to kill them",
        "cancelled  wait  after TIME",
        "skipped    never",
        "stopped by SIGINT: 2 tasks in TIME: 1 cancelled, 1 skipped",
    ]
