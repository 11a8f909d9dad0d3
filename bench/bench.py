"""Times taskrun beside ninja on the same commands, in turn, and prints the ratios: `make bench`, or

    python bench/bench.py [--tasks 10000] [--rounds 5] [-j 2]

Machines are noisy: what counts is the median of the ratios of neighbouring runs, not a single figure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_studies(folder: Path, tasks: int) -> None:
    """The same commands twice: as a sweep file and as a ninja file that keeps a log of each command."""
    (folder / "sweep.yaml").write_text(
        f"sweep:\n  i: {{from: 1, to: {tasks}}}\nsteps:\n  work:\n    run: 'true'\n    per: i\n"
    )
    rules = ["rule work", "  command = true > logs/$out.log 2>&1"]
    rules += [f"build t{i}: work" for i in range(1, tasks + 1)]
    (folder / "build.ninja").write_text("\n".join(rules) + "\n")


def seconds(command: list[str], folder: Path) -> float:
    """The wall time of one command, which must succeed."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def one_round(tasks: int, jobs: int) -> tuple[float, float, float]:
    """Wall seconds of ninja, of us, and of our second run, which finds everything done."""
    ours = [sys.executable, "-m", "taskrun", "run", "sweep.yaml", "-j", str(jobs)]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        write_studies(folder, tasks)
        (folder / "logs").mkdir()
        ninja = seconds(["ninja", f"-j{jobs}"], folder)
        first = seconds(ours, folder)
        second = seconds(ours, folder)
    return ninja, first, second


def main() -> None:
    """Run the rounds and print a line for each, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    options = parser.parse_args()
    if shutil.which("ninja") is None:
        sys.exit("bench: ninja is not installed (apt-get install ninja-build)")
    python = sys.version.split()[0]
    print(f"{options.tasks} tasks of `true`, {options.jobs} at a time, {os.cpu_count()} cores, Python {python}")
    rows = []
    for number in range(1, options.rounds + 1):
        ninja, first, second = one_round(options.tasks, options.jobs)
        rows.append((first / ninja, second))
        print(f"round {number}: ninja {ninja:.2f} s, taskrun {first:.2f} s ({first / ninja:.2f}), again {second:.2f} s")
    ratios, again = zip(*rows, strict=True)
    print(f"median ratio to ninja {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"median of the second run {statistics.median(again):.2f} s ({min(again):.2f} to {max(again):.2f})")


if __name__ == "__main__":
    main()
