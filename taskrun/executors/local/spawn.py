"""How a process is started: posix_spawn wherever it can serve, else Popen; never a fork of the runner's memory.

A new process leads a session of its own, has all signals at their defaults and none blocked, and no descriptor of
ours. posix_spawn has no cwd: where the process is ours we stand in the task's directory for the moment of the start;
in a host program it serves where we stand there already, and no other thread can lead us elsewhere meanwhile.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Sequence

from taskrun.descriptors import above_standard
from taskrun.executors.local.commands import Command
from taskrun.executors.local.environment import Variables
from taskrun.executors.local.streams import FileAction, Streams

OWN_THREADS = "taskrun-"  # how the names of our own begin; they use absolute paths

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
        self._home: int | None = None
        self._here: int | None = None
        if owns_process:
            self._home = _directory(".")
            os.chdir(root)
            self._here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)

    def spawn(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        """The number of the new process. OSError or ValueError where the system or the text does not allow it."""
        if self._here is None:
            start = self._posix_spawn if _is_alone() and _is_here(directory) else self._popen
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
        return os.posix_spawn(
            program,
            words,
            variables,
            file_actions=streams.actions(self._null, () if self._here is not None else _closes()),
            setsid=True,
            setsigmask=(),
            setsigdef=self._resets,
        )

    def _popen(self, command: Command, variables: Variables, streams: Streams, directory: str) -> int:
        """Of the signals that the host program ignores only SIGPIPE and SIGXFSZ are put back here."""
        from subprocess import Popen

        program, words = command
        output, error = streams.open()
        mask = signal.pthread_sigmask(signal.SIG_SETMASK, ())
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
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
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


def _closes() -> list[FileAction]:
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


def _is_alone() -> bool:
    """Whether no thread of the host's could change the current directory just now."""
    here = threading.current_thread()
    return all(thread is here or thread.name.startswith(OWN_THREADS) for thread in threading.enumerate())


def _is_here(directory: str) -> bool:
    try:
        return os.getcwd() == directory or os.path.samefile(".", directory)
    except OSError:
        return False
