"""Where to read what a task wrote in its last attempt: its log, or where there is none, a file it was redirected to."""

from __future__ import annotations

import os
import stat

from taskrun.model import Cause, Status, Task
from taskrun.names import log_name
from taskrun.standing import Standing


def output_of(task: Task, standing: Standing, *, root: str, state: str) -> str | None:
    """The absolute path; None where there is nothing. Of a running task it may be still to come.

    The log, then what of the next two was moved away as an output of a failure, then the file of standard error, then
    that of standard output: the first that is not empty, else the last that is there. (An empty log is removed when its
    task has ended.)
    """
    start = standing.past.start
    if start is None:
        return None
    log = os.path.join(state, log_name(task.name, start.attempt))
    redirects = [os.path.join(root, path) for path in _redirects(task, standing)]
    end = standing.past.end
    moved = [os.path.join(root, end.log)] if end is not None and end.log is not None else []
    sizes = {path: size for path in (log, *moved, *redirects) if (size := _size(path)) is not None}
    filled = next((path for path, size in sizes.items() if size), None)
    if filled is not None:
        return filled
    if standing.status is Status.RUNNING:
        return log if log in sizes or not redirects else redirects[-1]
    return next(reversed(sizes), None)


def lost(task: Task, standing: Standing, *, root: str) -> list[str]:
    """The absolute paths of what an attempt that has ended wrote to, where nothing of it is to be had.

    An empty log was removed, and what was made of the outputs of a failure was moved away: these are not missed.
    """
    start, end = standing.past.start, standing.past.end
    if start is None or end is None or end.cause == Cause.COULD_NOT_START.value:
        return []
    moved = start.signature.outputs if standing.status is Status.FAILED else ()
    paths = [end.log] if end.log is not None else []
    paths += [path for path in _redirects(task, standing) if path not in moved]
    return [os.path.join(root, path) for path in paths]


def _size(path: str) -> int | None:
    """Of a file, None where there is none: asked once, for a task that ends now takes its empty log away."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _redirects(task: Task, standing: Standing) -> list[str]:
    """The files of standard error and standard output, as they are on record, else as the study has them now."""
    start = standing.past.start
    if start is not None and (start.stdout is not None or start.stderr is not None):
        output, error = start.stdout, start.stderr
    else:
        output, error = task.stdout, task.stderr
    return list(dict.fromkeys(path for path in (error, output) if path is not None))
