"""The files around an attempt: room for what it makes, proof that it made it, a place for what it left half-done.

What a failed attempt created or changed is moved away, never deleted and never used; inputs are never touched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from taskrun.model import Figure, FileList, Task
from taskrun.names import log_name, script_name, task_path

FAILED = "failed"
_COARSE = 0.05  # seconds by which the clock of a file system may be behind


class Files(Protocol):
    """Where files are and how they look; `freshness` knows."""

    def place(self, path: str) -> str:
        """The path as this process can use it."""

    def figure(self, path: str) -> Figure:
        """Equal to an earlier one where nothing has changed; None where there is nothing."""


class Aside(Struct, frozen=True):
    """What was `moved` away: by its path, where it is now, as seen from the study. `problem`: a sentence, or ""."""

    moved: Mapping[str, str]
    problem: str = ""


_NOTHING_MOVED = Aside({})


class Workspace:
    """The study's directory `root`, whose state lies in the directory `state` (absolute).

    `is_lasting`: what is moved into the state is found there later; else it is only renamed, and stays where it was.
    """

    def __init__(self, files: Files, *, root: str, state: str, is_lasting: bool = True) -> None:
        self._files = files
        self._root = os.path.abspath(root)
        self._state = state
        self._is_lasting = is_lasting
        self._written: dict[str, FileList] = {}

    def make_room(self, task: Task) -> dict[str, Figure]:
        """Make the parents of all that a task makes, and its lists; the figures of the outputs that are there.

        Raises OSError where the system will not have it.
        """
        before: dict[str, Figure] = {}
        for path in task.outputs:
            found = self._files.figure(path)
            if found is None:
                self._make_parent(path)
            else:
                before[path] = found
        for redirect in (task.stdout, task.stderr):
            if redirect is not None and redirect not in task.outputs:
                self._make_parent(redirect)
        for listed in task.lists:
            self._write_list(listed)
        return before

    def set_aside(
        self, name: str, outputs: Iterable[str], *, before: Mapping[str, Figure], inputs: Collection[str], since: float
    ) -> Aside:
        """Move away what an attempt that came to nothing has made of its outputs.

        `before`: what was there when it began, at `since` (seconds since the epoch). What it left as it was stays, as
        does what the task reads.
        """
        outputs = tuple(outputs)
        own = [path for path in outputs if path not in inputs]
        changed = [path for path in own if self._is_made(path, before, inputs) or self._is_new_link(path, since)]
        if not changed:
            return _NOTHING_MOVED
        kept = os.path.join(self._state, FAILED, task_path(name))
        problems, moved = [], {}
        try:
            _remove(kept)
        except OSError as error:
            problems.append(f"cannot remove {self.shown(kept)}: {error.strerror}")
        for path in changed:
            other = beside(path, {*inputs, *outputs})
            try:
                moved[path] = self.shown(self._move(path, os.path.join(kept, _own_path(path)), other))
            except OSError as error:
                problems.append(f"cannot move the unfinished {path} away: {error.strerror}")
        return Aside(moved, "; ".join(problems))

    def discard(self, paths: Iterable[str], figures: Iterable[Figure]) -> None:
        """Remove files that are as they were when these figures were taken; whatever stands in the way, stays."""
        for path, figure in zip(paths, figures, strict=False):
            found = self._files.figure(path)
            if found is None or self._holds_study(path) or not _is_like(figure, found):
                continue
            with contextlib.suppress(OSError):
                _remove(self._files.place(path))

    def clear_away(self, name: str, attempt: int) -> None:
        """Remove what the runner of an attempt would have removed, had it lived: its script, its log if it is empty."""
        log = os.path.join(self._state, log_name(name, attempt))
        with contextlib.suppress(OSError):  # there is seldom a script, and what stays does no harm
            os.unlink(os.path.join(self._state, script_name(name, attempt)))
        with contextlib.suppress(OSError):
            if not os.stat(log).st_size:
                os.unlink(log)

    def shown(self, path: str) -> str:
        """A path as seen from the study."""
        return path.removeprefix(os.path.join(self._root, ""))

    def _make_parent(self, path: str) -> None:
        parent = os.path.dirname(self._files.place(path))
        try:
            if stat.S_ISDIR(os.stat(parent).st_mode):
                return
        except FileNotFoundError:
            pass
        os.makedirs(parent, exist_ok=True)

    def _write_list(self, listed: FileList) -> None:
        known = self._written.get(listed.path)
        if known is not None and known.lines is listed.lines:
            return
        self._make_parent(listed.path)
        path = self._files.place(listed.path)
        temporary = f"{path}.{os.getpid()}.new"
        with open(temporary, "wb") as file:
            file.write(b"".join([os.fsencode(line) + b"\n" for line in listed.lines]))
        os.replace(temporary, path)
        self._written[listed.path] = listed

    def _is_made(self, path: str, before: Mapping[str, Figure], inputs: Collection[str]) -> bool:
        found = self._files.figure(path)
        if found is None or found == before.get(path):
            return False
        if not isinstance(found, str):
            return True
        inside = path + "/"
        return not any(other.startswith(inside) for other in inputs) and not self._holds_study(path)

    def _is_new_link(self, path: str, since: float) -> bool:
        """Whether a link to nothing was made there since: it would stand in the way of the next attempt."""
        try:
            found = os.lstat(self._files.place(path))
        except (OSError, ValueError):
            return False
        if not stat.S_ISLNK(found.st_mode) or found.st_ctime < since - _COARSE:
            return False
        return self._files.figure(path) is None

    def _holds_study(self, path: str) -> bool:
        """Whether the study itself, or its state, lies in this directory."""
        place = os.path.normpath(self._files.place(path))
        return any(own == place or own.startswith(f"{place.rstrip('/')}/") for own in (self._root, self._state))

    def _move(self, path: str, to: str, beside: str) -> str:
        """Rename, which also takes 50 GB; what cannot go `to` another file system is put `beside` where it was. Where
        it is now.
        """
        path = self._files.place(path)
        if self._is_lasting:
            os.makedirs(os.path.dirname(to), exist_ok=True)
            try:
                os.rename(path, to)
                return to
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        beside = self._files.place(beside)
        _remove(beside)
        os.rename(path, beside)
        return beside


def _is_like(recorded: Figure, found: Figure) -> bool:
    if isinstance(recorded, tuple) and isinstance(found, tuple):
        return recorded[:2] == found[:2]
    return isinstance(recorded, str) and isinstance(found, str) and f"{recorded} ".startswith(f"{found} ")


def beside(path: str, taken: Collection[str]) -> str:
    """What an unfinished file is called where it stays; never the name of one that the task reads or makes."""
    found = f"{path}.failed"
    while found in taken:
        found += ".failed"
    return found


def _own_path(path: str) -> str:
    """Where a path lies below another directory: `..` and the root are spelt so that they lead nowhere else."""
    parts = ["%2E%2E" if part == ".." else part for part in path.split("/")]
    return "/".join(["%2F", *parts[1:]] if path.startswith("/") else parts)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):  # macOS says the second of a directory
        remove_tree(path)


def remove_tree(path: str) -> None:
    """Remove a directory with all that is in it; OSError where it is deeper than Python calls itself, too."""
    import shutil

    try:
        shutil.rmtree(path)
    except RecursionError:
        raise OSError(errno.ENAMETOOLONG, "its directories lie too deep in each other", path) from None
