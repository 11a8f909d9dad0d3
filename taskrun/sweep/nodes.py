"""A sweep file's values as the user wrote them, each with its place, and what is found wrong with them.

Nothing here knows YAML or the keys of a sweep file: `source` makes nodes, everything else in this package reads them.
"""

from __future__ import annotations

from msgspec import Struct

from taskrun.errors import Mistake, Place, SweepError
from taskrun.sweep.witness import Witness

MOST_SHOWN = 100  # mistakes that are reported together; nobody reads on behind so many


class Scalar(Struct, frozen=True):
    """One value: its source text (`0.10` stays `0.10`; quotes and escapes of YAML are resolved)."""

    text: str
    place: Place
    plain: bool = True


class Listing(Struct, frozen=True):
    """A YAML sequence."""

    items: tuple[Node, ...]
    place: Place


class Entry(Struct, frozen=True):
    """A key and its value."""

    key: Scalar
    value: Node


class Table(Struct, frozen=True):
    """A YAML mapping, in the order of the file; merge keys are resolved, no key stands twice."""

    entries: dict[str, Entry]
    place: Place

    def value(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Node = Scalar | Listing | Table


class Findings:
    """Collects what is wrong (`mistakes`) and what is only strange (`hints`), so that all is reported together.

    `witness`: what was read on the way.
    """

    def __init__(self) -> None:
        self.witness = Witness()
        self.mistakes: list[Mistake] = []
        self.count = 0  # how often something was found wrong, what had been said already too
        self.hints: list[Mistake] = []
        self._said: set[tuple[Place, str, str]] = set()
        self._done: set[Place] = set()

    def mistake(self, place: Place, what: str, hint: str = "", *, is_last: bool = False) -> None:
        """Note an error, once (an anchor's value is read wherever it is used).

        `is_last`: what else may be found wrong at this place only follows from this.
        """
        self.count += 1
        if (place, what, hint) in self._said or place in self._done:
            return
        self._said.add((place, what, hint))
        if is_last:
            self._done.add(place)
        self.mistakes.append(Mistake(place, what, hint))

    def hint(self, place: Place, what: str, hint: str = "") -> None:
        """Note a warning."""
        self.hints.append(Mistake(place, what, hint))

    def check(self) -> None:
        """Raise everything found wrong so far together; return if that is nothing."""
        if not self.mistakes:
            return
        shown = sorted(self.mistakes, key=lambda mistake: mistake.place.key)
        if len(shown) > MOST_SHOWN:
            shown[MOST_SHOWN:] = [Mistake(shown[MOST_SHOWN].place, "there are more mistakes from here on")]
        raise SweepError(shown)
