"""A task of another machine, or of another boot of this one: the lock on its result file tells, and what stands in it.

Here the other machine is a process that holds the lock, and a journal that names a host of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs
from records import this_run
from studies import Folder, Json, read_until

from taskrun.journal import Journal
from taskrun.model import RunRecord, Signature, SpawnRecord, StartRecord

pytestmark = pytest.mark.real

STUDY = "steps:\n  slow: {run: 'echo x >> ran; echo new > out', outputs: out}\n"
COMMAND = "echo x >> ran; echo new > out"
ENDED = "ended {status} 2.5 1.0 0.5 - {time}\n"
THERE = structs.replace(this_run(), host="node17", boot="boot-of-node17")
BEFORE = structs.replace(this_run(), boot="the-boot-before")


def left(folder: Folder, run: RunRecord) -> Path:
    """A run began `slow` there and did not end; where its shim would say how it ended."""
    folder.write("sweep.yaml", STUDY)
    journal = Journal.open(os.fspath(folder.path / ".taskrun/sweep"), source="sweep.yaml", run=run)
    signature = Signature(COMMAND, outputs=("out",))
    start = StartRecord(run=run.run, task="slow", attempt=1, round=1, time=time.time(), signature=signature)
    us = this_run()
    journal.amend([start, SpawnRecord(task="slow", attempt=1, pid=us.pid, ticks=us.ticks, namespace=us.namespace)])
    journal.close()
    return folder.path / ".taskrun/sweep/results/slow.1"


def shim(result: Path, run: RunRecord, *lines: str) -> None:
    us = this_run()
    result.parent.mkdir(exist_ok=True)
    named = f"shim {run.run} {run.boot} {us.pid} {us.ticks} {us.namespace} locked\n"
    result.write_text(named + f"started {us.pid} {us.ticks}\n" + "".join(lines))


def ended(code: int = 0) -> str:
    return ENDED.format(status=code << 8, time=time.time())


@contextmanager
def held(result: Path) -> Iterator[int]:
    """Somebody has the lock; the descriptor takes what is to be added."""
    descriptor = os.open(result, os.O_WRONLY | os.O_APPEND)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def end_of(shown: str) -> Json:
    (found,) = [event for event in map(json.loads, shown.splitlines()) if event["event"] == "finished"]
    return found


def ran(folder: Folder) -> bool:
    return (folder.path / "ran").exists()


@pytest.mark.parametrize("code", [0, 3])
def test_a_task_that_runs_on_another_machine_is_waited_for_and_its_result_taken(folder: Folder, code: int) -> None:
    result = left(folder, THERE)
    shim(result, THERE)
    with held(result) as there:
        run = folder.start("run", "--json")
        assert "slow  still running on node17 since an earlier run" in read_until(run, "still running")
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(1.5)
        folder.write("out", "theirs\n")
        os.write(there, ended(code).encode())
    shown, _ = run.communicate(timeout=60)
    assert run.returncode == (1 if code else 0)
    assert (end_of(shown)["exit_code"], end_of(shown)["attempt"]) == (code, 1)
    assert end_of(shown)["seconds"] == 2.5
    assert not ran(folder)
    assert not result.exists()


def test_a_task_that_has_ended_on_another_machine_leaves_its_result(folder: Folder) -> None:
    shim(left(folder, THERE), THERE, ended())
    folder.write("out", "theirs\n")
    done = folder.taskrun("run", "--json")
    assert (done.returncode, end_of(done.stdout)["attempt"]) == (0, 1)
    assert folder.read("out") == "theirs\n"
    assert not ran(folder)
    assert folder.statuses() == {"slow": "succeeded"}


def test_a_task_that_died_on_another_machine_runs_again_here(folder: Folder) -> None:
    shim(left(folder, THERE), THERE)
    folder.write("out", "half of the")
    done = folder.taskrun("run", "--json")
    assert (done.returncode, end_of(done.stdout)["attempt"]) == (0, 2)
    assert folder.read("out") == "new\n"


def test_a_task_that_dies_on_another_machine_while_it_is_waited_for_runs_again_here(folder: Folder) -> None:
    result = left(folder, THERE)
    shim(result, THERE)
    with held(result):
        run = folder.start("run")
        read_until(run, "still running")
    _, said = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "recovered  slow  its attempt in an earlier run: lost: it outlived its runner" in said
    assert folder.read("out") == "new\n"


def test_a_run_that_waits_for_another_machine_can_be_stopped_and_leaves_it_alone(folder: Folder) -> None:
    result = left(folder, THERE)
    shim(result, THERE)
    with held(result) as there:
        first = folder.start("run")
        read_until(first, "still running")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
        assert first.returncode == 143
        assert folder.statuses() == {"slow": "running"}
        second = folder.start("run", "--json")
        read_until(second, "still running")
        folder.write("out", "theirs\n")
        os.write(there, ended().encode())
    shown, _ = second.communicate(timeout=60)
    assert (second.returncode, end_of(shown)["attempt"]) == (0, 1)
    assert not ran(folder)


@pytest.mark.parametrize("is_unlocked", [True, False], ids=["no locks there", "no shim"])
def test_where_nobody_can_tell_the_run_names_the_machine(folder: Folder, is_unlocked: bool) -> None:
    result = left(folder, THERE)
    if is_unlocked:
        shim(result, THERE)
        result.write_text(result.read_text().replace(" locked", " unlocked"))
    done = folder.taskrun("run")
    assert done.returncode == 3
    assert "'slow' may still run on node17" in done.stderr
    assert "`taskrun reset --assume-dead node17`" in done.stderr
    assert not ran(folder)
    assert folder.taskrun("reset", "--assume-dead", "node17").returncode == 0
    assert folder.taskrun("run").returncode == 0


def test_a_result_counts_also_where_there_are_no_locks(folder: Folder) -> None:
    result = left(folder, THERE)
    shim(result, THERE, ended())
    result.write_text(result.read_text().replace(" locked", " unlocked"))
    folder.write("out", "theirs\n")
    assert folder.taskrun("run").returncode == 0
    assert not ran(folder)


def test_a_task_of_another_machine_that_the_sweep_has_no_more_may_still_write(folder: Folder) -> None:
    result = left(folder, THERE)
    shim(result, THERE)
    folder.write("sweep.yaml", STUDY.replace("slow:", "renamed:"))
    with held(result):
        done = folder.taskrun("run")
        assert done.returncode == 3
        assert "'slow', which an earlier run began, still runs (pid " in done.stderr
        assert " on node17) and writes 'out'" in done.stderr
    assert folder.taskrun("run").returncode == 0


@pytest.mark.parametrize("is_synced", [True, False])
def test_a_result_from_before_a_restart_counts_where_all_was_on_disk(folder: Folder, is_synced: bool) -> None:
    shim(left(folder, BEFORE), BEFORE, ended(), *(["synced\n"] if is_synced else []))
    folder.write("out", "from before\n")
    done = folder.taskrun("run", "--json")
    assert done.returncode == 0
    assert end_of(done.stdout)["attempt"] == (1 if is_synced else 2)
    assert folder.read("out") == ("from before\n" if is_synced else "new\n")


def test_processes_of_another_machine_are_not_looked_for_here(folder: Folder) -> None:
    """Our own numbers stand in its records: it is not us that is waited for."""
    shim(left(folder, THERE), THERE)
    assert folder.taskrun("run").returncode == 0
    assert ran(folder)


def test_a_machine_that_is_given_up_for_dead_keeps_the_results_that_it_left(folder: Folder) -> None:
    shim(left(folder, THERE), THERE, ended())
    folder.write("out", "theirs\n")
    done = folder.taskrun("reset", "--assume-dead", "node17")
    assert (done.returncode, done.stderr) == (0, "0 tasks on node17 count as interrupted\n")
    assert folder.statuses() == {"slow": "succeeded"}
    assert folder.read("out") == "theirs\n"


def test_a_lock_that_stays_may_be_given_up_for_dead(folder: Folder) -> None:
    """File servers keep the lock of a machine that is off, some for ever."""
    result = left(folder, THERE)
    shim(result, THERE)
    with held(result):
        status = folder.taskrun("status").stdout
        assert re.search(r"attempt 1 \(pid \d+ on node17\), its runner is gone\n", status), status
        refused = folder.taskrun("reset", "slow")
        assert refused.returncode == 3
        assert "when that machine is off, `taskrun reset --assume-dead node17`" in refused.stderr
        assert folder.taskrun("reset", "--assume-dead", "node17").returncode == 0
        assert folder.taskrun("run").returncode == 0
    assert folder.read("out") == "new\n"
