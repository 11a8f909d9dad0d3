"""What stands on a line before the word that is being completed, read without loading any command.

The tables here only save time: what is not in them is asked of the commands themselves, which takes longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# The commands whose arguments are `[FILE] [SELECT]...`.
STUDY_COMMANDS = frozenset(
    {"run", "status", "list", "points", "why", "logs", "check", "reset", "mark-done", "clean"}
)
# Options that take no value, and options that do, in whichever of these commands they are.
FLAGS = frozenset(
    {"-n", "--dry-run", "-f", "--force", "--only", "--json", "-q", "--quiet", "-v", "--verbose", "--path"}
    | {"--follow", "-a", "--all", "-k", "--no-hold", "--strict", "-y", "--yes"}
    | {"--outputs", "--logs", "--failed", "--gone"}
)
VALUED = frozenset(
    {"-F", "--file", "--state-dir", "--name", "--set", "-j", "--jobs", "--output", "--color"}
    | {"--on-failure", "--max-failures", "--grace", "--pool", "--assume-dead"}
)
_NAMES = {"-F": "file", "--file": "file", "--state-dir": "state_dir", "--name": "name", "--set": "sets"}


class Typed(NamedTuple):
    """The words and options so far, of a command that takes `[FILE] [SELECT]...`."""

    words: tuple[str, ...] = ()
    file: str | None = None
    state_dir: str | None = None
    name: str | None = None
    sets: tuple[str, ...] = ()

    @property
    def replaced(self) -> dict[str, str]:
        """The values that `--set` gives, by name."""
        return {name: values for name, equals, values in (text.partition("=") for text in self.sets) if equals}


def read_typed(arguments: Sequence[str]) -> Typed | None:
    """The arguments of a study's command; None where that takes more knowledge, or an option still lacks its value."""
    words: list[str] = []
    options: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            words += rest
        elif not argument.startswith("-") or argument == "-":
            words.append(argument)
        elif name in VALUED and (not equals or name.startswith("--")):
            found = value if equals else next(rest, None)
            if found is None:
                return None
            options.append((name, found))
        elif argument not in FLAGS:
            return None
    return _typed(words, options)


def _typed(words: Iterable[str], options: Sequence[tuple[str, str]]) -> Typed:
    last = {_NAMES[name]: value for name, value in options if name in _NAMES}
    sets = tuple(value for name, value in options if name == "--set")
    return Typed(tuple(words), last.get("file"), last.get("state_dir"), last.get("name"), sets)
