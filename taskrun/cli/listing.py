"""`taskrun list`: the tasks of a study, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from taskrun.cli.source import source_of, source_options
from taskrun.graph import Graph
from taskrun.model import Argv, Task, as_run
from taskrun.printer.width import printable, width
from taskrun.printer.words import command_lines

_WIDEST = 60  # columns: a longer name does not push all commands to the right
_BETWEEN = "  "


@click.command("list", short_help="List the tasks of a sweep file with their commands.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list with everything about each task.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_json: bool
) -> None:
    """List the tasks of FILE (default: sweep.yaml) in the order of the file: their names and their commands, of which
    the first line is shown. SELECT: steps, task names, globs, and name=value to narrow.

    \b
        taskrun list sim topology=mesh
    """
    opened = source_of(words, file, state_dir, name).open()
    if as_json:
        _print_json(opened.study.graph, opened.chosen)
    else:
        _print_table([opened.study.graph.tasks[index] for index in opened.chosen])


def _print_table(tasks: Sequence[Task]) -> None:
    names = [printable(task.name) for task in tasks]
    wide = max((width(name) for name in names if width(name) <= _WIDEST), default=0)
    for name, task in zip(names, tasks, strict=True):
        sys.stdout.write(name + " " * (wide - width(name)) + _BETWEEN + _one_line(task) + "\n")


def _one_line(task: Task) -> str:
    lines = command_lines(task.action, 1)
    shown = [line for line in lines if line.strip()] or [""]
    return printable(shown[0]).strip() + (" ..." if len(shown) > 1 else "")


def _print_json(graph: Graph, chosen: Sequence[int]) -> None:
    from taskrun.cli.jsons import dumps

    sys.stdout.write("[")
    for position, index in enumerate(chosen):
        sys.stdout.write((",\n " if position else "") + dumps(_described(graph, graph.tasks[index])))
    sys.stdout.write("]\n")


def _described(graph: Graph, task: Task) -> dict[str, object]:
    action = task.action
    command = [as_run(word, 1) for word in action.words] if isinstance(action, Argv) else as_run(action.text, 1)
    cores = task.traits.cores
    return {
        "name": task.name,
        "step": task.step.name,
        "params": task.params,
        "command": command,
        "needs": [graph.tasks[needed].name for needed in graph.needed(task.index)],
        "inputs": task.inputs,
        "outputs": task.outputs,
        "stdout": task.stdout,
        "stderr": task.stderr,
        "cwd": task.cwd or ".",
        "cores": int(cores) if cores.denominator == 1 else float(cores),
    }
