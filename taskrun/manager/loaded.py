"""A sweep file as a Manager: its tasks and its state, resumed from a program or from the command line alike."""

from __future__ import annotations

import os

from taskrun.graph import Study
from taskrun.manager.library import Manager


def load(path: str | os.PathLike[str], *, jobs: int | None = None) -> Manager:
    """The Manager of the sweep file at `path`: its tasks are those of `taskrun run PATH`, and so is its state.

    `jobs`: how many cores the tasks share (default: the usable ones). Tasks can be added to it.

    Raises SweepError, with all mistakes of the file, and UsageError for wrong arguments.
    """
    from taskrun.sweep.loading import load as load_sweep

    return LoadedManager(load_sweep(os.fsdecode(path)), jobs=jobs)


class LoadedManager(Manager):
    """A Manager that begins with a study."""

    def __init__(self, study: Study, *, jobs: int | None) -> None:
        self._begin(study, jobs=jobs)
