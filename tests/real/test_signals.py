"""Ctrl-C once, twice, three times; SIGTERM; SIGHUP: what ends, what is kept, and the exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from studies import read_until, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from studies import Folder

pytestmark = pytest.mark.real

TWO = """
steps:
  slow:
    run: touch begun; while [ ! -e go ]; do sleep 0.05; done; touch done
  next:
    run: touch never
    after: slow
"""


def begin(folder: Folder, text: str) -> subprocess.Popen[str]:
    folder.write("sweep.yaml", text)
    run = folder.start("run", "-j", "1")
    wait_until((folder.path / "begun").exists)
    return run


def test_one_interrupt_waits_for_what_runs_and_starts_nothing_more(folder: Folder) -> None:
    run = begin(folder, TWO)
    run.send_signal(signal.SIGINT)
    read_until(run, "waiting for 1 running")
    folder.write("go", "")
    run.communicate(timeout=30)
    assert run.returncode == 130
    assert (folder.path / "done").exists()
    assert not (folder.path / "never").exists()
    assert folder.statuses() == {"slow": "succeeded", "next": "skipped"}
    assert folder.taskrun("run").returncode == 0
    assert (folder.path / "never").exists()


def test_an_interrupt_after_which_nothing_was_left_to_start_is_a_success(folder: Folder) -> None:
    run = begin(folder, TWO.partition("  next:")[0])
    run.send_signal(signal.SIGINT)
    read_until(run, "waiting for 1 running")
    folder.write("go", "")
    run.communicate(timeout=30)
    assert run.returncode == 0


def test_two_interrupts_terminate(folder: Folder) -> None:
    run = begin(folder, TWO)
    run.send_signal(signal.SIGINT)
    read_until(run, "waiting for 1 running")
    run.send_signal(signal.SIGINT)
    _, shown = run.communicate(timeout=30)
    assert run.returncode == 130
    assert not (folder.path / "done").exists()
    assert folder.statuses()["slow"] == "failed"
    assert "exit code" not in shown, "what we cancelled is nobody's failure to look at"


STUBBORN = """
steps:
  slow:
    run: trap '' TERM; touch begun; while [ ! -e go ]; do sleep 0.05; done
"""


def test_three_interrupts_kill_what_does_not_listen(folder: Folder) -> None:
    run = begin(folder, STUBBORN)
    for answer in ("waiting for 1 running", "terminating 1 running", "killing 1 running"):
        run.send_signal(signal.SIGINT)
        read_until(run, answer)
    run.communicate(timeout=8)
    assert run.returncode == 130


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_terminated_run_ends_its_tasks_and_says_by_what(folder: Folder, number: int, status: int) -> None:
    run = begin(folder, TWO)
    run.send_signal(number)
    run.communicate(timeout=30)
    assert run.returncode == status
    assert folder.statuses()["slow"] == "failed"
    assert f"stopped by {signal.Signals(number).name}: 1 cancelled, 1 skipped\n" in folder.taskrun("status").stdout
    folder.write("go", "")
    assert folder.taskrun("run").returncode == 0


HOOK = """
import os, signal, sys
class Hook:
    def find_spec(self, name, path, target=None):
        if name == os.environ["AT"]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Hook())
"""


@pytest.mark.parametrize("at", ["taskrun.cli", "taskrun.errors", "click", "taskrun.cli.app", "taskrun.cli.listing"])
def test_an_interrupt_while_taskrun_is_being_loaded_ends_it_silently(folder: Folder, tmp_path: Path, at: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    loading = folder.taskrun("list", env={**os.environ, "PYTHONPATH": str(tmp_path), "AT": at})
    assert loading.returncode in (-signal.SIGINT, 130)
    assert (loading.stdout, loading.stderr.strip()) == ("", "")


def test_under_nohup_a_hangup_changes_nothing(folder: Folder) -> None:
    folder.write("sweep.yaml", TWO)
    run = folder.start("run", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_until((folder.path / "begun").exists)
    os.kill(run.pid, signal.SIGHUP)
    folder.write("go", "")
    run.communicate(timeout=30)
    assert run.returncode == 0


HALF = """
steps:
  slow:
    run: |
      trap 'exit 0' TERM
      echo half > {outputs}; touch begun
      while [ ! -e go ]; do sleep 0.05; done
      echo whole > {outputs}
    outputs: out
  next:
    run: cat {slow.outputs}
