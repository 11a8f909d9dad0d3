"""Host programs: scripts that use the library beside children, handlers and threads of their own.

A host says what must hold with `assert` and is quiet otherwise: whatever it prints to standard error fails the test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parent.parent

PRELUDE = """\
import os, signal, sys, threading, time
import taskrun

def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)

def touch(name):
    open(name, "w").close()

def until_quick_has_finished(events):
    # what runs beside it has begun by then
    while not (isinstance(event := next(events), taskrun.Finished) and event.task == "quick"):
        pass

UNTIL_GO = "until [ -e go ]; do sleep 0.01; done"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

"""


class Host:
    """Host programs in a directory of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started: list[subprocess.Popen[str]] = []

    def start(self, text: str, **more: object) -> subprocess.Popen[str]:
        """Start a host program and leave it running."""
        (self.path / "host.py").write_text(PRELUDE + dedent(text))
        host = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "host.py"], cwd=self.path, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), **more,
        )  # fmt: skip
        self._started.append(host)
        return host

    def run(self, text: str, **more: object) -> str:
        """What a host program that has nothing to object to prints."""
        host = self.start(text, **more)
        printed, objections = host.communicate(timeout=60)
        assert (host.returncode, objections) == (0, ""), objections
        return printed

    def close(self) -> None:
        """End what a failed test left running."""
        for host in self._started:
            if host.poll() is None:
                host.kill()
            host.communicate()


def environment() -> dict[str, str]:
    """Ours, with this repository first and nothing that changes how things are shown."""
    others = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "BASH_ENV")}
    known = [os.fspath(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**others, "PYTHONPATH": os.pathsep.join(known)}
