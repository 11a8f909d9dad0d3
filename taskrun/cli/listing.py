"""`taskrun list`: the tasks of a study, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from taskrun.cli.source import source_of, source_options
from taskrun.graph import Graph
from taskrun.model import Argv, Task, as_run


@click.command("list", short_help="List the tasks of a sweep file.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list with everything about each task.")
def command(
    words: tuple[str, ...], file: str | None, state_dir: str | None, name: str | None, as_json: bool
) -> None:
    """List the tasks of FILE (default: sweep.yaml) with their commands, in the order of the file."""
    opened = source_of(words, file, state_dir, name).open()
    graph, chosen = opened.study.graph, opened.chosen
    if as_json:
        _print_json(graph, chosen)
        return
    wide = min(60, max((len(graph.tasks[index].name) for index in chosen), default=0))
    for index in chosen:
        task = graph.tasks[index]
        sys.stdout.write(f"{task.name:<{wide}}  {_one_line(task)}\n")


def _one_line(task: Task) -> str:
    from taskrun.shell import quote_word

    action = task.action
    if isinstance(action, Argv):
        return " ".join(quote_word(as_run(word, 1)) for word in action.words)
    lines = as_run(action.text, 1).strip().splitlines() or [""]
    return lines[0] + (" ..." if len(lines) > 1 else "")


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
