"""A text file of commands, or standard input, as FILE on the command line."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Container, Sequence
from functools import partial

import click

from taskrun.cli.source import Opened, Source
from taskrun.command_file import STEP, short_hash, study_of
from taskrun.errors import UsageError
from taskrun.graph import Study
from taskrun.model import Shell, Task
from taskrun.shell import quote_visible
from taskrun.sweep.collecting import without_collector
from taskrun.sweep.content import read_bytes

_MOST_TO_PASTE = 100_000  # characters


def open_commands(source: Source, file: str) -> Opened:
    """The study of a text file (`-`: of standard input), one command a line."""
    return _open_input(source) if file == "-" else _open_file(source, file)


def _open_file(source: Source, file: str) -> Opened:
    path = os.path.normpath(os.path.join(source.here, file))
    root, base = os.path.split(path)
    name = source.name or os.path.splitext(base)[0]
    study = _study_of(read_bytes(file, file), name=name, root=root, source=base, shown=file)
    return Opened(
        study=study,
        file=file,
        state=source.state_of(root, name),
        here=source.here,
        again=source.again_from(file),
        select=source.select,
    )


def _open_input(source: Source) -> Opened:
    text = _standard_input()
    name = source.name or f"stdin-{short_hash(text)}"
    study = _study_of(text, name=name, root=source.here, source="-", shown="standard input")
    return Opened(
        study=study,
        file="standard input",
        state=source.state_of(source.here, name),
        here=source.here,
        again=partial(_again, study, source.again("-", name=name)),
        select=source.select,
        output="grouped",
    )


def _study_of(text: bytes, *, name: str, root: str, source: str, shown: str) -> Study:
    with without_collector():
        return study_of(text, name=name, root=root, source=source, shown=shown)


def _standard_input() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("standard input is closed, and `-` reads commands from it")
    if sys.stdin.isatty():
        click.echo("taskrun: reading commands, one a line, until Ctrl-D", err=True)
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"standard input cannot be read: {error.strerror}") from None


def _again(study: Study, run: Callable[[Sequence[str]], str], names: Sequence[str]) -> str:
    """Standard input is gone: its commands are given once more, those of some tasks or, for the step, all of them.

    Where all are too many to paste, they have to come from where they came from.
    """
    is_whole = STEP.name in names
    texts = list(map(_text, study.graph.tasks)) if is_whole else _texts(study, frozenset(names))
    line = " ".join(["printf", "'%s\\n'", *map(quote_visible, texts)])
    return f"... | {run(())}" if is_whole and len(line) > _MOST_TO_PASTE else f"{line} | {run(())}"


def _texts(study: Study, names: Container[str]) -> list[str]:
    """The commands of these tasks; one whose second task is wanted has to stand there twice."""
    times: Counter[str] = Counter()
    needed: dict[str, int] = {}
    for task in study.graph.tasks:
        text = _text(task)
        times[text] += 1
        if task.name in names:
            needed[text] = times[text]
    return [text for text, count in needed.items() for _ in range(count)]


def _text(task: Task) -> str:
    assert isinstance(task.action, Shell), "a line is for a shell"
    return task.action.text
