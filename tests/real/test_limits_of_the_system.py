"""What the system does not give: descriptors, processes, memory, room on a command line. Nothing else suffers."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import pytest
from processes import ended, place, task
from studies import Folder, wait_until

import taskrun

pytestmark = pytest.mark.real


def limited(number: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(number, (most, most))


def test_few_descriptors_are_enough_for_many_tasks(folder: Folder) -> None:
    step = "a: {run: 'echo {i} > {outputs}', outputs: 'out/{i}'}"
    folder.write("sweep.yaml", f"sweep: {{i: {{from: 1, to: 200}}}}\nsteps:\n  {step}\n")
    run = folder.taskrun("run", "-j", "100", preexec_fn=limited(resource.RLIMIT_NOFILE, 64))
    assert run.returncode == 0, run.stderr
    assert len(list((folder.path / "out").iterdir())) == 200


def test_what_finds_no_descriptor_waits_for_the_others(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with place(tmp_path) as here:
        first = task(0, "touch begun; until [ -e go ]; do sleep 0.02; done")
        here.start(first)
        wait_until((tmp_path / "begun").exists)
        fds = len(os.listdir("/proc/self/fd"))
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1, before[1]))
            here.start(task(1, "echo 1"), task(2, "echo 2"), task(3, "echo 3"))
            here.happened.extend(here.executor.wait(0.1))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert fds > 1
        assert ended(here.happened) == []
        here.executor.kill(task(2, ""), force=False)
        (tmp_path / "go").touch()
        here.until(lambda happened: len(ended(happened)) == 4)
    assert {end.task: (end.exit_code, end.cause) for end in ended(here.happened)} == {
        0: (0, None), 1: (0, None), 2: (None, None), 3: (0, None)
    }  # fmt: skip


def test_with_nothing_else_running_it_is_the_tasks_end(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with place(tmp_path) as here:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1, before[1]))
            (end,) = here.run(task(0, "echo 1"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert end.cause is not None
    assert end.cause.value == "could not start"
    assert end.message.endswith("Too many open files")
    assert end.is_shortage


def test_a_program_that_is_not_there_is_no_shortage(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        (end,) = here.run(task(0, ["./no-such-program"]))
    assert end.message.endswith("No such file or directory")
    assert not end.is_shortage


SOMEBODY = 50_000 + os.getpid() % 10_000  # whoever tests beside us is somebody else


def as_somebody(most: int) -> None:
    """Go on as an ordinary user who may have so many processes: root may have any number."""
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    os.setgroups([])
    os.setgid(SOMEBODY)
    os.setuid(SOMEBODY)


def anybodys_python() -> str | None:
    """A Python that others may execute too, and that takes what ours has installed."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3"):
        with suppress(OSError, subprocess.SubprocessError):
            words = [python, "-c", "import taskrun.cli.app"]
            subprocess.run(words, check=True, env=around(), preexec_fn=lambda: as_somebody(50))
            return python
    return None


def around() -> dict[str, str]:
    packages = [os.fspath(Path(taskrun.__file__).parent.parent), os.path.dirname(os.path.dirname(click.__file__))]
    return {"PYTHONPATH": ":".join(packages), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}


@pytest.mark.skipif(os.getuid() != 0, reason="takes root to be somebody else")
@pytest.mark.parametrize("most", [4, 12])
def test_few_processes_slow_a_run_down_and_nothing_else(most: int) -> None:
    python = anybodys_python()
    if python is None:
        pytest.skip("somebody else cannot execute this Python")
    with tempfile.TemporaryDirectory() as name:
        Path(name, "sweep.yaml").write_text("sweep: {i: {from: 1, to: 40}}\nsteps:\n  a: {run: sleep 0.1, per: i}\n")
        os.chmod(name, 0o777)
        run = subprocess.run(
            [python, "-m", "taskrun", "run", "-j", "30", "--json"], cwd=name, capture_output=True, text=True,
            check=False, env=around(), preexec_fn=lambda: as_somebody(most),
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count('"finished"') == 40


def test_a_command_of_3_mb_and_what_cannot_start_harm_no_sibling(folder: Folder) -> None:
    folder.write("big.txt", "x" * 3_000_000)
    folder.write("dir/file", "")
    folder.write(
        "study.py",
        "import taskrun\n"
        "manager = taskrun.Manager('study')\n"
        "big = open('big.txt').read()\n"
        "manager.task_new('text', 'true ' + big)\n"
        "manager.task_new('words', ['true', big])\n"
        "manager.task_new('directory', 'echo', stdout='dir')\n"
        "manager.task_new('program', ['no-such-program'])\n"
        "manager.task_new('cwd', 'echo', cwd='nowhere')\n"
        "manager.task_new('good', 'touch good')\n",
    )
    run = folder.taskrun("run", "study.py")
    assert run.returncode == 1
    assert (folder.path / "good").exists()
    assert folder.taskrun("status", "study.py", "--json").stdout.count('"could not start"') == 4, run.stderr
    for words in ("Argument list too long", "dir: Is a directory", "no-such-program: No such", "nowhere: No such"):
        assert words in run.stderr


def test_200_mb_on_both_streams_leave_the_runners_memory_flat(folder: Folder) -> None:
    peaks = []
    for text in ("true", "head -c 200000000 /dev/zero & head -c 200000000 /dev/zero >&2; wait"):
        folder.write("sweep.yaml", f"steps:\n  a: {{run: '{text}', always: true}}\n")
        run = folder.start("run", "-q")
        assert run.stderr is not None
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        assert run.returncode == 0
        peaks.append(usage.ru_maxrss)
        shutil.rmtree(folder.path / ".taskrun")
    assert peaks[1] < peaks[0] * 1.1 + 2000, peaks


def test_500_tasks_that_wait_for_one_hold_no_thread(folder: Folder) -> None:
    folder.write(
        "sweep.yaml",
        "sweep: {i: {from: 1, to: 500}}\nsteps:\n"
        "  first: touch begun; until [ -e go ]; do sleep 0.05; done\n"
        "  rest: {run: 'true', per: i, after: first}\n",
    )
    run = folder.start("run", "-j", "8")
    wait_until((folder.path / "begun").exists)
    threads = len(os.listdir(f"/proc/{run.pid}/task"))
    assert threads <= 2, "the runner's, and the one that syncs"
    (folder.path / "go").touch()
    run.communicate(timeout=60)
    assert run.returncode == 0
