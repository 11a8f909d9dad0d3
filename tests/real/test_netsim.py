"""The example study: to its pictures, and on after a failure."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from studies import Folder

pytestmark = pytest.mark.real

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "netsim"
BROKEN = 'if "sims/mesh/2048/sim.dat" in __import__("sys").argv:\n    raise SystemExit("cannot parse")\n'


@pytest.fixture
def netsim(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The example, with simulations of a tenth of their length."""
    if find_spec("matplotlib") is None:  # to import it would leave threads that take the signals of later tests
        pytest.skip("matplotlib is not installed")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # its `python3` has matplotlib
    shutil.copytree(EXAMPLE, folder.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("sims", ".taskrun"))
    text = folder.read("sweep.yaml")
    assert "-s 1000" in text
    folder.write("sweep.yaml", text.replace("-s 1000", "-s 100"))
    return folder


def test_the_study_runs_to_its_pictures(netsim: Folder) -> None:
    done = netsim.taskrun("run")
    assert done.returncode == 0, done.stderr
    assert "hint" not in done.stderr
    assert done.stderr.splitlines()[-1].endswith(": 27 succeeded")
    for topology in ("fat_tree", "mesh", "torus"):
        picture = (netsim.path / "sims" / topology / "graph.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000
    losses = [float(netsim.read(f"sims/mesh/{size}/latency.csv").split(",")[-5]) for size in (1024, 2048, 4096, 8192)]
    assert losses == sorted(losses, reverse=True)


def test_one_parser_fails_is_mended_and_the_rest_is_done(netsim: Folder) -> None:
    parser = netsim.read("parsesim")
    broken = parser.replace('if __name__ ==', f"{BROKEN}\nif __name__ ==")
    (netsim.path / "parsesim").write_text(broken)
    failed = netsim.taskrun("run")
    assert failed.returncode == 1
    assert "failed     parse/topology=mesh/buffer=2048  exit code 1 after" in failed.stderr
    assert "cannot parse" in failed.stderr
    assert failed.stderr.splitlines()[-1].endswith(": 25 succeeded, 1 failed, 1 skipped")
    (netsim.path / "parsesim").write_text(parser)
    mended = netsim.events()
    assert [event["event"] for event in mended if event.get("task", "").startswith("sim/")] == ["fresh"] * 12
    assert (netsim.path / "sims/mesh/graph.png").exists()
    assert netsim.taskrun("run").stderr.splitlines()[-1].endswith(": 27 fresh")
