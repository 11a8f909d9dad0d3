"""How a process is started: posix_spawn wherever it can serve, else Popen; never a fork of the runner's memory.

A new process leads a session of its own, has all signals at their defaults and none blocked, and no descriptor of
ours. posix_spawn has no cwd: where the process is ours we stand in the task's directory for the moment of the start;
in a host program, where others may stand elsewhere, the C library's own takes one.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskrun.descriptors import above_standard
from taskrun.executors.local.commands import Command
from taskrun.executors.local.environment import Variables
from taskrun.executors.local.streams import FileAction, Streams

if TYPE_CHECKING:
    from taskrun.executors.local.native import NativeSpawner

_LOWEST = 3
_FIXED = (signal.SIGKILL, signal.SIGSTOP)


class Spawner:
    """Starts processes in any directory.

    With `owns_process` the current directory is `root` until `close`, but for the moment of a start elsewhere: other
    threads use absolute paths.
    """

    def __init__(self, root: str, *, owns_process: bool) -> None:
        self._root = root
        self._resets = _to_reset(owns_process=owns_process)
        self._null = above_standard(os.open(os.devnull, os.O_RDWR))
        if owns_process:
            _keep(_inheritable())
        self._native = None if owns_process else _native(self._resets)
        self._home: int | None = None
        self._here: int | None = None
        if owns_process:
            self._home = _directory(".")
            os.chdir(root)
            self._here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)

    @property
    def searches(self) -> bool:
        """Whether a program without a slash is searched for in this process's own PATH."""
        return self._here is not None

    def spawn(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        """The number of the new process. OSError or ValueError where the system or the text does not allow it."""
        if self._here is None:
            start = self._popen if self._native is None else self._native_spawn
            return start(command, variables, streams, directory)
        if directory == self._root:
            return self._posix_spawn(command, variables, streams, directory)
        os.chdir(directory)
        try:
            return self._posix_spawn(command, variables, streams, directory)
        finally:
            os.fchdir(self._here)

    def close(self) -> None:
        """Go back to where we were, and give back the descriptors."""
        if self._home is not None:
            os.fchdir(self._home)
            os.close(self._home)
        if self._here is not None:
            os.close(self._here)
        os.close(self._null)

    def _posix_spawn(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        program, words = command
        spawn = os.posix_spawn if "/" in program else os.posix_spawnp
        return spawn(
            program,
            words,
            variables,
            file_actions=streams.actions(self._null, ()),
            setsid=True,
            setsigmask=(),
            setsigdef=self._resets,
        )

    def _native_spawn(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        assert self._native is not None
        closes = () if self._native.closes_all else _closes()
        return self._native.spawn(command, variables, streams.actions(self._null, closes), directory)

    def _popen(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        """Where there is nothing better: what the calling thread blocks stays blocked in the new process, and of the
        signals that are ignored only SIGPIPE and SIGXFSZ are put back.
        """
        from subprocess import Popen

        program, words = command
        output, error = streams.open()
        try:
            process = Popen(
                words,
                executable=program,
                env=variables,
                cwd=directory,
                stdin=self._null,
                stdout=output,
                stderr=error,
                start_new_session=True,
            )
        finally:
            for fd in {output, error}:
                os.close(fd)
        process.returncode = 0  # so that it never waits for the child itself: that is our duty
        return process.pid


def _to_reset(*, owns_process: bool) -> tuple[int, ...]:
    """The signals that a new process is to have at their defaults: those that are ignored, now or in a host program's
    future. Handlers do not outlive an exec.
    """
    numbers = [int(number) for number in signal.valid_signals() if number not in _FIXED]
    if owns_process:
        numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_DFL]
    return tuple(numbers)


def _directory(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None  # deleted, or closed to us: there is no way back


def _keep(fds: Sequence[int]) -> None:
    """Hand these on no more. Not by closing each in each new process: posix_spawn refuses a number beyond the limit
    of open files, which a descriptor from before a `ulimit -n` may have.
    """
    for fd in fds:
        os.set_inheritable(fd, False)


def _closes() -> Sequence[FileAction]:
    """What closes the descriptors in a new process that a host program hands on to its own."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable() if fd < most]  # type: ignore[misc]


def _inheritable() -> Sequence[int]:
    """Descriptors that whoever started us left open: no task is to hold them."""
    try:
        known = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return []
    return [fd for fd in known if fd >= _LOWEST and _is_inheritable(fd)]


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False  # the one that listed the others, closed by now


def _native(resets: Sequence[int]) -> NativeSpawner | None:
    try:
        from taskrun.executors.local.native import NativeSpawner

        return NativeSpawner(resets)
    except (ImportError, AttributeError, OSError):  # another system, or a C library from before 2019
        return None
