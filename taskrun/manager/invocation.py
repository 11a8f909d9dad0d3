"""Who is about to hold a state: this process, as the journal and the lock tell one from another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from taskrun.machine import boot_id, host_name, namespace, start_ticks
from taskrun.model import RunRecord


def invocation(command: str | None = None) -> RunRecord:
    """A new run of this process; of a `command` that runs nothing, where one is named."""
    pid = os.getpid()
    now = time.time()
    return RunRecord(
        run=f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{os.urandom(4).hex()}",
        time=now,
        host=host_name(),
        boot=boot_id(),
        pid=pid,
        ticks=start_ticks(pid),
        namespace=namespace(),
        command=command,
    )


def steady_clock() -> Callable[[], float]:
    """Seconds since the epoch that do not jump when the machine's clock is set."""
    begin = time.time() - time.monotonic()
    return lambda: begin + time.monotonic()
