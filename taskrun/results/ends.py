"""What a shim wrote down of an end, as the end of an attempt: also for whoever finds it when all are gone."""

from __future__ import annotations

import os
import signal
import time

from msgspec.structs import replace

from taskrun.model import Cause, Ended
from taskrun.results.reading import End, Result


def told(task: int, attempt: int, start: float, end: End) -> Ended:
    """What a shim wrote down."""
    code = os.waitstatus_to_exitcode(end.status)
    return Ended(
        task,
        attempt,
        start,
        end.time,
        code if code >= 0 else None,
        signal_name(-code) if code < 0 else None,
        None,
        "",
        end.seconds,
        end.user,
        end.system,
        end.max_rss,
    )


def found_over(task: int, attempt: int, result: Result | None, *, lost: str = "", since: float = 0.0) -> Ended:
    """An attempt that was looked for, or (`lost`: what to say then) seen alive since it began: what its shim says.

    A signal is no result: it came after the runner had died, and from nobody who knew what for. Nor is there one of
    what a runner had asked to end.
    """
    if result is not None and result.end is not None and not result.is_asked:
        end = result.end
        ended = told(task, attempt, end.time - end.seconds, end)
        return ended if ended.signal is None else replace(ended, cause=Cause.INTERRUPTED)
    now = time.time()
    if not lost:
        return Ended(task, attempt, now, now, cause=Cause.INTERRUPTED)
    return Ended(task, attempt, since, now, cause=Cause.LOST, message=lost, seconds=max(now - since, 0.0))


def signal_name(number: int) -> str:
    """`SIGKILL`; real-time signals have no name but their distance from the first."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else f"SIG{number}"
