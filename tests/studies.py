"""A study in a folder of its own, and the real command on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Json = dict[str, object]


class Folder:
    """A directory with a sweep file, and `taskrun` as a user types it there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started: list[subprocess.Popen[str]] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the study, its directories with it."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def read(self, name: str) -> str:
        return (self.path / name).read_text()

    def files(self) -> dict[str, bytes]:
        """Everything that is there but the state, by path."""
        found = (path for path in self.path.rglob("*") if path.is_file() and ".taskrun" not in path.parts)
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found}

    def taskrun(self, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            command(*words), cwd=self.path, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL, **more,
        )  # fmt: skip

    def start(self, *words: str, **more: object) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        run = subprocess.Popen(
            command(*words), cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, **more,
        )  # fmt: skip
        self._started.append(run)
        return run

    def close(self) -> None:
        """End what a failed test left running."""
        for run in self._started:
            if run.poll() is None:
                run.kill()
            run.communicate()

    def statuses(self) -> dict[str, str]:
        """What `status --json` says of each task."""
        status = json.loads(self.taskrun("status", "--json").stdout)
        return {task["name"]: task["status"] for task in status["tasks"]}

    def events(self, *words: str) -> list[Json]:
        """The events of `run --json`."""
        return [json.loads(line) for line in self.taskrun("run", "--json", *words).stdout.splitlines()]


def read_until(run: subprocess.Popen[str], words: str) -> str:
    """The first line on standard error that holds these words; everything before it is read and gone."""
    assert run.stderr is not None
    for line in run.stderr:
        if words in line:
            return line
    raise AssertionError(f"no line with {words!r}")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "taskrun", *words]


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def like_anybody() -> list[str]:
    """The words before a command to which what is closed is closed, also where the tests run as root."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may read everything")
    capabilities = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"]
