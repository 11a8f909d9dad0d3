"""Files that are not what anybody meant, as a user sees what comes of them: never a crash, a hang, an endless rerun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real


def test_who_changes_its_own_input_is_told_so_once(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: {from: 1, to: 20}}\nsteps:\n  s:\n    run: echo {n} >> in; cp in {outputs}\n"
                               "    inputs: in\n    outputs: out/{n}\n")  # fmt: skip
    folder.write("in", "")
    first = folder.taskrun("run", "-j1")
    assert first.returncode == 0
    assert [line for line in first.stderr.splitlines() if line.startswith("hint:")] == [
        "hint: the input 'in' changed while s/n=1 ran, so that it will run again; "
        "where its own command does that, in every run"
    ]


def test_a_study_whose_directory_is_its_input_is_fresh_the_second_time(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  s:\n    run: ls; ls > {outputs}\n    inputs: .\n    outputs: out/all\n"
                               "    stdout: said\n")  # fmt: skip
    assert "hint" not in folder.taskrun("run").stderr
    assert "1 fresh" in folder.taskrun("run").stderr
    folder.write("new", "")
    assert "input changed: . (its files)" in folder.taskrun("run", "-v").stderr
