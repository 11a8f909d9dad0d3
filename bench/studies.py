"""The same work in the words of each runner: a function for each writes what it reads and says how it is started.

`Work` says what is to be done; no runner gets its commands in a form that it would be slow to read, none is spared
what the others do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

OUT = "{out}"  # in a command: the path of its output
STRICT = "bash -euo pipefail -c"


class Work(NamedTuple):
    """So many commands, all the same; `needs` gives those that have to be done before one.

    `sweep`: our own words for it; None where tasks need others of their own step, which takes Python.
    """

    tasks: int
    command: str
    sweep: str | None
    makes: bool = False  # the command makes its output
    needs: Callable[[int], Sequence[int]] = lambda number: ()  # by number, from 0
    has_needs: bool = False
    is_strict: bool = False  # takes bash in strict mode


class How(NamedTuple):
    """What is typed behind the runner's name, and variables of the environment."""

    words: Sequence[str]
    env: dict[str, str]


def trivial(count: int) -> Work:
    """Independent commands that do nothing."""
    return Work(count, "true", _swept(count, "{run: 'true', per: i}"))


def layered(layers: int, width: int) -> Work:
    """Each command needs two of the layer above."""

    def needs(number: int) -> Sequence[int]:
        layer, place = divmod(number, width)
        return ((layer - 1) * width + place, (layer - 1) * width + (place + 1) % width) if layer else ()

    return Work(layers * width, "true", None, needs=needs, has_needs=True)


def touching(count: int) -> Work:
    """Independent commands that make one file each, as quickly as that can be done."""
    return Work(count, f"touch {OUT}", _swept(count, "{run: 'touch {outputs}', outputs: 'out/{i}'}"), makes=True)


def piped(count: int) -> Work:
    """Independent pipes in strict bash that make one file each. `floor.c` knows the same."""
    swept = _swept(count, "{run: 'seq 9 | sort -r > {outputs}', outputs: 'out/{i}'}")
    return Work(count, f"seq 9 | sort -r > {OUT}", swept, makes=True, is_strict=True)


def paired(count: int) -> Work:
    """A file is made of each file."""
    swept = (
        f"sweep:\n  i: {{from: 1, to: {count // 2}}}\nsteps:\n"
        "  sim: {run: 'touch {outputs}', outputs: 'out/{i}.sim'}\n"
        "  parse: {run: 'cp {sim.outputs} {outputs}', outputs: 'out/{i}.csv'}\n"
    )
    return Work(count, f"touch {OUT}", swept, makes=True)


def sleeping(count: int, seconds: float) -> Work:
    """Commands that take their time."""
    return Work(count, f"sleep {seconds:g}", _swept(count, f"{{run: 'sleep {seconds:g}', per: i}}"))


def _swept(count: int, step: str) -> str:
    return f"sweep:\n  i: {{from: 0, to: {count - 1}}}\nsteps:\n  work: {step}\n"


def write_sweep(folder: Path, work: Work, jobs: int) -> How:
    """Ours: a sweep file, or a loop in Python where tasks need others of their own step."""
    if work.sweep is not None:
        (folder / "sweep.yaml").write_text(work.sweep)
        return How(["run", "sweep.yaml", "-j", str(jobs)], {})
    after = (
        "manager = taskrun.Manager('study')\n"
        f"tasks = [manager.task_new(f't{{i}}', {work.command!r}) for i in range(len(NEEDS))]\n"
        "for task, before in zip(tasks, NEEDS):\n"
        "    if before:\n"
        "        task.dependency_is(*(tasks[i] for i in before))\n"
    )
    _write(folder / "study.py", chain(["import taskrun\n\n"], _table(work), [after]))
    return How(["run", "study.py", "-j", str(jobs)], {})


def write_ninja(folder: Path, work: Work, jobs: int) -> How:
    """One rule for all; where nothing is made, no file of a target is ever there."""
    command = f"{STRICT} '{work.command}'" if work.is_strict else work.command
    return _write_ninja(folder, work, jobs, command)


def write_logged_ninja(folder: Path, work: Work, jobs: int) -> How:
    """What each command says goes to a file of its own, as ours and the floor's does."""
    (folder / "logs").mkdir()
    return _write_ninja(folder, work, jobs, f"{work.command} > logs/$out.log 2>&1")