"""


def test_half_an_output_is_no_result_even_where_the_cancelled_task_says_all_is_well(folder: Folder) -> None:
    run = begin(folder, HALF)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=30)
    assert run.returncode == 143
    assert not (folder.path / "out").exists()
    assert folder.statuses() == {"slow": "failed", "next": "skipped"}
    folder.write("go", "")
    assert folder.taskrun("run").returncode == 0
    assert folder.read("out") == "whole\n"


def test_a_hangup_after_a_termination_leaves_the_tasks_their_grace(folder: Folder) -> None:
    saving = "trap 'sleep 0.3; touch saved; exit 3' TERM; touch begun; while :; do sleep 0.05; done"
    run = begin(folder, f"steps:\n  slow: {saving}\n")
    run.send_signal(signal.SIGTERM)
    read_until(run, "terminating 1 running")
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=30)
    assert run.returncode == 143
    assert (folder.path / "saved").exists()


def test_a_reader_that_does_not_read_holds_up_neither_tasks_nor_signals(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {i: {from: 1, to: 1500}}\nsteps:\n  a: {run: 'true', per: i}\n")
    run = folder.start("run", "-v", "-j", "2")  # nobody reads its standard error, a pipe of 64 KiB
    journal = folder.path / ".taskrun/sweep/journal.jsonl"
    wait_until(lambda: journal.exists() and b'"run_end"' in journal.read_bytes(), seconds=60)
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=30) == -signal.SIGTERM
    assert set(folder.statuses().values()) == {"succeeded"}


LATE = """
import os, signal
import taskrun.cli.executing
from taskrun.__main__ import main
from taskrun.executors.local import LocalExecutor

class Late(LocalExecutor):
    is_over = False

    def stop(self):
        if not self.is_over:
            os.kill(os.getpid(), signal.SIGTERM)  # blocked, and nobody waits for signals any more
        self.is_over = True
        super().stop()

class Run(taskrun.cli.executing.Run):
    def __init__(self, study, options):
        super().__init__(study, options, executor_class=Late)

taskrun.cli.executing.Run = Run
main()
"""


@pytest.mark.parametrize(("tasks", "is_read", "status"), [(1500, False, -signal.SIGTERM), (3, True, 0)])
def test_a_signal_when_all_is_over_is_only_for_who_would_wait_for_a_reader(
    folder: Folder, tasks: int, is_read: bool, status: int
) -> None:
    folder.write("sweep.yaml", f"sweep: {{i: {{from: 1, to: {tasks}}}}}\nsteps:\n  a: {{run: 'true', per: i}}\n")
    program = [sys.executable, "-c", LATE, "run", "-v", "-j", "2"]
    run = subprocess.Popen(program, cwd=folder.path, stderr=subprocess.PIPE)
    try:
        if is_read:
            run.communicate(timeout=60)
        assert run.wait(timeout=60) == status
    finally:
        run.kill()
        run.communicate()
    assert set(folder.statuses().values()) == {"succeeded"}


LOOKING = """
steps:
  slow:
    run: touch begun; while [ ! -e go ]; do sleep 0.05; done
    memory: 1G
    memory_limit: true  # taskrun looks now and then, so that a stop outlasts its sleep
"""


def stop_and_go_on(run: subprocess.Popen[str], *meanwhile: signal.Signals) -> None:
    run.send_signal(signal.SIGSTOP)
    time.sleep(0.4)  # longer than a sleep of taskrun's
    for number in (*meanwhile, signal.SIGCONT):
        run.send_signal(number)
    time.sleep(0.1)


def test_being_stopped_for_long_is_no_signal_to_end(folder: Folder) -> None:
    run = begin(folder, LOOKING)
    for _ in range(4):
        stop_and_go_on(run)
    folder.write("go", "")
    _, text = run.communicate(timeout=30)
    assert run.returncode == 0, text
    assert "stopping" not in text


ENDING = """
steps:
  slow:
    run: touch begun; sleep 0.5; echo whole > {outputs}
    outputs: slow.txt
    timeout: 1s
"""


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_what_ends_while_the_run_is_stopped_has_neither_timed_out_nor_been_cancelled(
    folder: Folder, number: signal.Signals | None
) -> None:
    run = begin(folder, ENDING)
    run.send_signal(signal.SIGSTOP)
    wait_until((folder.path / "slow.txt").exists)
    time.sleep(1.2)  # the time of the task is over, and the task is too
    for each in (number, signal.SIGCONT):
        if each is not None:
            run.send_signal(each)
    _, text = run.communicate(timeout=30)
    assert run.returncode == 0, text
    assert folder.statuses() == {"slow": "succeeded"}
    assert folder.read("slow.txt") == "whole\n"


def test_a_signal_to_a_stopped_run_is_heard_when_it_goes_on(folder: Folder) -> None:
    run = begin(folder, LOOKING)
    stop_and_go_on(run)
    stop_and_go_on(run, signal.SIGTERM)
    _, text = run.communicate(timeout=30)
    assert run.returncode == 143, text
    assert folder.statuses() == {"slow": "failed"}
