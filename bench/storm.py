"""A crash storm: `taskrun run` is killed with SIGKILL at random moments and started again, as many times as is asked:

    python bench/storm.py [--rounds 1000] [--tasks 200] [-j 4] [--shims 0.1] [--seed 1]

Each task holds a directory as a lock while it runs, so that a second copy beside it is seen; it writes its output in
two halves and what reads that looks for both, so that half a result is seen; each completed execution leaves a line, so
that it is seen how much was done again; the journal is read after each kill, so that a recorded end that is lost is
seen. `--shims`: the share of kills that takes all shims of the study with them. Exit status 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

LONG = 10  # of so many tasks one takes more than a second
EARLY = 0.25  # the share of kills that come so many seconds after the start, or sooner
WORK = """#!/bin/bash
set -eu
name=$1 out=$2 seconds=$3; shift 3
mkdir "locks/$name" || { echo "$name" >> doubled; exit 1; }
trap 'rmdir "locks/$name"' EXIT
for input; do [ "$(tail -n 1 "$input")" = end ] || echo "$input" >> partial; done
printf 'begin %s\\n' "$name" > "$out"
sleep "$seconds"
cat "$@" /dev/null | cksum >> "$out"
printf 'end\\n' >> "$out"
echo "$name" >> ends
"""


def study(tasks: int) -> str:
    """Two quick tasks and one more for each point, a slow one for some, and one that reads everything."""
    return f"""
sweep: {{i: {{from: 1, to: {tasks // 2}}}, k: {{from: 1, to: {max(1, tasks // LONG)}}}}}
steps:
  make: {{run: './work.sh make-{{i}} {{outputs}} 0.0$((RANDOM % 4))', outputs: 'made/{{i}}'}}
  slow: {{run: './work.sh slow-{{k}} {{outputs}} 1.$((RANDOM % 9))', outputs: 'slow/{{k}}'}}
  sum: {{run: './work.sh sum-{{i}} {{outputs}} 0.0$((RANDOM % 3)) {{make.outputs}}', outputs: 'sums/{{i}}'}}
  join: {{run: './work.sh join {{outputs}} 0 {{sum.outputs}} {{slow.outputs}}', outputs: joined}}
"""


class Storm:
    """One study after another in a directory of their own, and what was seen."""

    def __init__(self, tasks: int, jobs: int, shims: float, seed: int) -> None:
        self._tasks, self._jobs, self._shims = tasks, jobs, shims
        self._random = random.Random(seed)
        self._done: dict[str, int] = {}
        self.seen: Counter[str] = Counter()
        self.restarts: list[float] = []
        self.folder = Path(tempfile.mkdtemp(prefix="storm-"))
        self._prepare()

    def _prepare(self) -> None:
        shutil.rmtree(self.folder)
        (self.folder / "locks").mkdir(parents=True)
        (self.folder / "sweep.yaml").write_text(study(self._tasks))
        (self.folder / "work.sh").write_text(WORK)
        (self.folder / "work.sh").chmod(0o755)
        self._done = {}

    def round(self) -> None:
        """Start, wait for a moment, kill; a study that was quicker is looked at, and another begun."""
        run = self._start()
        try:
            self._wait(run, self._random.random() * self._random.choice([0.05, 0.3, 1.0, 3.0]))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            self.seen["kills"] += 1
            if self._random.random() < self._shims:
                self._kill_shims()
            self._look()
        else:
            self.finish()

    def finish(self) -> None:
        """Let the study come to its end, and look at all that it made."""
        for _ in range(3):
            if self._start().wait() == 0:
                break
        else:
            self.seen["failed"] += 1
        self._look()
        self._count()
        self._prepare()

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "taskrun", "run", "--json", "-j", str(self._jobs)]
        with (self.folder / "events").open("wb") as events, (self.folder / "words").open("ab") as errors:
            return subprocess.Popen(words, cwd=self.folder, stdout=events, stderr=errors, start_new_session=True)

    def _wait(self, run: subprocess.Popen[bytes], seconds: float) -> None:
        """At most so long after it has said that it has begun; now and then no longer than that takes."""
        began = time.monotonic()
        early = began + self._random.random() * EARLY if self._random.random() < EARLY else float("inf")
        while run.poll() is None and not (self.folder / "events").stat().st_size and time.monotonic() < early:
            time.sleep(0.005)
        if time.monotonic() < early:
            self.restarts.append(time.monotonic() - began)
            run.wait(seconds)
        elif run.poll() is None:
            raise subprocess.TimeoutExpired(run.args, EARLY)

    def _kill_shims(self) -> None:
        mine = os.fsencode(self.folder / ".taskrun")
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if b"shim.py\0" + mine in (path / "cmdline").read_bytes():
                    os.kill(int(path.name), signal.SIGKILL)
                    self.seen["shims killed"] += 1

    def _look(self) -> None:
        """At the journal: an end that was there is there still, of the same attempt."""
        done = {}
        with suppress(FileNotFoundError):
            for line in (self.folder / ".taskrun/sweep/journal.jsonl").read_bytes().split(b"\n")[:-1]:
                record = json.loads(line)
                if record["kind"] == "end" and record["status"] == "succeeded":
                    done[record["task"]] = record["attempt"]
        self.seen["lost"] += sum(done.get(task) != attempt for task, attempt in self._done.items())
        self._done = done

    def _count(self) -> None:
        """What the tasks themselves have seen, and whether each result is whole."""
        for what in ("doubled", "partial"):
            with suppress(FileNotFoundError):
                self.seen[what] += len((self.folder / what).read_text().split())
        ends = Counter((self.folder / "ends").read_text().split())
        self.seen["tasks"] += len(ends)
        self.seen["repeated"] += ends.total() - len(ends)
        for name in ("made", "sums", "slow"):
            for path in (self.folder / name).iterdir():
                lines = path.read_text().splitlines()
                self.seen["partial"] += len(lines) != 3 or lines[-1] != "end"
        self.seen["studies"] += 1


def main() -> None:
    """Run the storm, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--shims", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    storm = Storm(options.tasks, options.jobs, options.shims, options.seed)
    began = time.monotonic()
    while storm.seen["kills"] < options.rounds:
        storm.round()
    storm.finish()
    shutil.rmtree(storm.folder)
    seen = storm.seen
    print(f"{seen['kills']} kills in {time.monotonic() - began:.0f} s, of the runner and {seen['shims killed']} shims")
    print(f"{seen['studies']} studies, {seen['tasks']} tasks, {seen['repeated']} completed executions done again")
    print(f"lost {seen['lost']}, doubled {seen['doubled']}, partial {seen['partial']}, failed {seen['failed']}")
    slow = sorted(storm.restarts) or [0.0]
    print(f"{len(storm.restarts)} restarts had begun after {slow[len(slow) // 2]:.2f} s (median) to {slow[-1]:.2f} s")
    sys.exit(any(seen[what] for what in ("lost", "doubled", "partial", "failed")))


if __name__ == "__main__":
    main()
