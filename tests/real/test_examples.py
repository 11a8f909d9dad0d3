"""The example studies: the first run does the work, the second none, and the for-loop is the sweep."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from studies import Folder

from taskrun.sweep.schema import FileKeys, Spread, StepKeys
from taskrun.sweep.shapes import shapes_of

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
LEFT_OVER = shutil.ignore_patterns("sims", "made", "means", "coldest-first.csv", ".taskrun", "__pycache__")
TASKS = {"hello/sweep.yaml": 6, "folder/sweep.yaml": 4, "tour/sweep.yaml": 62, "tour/union.yaml": 7}
# Pictures take seconds and matplotlib, and are looked at in test_netsim.
NO_PICTURE = '#!/bin/sh\nshift; picture=$1; shift\ncat "$@" > "$picture"\n'


def copy(example: str, folder: Folder) -> None:
    shutil.copytree(EXAMPLES / example, folder.path, dirs_exist_ok=True, ignore=LEFT_OVER)


def program(name: str, folder: Folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, name], cwd=folder.path, capture_output=True, text=True, check=False, timeout=60
    )


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stderr.splitlines()[-1]


@pytest.mark.parametrize("file", TASKS)
def test_the_first_run_does_the_work_and_the_second_none(file: str, folder: Folder) -> None:
    example, name = file.split("/")
    copy(example, folder)
    first = folder.taskrun("run", name)
    assert first.returncode == 0, first.stderr
    assert last_line(first).endswith(f": {TASKS[file]} succeeded")
    assert last_line(folder.taskrun("run", name)).endswith(f": {TASKS[file]} fresh")


def test_an_example_looks_strange_to_nobody(folder: Folder) -> None:
    for file in TASKS:
        example, name = file.split("/")
        copy(example, folder)
        assert "hint" not in folder.taskrun("check", name).stderr


def test_the_folder_has_a_table_over_its_files(folder: Folder) -> None:
    copy("folder", folder)
    folder.taskrun("run")
    assert folder.read("coldest-first.csv") == "bergen,8.05\nvienna,10.05\npalermo,18.62\n"
    folder.write("data/oslo.csv", "month,celsius\njanuary,-4.0\njuly,18.0\n")
    assert last_line(folder.taskrun("run")).endswith(": 2 succeeded, 3 fresh")
    assert folder.read("coldest-first.csv").startswith("oslo,7.00\nbergen")


def test_the_tour_leaves_no_key_out() -> None:
    files = [yaml.safe_load((EXAMPLES / "tour" / name).read_text()) for name in ("sweep.yaml", "union.yaml")]
    steps = [step for file in files for step in file["steps"].values() if isinstance(step, dict)]
    spreads = [values for values in files[0]["sweep"].values() if isinstance(values, dict)]
    assert _keys(files) >= set(shapes_of(FileKeys))
    assert _keys([*steps, *(file.get("defaults", {}) for file in files)]) >= set(shapes_of(StepKeys))
    assert _keys(spreads) == set(shapes_of(Spread))


def test_the_for_loop_is_the_sweep(folder: Folder) -> None:
    copy("netsim", folder)
    as_sweep = json.loads(folder.taskrun("list", "--json", "sweep.yaml").stdout)
    as_loop = json.loads(folder.taskrun("list", "--json", "study.py").stdout)
    assert len(as_sweep) == 27
    for told in as_sweep, as_loop:
        for task in told:
            del task["params"]  # which a program's tasks have only in their names
            task["inputs"].sort()
            task["needs"].sort()
    assert as_loop == as_sweep


def test_the_for_loop_makes_the_files_of_the_sweep_and_resumes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    copy("netsim", folder)
    folder.write("graphsim", NO_PICTURE)
    for name in ("sweep.yaml", "study.py"):
        text = folder.read(name)
        assert "-s 1000" in text
        folder.write(name, text.replace("-s 1000", "-s 50"))
    assert folder.taskrun("run", "sweep.yaml").returncode == 0
    of_sweep = folder.files()
    shutil.rmtree(folder.path / "sims")
    assert last_line(program("study.py", folder)).endswith(": 27 succeeded")
    of_loop = folder.files()
    assert len([path for path in of_loop if path.startswith("sims/")]) == 39
    assert of_loop == of_sweep
    assert last_line(program("study.py", folder)).endswith(": 27 fresh")
    assert last_line(folder.taskrun("run", "study.py", "graph")).endswith(": 27 fresh")


def _keys(mappings: list[dict[str, object]]) -> set[str]:
    return {key for mapping in mappings for key in mapping}
