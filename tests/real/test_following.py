"""`taskrun logs -f` beside a run, and `taskrun status` while it goes on."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from studies import command, like_anybody, read_until, wait_until

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

# A task goes on when the test makes the file that it waits for.
WAIT = "until test -e {0}; do sleep 0.02; done"


def go(folder: Folder, name: str) -> None:
    folder.write(name, "")


def test_a_running_task_s_log_is_followed_to_its_end(folder: Folder) -> None:
    folder.write(
        "sweep.yaml", f"steps: {{slow: 'echo one; {WAIT.format('go')}; printf two', next: {{run: echo, after: slow}}}}"
    )
    run = folder.start("run")
    wait_until(lambda: folder.statuses()["slow"] == "running")
    follower = folder.start("logs", "-f", "slow")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "one\n"
    go(folder, "go")
    assert (follower.stdout.read(), follower.wait()) == ("two", 0)
    assert run.wait() == 0


def test_a_task_that_has_not_started_is_waited_for_and_one_that_wrote_nothing_is_said(folder: Folder) -> None:
    folder.write("sweep.yaml", f"steps: {{first: '{WAIT.format('go')}; false', next: {{run: echo two, after: first}}}}")
    folder.start("run")
    wait_until(lambda: folder.statuses().get("first") == "running")
    follower = folder.start("logs", "-f", "next")
    read_until(follower, "waiting for next to start")
    go(folder, "go")
    assert follower.communicate() == ("", "taskrun: next has no log: 'first' failed\n")
    assert follower.returncode == 1


def test_what_the_run_was_not_asked_for_is_not_waited_for(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        f"sweep: {{n: {{from: 1, to: 20}}}}\nsteps: {{sim: 'echo {{n}}; false', slow: '{WAIT.format('go')}'}}",
    )
    assert folder.taskrun("run", "sim").returncode == 1
    folder.start("run", "slow")
    wait_until(lambda: folder.statuses()["slow"] == "running")
    followed = folder.taskrun("logs", "-f", "n=3,4")
    assert (followed.returncode, followed.stdout, followed.stderr) == (
        0, "==> sim/n=3 <==\n3\n==> sim/n=4 <==\n4\n", "",
    )  # fmt: skip
    status = json.loads(folder.taskrun("status", "--json").stdout)
    assert status["counts"] == {"succeeded": 0, "failed": 20, "skipped": 0, "running": 1, "waiting": 0}
    assert status["running"]["pid"] > 0
    shown = folder.taskrun("status").stdout
    assert "1 running\n  slow  for " in shown
    assert "a run of slow is on since" in shown
    go(folder, "go")


def test_many_that_have_not_started_are_waited_for_in_a_few_lines(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        f"sweep: {{n: {{from: 1, to: 20}}}}\n"
        f"steps: {{slow: '{WAIT.format('go')}', sim: {{run: 'echo {{n}}', after: slow}}}}",
    )
    folder.start("run")
    wait_until(lambda: folder.statuses()["slow"] == "running")
    follower = folder.start("logs", "-f", "sim")
    read_until(follower, "waiting for others too")
    go(folder, "go")
    out, err = follower.communicate()
    assert (sorted(line for line in out.splitlines() if line.isdigit()), err) == (sorted(map(str, range(1, 21))), "")
    assert follower.returncode == 0


def test_a_log_that_becomes_shorter_is_shown_from_its_beginning(folder: Folder) -> None:
    command = f"echo a long first line; {WAIT.format('go')}; echo new > out; {WAIT.format('end')}"
    folder.write("sweep.yaml", f"steps: {{slow: {{run: '{command}', stdout: out}}}}")
    folder.start("run")
    wait_until(lambda: folder.statuses()["slow"] == "running")
    follower = folder.start("logs", "-f", "slow")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "a long first line\n"
    go(folder, "go")
    assert follower.stdout.readline() == "new\n"
    go(folder, "end")
    assert (follower.stdout.read(), follower.wait()) == ("", 0)


def test_logs_of_what_could_not_start_say_why(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {sim: {run: [nosuchprogram]}}")
    assert folder.taskrun("run").returncode == 1
    said = "taskrun: sim has no log: could not start: nosuchprogram: No such file or directory\n"
    logs = folder.taskrun("logs", "sim")
    assert (logs.returncode, logs.stdout, logs.stderr) == (1, "", said)


@pytest.mark.parametrize("how", [["logs"], ["logs", "-f"]])
def test_a_redirect_file_that_somebody_removed_is_said_to_be_gone(folder: Folder, how: list[str]) -> None:
    folder.write(
        "sweep.yaml",
        "steps:\n  both: {run: echo; exit 1, stdout: out/1, stderr: out/2}\n  one: {run: echo, stdout: out/3}\n"
        "  made: {run: exit 1, stdout: out/4, outputs: out/4}\n  log: {run: echo}\n  none: {run: 'true'}\n",
    )
    folder.taskrun("run", "-q")
    for name in ("out/1", "out/2", "out/3", ".taskrun/sweep/logs/log.1.log"):
        (folder.path / name).unlink()
    done = folder.taskrun(*how, "both", "one", "made", "log", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "taskrun: both has no log: out/2 and out/1 are gone",
        "taskrun: one has no log: out/3 is gone",
        "taskrun: made has no log: it wrote nothing",
        "taskrun: log has no log: .taskrun/sweep/logs/log.1.log is gone",
        "taskrun: none has no log: it wrote nothing",
    ]


@pytest.mark.parametrize("how", [["logs"], ["logs", "-f"]])
def test_what_may_not_be_read_keeps_nobody_from_the_rest(folder: Folder, how: list[str]) -> None:
    folder.write("sweep.yaml", "steps: {a: echo a, b: echo b, c: {run: echo c, stdout: out/c}, d: 'true'}\n")
    folder.taskrun("run", "-q")
    a, out = ".taskrun/sweep/logs/a.1.log", folder.path / "out"
    (folder.path / a).chmod(0)
    out.chmod(0)
    before = like_anybody()
    done = subprocess.run(
        [*before, *command(*how, "a", "b", "c", "d")], cwd=folder.path, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    out.chmod(0o755)
    assert (done.returncode, done.stdout) == (3, "==> b <==\nb\n")
    assert done.stderr.splitlines() == [
        f"taskrun: cannot read {a}: Permission denied",
        "taskrun: cannot read out/c: Permission denied",
        "taskrun: d has no log: it wrote nothing",
    ]
