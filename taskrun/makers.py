"""Which task makes which path: found by looking prefixes up, never by comparing paths with each other.

Tasks are numbers here and paths are keys (`Paths.key`); who they are and how to speak of them is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol


class Places(Protocol):
    """What is to be known of a study's paths: see `paths.Paths`."""

    def key(self, path: str) -> str:
        """What two spellings of one place have in common."""

    def absolute(self, path: str) -> str:
        """The path from the root of the file system."""

    def is_inside(self, directory: str) -> bool:
        """Whether the study lies in the absolute `directory`."""


class Nested(NamedTuple):
    """The `inner` task makes `path` inside the `directory` that the `outer` one makes."""

    inner: int
    path: str
    outer: int
    directory: str


class Trespass(NamedTuple):
    """A task makes `path` where it must not: `how` says in what way, as a clause behind the path."""

    maker: int
    path: str
    how: str


class Makers:
    """The outputs and redirect files of all tasks by path."""

    def __init__(self, paths: Places) -> None:
        self._paths = paths
        self._maker: dict[str, int] = {}
        # Who makes a path: the task given, unless somebody made it before. There may be a million.
        self.enter: Callable[[str, int], int] = self._maker.setdefault
        self._around: dict[str, tuple[int, str] | None] = {}  # by directory, once all are entered: who makes it

    def of(self, path: str) -> int | None:
        """The task that makes exactly this path."""
        return self._maker.get(path)

    def find(self, path: str) -> tuple[int, str] | None:
        """The task that makes `path`, or a directory that it lies in, and the path that it makes."""
        maker = self._maker.get(path)
        if maker is not None:
            return maker, path
        cut = path.rfind("/")
        directory = path[:cut] if cut > 0 else next(above(path), path)
        around = self._around
        if directory not in around:  # many paths lie in one
            around[directory] = self._first((directory, *above(directory))) if directory != path else None
        return around[directory]

    def _first(self, paths: Iterable[str]) -> tuple[int, str] | None:
        """The first of these paths that a task makes."""
        for path in paths:
            maker = self._maker.get(path)
            if maker is not None:
                return maker, path
        return None

    def below(self, directories: Iterable[str]) -> dict[str, dict[str, int]]:
        """For each of these paths what is made inside: the paths and who makes them."""
        found: dict[str, dict[str, int]] = {path: {} for path in directories}
        holding_all = [found[path] for path in found if path.startswith("/") and self._paths.is_inside(path)]
        known: dict[str, list[dict[str, int]]] = {}  # by the directory that a path lies in directly
        for path, maker in self._maker.items() if found else ():
            cut = path.rfind("/")
            parent = path[:cut] if cut > 0 else path
            holding = known.get(parent)
            if holding is None:
                holding = [found[directory] for directory in above(path) if directory in found]
                if cut > 0:
                    known[parent] = holding
            for inside in holding:
                inside[path] = maker
            if holding_all and not path.startswith("/"):
                for inside in holding_all:
                    inside[path] = maker
        return found

    def nested(self) -> Iterator[Nested]:
        """Paths inside another task's output, each with the nearest of these."""
        makers = self._maker
        clean: set[str] = set()  # directories in no output, but for those that a path lies in directly: there are many
        for path, maker in makers.items():
            cut = path.rfind("/")
            passed = []
            while cut > 0:
                directory = path[:cut]
                if directory in clean:
                    break
                other = makers.get(directory)
                if other is None:
                    passed.append(directory)
                elif other != maker:
                    yield Nested(maker, path, other, directory)
                    break
                cut = path.rfind("/", 0, cut)
            else:
                clean.update(passed[1:])

    def trespasses(self, forbidden: Mapping[str, str]) -> Iterator[Trespass]:
        """What is made in the way of `forbidden`: keys, and what each is called in a message."""
        for key, what in forbidden.items():
            found = self.find(key) or self.find(self._paths.absolute(key))
            if found is not None:
                maker, path = found
                yield Trespass(maker, path, f", which is {what}" if path == key else f", which holds {what}")
        inside = tuple(key + "/" for key in forbidden)
        for path in [path for path in self._maker if path.startswith(inside)][:1]:
            what = next(what for key, what in forbidden.items() if path.startswith(key + "/"))
            yield Trespass(self._maker[path], path, f" into {what}")


class Readings:
    """Who makes what is read. `members`: for each path as it was spelt, the tasks that make it or what lies in it.

    `outputs`: for a path that is, or lies in, an output, the key of that output. `inside`: what is made in the
    directories that are read.
    """

    def __init__(self, makers: Makers, paths: Places, read: Iterable[str]) -> None:
        self.members: dict[str, tuple[int, ...]] = {}
        self.outputs: dict[str, str] = {}
        self.inside: set[str] = set()
        directories: dict[str, str] = {}
        for path in read:
            key = paths.key(path)
            found = makers.find(key)
            if found is None:
                directories[path] = key
            else:
                self.members[path] = (found[0],)
                self.outputs[path] = found[1]
        below = makers.below(directories.values())
        for path, key in directories.items():
            if below[key]:
                self.members[path] = tuple(sorted(set(below[key].values())))
                self.inside.update(below[key])


def above(path: str) -> Iterator[str]:
    """The directories that a path lies in, the nearest first; "." is above every relative one but itself."""
    cut = path.rfind("/")
    while cut > 0:
        path = path[:cut]
        yield path
        cut = path.rfind("/")
    if cut < 0 and path != ".":
        yield "."
    elif cut == 0 and path != "/":
        yield "/"
