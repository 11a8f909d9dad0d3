"""A sweep file's text loaded in a directory of its own, and short ways to say what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from taskrun.errors import SweepError
from taskrun.graph import Edge, Study
from taskrun.model import Argv, Task, as_run, as_signed
from taskrun.sweep.loading import load


class Loaded:
    """A study and its tasks by name."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.graph = study.graph

    @property
    def names(self) -> list[str]:
        return [task.name for task in self.graph.tasks]

    def __getitem__(self, name: str) -> Task:
        index = self.graph.index(name)
        assert index is not None, f"{name} is none of {self.names}"
        return self.graph.tasks[index]

    def of(self, step: str) -> list[Task]:
        return [task for task in self.graph.tasks if task.step.name == step]

    def run(self, name: str) -> str:
        """What a task executes, a list with | between its words."""
        return as_run(_text(self[name]), 1)

    def runs(self, step: str) -> list[str]:
        return [self.run(task.name) for task in self.of(step)]

    def signed(self, name: str) -> str:
        return as_signed(_text(self[name]))

    def needs(self, name: str) -> list[str]:
        return [self.graph.tasks[index].name for index in self.graph.needed(self[name].index)]

    def edges(self, name: str) -> set[Edge]:
        index = self[name].index
        return {self.graph.edge(index, node) for node in self.graph.needs[index]}

    def env(self, name: str) -> dict[str, str]:
        return {variable: as_run(value, 1) for variable, value in self[name].env.items()}


def _text(task: Task) -> str:
    return "|".join(task.action.words) if isinstance(task.action, Argv) else task.action.text


def study(directory: Path, text: str, **options: object) -> Loaded:
    (directory / "sweep.yaml").write_text(dedent(text))
    return Loaded(load(str(directory / "sweep.yaml"), shown="sweep.yaml", **options))  # type: ignore[arg-type]


def mistakes(directory: Path, text: str) -> list[str]:
    """The lines that are reported for a file with mistakes."""
    try:
        study(directory, text)
    except SweepError as error:
        return list(map(str, error.mistakes))
    raise AssertionError("nothing was found wrong")


def mistake(directory: Path, text: str) -> str:
    """The only line that is reported."""
    (line,) = mistakes(directory, text)
    return line


def hints(directory: Path, text: str) -> Iterator[str]:
    return iter(study(directory, text).study.hints)
