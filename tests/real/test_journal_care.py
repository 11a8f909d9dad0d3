"""A journal that is written anew again and again, and processes that die or lose it meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from records import SOURCE, read, started, this_run
from studies import wait_until

from taskrun.errors import StateError
from taskrun.journal import Journal, verify

pytestmark = pytest.mark.real

NAME = "journal.jsonl"
# Each round is a run over the same tasks, so that about every second one ends in a compaction. A round that is said to
# be over is on record.
ROUNDS = """
import sys
sys.path.insert(0, sys.argv[2])
from records import SOURCE, finished, started, this_run
from taskrun.journal import Journal
from taskrun.model import RunFinished
while True:
    journal = Journal.open(sys.argv[1], source=SOURCE, run=this_run(f"r{sys.argv[3]}"))
    number = journal.records.attempts("t0") + 1
    for name in [f"t{index}" for index in range(300)]:
        journal.append([started(name, number), finished(name, number)])
    journal.append([RunFinished(20.0, {"succeeded": 300})])
    print(number, flush=True)
    journal.close()
"""


def killed(state: Path, seconds: float, name: str) -> int:
    """Run rounds and kill the process some time after its first; the last round that it said was over."""
    words = [sys.executable, "-c", ROUNDS, str(state), str(Path(__file__).parent.parent), name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(seconds)  # the moment of the kill
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines()
    return int(said[-1])


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_it_is_whole_and_nothing_that_was_said_is_lost(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    for number in range(5):
        over = killed(tmp_path, moments.random() * 0.3, f"{seed}.{number}")
        assert verify(str(tmp_path)).is_whole
        records = read(tmp_path)
        assert min(past.attempts for past in records.pasts()) >= over
        assert len(list(records.pasts())) == 300


@pytest.mark.parametrize("act", [shutil.rmtree, lambda path: os.rename(path, f"{path}.away")], ids=["deleted", "moved"])
def test_a_state_that_goes_away_is_known_soon_also_when_nothing_happens(tmp_path: Path, act: object) -> None:
    state = tmp_path / "state"
    journal = Journal.open(str(state), source=SOURCE, run=this_run())
    journal.append([started("a")])
    journal.check()
    assert callable(act)
    act(str(state))

    def is_known() -> bool:
        try:
            journal.check()
        except StateError as error:
            return "was deleted or moved during the run" in str(error)
        return False

    wait_until(is_known)
    for again in (lambda: journal.append([started("b")]), journal.close):
        with pytest.raises(StateError, match="was deleted or moved during the run"):
            again()
