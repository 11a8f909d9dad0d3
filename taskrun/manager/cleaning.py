"""What can be deleted of a study, and deleting it: only what an attempt on record has made, and as that left it.

Nothing is reached through a symbolic link that leads away, and what somebody has changed since is named and left.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress

from msgspec import Struct, field

from taskrun.freshness import Files, Look, absent
from taskrun.graph import Study
from taskrun.journal import Records
from taskrun.makers import above
from taskrun.manager.changing import is_on_record, may_run
from taskrun.manager.guarding import Guard
from taskrun.model import Check, Figure, Past, Status, Task
from taskrun.names import log_name, select, task_path
from taskrun.paths import seen_from
from taskrun.recorded import recorded_study
from taskrun.workspace import FAILED, beside, remove_tree

LOGS = "logs"
_OPEN = "no attempt that succeeded is on record to have made it"


class Item(Struct, frozen=True):
    """Something to delete: `path` as seen from the study, `place` from the root. `look`: at it, when it was found."""

    path: str
    place: str
    look: Look
    size: int
    files: int = 1


class Find(Struct):
    """What one way of cleaning comes to: `items` by place, what is `left` by path with the reason.

    `forgotten`: tasks whose records go; `busy`: sentences on those that may still run.
    """

    items: dict[str, Item] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(item.size for item in self.items.values())

    @property
    def files(self) -> int:
        """How many files that are."""
        return sum(item.files for item in self.items.values())

    def add(self, other: Find) -> None:
        """Take in what another way comes to."""
        self.items.update(other.items)
        self.left.update(other.left)
        self.forgotten += other.forgotten
        self.busy += other.busy


class Cleaner:
    """Looks for what can be deleted of the study whose state lies in the directory `state` (absolute)."""

    def __init__(self, study: Study, state: str, records: Records) -> None:
        self._study = study
        self._state = state
        self._records = records
        self._files = Files(study.root, waits=True)
        self._guard = Guard(study, state)
        self._kept: tuple[set[str], set[str]] | None = None

    def outputs(self, chosen: Iterable[int]) -> Find:
        """What the tasks with these indices have made."""
        find = Find()
        for task in map(self._study.graph.tasks.__getitem__, chosen):
            self._outputs(find, self._past(task.name), task.outputs)
        return find

    def logs(self, chosen: Iterable[int]) -> Find:
        """What they have printed."""
        find = Find()
        if os.path.isdir(os.path.join(self._state, LOGS)):
            for task in map(self._study.graph.tasks.__getitem__, chosen):
                self._logs(find, self._past(task.name))
        return find

    def failed(self, chosen: Iterable[int]) -> Find:
        """What was kept of their failed attempts."""
        find = Find()
        for task in map(self._study.graph.tasks.__getitem__, chosen):
            self._failed(find, self._past(task.name))
        return find

    def gone(self, words: Sequence[str] = ()) -> Find:
        """All of tasks that are on record and belong to no point of the sweep any more; `words` select among them."""
        find = Find()
        for past in self._gone(words):
            how = may_run(self._records, past, state=self._state)
            if how:
                find.busy.append(f"{past.name} {how}")
                continue
            self._outputs(find, past, (), is_gone=True)
            self._logs(find, past)
            self._failed(find, past)
            find.forgotten.append(past.name)
        return find

    def _gone(self, words: Sequence[str]) -> list[Past]:
        index = self._study.graph.index
        pasts = [past for past in self._records.pasts() if index(past.name) is None and is_on_record(past)]
        if not words:
            return pasts
        names = {past.name: past for past in pasts}
        known = recorded_study(self._records, name=self._study.name, root=self._study.root).graph.tasks
        tasks: Sequence[Task] = [task for task in known if task.name in names]
        return [names[tasks[place].name] for place in select(tasks, words)]

    def _past(self, name: str) -> Past:
        return self._records.past(name) or Past(name)

    # outputs

    def _outputs(self, find: Find, past: Past, declared: Sequence[str], *, is_gone: bool = False) -> None:
        made: dict[str, Figure] = {}
        if past.start is not None:
            recorded = past.start.signature.outputs
            made = dict.fromkeys(recorded)
            if past.end is not None and past.end.status == Status.SUCCEEDED.value:
                made = dict(zip(recorded, past.end.outputs, strict=False))
        for path in declared:
            made.setdefault(path, None)
        for path, figure in made.items():
            self._output(find, path, figure, is_gone=is_gone)

    def _output(self, find: Find, path: str, figure: Figure, *, is_gone: bool) -> None:
        place = self._files.place(path)
        try:
            found = os.lstat(place)
        except (OSError, ValueError):
            return
        look = self._files.look(path)
        why = self._guard.against(path, is_gone=is_gone) or self._changed(path, found, look, figure)
        if why:
            find.left[path] = why
        else:
            size, files = _extent(place, found)
            find.items[place] = Item(path, place, look, size, files)

    def _changed(self, path: str, found: os.stat_result, look: Look, figure: Figure) -> str:
        """Why this is not what an attempt has left there."""
        if not (_is_plain(found) or stat.S_ISDIR(found.st_mode)):
            return "it is neither a file nor a directory"
        if figure is None:
            return _OPEN
        if absent((path,), (look,)) or self._files.compare((path,), (figure,), (look,), Check.STAT).changed:
            return "it has changed since it was made"
        return ""

    # what lies in the state

    def _logs(self, find: Find, past: Past) -> None:
        is_on = past.start is not None and may_run(self._records, past, state=self._state)
        running = past.start.attempt if past.start is not None and is_on else 0
        for attempt in range(1, past.attempts + 1):
            if attempt != running:
                self._own(find, os.path.join(self._state, log_name(past.name, attempt)))

    def _failed(self, find: Find, past: Past) -> None:
        for place in self._kept_by(past.name):
            self._own(find, place)
        start, end = past.start, past.end
        if start is None or end is None or end.status == Status.SUCCEEDED.value:
            return
        outputs, inputs = start.signature.outputs, start.signature.inputs
        for path in outputs:  # what could not be moved to another file system was renamed where it was
            path = beside(path, {*inputs, *outputs})
            place = self._files.place(path)
            if not self._is_elsewhere(place):
                continue
            why = self._guard.against(path, is_gone=True)
            if why:
                find.left[path] = why
                continue
            found = os.lstat(place)
            size, files = _extent(place, found)
            find.items[place] = Item(path, place, self._files.look(path), size, files)

    def _is_elsewhere(self, place: str) -> bool:
        """Whether there is something, on another file system than the state."""
        try:
            found = os.lstat(place)
            return found.st_dev != os.stat(self._state).st_dev and (_is_plain(found) or stat.S_ISDIR(found.st_mode))
        except (OSError, ValueError):
            return False

    def _own(self, find: Find, place: str) -> None:
        """A file of the state, reached without a symbolic link."""
        try:
            found = os.lstat(place)
        except OSError:
            return
        path = seen_from(self._study.root, place)
        if not _is_plain(found):
            return
        if not _leads_straight(place, self._state):
            find.left[path] = "a symbolic link leads there"
        else:
            find.items[place] = Item(path, place, self._files.look(place), found.st_size)

    def _kept_by(self, name: str) -> Iterator[str]:
        """The files kept of a task: those below its directory that are not below another one's."""
        base = os.path.join(self._state, FAILED)
        if self._kept is None:
            paths = {task_path(past.name) for past in self._records.pasts()} if os.path.isdir(base) else set()
            self._kept = paths, {each for path in paths for each in above(path)}
        paths, on_the_way = self._kept
        own = task_path(name)
        if own in paths:
            others = {*paths, *on_the_way} - {own} if own in on_the_way else ()
            found = _walk(os.path.join(base, own), {os.path.join(base, other) for other in others})
            yield from (path for path, entry in found if entry is not None)


