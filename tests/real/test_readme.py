"""Every command of the README is run, on the sweep file that stands in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
ELSEWHERE = {"pip install ."}  # `make test`, `make demo` and this very virtual environment do it


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def typed(line: str, folder: Folder) -> subprocess.CompletedProcess[str]:
    """A line as a user types it into a shell."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder.path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_commands_of_the_readme_work(folder: Folder) -> None:
    folder.write("sweep.yaml", blocks("yaml")[0])
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    assert "taskrun run" in lines
    for line in lines:
        if line not in ELSEWHERE:
            result = typed(line, folder)
            assert result.returncode == 0, f"{line}: {result.stderr}"
    assert sorted(path for path in folder.files() if path.startswith("results")) == [
        f"results/{size}/{name}.txt" for size in (100, 200, 400) for name in (1, 2, "mean")
    ]
    assert 0.3 < float(folder.read("results/200/mean.txt")) < 0.7


def test_the_screen_in_the_readme_is_what_a_user_sees(folder: Folder) -> None:
    folder.write("sweep.yaml", blocks("yaml")[0])
    shown = typed("taskrun run -j 1", folder).stderr
    assert _without_times(shown) == _without_times(blocks("console")[0].partition("\n")[2])


def _without_times(text: str) -> list[str]:
    """Lines without what differs from run to run: the estimate and the seconds."""
    return [re.sub(r"( ETA)? *[\d.]+m?s\b", "", line).rstrip() for line in text.splitlines()]
