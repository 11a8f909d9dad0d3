"""What a sweep says of names, as far as it can be told without making a task: for whoever is still typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from taskrun.names import decode, encode
from taskrun.sweep.limits import MOST_TASKS
from taskrun.sweep.points import Points


class OutlinedStep(NamedTuple):
    """A step's description, and the `names` that it runs over; None where something is wrong with it."""

    desc: str
    names: tuple[str, ...] | None


class Outline:
    """The `steps` of a sweep in their order; its `names`, and which of them are `replaceable`; the names in `let`.

    `points` makes them when they are first asked for; None: something is wrong with them, nobody knows their values.
    """

    def __init__(
        self,
        steps: Mapping[str, OutlinedStep],
        *,
        names: tuple[str, ...],
        lets: tuple[str, ...],
        replaceable: tuple[str, ...],
        points: Callable[[], Points] | None,
    ) -> None:
        self.steps = steps
        self.names = names
        self.lets = lets
        self.replaceable = replaceable
        self._make_points = points

    @cached_property
    def points(self) -> Points | None:
        """All points; None where nobody can say."""
        return None if self._make_points is None else self._make_points()

    def names_of(self, step: str) -> tuple[str, ...] | None:
        """The names that a step runs over; None where there is no such step, or nobody can say."""
        found = self.steps.get(step)
        return found.names if found else None

    def values(self, name: str, given: Mapping[str, str] | None = None) -> Sequence[str]:
        """The values that a sweep name takes at the points where others have the values `given`, in sweep order."""
        given = given or {}
        wanted = tuple(each for each in self.names if each == name or each in given)
        if self.points is None or name not in wanted or self.points.count(wanted) > MOST_TASKS:
            return ()
        rows = self.points.project(wanted)
        for place, each in enumerate(wanted):
            if each != name:
                rows = [row for row in rows if row[place] == given[each]]
        return list(map(itemgetter(wanted.index(name)), rows))

    def task_names(self, text: str) -> list[tuple[str, bool]]:
        """How names of tasks that begin with `text` go on, each to the end of a component, and whether they end there.

        `text` holds a `/`. As wherever names are read, the parameters may stand in any order.
        """
        step, *components, last = text.split("/")
        names = self.names_of(step)
        given = dict(component.split("=", 1) for component in components if "=" in component)
        if names is None or len(given) < len(components) or not given.keys() <= set(names):
            return []
        left = [name for name in names if name not in given]
        values = {name: decode(value) for name, value in given.items()}
        before = text[: len(text) - len(last)]
        found = [
            f"{before}{name}={value}"
            for name in _begun(last, left)
            for value in encoded(self.values(name, values), last[len(name) + 1 :])
        ]
        is_whole = len(left) == 1
        return [(name if is_whole else f"{name}/", is_whole) for name in found]


def encoded(values: Iterable[str], text: str) -> list[str]:
    """Those of `values` that begin with `text` as they stand in a name, so written."""
    if "%" not in text:  # few are left to be encoded
        values = [value for value in values if value.startswith(text)]
    return [value for value in map(encode, values) if value.startswith(text)]


def _begun(component: str, names: Sequence[str]) -> Sequence[str]:
    """Which parameters a component that is being typed can be; of those that are left the first, where nothing is."""
    if not component:
        return names[:1]
    return [name for name in names if f"{name}=".startswith(component) or component.startswith(f"{name}=")]
