"""The shims of one run: which commands get one, how it is started, which group is its command's, what it leaves.

A shim is never signalled, only what runs under it. Its file goes once the end is on record, and not before.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from taskrun.executors.local.commands import Command
from taskrun.executors.local.ends import signal_group
from taskrun.executors.local.environment import Variables
from taskrun.executors.shim import HIDDEN, MARK, REFUSED
from taskrun.history import Foresight
from taskrun.machine import began_with, boot_id, children, is_alive
from taskrun.model import UNSEEN, Cause, Ended, Task
from taskrun.names import result_name
from taskrun.results import Result, is_blank, note_asked, read_result

_SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shim.py")
_HIDDEN = tuple(name.encode() for name in HIDDEN)
_PREFIX = f"{MARK}_".encode()
_OF_THE_LOADER = (b"LD_", b"DYLD_")


class Shims:
    """`state` is absolute. `foresight`: None where no task is to have a shim. `is_recorded`: whether the end of a
    task's attempt, named and numbered, is on record.
    """

    def __init__(self, state: str, foresight: Foresight | None, is_recorded: Callable[[str, int], bool]) -> None:
        self._state = state
        self._foresight = foresight
        self._is_recorded = is_recorded
        self._python = _interpreter() if foresight is not None else ""
        self._inherited: dict[bytes, bytes] | None = None
        self._over: dict[str, tuple[str, int]] = {}

    def path(self, task: str, attempt: int) -> str:
        """Where the shim of an attempt says how it ended."""
        return f"{self._state}/{result_name(task, attempt)}"

    def wanted(self, task: Task, attempt: int) -> str:
        """The result file of an attempt about to start; "" where it needs no shim, or none can be had.

        One with a memory limit has one: nothing that came from it is lost sight of then.
        """
        if self._foresight is None or not self._python:
            return ""
        is_wanted = task.traits.has_memory_limit or self._foresight.is_long(task.name, task.step.name)
        return self.path(task.name, attempt) if is_wanted else ""

    def wrap(self, command: Command, result: str) -> Command:
        """The shim's command for a command."""
        program, words = command
        return self._python, (self._python, "-I", "-S", "-X", "utf8", _SCRIPT, result, program, *words)

    def around(self, variables: Variables) -> Variables:
        """The shim's environment: the command's, but for what would change Python, which comes under other names."""
        if self._inherited is None:
            self._inherited = {name: value for name, value in os.environb.items() if name.startswith(_OF_THE_LOADER)}
            self._inherited[MARK.encode()] = boot_id().encode()
        return _disguised(variables) | self._inherited

    def learn(self, task: Task, ended: Ended) -> None:
        """From the end of a task, for those to come."""
        if self._foresight is not None and ended.exit_code == 0:
            self._foresight.add(task.step.name, ended.seconds)

    def note_over(self, task: str, attempt: int, cause: Cause | None = None) -> None:
        """A result file has been read, if there was one; it goes when the end is on record. `cause`: as of the end."""
        self._over[self.path(task, attempt)] = task, attempt
        if self._foresight is not None and cause in UNSEEN:
            self._foresight.distrust(task)

    def tidy(self) -> None:
        """Remove the files of what is on record by now."""
        if not self._over:
            return
        for path, (task, attempt) in list(self._over.items()):
            if self._is_recorded(task, attempt):
                del self._over[path]
                with suppress(OSError):
                    os.unlink(path)

    def forget(self) -> None:
        """In a forked child: the files are its parent's."""
        self._over.clear()


def is_shim(pid: int) -> bool:
    """Whether a process of ours is a shim."""
    return began_with(pid, {MARK: boot_id()})


def command_of(shim: int, result: str) -> int | None:
    """The process, and so the group, that a living shim has started; None where there is none yet, 0 where there is
    none any more. To be asked anew before each signal.

    Orphans of the command come to be children of the shim too, but behind it.
    """
    found = read_result(result)
    if found is not None and found.command is not None:
        return found.command.pid if is_alive(found.command) else 0
    for pid in children(shim):
        with suppress(OSError):
            if os.getpgid(pid) == pid:  # it leads its session already
                return pid
    return None


def never_began(result: str, status: int, found: Result | None) -> bool:
    """Whether a shim that left with `status` had failed before it started anything: no disk, no process, no Python.

    Where its word was removed meanwhile, or cannot be read now, its exit code is the command's.
    """
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    has_failed = code == REFUSED or found is not None or is_blank(result)
    return bool(code) and has_failed and os.path.exists(result)


def signal_command(shim: int, group: int | None, number: int, result: str) -> None:
    """Ask a command to end, or end it, where there is one (`group`); a shim that somebody has stopped goes on."""
    if group:
        note_asked(result)
        signal_group(group, number, signal.SIGCONT)
    with suppress(OSError):
        os.kill(shim, signal.SIGCONT)


def _interpreter() -> str:
    """The Python to run the shim with; "" where what runs us is none, or is one that needs its environment."""
    program = sys.executable or ""
    is_python = os.path.basename(program).startswith(("python", "pypy"))
    return program if is_python and "PYTHONHOME" not in os.environ and os.path.isfile(_SCRIPT) else ""


def _disguised(variables: Mapping[bytes, bytes]) -> Variables:
    return {_PREFIX + name if name.startswith(_HIDDEN) else name: value for name, value in variables.items()}
