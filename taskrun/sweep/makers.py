"""Which task makes which path: found by looking prefixes up, never by comparing paths with each other.

Two tasks that write to one place are noted here, and what a study must not write to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from taskrun.errors import Place
from taskrun.paths import Paths
from taskrun.sweep.cells import List
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings

WRITTEN = ("outputs", "stdout", "stderr")


class _Clash(Struct, frozen=True):
    """The `second` task writes `path`, which the `first` makes, or which lies in its `directory`."""

    path: str
    first: int
    second: int
    directory: str = ""


class Makers:
    """The outputs and redirect files of all tasks by path (`Paths.key`)."""

    def __init__(self, expansions: Sequence[Expansion], paths: Paths) -> None:
        self._expansions = expansions
        self._paths = paths
        self._maker: dict[str, int] = {}
        self._bases = [expansion.base for expansion in expansions]
        self._twice: dict[tuple[str, str, int, str], _Clash] = {}
        for expansion in expansions:
            for key in WRITTEN:
                if expansion.plan.items(key):
                    self._enter(expansion, key, expansion.files(key))

    def _enter(self, expansion: Expansion, key: str, lists: Iterable[List]) -> None:
        enter = self._maker.setdefault
        outside = self._paths.key
        for index, some in enumerate(lists, expansion.base):
            for path in some:
                other = enter(path if not path.startswith("..") else outside(path), index)
                if other != index and not path.startswith("/dev/"):
                    steps = self.expansion(other).plan.name, expansion.plan.name
                    self._twice.setdefault((*steps, some.index(path), key), _Clash(path, other, index))

    def find(self, path: str) -> tuple[int, str] | None:
        """The task that makes `path` (a key), or a directory that it lies in, and the path that it makes."""
        for each in (path, *above(path)):
            maker = self._maker.get(each)
            if maker is not None:
                return maker, each
        return None

    def below(self, directories: Iterable[str]) -> dict[str, dict[str, int]]:
        """For each of these paths (keys) what is made inside: the paths and who makes them."""
        found: dict[str, dict[str, int]] = {path: {} for path in directories}
        holding_all = [found[path] for path in found if path.startswith("/") and self._paths.is_inside(path)]
        for path, maker in self._maker.items() if found else ():
            for directory in above(path):
                if directory in found:
                    found[directory][path] = maker
            if holding_all and not path.startswith("/"):
                for inside in holding_all:
                    inside[path] = maker
        return found

    def check(self, findings: Findings, *, forbidden: Mapping[str, str]) -> None:
        """Note collisions, and outputs in the way of `forbidden` (a key, and what it is called in a message)."""
        for clash in self._twice.values():
            self._note_twice(findings, clash)
        for clash in self._nested():
            inner, outer = self.name(clash.second), self.name(clash.first)
            what = f"{inner} writes {clash.path!r} inside {clash.directory!r}, which {outer} makes"
            findings.mistake(self._place(clash.second, clash.path), what, "let one task make both, or part the paths")
        self._check_forbidden(findings, forbidden)

    def _note_twice(self, findings: Findings, clash: _Clash) -> None:
        one, other = self.expansion(clash.first), self.expansion(clash.second)
        hint = ""
        if one is other:
            rows = one.rows[clash.first - one.base], one.rows[clash.second - one.base]
            differing = [name for name, a, b in zip(one.plan.names, *rows, strict=True) if a != b]
            hint = "put " + " and ".join(f"{{{name}}}" for name in differing) + " into the path"
        what = f"{self.name(clash.first)} and {self.name(clash.second)} both write {clash.path!r}"
        findings.mistake(self._place(clash.second, clash.path), what, hint)

    def _check_forbidden(self, findings: Findings, forbidden: Mapping[str, str]) -> None:
        for key, what in forbidden.items():
            found = self.find(key) or self.find(self._paths.absolute(key))
            if found is not None:
                maker, path = found
                which = f"which is {what}" if path == key else f"which holds {what}"
                findings.mistake(self._place(maker, path), f"{self.name(maker)} writes {path!r}, {which}")
        inside = tuple(key + "/" for key in forbidden)
        for path in [path for path in self._maker if path.startswith(inside)][:1]:
            maker = self._maker[path]
            what = next(what for key, what in forbidden.items() if path.startswith(key + "/"))
            findings.mistake(self._place(maker, path), f"{self.name(maker)} writes {path!r} into {what}")

    def _nested(self) -> Iterable[_Clash]:
        """Paths inside another task's output, the first of each two steps."""
        makers = self._maker
        found: dict[tuple[str, str], _Clash] = {}
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
                    steps = self.expansion(other).plan.name, self.expansion(maker).plan.name
                    found.setdefault(steps, _Clash(path, other, maker, directory))
                    break
                cut = path.rfind("/", 0, cut)
            else:
                clean.update(passed[1:])
        return found.values()

    def name(self, index: int) -> str:
        """The name of a task."""
        expansion = self.expansion(index)
        return expansion.names[index - expansion.base]

    def expansion(self, index: int) -> Expansion:
        """The step that a task is of."""
        return self._expansions[bisect_right(self._bases, index) - 1]

    def _place(self, index: int, path: str) -> Place:
        """Where the step of a task says that it writes `path`."""
        expansion = self.expansion(index)
        row = index - expansion.base
        for key in WRITTEN:
            for item in expansion.plan.items(key):
                paths = expansion.fill_path(item.text)
                if self._paths.key(paths[row]) == self._paths.key(path):
                    return item.text.place
        return expansion.plan.place


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
