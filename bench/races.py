"""Rows (a), (b), (h) and (f): the same work done by the floor, the peers and us, in turn, round after round.

Each run has a directory of its own that nobody has used and nothing is deleted before the end: on ext4 making files
just after thousands were deleted takes three times as long. What counts is the ratio of neighbouring runs; the order
changes from round to round.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import FailedError, Idle, Spread, Usage, idle, least_peak, spread, used
from peers import FLOOR, US, Tools
from studies import (
    How,
    Work,
    layered,
    piped,
    sleeping,
    trivial,
    write_doit,
    write_logged_ninja,
    write_make,
    write_ninja,
    write_parallel,
    write_snakemake,
    write_sweep,
)
from table import NOTHING, Goal, Report, mib, micro, milli, number, ratio, ratio_exactly, whole

Writer = Callable[[Path, Work, int], How]


class Contestant(NamedTuple):
    """A way to do the work; who takes long does less of it (`most`), once, and is compared by what one task takes."""

    label: str
    tool: str
    write: Writer
    most: int = sys.maxsize


class Bench:
    """What all rows need: the tools, how many commands at a time, how often, how much, and fresh directories."""

    def __init__(self, tools: Tools, folder: Path, *, jobs: int, rounds: int, small: bool) -> None:
        self.tools, self.jobs, self.rounds, self.small = tools, jobs, rounds, small
        self._folder = folder
        self._made = 0
        self._finished: dict[int, Path] = {}

    def fresh(self) -> Path:
        """A directory that nobody has used."""
        self._made += 1
        path = self._folder / str(self._made)
        path.mkdir()
        return path

    def size(self, full: int, small: int) -> int:
        return small if self.small else full

    def words(self, tool: str) -> tuple[str, ...]:
        return self.tools.found[tool].words

    def has(self, tool: str) -> bool:
        return tool in self.tools.found

    def finished(self, work: Work) -> Path:
        """A directory where we have done this work; made once for each size."""
        if work.tasks not in self._finished:
            folder = self.fresh()
            how = write_sweep(folder, work, self.jobs)
            used([*self.words(US), *how.words], folder, how.env)
            self._finished[work.tasks] = folder
        return self._finished[work.tasks]


def say(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)


def in_turn(labels: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Each once in each round; another one is first each time."""
    for turn in range(rounds):
        first = turn % len(labels)
        yield from ((turn, label) for label in [*labels[first:], *labels[:first]])


class Race(NamedTuple):
    """What each contestant needed, round after round, and for how many tasks; what went wrong."""

    usages: Mapping[str, Sequence[Usage]]
    counts: Mapping[str, int]
    notes: Sequence[str]

    def each(self, label: str) -> Spread | None:
        """Seconds of wall time per task."""
        found = self.usages.get(label)
        return spread(usage.wall / self.counts[label] for usage in found) if found else None

    def ratio(self, label: str, to: str) -> Spread | None:
        """Wall time per task, to that of another one in the same round."""
        pairs = list(zip(self.usages.get(label, ()), self.usages.get(to, ()), strict=False))
        share = self.counts.get(to, 1) / self.counts.get(label, 1)
        return spread(mine.wall / other.wall * share for mine, other in pairs) if pairs else None

    def figures(self, label: str, figure: Callable[[Usage], float], *, per_task: bool = False) -> Spread | None:
        found = self.usages.get(label)
        return spread(figure(usage) / (self.counts[label] if per_task else 1) for usage in found) if found else None


