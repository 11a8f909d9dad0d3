"""Attempts that an earlier run left alive: found again, watched, never reaped (they are not our children).

What is watched is found as `results.survivors` says. What we can see is looked at often; a lock that stands for
something on another machine, which is a question to the file server, now and then.
"""

from __future__ import annotations

import os
import select
import time

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.local.shims import command_of, is_shim
from taskrun.machine import Identity, age, began_with, group_members, is_alive, marks, start_ticks
from taskrun.model import Handle, Task
from taskrun.results import (
    Result,
    Survivor,
    find_survivor,
    is_held,
    is_of_this_boot,
    is_trusted,
    read_result,
    written,
)

LOOK = 0.1  # seconds between two looks at what we can see
_FAR_LOOK = 1.0  # and at locks that stand for what we cannot
_MOST_OF_IT = 0.9  # a sleep of that time may be a little shorter


class Adoption(Struct, frozen=True):
    """One attempt of the task at `index` that is not our child's; `process` and `is_seen` as of a `Survivor`.

    `result`: the path of its result file; `since`: when it began, in seconds since the epoch.
    """

    index: int
    task: str
    handle: Handle
    result: str
    process: Identity
    since: float
    is_seen: bool = True

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        if self.is_seen:
            return is_alive(self.process)
        return is_held(self.result) is not False and os.path.exists(self.result)  # a file server may not answer now

    @property
    def group(self) -> int | None:
        """The process group of its command; None where there is none yet, 0 where there is none that we can reach."""
        if not self.is_seen or not is_alive(self.process):
            return 0
        pid = self.process.pid
        return command_of(pid, self.result) if is_shim(pid) else pid


def search(task: Task, handle: Handle, path: str) -> Adoption | None:
    """A recorded attempt that is still alive, as a process or as the holder of its result file."""
    found = find_survivor(task.name, handle, path)
    return None if found is None else adopted(task, handle, path, found)


def adopted(task: Task, handle: Handle, path: str, found: Survivor, since: float | None = None) -> Adoption:
    """The attempt as it is watched. `since`: when it began, where that is known better than from the process."""
    if since is None:
        since = time.time() - age(found.process) if found.is_seen else written(path)
    return Adoption(task.index, task.name, handle, path, found.process, since, found.is_seen)


def heir(gone: Adoption, *, held: bool, result: Result | None) -> Adoption | None:
    """What is to be watched in place of something that is gone, where that was not all of the attempt.

    `held`: as the lock was before the result was read.
    """
    if result is None or result.end is not None:
        return None
    command = result.command
    if command is not None and command != gone.process and is_of_this_boot(result) and is_alive(command):
        return replace(gone, process=command, is_seen=True)
    return replace(gone, process=result.shim, is_seen=False) if held else None


def left_by(task: str, handle: Handle, path: str) -> tuple[Result | None, int]:
    """What an attempt that lives no more has left: a result to go by, and a process group to end (0: none)."""
    result = read_result(path, handle.run)
    if result is not None and not is_trusted(result, handle):
        result = None
    group = handle.pid
    if result is not None and result.command is not None and is_of_this_boot(result):
        group = result.command.pid
    return result, group if group is not None and leftovers(group, marks(task, handle)) else 0


def leftovers(group: int, environment: dict[str, str]) -> bool:
    """Whether a group without its leader is still this attempt's, by what its members began with."""
    if start_ticks(group) is not None:
        return False  # somebody has the number as a process
    return any(began_with(pid, environment) for pid in group_members(group))


class Adoptions:
    """What is watched, by task. A pidfd each where there are such things: one call looks at all; else one by one."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.known: dict[int, Adoption] = {}
        self._by_fd: dict[int, int] = {}
        self._asked: set[int] = set()
        self._far: set[int] = set()
        self._far_due = 0.0

    @property
    def next_look(self) -> float | None:
        """Seconds until `take_gone` is to be called again; None where nothing is watched."""
        if not self.known:
            return None
        return _FAR_LOOK if len(self._far) == len(self.known) else LOOK

    def add(self, adoption: Adoption) -> None:
        """Watch it from now on."""
        self.known[adoption.index] = adoption
        if not adoption.is_seen:
            self._far.add(adoption.index)
            return
        try:
            fd = os.pidfd_open(adoption.process.pid)
        except (AttributeError, OSError):
            fd = -1
        if fd < 0:
            self._asked.add(adoption.index)
            return
        self._by_fd[fd] = adoption.index
        self._poll.register(fd, select.POLLIN)
        if not adoption.is_alive:  # it died before there was a descriptor, which may be another's
            self._asked.add(adoption.index)

    def get(self, task: int) -> Adoption | None:
        """The one of this task, if it is still watched."""
        return self.known.get(task)

    def take_gone(self) -> list[Adoption]:
        """Those that have ended; they are watched no longer."""
        if not self.known:
            return []
        gone = {self._by_fd[fd] for fd, _ in self._poll.poll(0)}
        gone.update(task for task in self._asked if not self.known[task].is_alive)
        gone.update(self._gone_far())
        for fd, task in list(self._by_fd.items()):
            if task in gone:
                self._drop(fd)
        self._asked -= gone
        self._far -= gone
        return [self.known.pop(task) for task in gone]

    def close(self) -> None:
        """Let go of all; they live on."""
        for fd in list(self._by_fd):
            self._drop(fd)
        self.known.clear()
        self._asked.clear()
        self._far.clear()

    def _gone_far(self) -> list[int]:
        if not self._far or time.monotonic() < self._far_due:
            return []
        gone = [task for task in self._far if not self.known[task].is_alive]
        self._far_due = time.monotonic() + _FAR_LOOK * _MOST_OF_IT
        return gone

    def _drop(self, fd: int) -> None:
        del self._by_fd[fd]
        self._poll.unregister(fd)
        os.close(fd)
