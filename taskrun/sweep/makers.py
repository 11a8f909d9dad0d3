"""What the tasks of a sweep make, and the mistakes in it: two write to one place, or one where none may write."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from taskrun.errors import Place
from taskrun.makers import Makers, Nested
from taskrun.paths import Paths
from taskrun.sweep.cells import List
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings

WRITTEN = ("outputs", "stdout", "stderr")


class _Clash(Struct, frozen=True):
    """The `second` task writes `path`, which the `first` makes."""

    path: str
    first: int
    second: int


class SweepMakers(Makers):
    """The outputs and redirect files of all tasks of a sweep."""

    def __init__(self, expansions: Sequence[Expansion], paths: Paths) -> None:
        super().__init__(paths)
        self._expansions = expansions
        self._outside = paths.key
        self._bases = [expansion.base for expansion in expansions]
        self._twice: dict[tuple[str, str, int, str], _Clash] = {}
        for expansion in expansions:
            for key in WRITTEN:
                if expansion.plan.items(key):
                    self._take_in(expansion, key, expansion.files(key))

    def _take_in(self, expansion: Expansion, key: str, lists: Iterable[List]) -> None:
        enter, outside = self.enter, self._outside
        for index, some in enumerate(lists, expansion.base):
            for path in some:
                other = enter(path if not path.startswith("..") else outside(path), index)
                if other != index and not path.startswith("/dev/"):
                    steps = self._steps(other, index)
                    self._twice.setdefault((*steps, some.index(path), key), _Clash(path, other, index))

    def check(self, findings: Findings, *, forbidden: Mapping[str, str]) -> None:
        """Note collisions, and outputs in the way of `forbidden` (a key, and what it is called in a message)."""
        for clash in self._twice.values():
            self._note_twice(findings, clash)
        self._note_nested(findings)
        for maker, path, how in self.trespasses(forbidden):
            findings.mistake(self._place(maker, path), f"{self.name(maker)} writes {path!r}{how}")

    def _note_twice(self, findings: Findings, clash: _Clash) -> None:
        one, other = self.expansion(clash.first), self.expansion(clash.second)
        hint = ""
        if one is other:
            rows = one.rows[clash.first - one.base], one.rows[clash.second - one.base]
            differing = [name for name, a, b in zip(one.plan.names, *rows, strict=True) if a != b]
            hint = "put " + " and ".join(f"{{{name}}}" for name in differing) + " into the path"
        what = f"{self.name(clash.first)} and {self.name(clash.second)} both write {clash.path!r}"
        findings.mistake(self._place(clash.second, clash.path), what, hint)

    def _note_nested(self, findings: Findings) -> None:
        """The first of each two steps."""
        found: dict[tuple[str, str], Nested] = {}
        for each in self.nested():
            found.setdefault(self._steps(each.outer, each.inner), each)
        for inner, path, outer, directory in found.values():
            what = f"{self.name(inner)} writes {path!r} inside {directory!r}, which {self.name(outer)} makes"
            findings.mistake(self._place(inner, path), what, "let one task make both, or part the paths")

    def name(self, index: int) -> str:
        """The name of a task."""
        expansion = self.expansion(index)
        return expansion.names[index - expansion.base]

    def expansion(self, index: int) -> Expansion:
        """The step that a task is of."""
        return self._expansions[bisect_right(self._bases, index) - 1]

    def _steps(self, *tasks: int) -> tuple[str, str]:
        one, other = (self.expansion(index).plan.name for index in tasks)
        return one, other

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
