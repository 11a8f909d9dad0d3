"""`[FILE] [SELECT]…`: which study a command is about, and which of its tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from msgspec import Struct

from taskrun.errors import UsageError
from taskrun.graph import Study

DEFAULT_FILE = "sweep.yaml"
_ENDINGS = (".yaml", ".yml", ".txt", ".py")

Function = TypeVar("Function", bound=Callable[..., object])


class Source(Struct, frozen=True):
    """A file as the user typed it in the directory `here`, what is selected of it, and where its state is."""

    file: str
    select: tuple[str, ...]
    state_dir: str | None
    sets: tuple[str, ...]
    here: str

    @property
    def root(self) -> str:
        """The study's directory, absolute."""
        return os.path.dirname(self._absolute(self.file))

    @property
    def name(self) -> str:
        """The study's name: the file's stem."""
        return os.path.splitext(os.path.basename(self.file))[0]

    @property
    def state(self) -> str:
        """The study's state directory, absolute."""
        above = self._absolute(self.state_dir) if self.state_dir else os.path.join(self.root, ".taskrun")
        return os.path.join(above, self.name)

    def shown(self, path: str) -> str:
        """A path of the study as the user sees it from the directory that the command was typed in."""
        path = os.path.join(self.root, path)
        near = os.path.relpath(path, self.here)
        return path if near.startswith("..") else near

    def _absolute(self, path: str) -> str:
        # Not `abspath`: a run stands in the study's directory, wherever the command was typed.
        return os.path.normpath(os.path.join(self.here, path))

    def as_words(self) -> list[str]:
        """The words of a command line that name this study again, its tasks left out."""
        words = [self.file] if looks_like_file(self.file) else ["--file", self.file]
        if self.state_dir:
            words += ["--state-dir", self.state_dir]
        for assignment in self.sets:
            words += ["--set", assignment]
        return words

    def load(self) -> Study:
        """Read the file and expand it."""
        from taskrun.sweep.loading import load

        if self.file == "-" or self.file.endswith((".txt", ".py")):
            raise UsageError(f"{self.file}: only sweep files (.yaml, .yml) can be run by this version")
        state = os.path.relpath(self.state, self.root)
        return load(self.file, sets=_assignments(self.sets), state=self.state if state.startswith("../") else state)


def source_of(words: Sequence[str], file: str | None, state_dir: str | None, sets: Sequence[str] = ()) -> Source:
    """Tell FILE from SELECT: the first word is the file where it looks like one."""
    if file is None and words and looks_like_file(words[0]):
        file, words = words[0], words[1:]
    return Source(file or DEFAULT_FILE, tuple(words), state_dir, tuple(sets), os.getcwd())


def looks_like_file(word: str) -> bool:
    """Whether the first positional argument is FILE; everything else is a selection."""
    return word == "-" or (word.endswith(_ENDINGS) and "=" not in word and "*" not in word)


def source_options(function: Function) -> Function:
    """The arguments and options of every command that reads a study."""
    function = click.argument("words", nargs=-1, metavar="[FILE] [SELECT]...")(function)
    function = click.option("-F", "--file", "file", metavar="FILE", help="The sweep file, whatever its name.")(function)
    return click.option(
        "--state-dir", metavar="DIR", help="Keep the state there in place of .taskrun beside the sweep file."
    )(function)


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {text!r}: NAME=VALUES expected, such as --set buffer=1024,2048")
        found[name] = values
    return found
