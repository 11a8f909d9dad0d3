"""A sweep file as a Manager: its tasks and its state, resumed from a program or from the command line alike."""

from __future__ import annotations

import os
from collections.abc import Sequence

from taskrun.errors import UsageError
from taskrun.graph import Study
from taskrun.manager.library import Manager
from taskrun.shell import quote_word


def load(path: str | os.PathLike[str], *, jobs: int | None = None) -> Manager:
    """The Manager of the sweep file at `path`: its tasks are those of `taskrun run PATH`, and so is its state.

    Paths are relative to the directory of the file. `jobs`: how many cores the tasks share (default: the usable ones).
    Tasks can be added: they belong to this Manager, not to the file.

    Raises SweepError, with all mistakes of the file, and UsageError for a path that is no sweep file's.
    """
    from taskrun.sweep.loading import load as load_sweep

    if not isinstance(path, (str, os.PathLike)):
        raise UsageError(f"the path of a sweep file is expected, not {type(path).__name__}")
    file = os.fsdecode(path)
    if file.endswith((".py", ".txt")):
        raise UsageError(f"{file}: sweep files are loaded here; `taskrun run` takes this one")
    return LoadedManager(load_sweep(file), jobs=jobs)


class LoadedManager(Manager):
    """A Manager that begins with the study of a sweep file."""

    def __init__(self, study: Study, *, jobs: int | None) -> None:
        self._begin(study, jobs=jobs)

    @property
    def _forbidden(self) -> dict[str, str]:
        return super()._forbidden | {self._base.source: "the sweep file"}

    def _again(self, names: Sequence[str]) -> str:
        """On the command line, unless some of these are tasks that only this program knows."""
        known = {name for task in self._base.graph.tasks for name in (task.name, task.step.name)}
        if not known.issuperset(names):
            return super()._again(names)
        apart = ["--"] if any(name.startswith("-") for name in names) else []
        return " ".join(map(quote_word, ["taskrun", "run", self._shown(self._base.source), *apart, *names]))
