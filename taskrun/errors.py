"""What a user can get wrong, as types that carry facts; `str(error)` is the sentence that the user reads.

Every other module raises these and none formats an exit status: the one boundary in `cli` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class TaskrunError(Exception):
    """The base of everything that a user can cause; `exit_status` is what the `taskrun` command exits with then.

    The more special ones that the library raises are in the module `taskrun.errors`.
    """

    exit_status = 2


class UsageError(TaskrunError):
    """A wrong option, argument or selection on the command line, or a wrong call of the library."""


class Place:
    """Where in which file: line and column counted from 1; line 0 means the file as a whole, column 0 the line."""

    __slots__ = ("column", "file", "line")

    def __init__(self, file: str, line: int = 0, column: int = 0) -> None:
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __repr__(self) -> str:
        return f"Place({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[str, int, int]:
        """Sorts places in the order in which a reader meets them."""
        return self.file, self.line, self.column


NOWHERE = Place("")


class Mistake:
    """One static mistake: `file:line:column: what; hint`."""

    __slots__ = ("hint", "place", "what")

    def __init__(self, place: Place, what: str, hint: str = "") -> None:
        self.place = place
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" + (f"; {self.hint}" if self.hint else "")

    def __repr__(self) -> str:
        return f"Mistake({str(self)!r})"


class SweepError(TaskrunError):
    """All static mistakes of a sweep file together, sorted by place, one line each."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = sorted(mistakes, key=lambda mistake: mistake.place.key)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class GraphError(TaskrunError):
    """A graph that cannot be: a name given twice, or a dependency that is not of this graph."""


class CycleError(GraphError):
    """Tasks that wait for each other; names go around once, the first one not repeated.

    `cycles` are independent of each other, one for each set of tasks that all need each other; `names` is the first.
    """

    def __init__(self, cycles: Sequence[Sequence[str]]) -> None:
        self.cycles = tuple(map(tuple, cycles))
        self.names = self.cycles[0]
        super().__init__("; ".join(map(shown_cycle, self.cycles)))


def shown_cycle(names: Sequence[str]) -> str:
    """`a cycle: a -> b -> a`: each needs the next one."""
    shown = [*names, names[0]] if len(names) <= 12 else [*names[:12], f"... ({len(names)} in all)"]
    return "a cycle: " + " -> ".join(shown)


class StateError(TaskrunError):
    """The state directory cannot be read or written, or belongs to someone else."""

    exit_status = 3


class StateHeldError(StateError):
    """Another run, or a `command` that only changes the state, holds it; names it by host, pid and start."""

    def __init__(self, path: str, host: str, pid: int, since: str, command: str | None = None) -> None:
        self.path = path
        self.host = host
        self.pid = pid
        self.since = since
        holder = "another run" if command is None else f"`taskrun {command}`"
        super().__init__(f"{path} is held by {holder}: pid {pid} on {host}, since {since}")


class OutputError(TaskrunError):
    """What a command has to say cannot be written; `reason` has the system's words."""

    exit_status = 3

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the output cannot be written: {reason}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that the user most likely meant, or None where none is near."""
    import difflib  # only a mistake pays for it

    known = list(known)
    alike = [other for other in known if other.lower() == name.lower()]
    close = alike or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or an empty string where nothing is near."""
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else ""
