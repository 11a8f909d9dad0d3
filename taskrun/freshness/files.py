"""Looks at the files of a study, compares them with what is on record, and takes what goes on record next.

A look holds for at most a second, and that of a `glance` until a task ends: what others change meanwhile is seen by the
next run. What an attempt is about to make has to be forgotten. A long list is shared by many tasks (10,000 over
10,000), so it is dealt with as a whole. Where an older look goes on record, a task can only run again that need not,
never the other way round.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from taskrun.freshness.contents import Contents
from taskrun.freshness.looks import (
    SMALL,
    Compared,
    Directory,
    Look,
    compare,
    content_in,
    difference,
    figure_of,
    look_at,
    size_of,
    with_content,
)
from taskrun.model import Check, Figure, Task

UNSAFE = "nobody knows whether it was on disk when the machine went down"
LONG = 64  # lists from here on are shared by many tasks
_LOOK_AGAIN = 1.0  # seconds for which the looks at a long list hold

Figures = tuple[Figure, ...]
Looks = tuple[Look, ...]
_MOST_KEPT = 256  # so much is remembered of long lists
_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")
_NOTHING: Mapping[str, Figure] = {}
_NEVER: Look = (-1, -1, -1, -1)  # by identity: never looked at


class Comparison(Struct, frozen=True):
    """How files differ from what is on record: `changed` holds each one's path and a word for it.

    `figures`: what to know them by from now on, where some only look different. `is_pending`: some are still being
    read, so that there may be more.
    """

    changed: tuple[tuple[str, str], ...] = ()
    figures: Figures | None = None
    is_pending: bool = False


_AS_RECORDED = Comparison()


class Files:
    """The files of the study in `root`, from which paths are seen. `waits`: content is read on the spot.

    A directory that is read by a task (the `reader`) is without what that task itself makes in it, and without what
    else is `left_out` for it.
    """

    left_out: Callable[[Task], Iterable[str]]

    def __init__(self, root: str, *, waits: bool = False) -> None:
        self._prefix = os.path.join(root, "")
        self.contents = Contents(waits=waits)
        self._glances: dict[str, Look] = {}
        self._glanced = 0.0
        self.has_directories = False  # whether any was looked at
        self.left_out = _left_out_nothing
        self._looks: dict[int, tuple[Sequence[str], float, Looks]] = {}
        self._compared: dict[tuple[int, int, Check], tuple[Figures, Looks, bool]] = {}
        self._whole: dict[tuple[int, int, Check, bool], tuple[Figures, Looks, Comparison]] = {}
        self._taken: dict[tuple[int, Check], tuple[Looks, Figures]] = {}
        self._places: dict[int, tuple[Looks, list[int]]] = {}

    def place(self, path: str) -> str:
        """The path as this process can use it."""
        return path if path.startswith("/") else self._prefix + path

    def look(self, path: str) -> Look:
        """A look at one file."""
        found = look_at(path if path.startswith("/") else self._prefix + path)
        if found.__class__ is Directory:
            self.has_directories = True
        return found

    def figure(self, path: str) -> Figure:
        """What a look tells, as it goes on record; equal to an earlier one where nothing has changed."""
        return figure_of(self.look(path))

    def looks(self, paths: tuple[str, ...], reader: Task | None = None) -> Looks:
        """Looks at several, in order; equal ones at a long list are the same object."""
        if not paths:
            return ()
        found = tuple([self.look(path) for path in paths]) if len(paths) < LONG else self._long_looks(paths)
        return found if reader is None or not self.has_directories else self._as_read(paths, found, reader)

    def _long_looks(self, paths: tuple[str, ...]) -> Looks:
        known = self._looks.get(id(paths))
        now = time.monotonic()
        if known is not None and now - known[1] < _LOOK_AGAIN:
            return known[2]
        found = tuple([self.look(path) for path in paths])
        if known is not None and found == known[2]:
            found = known[2]
        self._looks[id(paths)] = (paths, time.monotonic(), found)
        return found

    def forget(self, paths: tuple[str, ...] | None = None) -> None:
        """An attempt that makes these files is about to start: no look at them holds any more. None: at no long list,
        because others may have been looked at that hold some of them.
        """
        if paths is None:
            self._looks.clear()
        elif len(paths) >= LONG:
            self._looks.pop(id(paths), None)

    def glance(self, paths: tuple[str, ...], reader: Task | None = None) -> Looks:
        """Looks for a verdict: a file that many tasks read is looked at once for all that are asked about."""
        if not paths:
            return ()
        if len(paths) >= LONG:
            return self.looks(paths, reader)
        now = time.monotonic()
        if now - self._glanced >= _LOOK_AGAIN:
            self._glances.clear()
            self._glanced = now
        found = (self._glance(paths[0]),) if len(paths) == 1 else tuple([self._glance(path) for path in paths])
        return found if reader is None or not self.has_directories else self._as_read(paths, found, reader)

    def _glance(self, path: str) -> Look:
        found = self._glances.get(path, _NEVER)
        if found is _NEVER:
            found = self._glances[path] = look_at(path if path.startswith("/") else self._prefix + path)
            if found.__class__ is Directory:
                self.has_directories = True
        return found

    def _as_read(self, paths: tuple[str, ...], looks: Looks, reader: Task) -> Looks:
        """The same, with directories as this task reads them."""
        directories = self._directories(looks)
        if not directories:
            return looks
        out = (*reader.outputs, reader.stdout, reader.stderr, *self.left_out(reader))
        made = [os.path.normpath(self.place(path)) for path in out if path]
        found = list(looks)
        for number in directories:
            place = self.place(paths[number])
            above = os.path.join(os.path.normpath(place), "")
            without = frozenset(os.fsencode(path[len(above) :]) for path in made if path.startswith(above))
            if without:
                found[number] = look_at(place, without)
        return tuple(found)

    def _directories(self, looks: Looks) -> Sequence[int]:
        """Which of these are directories; found once for a long list."""
        known = self._places.get(id(looks)) if len(looks) >= LONG else None
        if known is not None:
            return known[1]
        found = [number for number, look in enumerate(looks) if look.__class__ is Directory]
        if len(looks) >= LONG:
            _remember(self._places, id(looks), (looks, found))
        return found

    def changed(self) -> None:
        """A task has ended: files may have changed."""
        if self._glances:
            self._glances.clear()

    # what is on record, and what goes there

    def is_same(self, then: Figures, now: Looks, check: Check) -> bool:
        """Whether looks alone show that all is as it is on record."""
        if len(then) != len(now):
            return False
        if len(now) < LONG:
            if len(now) == 1:
                return compare(then[0], now[0], check) is Compared.SAME
            return all(compare(old, new, check) is Compared.SAME for old, new in zip(then, now, strict=True))
        key = id(then), id(now), check
        known = self._compared.get(key)
        if known is None:
            is_same = all(compare(old, new, check) is Compared.SAME for old, new in zip(then, now, strict=True))
            known = (then, now, is_same)  # which keeps the ids taken
            _remember(self._compared, key, known)
        return known[2]

    def compare(
        self,
        paths: tuple[str, ...],
        then: Figures,
        now: Looks,
        check: Check,
        *,
        stand_ins: Mapping[str, Figure] = _NOTHING,
        reads_all: bool = False,
    ) -> Comparison:
        """How files that are there differ; the content decides where looks leave it open.

        `stand_ins`: what is on record of files that may be gone. `reads_all`: nothing but the content counts.
        """
        if not stand_ins and not reads_all and self.is_same(then, now, check):
            return _AS_RECORDED
        key = id(then), id(now), check, reads_all
        known = self._whole.get(key)
        if known is not None:
            return known[2]
        then = then if len(then) == len(now) else (None,) * len(now)
        found = self._compare(paths, then, now, check, stand_ins=stand_ins, reads_all=reads_all)
        if len(now) >= LONG and not found.is_pending:
            _remember(self._whole, key, (then, now, found))
        return found

    def _compare(
        self,
        paths: tuple[str, ...],
        then: Figures,
        now: Looks,
        check: Check,
        *,
        stand_ins: Mapping[str, Figure],
        reads_all: bool,
    ) -> Comparison:
        changed: list[tuple[str, str]] = []
        figures: list[Figure] = []
        is_pending = is_new = False
        for path, old, new in zip(paths, then, now, strict=True):
            figures.append(old)
            if new is None:
                if path in stand_ins and not _is_like(old, stand_ins[path]):
                    changed.append((path, "content"))
                continue
            how = _reread(old) if reads_all else compare(old, new, check)
            if how is Compared.SAME:
                continue
            content = self.contents.of(self.place(path), new) if how is Compared.OPEN else ""
            if content is None:
                is_pending = True
            elif content and content == content_in(old):
                figures[-1] = with_content(new, content, check)
                is_new = True
            else:
                changed.append((path, UNSAFE if reads_all and not content_in(old) else difference(old, new)))
        return Comparison(tuple(changed), tuple(figures) if is_new and not changed else None, is_pending)

    def take(
        self, paths: tuple[str, ...], check: Check, *, reader: Task | None = None, waits: bool = False
    ) -> Figures | None:
        """What goes on record of files now; None: some are still being read (never where it `waits`)."""
        if not paths:
            return ()
        return self._take(paths, self.looks(paths, reader), check, waits=waits)

    def _take(self, paths: tuple[str, ...], looks: Looks, check: Check, *, waits: bool) -> Figures | None:
        known = self._taken.get((id(looks), check)) if len(paths) >= LONG else None
        if known is not None:
            return known[1]
        found: list[Figure] = []
        is_pending = False
        for path, look in zip(paths, looks, strict=True):
            if not _is_read(look, check):
                found.append(figure_of(look))
                continue
            content = self.contents.of(self.place(path), look, waits=waits)
            if content is None:
                is_pending = True
            else:
                found.append(with_content(look, content, check))
        if is_pending:
            return None
        figures = tuple(found)
        if len(paths) >= LONG:
            _remember(self._taken, (id(looks), check), (looks, figures))
        return figures


def _left_out_nothing(reader: Task) -> Iterable[str]:
    return ()


def _remember(known: dict[_Key, _Kept], key: _Key, kept: _Kept) -> None:
    """Long lists that change all the time are not all kept."""
    if len(known) >= _MOST_KEPT:
        known.clear()
    known[key] = kept


def absent(paths: Iterable[str], looks: Looks) -> list[str]:
    """The files that are not there."""
    return [path for path, look in zip(paths, looks, strict=True) if look is None]


def _is_read(look: Look, check: Check) -> bool:
    """Whether the content goes on record."""
    return look is not None and (check is Check.HASH or (check is Check.STAT and size_of(look) <= SMALL))


def _reread(then: Figure) -> Compared:
    return Compared.OPEN if content_in(then) else Compared.OTHER


def _is_like(one: Figure, other: Figure) -> bool:
    """Whether two figures of a file, taken with different checks perhaps, are of the same content."""
    if content_in(one) and content_in(other):
        return content_in(one) == content_in(other)
    return one is not None and other is not None and one[:2] == other[:2]
