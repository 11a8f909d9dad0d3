"""A step spread over its points: what each of its texts comes to in each of its tasks, as the study sees it.

Works by columns: a text is read once, and a row costs one substitution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from operator import itemgetter

from taskrun.names import encode
from taskrun.paths import Paths, attribute
from taskrun.quantity import show_number
from taskrun.sweep.cells import Column, List, RowMistake, at, filled, gathered, joined
from taskrun.sweep.formats import format_value
from taskrun.sweep.lets import Lets
from taskrun.sweep.references import Fact, Files, Reference, Value
from taskrun.sweep.steps import LISTS, StepPlan
from taskrun.sweep.surroundings import expand_pieces
from taskrun.sweep.texts import Text


class Expansion:
    """The tasks of one step, from `base` on. `others` are the expansions of all steps, to look files up in.

    `groups` holds for each step that this one is joined with, row by row, which of its rows belong to it. The own files
    are found key by key (`expand_key`), each after the keys that its texts take.
    """

    def __init__(
        self,
        plan: StepPlan,
        rows: Sequence[List],
        base: int,
        *,
        lets: Lets,
        paths: Paths,
        others: Mapping[str, Expansion],
    ) -> None:
        self.plan = plan
        self.rows = rows
        self.base = base
        self.groups: dict[str, Sequence[tuple[int, ...]]] = {}
        self.paths = paths
        self.lets = lets.at(plan.names)
        self.cores: Sequence[Fraction] = ()
        self.cwds: Sequence[str] = [""] * len(rows)
        self.loose_inputs: list[tuple[Text, Sequence[List]]] = []  # those whose makers only their paths can tell
        self._others = others
        self._values = self._all_values(lets)
        self._names: list[str] | None = None
        self._files: dict[tuple[str, str], Sequence[List]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    # --- what placeholders come to

    @property
    def names(self) -> list[str]:
        """The names of the tasks."""
        if self._names is None:
            pattern = "/".join([self.plan.name, *(f"{name}=%s" for name in self.plan.names)])
            encoded = [Column(self._values[name]).map(encode).singles or () for name in self.plan.names]
            self._names = list(map(pattern.__mod__, zip(*encoded, strict=True))) if encoded else [pattern]
        return self._names

    def values(self, name: str) -> Sequence[str]:
        """The values of a sweep or `let` name."""
        return self._values[name]

    def files(self, key: str, part: str = "") -> Sequence[List]:
        """The task's own paths under `key`, or those called `part` there."""
        return self._files[key, part]

    def other(self, step: str) -> Expansion:
        """The expansion of a step that this one is joined with."""
        return self._others[step]

    def named(self, target: Files) -> Sequence[List]:
        """The paths that a placeholder for files names, before any attribute."""
        if not target.step:
            return self.files(target.key, target.part)
        return gathered(self.groups[target.step], self._others[target.step].files(target.key, target.part))

    def column(self, reference: Reference) -> Column:
        """What a placeholder comes to, paths as the study sees them, attributes taken and written in its format."""
        target = reference.target
        if isinstance(target, Value):
            column = Column(self._values[target.name])
        elif isinstance(target, Files):
            column = Column.of(self.named(target))
        else:
            column = Column(self._fact(target))
        for name in reference.attributes:
            column = column.map(partial(attribute, name=name))
        spec = reference.form
        if spec is None or spec in ("raw", "file"):
            return column
        return column.map(partial(_formatted, reference.written, spec))

    def _fact(self, fact: Fact) -> Sequence[str]:
        if fact.name == "name":
            return self.names
        if fact.name == "cores":
            return [show_number(cores) for cores in self.cores]
        return [self.plan.name if fact.name == "step" else "."] * len(self)

    def _all_values(self, lets: Lets) -> dict[str, Sequence[str]]:
        names = self.plan.names
        found: dict[str, Sequence[str]] = {name: list(map(itemgetter(i), self.rows)) for i, name in enumerate(names)}
        self._values = found
        for name in lets.order:
            if name in self.lets:
                found[name] = self.fill(lets.text(name))
        return found

    def release(self) -> None:
        """Let go of what only the making of tasks and edges needs: of a million tasks it is as much as they are."""
        self.groups = {}
        self.rows = ()
        self.cwds = ()
        self.loose_inputs = []
        self._files = {}
        self._values = {}
        self._names = []

    # --- what texts come to

    def fill(self, text: Text) -> list[str]:
        """One text a task; a placeholder that has several values somewhere is a mistake there."""
        with at(text.place):
            return self._fill(text, text.template.pieces)

    def _fill(self, text: Text, pieces: Sequence[str]) -> list[str]:
        columns = [self._single(reference) for reference in text.references]
        return filled(pieces, columns, len(self))

    def _single(self, reference: Reference) -> Sequence[str]:
        column = self.column(reference)
        if column.singles is not None:
            return column.singles
        row, some = next((row, some) for row, some in enumerate(column.lists) if len(some) != 1)
        hint = _per(reference) if some else ""
        raise RowMistake(row, f"{reference.written} has {len(some)} values here, where one is wanted", hint)

    def fill_path(self, text: Text) -> list[str]:
        """One normalised path a task; `~/` and `${NAME}` are expanded in the text, never in what placeholders bring."""
        with at(text.place):
            pieces = expand_pieces(text.template.pieces)
            if not text.references:
                return [self._normal(pieces[0], None)] * len(self)
            paths = self._fill(text, pieces)
            if "" in paths:
                self._normal("", paths.index(""))
            return self.paths.normal_all(paths)

    def _normal(self, path: str, row: int | None) -> str:
        if not path:
            raise RowMistake(row, "an empty path")
        return self.paths.normal(path)

    # --- its own files

    def expand_key(self, key: str) -> None:
        """Find the paths under a key of files; raises RowMistake with its place."""
        items = self.plan.items(key)
        if key in LISTS:
            found = [self._expand_item(item.text) for item in items]
            if key == "inputs":
                pairs = zip((item.text for item in items), found, strict=True)
                self.loose_inputs = [(text, paths) for text, paths in pairs if not is_exact(text)]
            self._files[key, ""] = joined(found, len(self))
            for part in {item.part for item in items if item.part}:
                own = [paths for item, paths in zip(items, found, strict=True) if item.part == part]
                self._files[key, part] = joined(own, len(self))
        elif key == "stderr" and self.plan.shares_stdout:
            self._files[key, ""] = self._files.get(("stdout", ""), ())
        elif items:
            paths = self.fill_path(items[0].text)
            self._files[key, ""] = list(zip(paths, strict=True))
            if key == "cwd":
                self.cwds = ["" if path == "." else path for path in paths]

    def _expand_item(self, text: Text) -> Sequence[List]:
        if is_list(text):
            reference = text.references[0]
            with at(text.place):
                if is_exact(text) and isinstance(reference.target, Files):
                    return self.named(reference.target)
                return self.column(reference).map(self.paths.normal).as_lists()
        return list(zip(self.fill_path(text), strict=True))


def is_list(text: Text) -> bool:
    """Whether the text is one placeholder for files that becomes as many items as there are."""
    only = text.only
    return text.key == "inputs" and only is not None and isinstance(only.target, Files)


def is_exact(text: Text) -> bool:
    """Whether the text is files of another step, as they are: their tasks are known without a look at the paths."""
    only = text.only
    if only is None or not isinstance(only.target, Files) or not only.target.step:
        return False
    return not only.attributes and only.form in (None, "raw")


def _formatted(placeholder: str, spec: str, text: str) -> str:
    try:
        return format_value(text, spec)
    except ValueError as error:
        raise ValueError(f"{placeholder}: {error}") from None


def _per(reference: Reference) -> str:
    if isinstance(reference.target, Files) and reference.target.step:
        return f"add `per: {reference.target.step}`"
    return "take one of them by its name"
