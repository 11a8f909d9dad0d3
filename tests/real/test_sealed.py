"""A large study that is done: the next runs see that at a glance, and see each change all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from studies import wait_until

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

COUNT = 1000
SWEEP = f"""
sweep: {{i: {{from: 1, to: {COUNT}}}}}
steps:
  copy: {{run: "cp {{inputs}} {{outputs}}", inputs: "in/{{i}}", outputs: "out/{{i}}"}}
"""
SEAL = ".taskrun/sweep/seal"


def done(folder: Folder) -> None:
    """All of it is done, and was marked so."""
    folder.write("sweep.yaml", SWEEP)
    for directory in ("in", "out"):
        (folder.path / directory).mkdir()
        for number in range(1, COUNT + 1):
            (folder.path / directory / str(number)).write_text(str(number))
    assert folder.taskrun("mark-done").returncode == 0
    assert (folder.path / SEAL).exists()


def told(events: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{key: value for key, value in event.items() if key != "time"} for event in events]


def executed(folder: Folder) -> list[object]:
    return [event["task"] for event in folder.events() if event["event"] == "started"]


def test_a_run_tells_the_same_with_a_seal_and_without(folder: Folder) -> None:
    done(folder)
    sealed = folder.events()
    again = folder.events()
    (folder.path / SEAL).unlink()
    read = folder.events()
    assert told(sealed) == told(again) == told(read)
    assert [event["event"] for event in read].count("fresh") == COUNT
    assert (folder.path / SEAL).exists()  # and that run has sealed it again
    assert f"{COUNT} fresh" in folder.taskrun("status").stdout.replace(",", "")
    assert folder.taskrun("run", "-n").stdout == ""
    assert folder.taskrun("check", "--state").returncode == 0


def test_each_change_is_seen_and_the_state_is_sealed_again(folder: Folder) -> None:
    done(folder)
    folder.write("in/7", "seven")
    assert executed(folder) == ["copy/i=7"]
    (folder.path / "out/8").unlink()
    assert executed(folder) == ["copy/i=8"]
    assert executed(folder) == []
    folder.write("sweep.yaml", SWEEP.replace(f"to: {COUNT}", f"to: {COUNT + 1}"))
    folder.write(f"in/{COUNT + 1}", "the last")
    assert executed(folder) == [f"copy/i={COUNT + 1}"]
    assert folder.taskrun("reset", "copy/i=9").returncode == 0
    assert executed(folder) == ["copy/i=9"]
    assert folder.read("out/7") == "seven"


def test_why_says_the_same_with_a_seal_and_without(folder: Folder) -> None:
    done(folder)
    sealed = folder.taskrun("why", "copy/i=5")
    assert "fresh" in sealed.stdout
    assert json.loads(folder.taskrun("why", "--json", "copy/i=5").stdout)["would_run"] is False
    (folder.path / SEAL).unlink()
    assert folder.taskrun("why", "copy/i=5").stdout == sealed.stdout
    assert executed(folder) == []
    folder.write("in/5", "five")
    assert "input changed in/5" in folder.taskrun("why", "copy/i=5").stdout.replace(": ", " ")
    assert "fresh" in folder.taskrun("why", "copy/i=6").stdout
    wrong = folder.taskrun("why", "copy/i=50000")
    assert wrong.returncode == 2
    assert "copy/i=50000" in wrong.stderr


def test_status_says_the_same_with_a_seal_and_without(folder: Folder) -> None:
    done(folder)
    folder.write("sweep.yaml", SWEEP.replace(f"to: {COUNT}", f"to: {COUNT + 1}"))
    folder.write(f"in/{COUNT + 1}", "the last")
    assert folder.taskrun("run").returncode == 0
    folder.write("sweep.yaml", SWEEP)
    for _ in range(2):  # which seals it, and which goes by the seal
        assert folder.taskrun("run").returncode == 0
        sealed = folder.taskrun("status").stdout
        aside = (folder.path / SEAL).rename(folder.path / "aside")
        assert folder.taskrun("status").stdout == sealed
        aside.rename(folder.path / SEAL)
    assert "1 task on record is gone from the study: copy/i=1001" in sealed
    assert "1,000 fresh" in sealed


def test_a_run_that_holds_the_state_keeps_a_sealed_one_out(folder: Folder) -> None:
    done(folder)
    folder.write("sweep.yaml", SWEEP + "  wait: {run: 'until [ -e go ]; do sleep 0.05; done'}\n")
    run = folder.start("run")
    wait_until(lambda: folder.statuses().get("wait") == "running")
    second = folder.taskrun("run")
    assert second.returncode == 3
    assert str(run.pid) in second.stderr
    folder.write("go", "")
    run.communicate()
    assert run.returncode == 0
    assert executed(folder) == []
