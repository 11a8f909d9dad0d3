"""Rows (c), (d), (e), (g) and the makespan: what is not the commands: reading, planning, starting up, ordering."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import FailedError, Spread, Usage, said, spread, used
from peers import HERE, US
from races import NINJA, Bench, Contestant, in_turn, memory, say
from studies import Work, paired, touching, write_doit, write_make, write_ninja, write_snakemake, write_sweep
from table import Goal, Report, mib, micro, milli, number, ratio, ratio_exactly, seconds, whole

INSIDE = (sys.executable, str(HERE / "inside.py"))
PYTHON = "bare Python"
WORD_BREAKS = " \t\n\"'><=;|&(:"  # what bash hands over with the line


class Timed(NamedTuple):
    """A command that is run over and over in a place of its own."""

    label: str
    command: Sequence[str]
    folder: Path
    env: dict[str, str]


def timed(commands: Sequence[Timed], rounds: int) -> dict[str, list[Usage]]:
    """Run them in turn; FailedError where one fails."""
    by_label = {each.label: each for each in commands}
    found: dict[str, list[Usage]] = {label: [] for label in by_label}
    for turn, label in in_turn(list(by_label), rounds):
        each = by_label[label]
        found[label].append(used(each.command, each.folder, each.env))
        if turn < 5:
            say(f"  round {turn + 1}: {label}: {seconds(found[label][-1].wall)}")
    return found


def walls(usages: Sequence[Usage]) -> Spread:
    return spread(usage.wall for usage in usages)


def peaks(usages: Sequence[Usage]) -> Spread:
    return spread(usage.peak for usage in usages)


def ratios(mine: Sequence[Usage], others: Sequence[Usage] | None) -> Spread | None:
    """Of neighbouring runs."""
    return spread(a.wall / b.wall for a, b in zip(mine, others, strict=True)) if others else None


def rerun_row(bench: Bench) -> Report:
    """(c): everything is done already, and each file is looked at."""
    lines, goals, notes = [], [], [
        "Each runner has made the files itself in a run before, so that its own record is what it reads; make and "
        "snakemake, which go by the files' times, found them made.",
    ]  # fmt: skip
    for count, most in [(bench.size(1000, 10), None), (bench.size(10_000, 20), 0.25), (bench.size(100_000, 40), 1.5)]:
        found = _reruns(bench, touching(count), notes)
        for label, usages in found.items():
            cells = [whole(walls(usages), seconds), whole(ratios(usages, found.get(NINJA)), ratio)]
            lines.append([label, number(count), *cells, memory(peaks(usages))])
        if most is not None:
            goals.append(Goal("c", f"{count:,} tasks, nothing to do", walls(found[US]), most, seconds))
    head = ["runner", "tasks", "wall", "to ninja", "peak memory"]
    return Report("c", "a second run with nothing to do; one output per task, looked at", head, lines, goals, notes)


def _reruns(bench: Bench, work: Work, notes: list[str]) -> dict[str, list[Usage]]:
    prepared = []
    for each in [
        Contestant("make", "make", write_make),
        Contestant("samurai", "samu", write_ninja),
        Contestant(NINJA, "ninja", write_ninja),
        Contestant(US, US, write_sweep),
        Contestant("doit", "doit", write_doit, 10_000),
        Contestant("snakemake", "snakemake", write_snakemake, 10_000),
    ]:
        if bench.has(each.tool) and work.tasks <= each.most:
            say(f"  {each.label}: {work.tasks:,} tasks are done once")
            try:
                prepared.append(_done_once(bench, each, work))
            except FailedError as error:
                if each.tool == US:
                    raise
                notes.append(f"{each.label} failed: {error}")
    before = [_made_when(each.folder) for each in prepared]
    found = timed(prepared, bench.rounds)
    assert before == [_made_when(each.folder) for each in prepared], "a second run has made a file anew"
    return found


def _done_once(bench: Bench, each: Contestant, work: Work) -> Timed:
    """A place where the work is done, and the command that finds it so.

    ninja, doit and we decide by a record of the run before, which only a run makes as it is made in life: nothing is
    marked as done. make has no record, and snakemake takes what it has none of by its time; a first run of snakemake
    would take minutes, so their files are simply there.
    """
    if each.tool == US:
        return Timed(each.label, [*bench.words(US), *_run(bench)], bench.finished(work), {})
    folder = bench.fresh()
    how = each.write(folder, work, bench.jobs)
    command = [*bench.words(each.tool), *how.words]
    if each.tool in ("make", "snakemake"):
        (folder / "out").mkdir(exist_ok=True)
        for place in range(work.tasks):
            (folder / "out" / str(place)).touch()
    else:
        used(command, folder, how.env)
    return Timed(each.label, command, folder, how.env)


def _run(bench: Bench) -> list[str]:
    return ["run", "sweep.yaml", "-j", str(bench.jobs)]


def _made_when(folder: Path) -> int:
    return (folder / "out" / "0").stat().st_mtime_ns


def plan_row(bench: Bench) -> Report:
    """(d): from a file to a plan: what `list` does, but it prints nothing."""
    lines, goals = [], []
    limits = {1: (None, None), 2: (1.5, 120), 3: (15.0, 1024)}
    sizes = [bench.size(10_000, 10), bench.size(100_000, 20), bench.size(1_000_000, 40)]
    for step, count in enumerate(sizes, 1):
        found = timed(list(_plans(bench, count)), min(bench.rounds, 3) if step == 3 else bench.rounds)
        for label, usages in found.items():
            cells = [whole(walls(usages), seconds), whole(ratios(usages, found.get("ninja -n")), ratio)]
            lines.append([label, number(count), *cells, memory(peaks(usages))])
        time, size = limits[step]
        for label in (FLAT, TWO_STEPS) if time and size else ():
            what = f"{count:,} tasks, {label.removeprefix('taskrun, ')}"
            goals.append(Goal("d", f"{what}: wall", walls(found[label]), time or 0, seconds))
            goals.append(Goal("d", f"{what}: peak memory", peaks(found[label]), (size or 0) * 2**20, mib))
    notes = ["A process of its own from start to exit; ninja's dry run besides says what it would do."]
    head = ["runner", "tasks", "wall", "to ninja -n", "peak memory"]
    return Report("d", "load and plan a swept file (`list` without printing)", head, lines, goals, notes)


FLAT = "taskrun, one step with an output"
TWO_STEPS = "taskrun, two steps, a file between"


def _plans(bench: Bench, count: int) -> list[Timed]:
    found = []
    for label, work in [(FLAT, touching(count)), (TWO_STEPS, paired(count))]:
        folder = bench.fresh()
        write_sweep(folder, work, bench.jobs)
        found.append(Timed(label, [*INSIDE, "plan", "sweep.yaml"], folder, {}))
    if bench.has("ninja"):
        folder = bench.fresh()
        how = write_ninja(folder, touching(count), bench.jobs)
        found.append(Timed("ninja -n", [*bench.words("ninja"), *how.words, "-n"], folder, how.env))
    return found


def start_row(bench: Bench) -> Report:
    """(e): how long somebody waits who types."""
    few, many = bench.finished(touching(10)), bench.finished(touching(bench.size(100_000, 40)))
    total = number(bench.size(100_000, 40))
    asked = {"_TASKRUN_COMPLETE": "bash_complete"}
    line = [*bench.words(US), "taskrun why work/i=", WORD_BREAKS]
    if "0" not in said(line, few, asked).split("\n", 1)[0]:
        raise FailedError("the completion of a task's name offers none")
    commands = [
        Timed(PYTHON, [sys.executable, "-c", "pass"], few, {}),
        Timed("taskrun --version", [*bench.words(US), "--version"], few, {}),
        Timed("taskrun --help", [*bench.words(US), "--help"], few, {}),
        Timed("completion of a task's name, 10 tasks", line, few, asked),
        Timed(f"completion of a task's name, {total} tasks", line, many, asked),
        Timed("taskrun status, 10 tasks", [*bench.words(US), "status"], few, {}),
        Timed(f"taskrun status, {total} tasks", [*bench.words(US), "status"], many, {}),
        *(
            Timed(f"{name} --version", [*bench.words(name), "--version"], few, {})
            for name in ("make", "ninja", "parallel", "doit", "snakemake")
            if bench.has(name)
        ),
    ]
    found = timed(commands, bench.size(bench.rounds * 4, 1))
    over = {label: _over(usages, found[PYTHON]) for label, usages in found.items()}
    lines = [
        [label, whole(walls(usages), milli), whole(over[label], milli), memory(peaks(usages))]
        for label, usages in found.items()
    ]
    version, names, status = commands[1].label, commands[3].label, commands[6].label
    goals = [
        Goal("e", f"{version}, over bare Python", over[version], 0.06, milli),
        Goal("e", f"{names}, over bare Python", over[names], 0.06, milli),
        Goal("e", status, walls(found[status]), 0.8, seconds),
    ]
    return Report("e", "start-up", ["command", "wall", f"over {PYTHON}", "peak memory"], lines, goals)


def _over(mine: Sequence[Usage], bare: Sequence[Usage]) -> Spread:
    return spread(a.wall - b.wall for a, b in zip(mine, bare, strict=True))


def scheduler_row(bench: Bench) -> Report:
    """(g): plan and scheduler alone: what runs is fake, and takes no time."""
    count = bench.size(1_000_000, 300)
    found: list[dict[str, float]] = []
    for turn in range(min(bench.rounds, 3)):
        found.append(json.loads(said([*INSIDE, "schedule", str(count)], bench.fresh())))
        say(f"  round {turn + 1}: {seconds(found[-1]['run'])}")
    graph, run, peak = (spread(each[key] for each in found) for key in ("graph", "run", "peak"))
    cells = [whole(graph, seconds), whole(run, seconds), whole(run.times(1 / count), micro), whole(peak, mib)]
    head = ["runner", "tasks", "graph made", "run", "each", "peak memory"]
    notes = ["The fake executor of the tests is part of it: it keeps the time, and objects to what must not be."]
    title = "plan and scheduler with a fake executor: simulate, parse, a plot of each 100"
    return Report("g", title, head, [[US, number(count), *cells]], (), notes)


def makespan_row(bench: Bench) -> Report:
    """(makespan): how much longer a run takes than nobody can beat."""
    found: list[tuple[str, int, float, float]] = json.loads(said([*INSIDE, "makespan"], bench.fresh()))
    lines = [[shape, str(cores), *map(ratio_exactly, ratios)] for shape, cores, *ratios in found]
    goals = []
    for shape in dict.fromkeys(each[0] for each in found):
        worst = max(known for name, _, known, _ in found if name == shape)
        what = f"{shape}: to the lower bound, with a history, the worst"
        goals.append(Goal("makespan", what, spread([worst]), 1.03, ratio_exactly))
    notes = ["The lower bound: the longest path, or all work on all cores. Nobody may be able to reach it."]
    head = ["shape", "cores", "with a history", "without"]
    return Report("makespan", "makespan to its lower bound, in the fake clock", head, lines, goals, notes)


ROWS: dict[str, Callable[[Bench], Report]] = {
    "c": rerun_row,
    "d": plan_row,
    "e": start_row,
    "g": scheduler_row,
    "makespan": makespan_row,
}
