"""The files around an attempt: room for what it makes, proof that it made it, a place for what it left half-done.

What a failed attempt created or changed is moved away, never deleted and never used; inputs are never touched.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterable, Mapping, Set
from functools import cached_property
from typing import Protocol

from msgspec import Struct, field

from taskrun.model import Figure, FileList, Task
from taskrun.names import log_name, script_name, task_path

FAILED = "failed"


class Files(Protocol):
    """Where files are and how they look; `freshness` knows."""

    def place(self, path: str) -> str:
        """The path as this process can use it."""

    def figure(self, path: str) -> Figure:
        """Equal to an earlier one where nothing has changed; None where there is nothing."""

    def entry(self, path: str) -> tuple[Figure, bool]:
        """The same, and whether a symlink stands there: one that leads nowhere has no figure."""


class Before(Struct, frozen=True):
    """What stood, when an attempt began, where it makes its outputs: `figures` of what there was, by path, and where
    the `links` among them lead, as seen from the study.
    """

    figures: dict[str, Figure] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


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

    def make_room(self, task: Task) -> Before:
        """Make the parents of all that a task makes, and its lists; what is there of its outputs.

        Raises OSError where the system will not have it.
        """
        before = Before()
        for path in task.outputs:
            found, is_link = self._files.entry(path)
            if is_link:
                before.links[path] = self._target(path)
            if found is None:
                self._make_parent(path)
            else:
                before.figures[path] = found
        for redirect in (task.stdout, task.stderr):
            if redirect is not None and redirect not in task.outputs:
                self._make_parent(redirect)
        for listed in task.lists:
            self._write_list(listed)
        return before

    def set_aside(self, name: str, outputs: Iterable[str], *, before: Before, inputs: Set[str]) -> Aside:
        """Move away what an attempt that came to nothing has made of its outputs.

        `before`: what was there when it began. What it left as it was stays, as does what the task reads. A link that
        was there stays too: what it leads to is moved, as if it were in the link's place.
        """
        outputs = tuple(outputs)
        made = {path: source for path in outputs if (source := self._made(path, before, inputs)) is not None}
        if not made:
            return _NOTHING_MOVED
        kept = os.path.join(self._state, FAILED, task_path(name))
        problems, moved = [], {}
        try:
            _remove(kept)
        except OSError as error:
            problems.append(f"cannot remove {self.shown(kept)}: {error.strerror}")
        for path, source in made.items():
            if not os.path.lexists(self._files.place(source)):  # it went with another output, which holds it or is it
                continue
            to, other = os.path.join(kept, _own_path(path)), beside(source, {*inputs, *outputs})
            stays = source != path and isinstance(before.figures.get(path), str)
            try:
                moved[path] = self.shown(self._move(source, to, other, stays=stays))
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

    def _made(self, path: str, before: Before, inputs: Set[str]) -> str | None:
        """Where that is which an attempt has made of an output, or changed: at the path itself, or, if a link was there
        before, where that leads. None: there is no such thing, or it must not be moved.
        """
        found, is_link = self._files.entry(path)
        if path in inputs or (found is not None and found == before.figures.get(path)):
            return None
        source = self._target(path) if is_link else path
        if is_link and before.links.get(path) != source:
            return path  # the link is the attempt's, and what it leads to may be anybody's
        if is_link:
            inputs = {self._target(each) for each in inputs}
        if found is None or source in inputs or (isinstance(found, str) and self._is_needed(source, inputs)):
            return None
        return source

    def _is_needed(self, directory: str, inputs: Set[str]) -> bool:
        inside = directory + "/"
        return any(other.startswith(inside) for other in inputs) or self._holds_study(directory)

    @cached_property
    def _real_root(self) -> str:
        return os.path.realpath(self._root)

    @cached_property
    def _own(self) -> set[str]:
        return {self._root, self._real_root, self._state, os.path.realpath(self._state)}

    def _target(self, path: str) -> str:
        """Where a path is if all links are followed, as seen from the study."""
        return os.path.realpath(self._files.place(path)).removeprefix(os.path.join(self._real_root, ""))

    def _holds_study(self, path: str) -> bool:
        """Whether the study itself, or its state, lies in this directory."""
        place = os.path.normpath(self._files.place(path))
        return any(own == place or own.startswith(f"{place.rstrip('/')}/") for own in self._own)

    def _move(self, path: str, to: str, beside: str, *, stays: bool) -> str:
        """Rename, which also takes 50 GB; what cannot go `to` another file system is put `beside` where it was. Where
        it is now. If a directory `stays`, only what is in it goes.
        """
        path = self._files.place(path)
        if self._is_lasting:
            os.makedirs(os.path.dirname(to), exist_ok=True)
            try:
                _rename(path, to, stays=stays)
                return to
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        beside = self._files.place(beside)
        _remove(beside)
        _rename(path, beside, stays=stays)
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


def _rename(path: str, to: str, *, stays: bool) -> None:
    if os.path.islink(path):
        _move_link(path, to)
    elif stays and os.path.isdir(path):
        os.makedirs(to, exist_ok=True)
        for name in os.listdir(path):
            os.rename(os.path.join(path, name), os.path.join(to, name))
    else:
        os.rename(path, to)


def _move_link(path: str, to: str) -> None:
    """Make the link anew where it leads to the same from there, which no file system is in the way of."""
    text = os.readlink(path)
    if not os.path.isabs(text):
        text = os.path.relpath(os.path.realpath(path), os.path.realpath(os.path.dirname(to)))
    os.symlink(text, to)
    os.unlink(path)


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