def _write_ninja(folder: Path, work: Work, jobs: int, command: str) -> How:
    _make_outputs(folder, work)
    builds = (f"build {_target(work, n)}: work{_targets(work, work.needs(n))}\n" for n in range(work.tasks))
    _write(folder / "build.ninja", chain([f"rule work\n  command = {command.replace(OUT, '$out')}\n"], builds))
    return How([f"-j{jobs}"], {})


def write_make(folder: Path, work: Work, jobs: int) -> How:
    """Without the rules that make knows by itself: looking for them takes it longer than anything else."""
    _make_outputs(folder, work)
    shell = f"SHELL := /bin/bash\n.SHELLFLAGS := {STRICT.partition(' ')[2]}\n" if work.is_strict else ""
    recipe = work.command.replace(OUT, "$@")
    goals = (f" {_target(work, n)}" for n in range(work.tasks))
    rules = (f"{_target(work, n)}:{_targets(work, work.needs(n))}\n\t@{recipe}\n" for n in range(work.tasks))
    _write(folder / "Makefile", chain([shell, "all:"], goals, ["\n"], rules))
    return How(["-rR", f"-j{jobs}"], {})


def write_parallel(folder: Path, work: Work, jobs: int) -> How:
    """A list of commands, and its own record of them."""
    _make_outputs(folder, work)
    _write(folder / "commands", (work.command.replace(OUT, f"out/{n}") + "\n" for n in range(work.tasks)))
    return How([f"-j{jobs}", "--will-cite", "--joblog", "joblog", "-a", "commands"], {})


def write_doit(folder: Path, work: Work, jobs: int) -> How:
    """Tasks that are done once they ran, as ours are."""
    _make_outputs(folder, work)
    command = work.command.replace(OUT, "out/{i}")
    action = f"[*{STRICT.split()!r}, f{command!r}]" if work.is_strict else f"f{command!r}"
    targets = "[f'out/{i}']" if work.makes else "[]"
    before = (
        "from doit.tools import run_once\n\n"
        "DOIT_CONFIG = {'reporter': 'zero', 'default_tasks': ['work']}\n"
    )  # fmt: skip
    after = (
        "def task_work():\n"
        "    for i, needs in enumerate(NEEDS):\n"
        f"        yield {{'name': str(i), 'actions': [{action}], 'targets': {targets}, 'uptodate': [run_once],\n"
        "               'task_dep': [f'work:{n}' for n in needs]}\n"
    )
    _write(folder / "dodo.py", chain([before], _table(work), [after]))
    return How(["-n", str(jobs)], {})


def write_snakemake(folder: Path, work: Work, jobs: int) -> How:
    """A rule with a wildcard; a command that makes nothing has its file touched by snakemake, which needs one."""
    output = '"out/{i}"' if work.makes else 'touch("out/{i}")'
    needs = "    input: lambda wildcards: [f'out/{n}' for n in NEEDS[int(wildcards.i)]]\n" if work.has_needs else ""
    rules = (
        "rule all:\n    input: [f'out/{i}' for i in range(len(NEEDS))]\n\n"
        f"rule work:\n{needs}    output: {output}\n"
        f"    shell: {work.command.replace(OUT, '{output}')!r}\n"
    )
    _write(folder / "Snakefile", chain(_table(work), [rules]))
    return How([f"-c{jobs}", "--quiet", "all"], {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")})


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Piece by piece: what is measured begins with our own memory, so we must stay small."""
    with path.open("w") as file:
        file.writelines(pieces)


def _table(work: Work) -> Iterator[str]:
    """NEEDS in Python: for each command the numbers of those that it needs."""
    if not work.has_needs:
        return iter([f"NEEDS = [()] * {work.tasks}\n\n"])
    return chain(["NEEDS = [\n"], (f"    {tuple(work.needs(n))},\n" for n in range(work.tasks)), ["]\n\n"])


def _make_outputs(folder: Path, work: Work) -> None:
    """The directory of the outputs, where the runner does not make it."""
    if work.makes:
        (folder / "out").mkdir()


def _targets(work: Work, numbers: Iterable[int]) -> str:
    return "".join(f" {_target(work, number)}" for number in numbers)


def _target(work: Work, number: int) -> str:
    return f"out/{number}" if work.makes else f"t{number}"