def delete(items: Iterable[Item], *, root: str, state: str) -> tuple[list[Item], list[str]]:
    """Delete what is still as it was found; which that was, and what could not be, in sentences."""
    files = Files(root)
    gone, problems = [], []
    for item in items:
        try:
            found = os.lstat(item.place)
            if files.look(item.place) != item.look:
                problems.append(f"{item.path} has changed meanwhile and stays")
                continue
            _remove(item.place, found)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{item.path} cannot be deleted: {error.strerror or error}")
            continue
        gone.append(item)
    for name in (LOGS, FAILED):
        _prune(os.path.join(state, name))
    return gone, problems


def _remove(place: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        remove_tree(place)
    else:
        os.unlink(place)


def _prune(base: str) -> None:
    """Remove the directories below it in which nothing is left."""
    directories = [path for path, found in _walk(base) if found is None]
    for path in reversed(directories):  # what lies in a directory comes after it
        with suppress(OSError):  # there is something in it
            os.rmdir(path)


def _walk(base: str, others: Collection[str] = ()) -> Iterator[tuple[str, os.DirEntry[str] | None]]:
    """All that lies below a directory, but what is below `others`: files (links too) with their entries, directories
    without. There is no limit to how deep they lie in each other.
    """
    left = [base]
    while left:
        try:
            with os.scandir(left.pop()) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield entry.path, entry
            elif entry.path not in others:
                yield entry.path, None
                left.append(entry.path)


def _extent(place: str, found: os.stat_result) -> tuple[int, int]:
    """Bytes and files."""
    if not stat.S_ISDIR(found.st_mode):
        return found.st_size, 1
    sizes = []
    for _, entry in _walk(place):
        with suppress(OSError):
            if entry is not None:
                sizes.append(entry.stat(follow_symlinks=False).st_size)
    return sum(sizes), len(sizes)


def _is_plain(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)


def _leads_straight(place: str, state: str) -> bool:
    """Whether no directory between the state and the file is a symbolic link."""
    head = os.path.dirname(place)
    return os.path.realpath(head) == os.path.join(os.path.realpath(state), os.path.relpath(head, state))
