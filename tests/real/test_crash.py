"""The runner is killed with SIGKILL: nothing recorded is lost, nothing doubled, nothing half-made used."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from studies import read_until, wait_until

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

# Each task takes a lock that it gives back at its end: `mkdir` fails where a second copy of it runs at the same time.
# It writes its output in two halves, and each end leaves a line, so that a task which ended twice can be seen.
STUDY = """
sweep:
  i: {from: 1, to: 12}
steps:
  make:
    run: ./work.sh {i} {outputs}
    outputs: made/{i}
  join:
    run: ./work.sh join {outputs} {make.outputs}
    outputs: made/join
"""
WORK = """#!/bin/bash
set -eu
mkdir "locks/$1" || { echo "$1" >> doubled; exit 1; }
trap 'rmdir "locks/$1"' EXIT
printf 'first\\n' > "$2"
sleep 0.0$((RANDOM % 5))
if [ $# -gt 2 ]; then cat "${@:3}" >> "$2"; fi
printf 'second %s\\n' "$1" >> "$2"
"""


def storm(folder: Folder) -> None:
    folder.write("sweep.yaml", STUDY)
    folder.write("work.sh", WORK).chmod(0o755)
    (folder.path / "locks").mkdir()


def expected() -> dict[str, bytes]:
    made = {f"made/{i}": f"first\nsecond {i}\n".encode() for i in range(1, 13)}
    return made | {"made/join": b"first\n" + b"".join(made[f"made/{i}"] for i in range(1, 13)) + b"second join\n"}


def recorded_successes(folder: Folder) -> set[tuple[str, int]]:
    """The ends in the journal's whole lines: what a later run must not do again."""
    journal = folder.path / ".taskrun/sweep/journal.jsonl"
    if not journal.exists():
        return set()
    whole = journal.read_bytes().rpartition(b"\n")[0]
    records = [json.loads(line) for line in whole.splitlines()]
    return {
        (record["task"], record["attempt"])
        for record in records
        if record["kind"] == "end" and record["status"] == "succeeded"
    }


def finish(folder: Folder, before: set[tuple[str, int]]) -> None:
    """Run to the end; nothing that was on record as done may start again."""
    events = folder.events("-j", "3")
    started = {event["task"] for event in events if event["event"] == "started"}
    assert not started & {task for task, _ in before}, "a recorded success was run again"
    assert events[-1]["exit_status"] == 0, events
    assert not (folder.path / "doubled").exists(), "two copies of a task ran at the same time"
    assert {name: text for name, text in folder.files().items() if name.startswith("made/")} == expected()


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_and_run_again_until_done(folder: Folder, seed: int) -> None:
    storm(folder)
    moments = random.Random(seed)
    for _ in range(10):
        run = folder.start("run", "-j", "3")
        try:
            run.wait(timeout=0.15 + moments.random() * 0.4)
        except subprocess.TimeoutExpired:
            os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=30)
    finish(folder, recorded_successes(folder))


@pytest.mark.parametrize("instant", ["recorded", "spawned"])
@pytest.mark.parametrize("number", [1, 2, 7, 13])
def test_killed_between_record_and_process(folder: Folder, instant: str, number: int) -> None:
    storm(folder)
    script = Path(__file__).with_name("faulty.py")
    died = subprocess.run([sys.executable, script, instant, str(number)], cwd=folder.path, check=False)
    assert died.returncode == -signal.SIGKILL
    finish(folder, recorded_successes(folder))


def test_a_task_that_outlives_its_runner_is_waited_for(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  slow:\n    outputs: out\n    run: |\n      echo $$ >> pids; touch begun\n"
        "      while [ ! -e go ]; do sleep 0.05; done; echo done > {outputs}\n",
    )
    first = folder.start("run")
    wait_until((folder.path / "begun").exists)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second = folder.start("run")
    read_until(second, "still running")
    assert len(folder.read("pids").split()) == 1
    folder.write("go", "")
    second.communicate(timeout=30)
    assert second.returncode == 0
    assert folder.read("out") == "done\n"


def test_a_second_run_at_the_same_time_is_refused(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  a: touch begun; while [ ! -e go ]; do sleep 0.05; done\n")
    first = folder.start("run")
    wait_until((folder.path / "begun").exists)
    second = folder.taskrun("run")
    assert second.returncode == 3
    assert str(first.pid) in second.stderr
    running = json.loads(folder.taskrun("status", "--json").stdout)["running"]
    assert running["pid"] == first.pid
    folder.write("go", "")
    first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_renamed_step_is_not_started_beside_its_living_predecessor(folder: Folder) -> None:
    slow = "touch begun; until [ -e go ]; do sleep 0.05; done; echo x > {outputs}"
    text = f"steps:\n  sim: {{run: '{slow}', outputs: dat}}\n"
    folder.write("sweep.yaml", text)
    first = folder.start("run")
    wait_until((folder.path / "begun").exists)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert folder.statuses() == {"sim": "running"}
    folder.write("sweep.yaml", text.replace("sim:", "simulate:"))
    refused = folder.taskrun("run")
    assert refused.returncode == 3
    assert "'sim', which an earlier run began, still runs" in refused.stderr
    folder.write("go", "")
    wait_until((folder.path / "dat").exists)
    wait_until(lambda: folder.taskrun("run").returncode == 0)
    assert folder.read("dat") == "x\n"


def test_the_state_deleted_during_a_run_is_no_success(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  a: touch begun; until [ -e go ]; do sleep 0.05; done\n")
    run = folder.start("run")
    wait_until((folder.path / "begun").exists)
    shutil.rmtree(folder.path / ".taskrun")
    folder.write("go", "")
    _, shown = run.communicate(timeout=30)
    assert run.returncode == 3
    assert ".taskrun" in shown
    assert "Traceback" not in shown
