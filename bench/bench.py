"""Times taskrun beside the floor and its peers on the same work, in turn, and tells which goals are met: `make bench`,
or

    python bench/bench.py [--rows a,c] [--rounds 5] [-j 2] [--small] [--no-results]

Peers that pip has are installed into bench/.peers; those that are not to be had are left out with a word. What is found
is printed, and goes to bench/RESULTS.md, the newest on top. Machines are noisy: look at ratios of neighbouring runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import loads
import races
from measure import FailedError
from peers import HERE, US, Tools, tools
from races import Bench, say
from table import Report, goals_table, report_text

RESULTS = HERE / "RESULTS.md"
HEAD = "# Results\n\nWritten by `make bench`, the newest on top.\n"
ROWS: dict[str, Callable[[Bench], Report]] = {
    name: {**races.ROWS, **loads.ROWS}[name] for name in ["a", "b", "c", "d", "e", "f", "g", "h", "makespan"]
}
BUSY = 0.25  # the load per core from which on figures are worth little


def main() -> None:
    """Run the rows, print the tables, write them down."""
    options = _options()
    begin = time.time()
    heading = _heading()
    with tempfile.TemporaryDirectory(prefix="taskrun-bench-", dir=options.folder) as name:
        found = tools(install=not options.small)
        for word in found.left_out:
            say(f"bench: left out: {word}")
        bench = Bench(found, Path(name), jobs=options.jobs, rounds=options.rounds, small=options.small)
        try:
            reports = [_report(bench, row) for row in options.rows]
        except FailedError as error:
            sys.exit(f"bench: {error}")
        except KeyboardInterrupt:
            sys.exit(130)
        text = _text(heading, options, found, reports, time.time() - begin)
        print(text)
        if options.results:
            _write_down(text)
        say("bench: the directories that were used are deleted")


def _report(bench: Bench, row: str) -> Report:
    say((ROWS[row].__doc__ or row).strip())
    return ROWS[row](bench)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help=f"of {','.join(ROWS)}")
    parser.add_argument("--rounds", type=int, help="how often each is measured (default: 5)")
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--small", action="store_true", help="seconds, to see that everything works; times say nothing")
    parser.add_argument("--no-results", dest="results", action="store_false", help="print only, write no RESULTS.md")
    parser.add_argument("--folder", help="where the work is done (default: a directory for temporary files)")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.small else 5)
    options.results = options.results and not options.small
    return options


def _rows(text: str) -> list[str]:
    rows = [row.strip() for row in text.split(",")]
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return rows


def _text(
    heading: Sequence[str], options: argparse.Namespace, found: Tools, reports: Sequence[Report], took: float
) -> str:
    """Date and machine, the goals, then each row."""
    versions = ", ".join(f"{tool.name} {tool.version}" for tool in found.found.values())
    parts = [
        f"## {heading[0]}",
        f"{heading[1]}  \nVersions: {versions}" + "".join(f"  \nLeft out: {word}" for word in found.left_out),
        f"{options.rounds} rounds, at most {options.jobs} commands at a time, in {took / 60:.0f} minutes."
        + (" Small: the times say nothing." if options.small else ""),
    ]
    goals = [goal for report in reports for goal in report.goals]
    if goals:
        parts += ["### Goals", goals_table(goals, judged=not options.small)]
    return "\n\n".join([*parts, *map(report_text, reports)]) + "\n"


def _heading() -> tuple[str, str]:
    """When, which version, and on what: found before anything has made the machine busy."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    commit = subprocess.run(describe, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()
    when = time.strftime("%Y-%m-%d %H:%M")
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    machine = f"{_cpu()}, {cores} cores, {_memory()}; Linux {os.uname().release}; Python {sys.version.split()[0]}"
    if load > BUSY * cores:
        machine += f"; **busy when it began: load {load:.1f}**"
        say(f"bench: the machine is busy (load {load:.1f}): the figures will be worth little")
    return f"{when}, {US} {commit}".rstrip(), machine


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), os.uname().machine)


def _memory() -> str:
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


def _write_down(text: str) -> None:
    """On top of what is there."""
    before = RESULTS.read_text().removeprefix(HEAD) if RESULTS.exists() else ""
    fresh = RESULTS.with_suffix(".new")
    fresh.write_text(f"{HEAD}\n{text}{before}")
    os.replace(fresh, RESULTS)


if __name__ == "__main__":
    main()
