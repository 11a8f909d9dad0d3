"""Attempts that an earlier run left alive: found again, watched, never reaped (they are not our children).

A process is taken for the recorded one only by its identity, or by what its environment holds.
"""

from __future__ import annotations

import os
import select

from msgspec import Struct

from taskrun.machine import Identity, began_with, group_members, is_alive, start_ticks

LOOK = 0.1  # seconds between two looks at them


class Adoption(Struct, frozen=True):
    """One process that is not our child."""

    task: int
    attempt: int
    process: Identity


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
        self.known[adoption.task] = adoption
        try:
            fd = os.pidfd_open(adoption.process.pid)
        except (AttributeError, OSError):
            self._asked.add(adoption.task)
            return
        self._by_fd[fd] = adoption.task
        self._poll.register(fd, select.POLLIN)
        if not is_alive(adoption.process):  # it died before there was a descriptor, which may be another's
            self._asked.add(adoption.task)

    def get(self, task: int) -> Adoption | None:
        """The one of this task, if it is still watched."""
        return self.known.get(task)

    def is_alive(self, adoption: Adoption) -> bool:
        """Whether it still lives, and may be signalled by its number."""
        return is_alive(adoption.process)

    def take_gone(self) -> list[Adoption]:
        """Those that have ended; they are watched no longer."""
        gone = {self._by_fd[fd] for fd, _ in self._poll.poll(0)}
        gone.update(task for task in self._asked if not is_alive(self.known[task].process))
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
