"""What a command costs: wall time, CPU of its own and of its commands, peak memory, and how often it wakes up.

The process itself is looked at, as a zombie between its end and its burial: no tool stands between. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds: as finely as the system tells CPU time of a process without its children
MIB = 2**20
PATIENCE = 60.0  # seconds until as many commands run as were asked for


class FailedError(Exception):
    """A command did not do what is to be measured; says which, and what it said."""


class Usage(NamedTuple):
    """Seconds of wall time, of its own CPU and of that of its commands; bytes of memory at the peak."""

    wall: float
    own: float
    commands: float
    peak: int


class Idle(NamedTuple):
    """What a process did while its commands ran: seconds of CPU, and how often it woke up."""

    cpu: float
    wakes: int


class Spread(NamedTuple):
    """The median of some measurements, the least and the most."""

    median: float
    least: float
    most: float

    def times(self, factor: float) -> Spread:
        return Spread(*(value * factor for value in self))


def spread(values: Iterable[float]) -> Spread:
    found = sorted(values)
    middle = len(found) // 2
    median = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    return Spread(median, found[0], found[-1])


def used(command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end. FailedError where that is not exit status 0."""
    begin = time.perf_counter()
    process = _started(command, folder, more)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - begin
    own, commands = _cpu(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedError(_complaint(command, folder, more, process.returncode))
    # A child begins with the peak of who starts it, and the commands are no larger than their runner: what is above
    # our own peak is the runner's. What is below (see `least_peak`) cannot be told.
    return Usage(wall, own, commands, usage.ru_maxrss * 1024)


def least_peak() -> int:
    """Bytes: a command whose peak is no more than that may have needed less."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def said(command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> str:
    """What a command writes to its standard output. FailedError where it fails."""
    done = _heard(command, folder, more)
    if done.returncode:
        raise FailedError(_words(command, done.returncode, done.stderr or done.stdout))
    return done.stdout


def idle(
    command: Sequence[str], folder: Path, more: Mapping[str, str], *, children: int, settle: float, seconds: float
) -> Idle:
    """What a runner does for so many seconds while so many commands of its run; they are waited for."""
    process = _started(command, folder, more)
    deadline = time.monotonic() + PATIENCE
    while len(_children(process.pid)) < children:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise FailedError(f"{command[0]} in {folder} never ran {children} commands at once")
        time.sleep(0.02)
    time.sleep(settle)  # what follows the start is no waiting yet
    before = _awake(process.pid)
    time.sleep(seconds)
    after = _awake(process.pid)
    are_running = len(_children(process.pid)) >= children
    if process.wait():
        raise FailedError(_words(command, process.returncode, ""))
    if not are_running:
        raise FailedError(f"{command[0]} in {folder}: the commands ended while it was looked at")
    return Idle(after.cpu - before.cpu, after.wakes - before.wakes)


def _started(command: Sequence[str], folder: Path, more: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    os.sync()  # what the last one left to be written is not this one's burden
    return subprocess.Popen(
        command, cwd=folder, env={**os.environ, **(more or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _cpu(pid: int) -> tuple[float, float]:
    """Seconds of a process's own CPU and of its buried children's: `wait4` adds them up."""
    own_user, own_system, user, system = map(int, _stat(pid)[11:15])
    return (own_user + own_system) * TICK, (user + system) * TICK


def _stat(pid: int) -> list[str]:
    """The fields of the system's line behind the name, which may hold anything: the state comes first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[str]:
    return [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def _awake(pid: int) -> Idle:
    """CPU in seconds (as the scheduler counts: to the nanosecond) and voluntary switches of all threads so far."""
    cpu = wakes = 0
    for path in Path(f"/proc/{pid}/task").iterdir():
        cpu += int((path / "schedstat").read_text().split()[0])
        lines = (path / "status").read_text().splitlines()
        wakes += next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return Idle(cpu / 1e9, wakes)


def _complaint(command: Sequence[str], folder: Path, more: Mapping[str, str] | None, code: int) -> str:
    """What a command says when it fails once more: while it was measured nobody listened."""
    again = _heard(command, folder, more)
    return _words(command, code, again.stderr or again.stdout)


def _heard(command: Sequence[str], folder: Path, more: Mapping[str, str] | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **(more or {})}
    return subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _words(command: Sequence[str], code: int, text: str) -> str:
    return "\n".join([f"{' '.join(command)}: exit status {code}", *text.splitlines()[-20:]])


if not sys.platform.startswith("linux"):
    sys.exit("bench: what a process costs is read from /proc, which only Linux has")
