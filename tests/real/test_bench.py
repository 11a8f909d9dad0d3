"""The benchmark in its small form: that each row comes to a result, never how fast that is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from studies import Folder

pytestmark = pytest.mark.real

ROOT = Path(__file__).parent.parent.parent
OURS = {  # by row, how the line begins that has our figure
    **dict.fromkeys(["a", "b", "c", "f", "g", "h"], "taskrun "),
    "d": "taskrun, two steps",
    "e": "completion of a task's name",
    "makespan": "montage",
}


def test_each_row_of_the_benchmark_has_a_result(folder: Folder) -> None:
    words = [sys.executable, str(ROOT / "bench/bench.py"), "--small", "--folder", str(folder.path)]
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stderr
    assert "failed" not in run.stdout
    sections = dict(re.findall(r"^### \((\w+)\)(.*?)(?=^### |\Z)", run.stdout, re.DOTALL | re.MULTILINE))
    assert sorted(sections) == sorted(OURS)
    for row, begins in OURS.items():
        assert re.search(rf"^\| {re.escape(begins)}.*\d", sections[row], re.MULTILINE), sections[row]
    assert list(folder.path.iterdir()) == []