def race(bench: Bench, make: Callable[[int], Work], count: int, contestants: Sequence[Contestant]) -> Race:
    """Let them do the work in turn. A peer that fails is named and left out; we and the floor must not."""
    entered = {each.label: each for each in contestants if bench.has(each.tool)}
    counts = {label: min(count, each.most) for label, each in entered.items()}
    usages: dict[str, list[Usage]] = {label: [] for label in entered}
    notes: list[str] = []
    for turn, label in in_turn(list(entered), bench.rounds):
        each = entered[label]
        if label not in usages or (turn and counts[label] < count):
            continue
        try:
            usages[label].append(_one(bench, each, make(counts[label])))
        except FailedError as error:
            if each.tool in (US, FLOOR):
                raise
            del usages[label]
            notes.append(f"{label} failed: {error}")
            continue
        say(f"  round {turn + 1}: {label}: {micro(usages[label][-1].wall / counts[label])} each")
    return Race(usages, counts, notes)


def _one(bench: Bench, each: Contestant, work: Work) -> Usage:
    folder = bench.fresh()
    how = each.write(folder, work, bench.jobs)
    return used([*bench.words(each.tool), *how.words], folder, how.env)


def floor(kind: str, logs: int) -> Writer:
    """The floor needs no file, only room for what is written."""

    def write(folder: Path, work: Work, jobs: int) -> How:
        (folder / "logs").mkdir()
        (folder / "out").mkdir()
        return How([str(work.tasks), str(jobs), kind, str(logs), "."], {})

    return write


DIRECT = "floor, direct, 1 log"
LOGGED = "ninja, `> log`"
NINJA = "ninja"
HEAD = ["runner", "tasks", "wall, each", "to {}", "own CPU, each", "commands' CPU, each", "peak memory"]


def trivial_row(bench: Bench) -> Report:
    """(a): what a task costs when it does nothing."""
    found = race(bench, trivial, bench.size(10_000, 30), [
        Contestant(DIRECT, FLOOR, floor("direct", 1)),
        Contestant("floor, `sh -c`, 1 log", FLOOR, floor("shell", 1)),
        Contestant("make", "make", write_make),
        Contestant("samurai", "samu", write_ninja),
        Contestant(NINJA, "ninja", write_ninja),
        Contestant(LOGGED, "ninja", write_logged_ninja),
        Contestant(US, US, write_sweep),
        Contestant("GNU parallel, `--joblog`", "parallel", write_parallel, 2000),
        Contestant("doit", "doit", write_doit, 2000),
        Contestant("snakemake", "snakemake", write_snakemake, bench.size(200, 5)),
    ])  # fmt: skip
    goals = [
        Goal("a", "wall, to ninja with `> log` per task", found.ratio(US, LOGGED), 1.0, ratio_exactly),
        Goal("a", "wall, to the floor (direct, 1 log)", found.ratio(US, DIRECT), 1.25, ratio_exactly),
        Goal("a", "own CPU per task", found.figures(US, lambda usage: usage.own, per_task=True), 90e-6, micro),
        Goal("a", "peak memory", found.figures(US, lambda usage: usage.peak), 45 * 2**20, mib),
    ]
    title = f"{found.counts[US]:,} independent `true`, {bench.jobs} at a time; ours with journal and logs"
    return Report("a", title, _head(LOGGED), _lines(found, LOGGED), goals, found.notes)


