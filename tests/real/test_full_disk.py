"""A state that cannot be written any more: nothing starts, what runs comes to its end, the next run carries on."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import subprocess
from collections import Counter
from typing import Any

import pytest
from studies import Folder, command, read_until

pytestmark = pytest.mark.real

STUDY = """
sweep: {number: {from: 1, to: 200}}
steps:
  slow:
    per: []
    run: echo slow >> ran; until [ -e go ]; do sleep 0.01; done; echo done > {outputs}
    outputs: slow
  quick:
    run: echo quick-{number} >> ran; echo {number} > {outputs}
    outputs: made/{number}
"""


def test_a_full_disk_starts_nothing_more_and_loses_nothing(folder: Folder) -> None:
    folder.write("sweep.yaml", STUDY)
    # Files of 32 KiB at most; Python itself leaves halves of larger modules as whole ones where it may write them.
    limited = f"ulimit -f 32; export PYTHONDONTWRITEBYTECODE=1; exec {shlex.join(command('run', '-j', '2'))}"
    run = subprocess.Popen(["bash", "-c", limited], cwd=folder.path, stderr=subprocess.PIPE, text=True)
    said = read_until(run, "stopping (")
    assert "journal.jsonl: File too large): waiting for" in said
    folder.write("go", "")
    _, rest = run.communicate(timeout=60)
    assert run.returncode == 3, rest
    assert rest.rstrip().splitlines()[-1].startswith("taskrun: cannot write ")
    assert folder.read("slow") == "done\n"
    recorded = {name for name, status in folder.statuses().items() if status == "succeeded"} - {"slow"}
    assert 0 < len(recorded) < 190
    assert len(folder.read("ran").split()) <= len(recorded) + 4, "what ran then, and no more"

    assert folder.taskrun("run").returncode == 0
    times = Counter(folder.read("ran").split())
    assert times["slow"] == 1, "its result was on disk"
    assert {times[f"quick-{name.rpartition('=')[2]}"] for name in recorded} == {1}
    assert {folder.read(f"made/{number}") for number in range(1, 201)} == {f"{number}\n" for number in range(1, 201)}


def limited(folder: Folder, size: int) -> tuple[int, list[dict[str, Any]]]:
    """The exit status of a run whose files can have so many bytes at most, and its events."""
    run = subprocess.run(
        command("run", "-j1", "--json"),
        cwd=folder.path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]


def test_the_last_event_has_the_exit_status_also_where_only_the_last_mark_cannot_be_written(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: 'true', b: ':'}\n")
    assert folder.taskrun("run", "-j1").returncode == 0
    size = (folder.path / ".taskrun/sweep/journal.jsonl").stat().st_size
    lasts = []
    for less in range(5, 75, 10):
        shutil.rmtree(folder.path / ".taskrun")
        status, events = limited(folder, size - less)
        assert (events[-1]["event"], events[-1]["exit_status"]) == ("run_finished", status)
        lasts.append((status, events[-1]["counts"]["succeeded"]))
    assert (3, 2) in lasts, "all had succeeded"


def test_nor_is_it_missing_where_the_study_is_sealed(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {i: {from: 1, to: 1000}}\nsteps: {a: ': {i}'}\n")
    assert folder.taskrun("run", "-q").returncode == 0
    assert (folder.path / ".taskrun/sweep/seal").exists()
    begun = []
    for more in range(0, 401, 50):
        size = (folder.path / ".taskrun/sweep/journal.jsonl").stat().st_size
        status, events = limited(folder, size + more)
        if status == 3 and events:
            begun.append((events[0]["event"], events[-1]["event"], events[-1].get("exit_status")))
    assert set(begun) == {("run_started", "run_finished", 3)}
