"""Runs a study with a runner that kills itself at one instant: `faulty.py recorded|spawned N`, in the study's folder.

`recorded`: the N-th start is on record, its process does not exist yet; `spawned`: the process exists, its identity
is not on record yet.
"""

from __future__ import annotations

import os
import signal
import sys

from taskrun.executors.base import Attempt
from taskrun.executors.local import LocalExecutor
from taskrun.manager import Options, Run
from taskrun.model import Grant, Handle, Task
from taskrun.sweep.loading import load

INSTANT, NUMBER = sys.argv[1], int(sys.argv[2])


class Faulty(LocalExecutor):
    """Dies of a SIGKILL just before or just after the process of the N-th start comes into being."""

    starts = 0

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        self.starts += handle is None
        if self.starts == NUMBER and INSTANT == "recorded":
            os.kill(os.getpid(), signal.SIGKILL)
        super().start(task, attempt, grant, handle)
        if self.starts == NUMBER and INSTANT == "spawned":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    options = Options(state=os.path.abspath(".taskrun/sweep"), owns_process=True)
    run = Run(load("sweep.yaml"), options, executor_class=Faulty)
    for _ in run.stream(lambda: None):
        pass