def layered_row(bench: Bench) -> Report:
    """(b): a graph in which each task needs two."""
    layers = width = bench.size(100, 5)

    def make(count: int) -> Work:
        return layered(max(count // width, 2), width)

    found = race(bench, make, layers * width, [
        Contestant("floor, direct, 1 log, in any order", FLOOR, floor("direct", 1)),
        Contestant("make", "make", write_make),
        Contestant("samurai", "samu", write_ninja),
        Contestant(NINJA, "ninja", write_ninja),
        Contestant(LOGGED, "ninja", write_logged_ninja),
        Contestant(US, US, write_sweep),
        Contestant("doit", "doit", write_doit, 2000),
        Contestant("snakemake", "snakemake", write_snakemake, bench.size(200, 10)),
    ])  # fmt: skip
    goals = [Goal("b", "wall, to ninja with `> log` per task", found.ratio(US, LOGGED), 1.0, ratio_exactly)]
    title = f"{layers} layers of {width} `true`, each needs two of the layer above; ours is a loop in Python"
    return Report("b", title, _head(LOGGED), _lines(found, LOGGED), goals, found.notes)


def piped_row(bench: Bench) -> Report:
    """(h): what users do: strict bash, a pipe, a file."""
    found = race(bench, piped, bench.size(10_000, 20), [
        Contestant("floor", FLOOR, floor("pipe", 0)),
        Contestant("make, the same bash", "make", write_make),
        Contestant("ninja, the same bash", "ninja", write_ninja),
        Contestant(US, US, write_sweep),
        Contestant("doit, the same bash", "doit", write_doit, 1000),
        Contestant("snakemake (always strict bash)", "snakemake", write_snakemake, bench.size(200, 5)),
    ])  # fmt: skip
    to = "ninja, the same bash"
    goals = [Goal("h", "wall, to ninja with the same bash", found.ratio(US, to), 1.0, ratio_exactly)]
    title = f"{found.counts[US]:,} times `seq 9 | sort -r > OUTPUT` in strict bash, the output declared and looked for"
    return Report("h", title, _head(to), _lines(found, to), goals, found.notes)


def idle_row(bench: Bench) -> Report:
    """(f): what a runner does while it has nothing to do."""
    jobs, window, settle = (3, 0.3, 0.1) if bench.small else (8, 10.0, 0.5)
    work = sleeping(jobs, window + settle + 2)  # 2: until all of them have begun
    contestants = [
        Contestant(NINJA, "ninja", write_ninja),
        Contestant(US, US, write_sweep),
        Contestant("make", "make", write_make),
        Contestant("GNU parallel", "parallel", write_parallel),
        Contestant("doit", "doit", write_doit),
        Contestant("snakemake", "snakemake", write_snakemake),
    ]
    entered = {each.label: each for each in contestants[: bench.size(6, 2)] if bench.has(each.tool)}
    found: dict[str, list[Idle]] = {label: [] for label in entered}
    notes = ["The runner's own process and its threads; the processes that it starts are not counted."]
    for _, label in in_turn(list(entered), min(bench.rounds, 3)):
        each, folder = entered[label], bench.fresh()
        how = each.write(folder, work, jobs)
        command = [*bench.words(each.tool), *how.words]
        try:
            found[label].append(idle(command, folder, how.env, children=jobs, settle=settle, seconds=window))
        except FailedError as error:
            if each.tool == US:
                raise
            notes.append(f"{label} failed: {error}")
    cpus = {label: spread(each.cpu for each in idles) for label, idles in found.items() if idles}
    wakes = {label: spread(each.wakes for each in idles) for label, idles in found.items() if idles}
    lines = [[label, whole(cpus[label], milli), whole(wakes[label], number)] for label in cpus]
    goals = [Goal("f", f"own CPU in {window:g} s of waiting", cpus[US], 0.05, milli)]
    return Report("f", f"{jobs} tasks sleep for {window:g} s", ["runner", "own CPU", "wake-ups"], lines, goals, notes)


def _head(to: str) -> list[str]:
    return [word.format(to) for word in HEAD]


def _lines(found: Race, to: str) -> list[list[str]]:
    """A line for each contestant that came to the end."""
    return [
        [
            label,
            f"{found.counts[label]:,}",
            whole(found.each(label), micro),
            whole(found.ratio(label, to), ratio),
            whole(found.figures(label, lambda usage: usage.own, per_task=True), micro),
            whole(found.figures(label, lambda usage: usage.commands, per_task=True), micro),
            memory(found.figures(label, lambda usage: usage.peak)),
        ]
        for label in found.usages
    ]


def memory(found: Spread | None) -> str:
    """`< N MiB` for what is no more than what a process begins with here."""
    if found is None:
        return NOTHING
    least = least_peak()
    return whole(found, mib) if found.median > 1.02 * least else f"< {mib(least)}"


ROWS = {"a": trivial_row, "b": layered_row, "f": idle_row, "h": piped_row}
