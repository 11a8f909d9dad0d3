"""What must stay where it is, whoever made it: the study itself, what nobody could make again, what the sweep uses.

Two spellings of one place are one here, also through symbolic links.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from taskrun.graph import Study
from taskrun.makers import above
from taskrun.model import STRICT_BASH, Action, Argv, Task, as_signed

_BETWEEN_WORDS = re.compile(r"[\s'\"`=;:,|&<>(){}]+")


class Guard:
    """Of the study whose state lies in the directory `state` (absolute)."""

    def __init__(self, study: Study, state: str) -> None:
        self._root = study.root
        self._tasks = study.graph.tasks
        self._directories: dict[str, str] = {}
        source = os.path.join(study.root, study.source)
        own = [study.root, state, *([source] if os.path.lexists(source) else ())]
        self._own = {*map(os.path.normpath, own), *map(os.path.realpath, own)}
        self._states = {os.path.normpath(state), os.path.realpath(state)}
        self._real_root = os.path.realpath(study.root)

    def against(self, path: str, *, is_gone: bool = False) -> str:
        """Why a path of the study must stay; "" where it may go. `is_gone`: no task of the sweep has it as its own."""
        place, key = self._place(path), self._key(path)
        if any(own == each or own.startswith(each.rstrip("/") + "/") for own in self._own for each in (place, key)):
            return "the study lies in it"
        if any(each.startswith(state + "/") for state in self._states for each in (place, key)):
            return "it is part of the state"
        if _is_in(place, self._root) and not _is_in(key, self._real_root):
            return "a symbolic link leads out of the study there"
        if is_gone:
            return self._use(path, place, key)
        is_irreplaceable = key in self._irreplaceable or key in self._above_irreplaceable
        return "it is an input that no other task makes" if is_irreplaceable else ""

    def _use(self, path: str, place: str, key: str) -> str:
        """Who of the sweep makes or reads it, or something in it, or what it lies in."""
        for users, what in ((self._made, "makes"), (self._read, "reads")):
            found = next((users[each] for each in (key, *above(key)) if each in users), None)
            if found is not None:
                return f"{found} {what} it"
        if key in self._above_used:
            return "a task of the sweep uses what is in it"
        if not self._words.isdisjoint((path, f"./{path}", place)):
            return "the sweep names it"
        return ""

    # what the sweep makes and reads, by key

    @cached_property
    def _made(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for task in self._tasks:
            for path in _made_by(task):
                found.setdefault(self._key(path), task.name)
        return found

    @cached_property
    def _read(self) -> dict[str, str]:
        found: dict[str, str] = {}
        seen: dict[int, tuple[str, ...]] = {}  # which keeps the ids taken
        for task in self._tasks:
            if task.cwd:
                found.setdefault(self._key(task.cwd), task.name)
            if id(task.inputs) in seen:
                continue
            seen[id(task.inputs)] = task.inputs
            for path in task.inputs:
                for key in self._keys(path):
                    found.setdefault(key, task.name)
        return found

    @cached_property
    def _irreplaceable(self) -> set[str]:
        """What is read and no task makes, or only the one that reads it."""
        made = self._made
        found = {key for key in self._read if key not in made and not any(each in made for each in above(key))}
        for task in self._tasks:
            if task.outputs and task.inputs:
                found.update(map(self._key, {*task.outputs}.intersection(task.inputs)))
        return found

    @cached_property
    def _above_irreplaceable(self) -> set[str]:
        return _above_all(self._irreplaceable)

    @cached_property
    def _above_used(self) -> set[str]:
        return _above_all((*self._made, *self._read)) | _above_all(map(self._key, self._words))

    @cached_property
    def _words(self) -> set[str]:
        """The words of commands, and the values: a file that is used without being declared stands among these."""
        found: set[str] = set()
        for task in self._tasks:
            action = task.action
            words = map(as_signed, _texts(action))
            found.update(word for text in words for word in _BETWEEN_WORDS.split(text))
            found.update(task.values, task.lets)
        return found

    # places

    def _place(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))

    def _key(self, path: str) -> str:
        """Where a path lies, symbolic links followed on the way there."""
        head, tail = os.path.split(self._place(path))
        real = self._directories.get(head)
        if real is None:
            real = self._directories[head] = os.path.realpath(head)
        return f"{real.rstrip('/')}/{tail}"

    def _keys(self, path: str) -> Iterator[str]:
        """The same, and where it leads if it is a link itself."""
        yield self._key(path)
        place = self._place(path)
        if os.path.islink(place):
            yield os.path.realpath(place)


def _texts(action: Action) -> tuple[str, ...]:
    if isinstance(action, Argv):
        return action.words
    return (action.text,) if action.words is STRICT_BASH else (*action.words, action.text)


def _made_by(task: Task) -> Iterator[str]:
    yield from task.written
    for listed in task.lists:
        yield listed.path


def _above_all(keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for key in keys:
        for each in above(key):
            if each in found:
                break
            found.add(each)
    return found


def _is_in(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip("/") + "/")
