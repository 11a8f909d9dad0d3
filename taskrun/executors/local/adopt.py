"""Attempts that an earlier run left alive: found again, watched, never reaped (they are not our children).

A process is taken for the recorded one only by its identity, or by what its environment holds. Under a shim that is
the shim as long as it lives, else the command; where neither can be seen, the lock on the result file stands for them.
"""

from __future__ import annotations

import os
import select

from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.local.shims import command_of, is_shim
from taskrun.machine import (
    Identity,
    began_with,
    boot_id,
    find_leader,
    find_process,
    group_members,
    is_alive,
    marks,
    start_ticks,
)
from taskrun.model import Handle, Task
from taskrun.results import Result, is_held, read_result

LOOK = 0.1  # seconds between two looks at them


class Adoption(Struct, frozen=True):
    """One attempt of the task at `index` that is not our child's. `is_seen`: its process is one that we can see;
    where not, only the lock on its `result` file is.
    """

    index: int
    task: str
    handle: Handle
    result: str
    process: Identity
    is_seen: bool = True

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return is_alive(self.process) if self.is_seen else is_held(self.result) is True

    @property
    def group(self) -> int:
        """The process group of its command; 0 where there is none yet, or none that we can reach."""
        if not self.is_seen or not is_alive(self.process):
            return 0
        pid = self.process.pid
        return command_of(pid) if is_shim(pid) else pid


def search(task: Task, handle: Handle, path: str) -> Adoption | None:
    """A recorded attempt that is still alive, as a process or as the holder of its result file."""
    process = find_process(task.name, handle)
    if process is not None:
        return Adoption(task.index, task.name, handle, path, process)
    held = is_held(path)
    result = read_result(path, handle.run)
    if result is None or result.end is not None:
        return None
    process = survivor(task.name, handle, result)
    if process is not None:
        return Adoption(task.index, task.name, handle, path, process)
    return Adoption(task.index, task.name, handle, path, result.shim, is_seen=False) if held else None


def survivor(task: str, handle: Handle, result: Result | None) -> Identity | None:
    """What lives of an attempt whose shim was killed, or of which it is not known whether it was."""
    if result is None or result.command is None:
        return find_leader(marks(task, handle))  # the shim was killed before it could tell
    return next((known for known in (result.shim, result.command) if is_alive(known)), None)


def heir(gone: Adoption, *, held: bool, result: Result | None) -> Adoption | None:
    """What is to be watched in place of something that is gone, where that was not all of the attempt.

    `held`: as the lock was before the result was read.
    """
    if result is None or result.end is not None:
        return None
    if result.command is not None and result.command != gone.process and is_alive(result.command):
        return replace(gone, process=result.command, is_seen=True)
    return replace(gone, process=result.shim, is_seen=False) if held else None


def of_this_boot(result: Result | None) -> Result | None:
    """Nothing of what was written before the machine went down: the files of that time may be half there."""
    return result if result is not None and result.boot == (boot_id() or "-") else None


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

    def add(self, adoption: Adoption) -> None:
        """Watch it from now on."""
        self.known[adoption.index] = adoption
        try:
            fd = os.pidfd_open(adoption.process.pid) if adoption.is_seen else -1
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
        gone = {self._by_fd[fd] for fd, _ in self._poll.poll(0)}
        gone.update(task for task in self._asked if not self.known[task].is_alive)
        for fd, task in list(self._by_fd.items()):
            if task in gone:
                self._drop(fd)
        self._asked -= gone
        return [self.known.pop(task) for task in gone]

    def close(self) -> None:
        """Let go of all; they live on."""
        for fd in list(self._by_fd):
            self._drop(fd)
        self.known.clear()
        self._asked.clear()

    def _drop(self, fd: int) -> None:
        del self._by_fd[fd]
        self._poll.unregister(fd)
        os.close(fd)
