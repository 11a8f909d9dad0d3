"""A state that cannot be written any more: nothing starts, what runs comes to its end, the next run carries on."""

from __future__ import annotations

import shlex
import subprocess
from collections import Counter

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
