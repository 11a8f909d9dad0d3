"""Memory limits: what uses more than it asked for is killed with all that it started, and says so."""

from __future__ import annotations

import signal
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from processes import ended, place, task
from studies import wait_until

from taskrun.executors.local.memory import Kernel, kills
from taskrun.model import Cause, Ended, Task, Traits

pytestmark = pytest.mark.real

M = 1024 * 1024
# Takes so many MB, in so many processes, of which each touches all; then says so and waits.
EATER = """
import os, sys, time
size, count = int(sys.argv[1]) << 20, int(sys.argv[2])
shared = bytearray(size) if sys.argv[3] == "shared" else None
for _ in range(count - 1):
    if not os.fork(): break
own = bytearray(b"x") * size if shared is None else shared
for at in range(0, size, 4096): own[at]
open("ready." + str(os.getpid()), "w").close()
time.sleep(float(sys.argv[4]))
"""


def eater(tmp_path: Path, *words: object, limit: int, limits: bool = True) -> Task:
    (tmp_path / "eater.py").write_text(EATER)
    traits = Traits((("cores", Fraction(1)), ("memory", Fraction(limit * M))), has_memory_limit=limits)
    return task(0, f"{sys.executable} -S eater.py {' '.join(map(str, words))}; true", traits=traits)


@pytest.mark.parametrize("shims", [True, False], ids=["shim", "no shim"])
@pytest.mark.parametrize("owns_process", [True, False], ids=["our own process", "a host"])
def test_what_uses_more_than_it_may_is_killed_for_that(tmp_path: Path, owns_process: bool, shims: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=shims) as here:
        (end,) = here.run(eater(tmp_path, 200, 1, "own", 60, limit=100))
    assert (end.cause, end.exit_code, end.signal) == (Cause.MEMORY, None, "SIGKILL"), end
    assert end.message.startswith("used ")
    assert end.message.endswith("M of 100M")
    assert end.max_rss is not None
    assert end.max_rss > 100 * M


def test_all_that_a_task_started_is_counted_together(tmp_path: Path) -> None:
    with place(tmp_path, shims=True) as here:
        (end,) = here.run(eater(tmp_path, 60, 4, "own", 60, limit=200))
    assert end.cause is Cause.MEMORY


def test_what_is_shared_is_counted_once(tmp_path: Path) -> None:
    with place(tmp_path, shims=True) as here:
        (end,) = here.run(eater(tmp_path, 100, 5, "shared", 1.5, limit=250))
    assert (end.cause, end.exit_code) == (None, 0)
    assert end.max_rss is not None
    assert 90 * M < end.max_rss < 200 * M


def test_without_a_limit_nobody_looks(tmp_path: Path) -> None:
    with place(tmp_path, shims=True) as here:
        (end,) = here.run(eater(tmp_path, 200, 1, "own", 0, limit=100, limits=False))
        assert end.exit_code == 0


@pytest.mark.skipif(kills() is None, reason="this system does not count them")
def test_a_kill_of_somebody_elses_is_no_matter_of_memory(tmp_path: Path) -> None:
    with place(tmp_path, shims=True) as here:
        assert [end.cause for end in here.run(task(0, "kill -9 $$"), task(1, "exit 137"))] == [None, None]


def test_the_kernels_kills_are_told_by_its_count(tmp_path: Path) -> None:
    group, membership = tmp_path / "memory/a/b", tmp_path / "membership"
    group.mkdir(parents=True)
    membership.write_text("4:memory:/a/b\n0::/\n")
    counter = group / "memory.oom_control"
    counter.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n")
    assert kills(str(membership), str(tmp_path), "") == 7
    kernel = Kernel(lambda: kills(str(membership), str(tmp_path), ""))
    end = Ended(0, 1, 0.0, 1.0, signal=signal.SIGKILL.name, max_rss=2 << 30)
    assert kernel.seen(end).cause is None
    counter.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 8\n")
    assert kernel.seen(end).message == "the kernel ended it for want of memory (it used 2G)"
    assert kernel.seen(end).cause is None, "it has ended one, and that was the other"


def test_a_limit_holds_for_a_task_that_outlived_its_runner(tmp_path: Path) -> None:
    asked = eater(tmp_path, 200, 1, "own", 60, limit=100)
    free = eater(tmp_path, 200, 1, "own", 60, limit=100, limits=False)
    with place(tmp_path, shims=True) as first:
        first.start(free)
        handle = first.spawned(free)
        wait_until(lambda: list(tmp_path.glob("ready.*")))
        with place(tmp_path, run="second-run") as second:
            second.start(asked, handle=handle)
            (end,) = ended(second.until(lambda happened: len(ended(happened)) == 1))
            assert end.cause is Cause.MEMORY
