"""Ctrl-Z, fg and bg in a real shell: the display stops and goes on, the tasks run on meanwhile."""

from __future__ import annotations

import shutil
import sys

import pytest
from studies import Folder, wait_until
from terminals import OnTerminal

pytestmark = [pytest.mark.real, pytest.mark.skipif(shutil.which("bash") is None, reason="takes bash")]

STUDY = """
steps:
  first: touch begun; until [ -e go ]; do sleep 0.02; done; touch first
  second: {run: "touch second; until test -e end; do sleep 0.02; done", after: first}
"""


class Shell(OnTerminal):
    """An interactive bash, and taskrun typed into it."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder.path, [str(shutil.which("bash")), "--norc", "--noprofile", "-i"])
        self._prompts = 0
        self.type("PS1=; unset PROMPT_COMMAND; bind 'set enable-bracketed-paste off'; echo rea''dy")
        self.until(lambda: "ready" in self.text)

    def type(self, line: str) -> None:
        self.press(line.encode() + b"\n")

    def since(self, mark: int) -> str:
        return self.raw[mark:].decode()

    def says(self, line: str, words: str) -> str:
        """Type a line, and wait for what it prints."""
        mark = len(self.raw)
        self.type(line)
        self.until(lambda: words in self.since(mark).replace(line, ""))
        return self.since(mark)


def begin(folder: Folder) -> Shell:
    folder.write("sweep.yaml", STUDY)
    shell = Shell(folder)
    shell.type(f"{sys.executable} -m taskrun run -j 1")
    shell.until(lambda: "1 running: first" in shell.text)
    wait_until((folder.path / "begun").exists)
    return shell


def suspend(shell: Shell) -> None:
    mark = len(shell.raw)
    shell.press(b"\x1a")
    shell.until(lambda: "Stopped" in shell.since(mark))


def test_after_ctrl_z_tasks_run_on_and_fg_goes_on_with_the_display(folder: Folder) -> None:
    shell = begin(folder)
    suspend(shell)
    (folder.path / "go").touch()
    wait_until((folder.path / "first").exists)
    mark = len(shell.raw)
    assert "it-is" in shell.says("echo it-''is quiet", "it-is quiet"), "the shell is there"
    assert not (folder.path / "second").exists(), "nothing more is started while it is stopped"
    shell.type("fg")
    shell.until(lambda: "1 running: second" in shell.since(mark))
    assert "50%" in shell.since(mark)
    (folder.path / "end").touch()
    shell.until(lambda: "2 succeeded" in shell.text)
    assert "status-0" in shell.says("echo status''-$?", "status-")
    shell.type("exit")
    shell.end()


@pytest.mark.parametrize("mode", ["tostop", "-tostop"])
def test_in_the_background_it_goes_on_and_draws_nothing(folder: Folder, mode: str) -> None:
    shell = begin(folder)
    suspend(shell)
    shell.says(f"stty {mode}; echo do''ne", "done")
    mark = len(shell.raw)
    shell.type("bg")
    (folder.path / "go").touch()
    wait_until((folder.path / "second").exists)
    shell.until(lambda: "first" in shell.since(mark) and "succeeded" in shell.since(mark))
    (folder.path / "end").touch()
    shell.until(lambda: "2 succeeded" in shell.text)
    assert "running:" not in shell.since(mark)
    assert "\x1b[J" not in shell.since(mark), "what somebody types there is not erased"
    shell.type("wait")
    shell.type("exit")
    shell.end()


def test_ctrl_c_after_fg_is_heard(folder: Folder) -> None:
    shell = begin(folder)
    suspend(shell)
    mark = len(shell.raw)
    shell.type("fg")
    shell.until(lambda: "1 running: first" in shell.since(mark))
    shell.press(b"\x03")
    shell.until(lambda: "Ctrl-C again to terminate" in shell.text)
    shell.press(b"\x03")
    shell.until(lambda: "1 cancelled" in shell.since(mark))
    assert "status-130" in shell.says("echo status''-$?", "status-")
    shell.type("exit")
    shell.end()
