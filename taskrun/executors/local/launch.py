"""From a task to its process: environment, streams, command, start; and what is said where that fails.

Whatever a command, a path or the machine's limits can cause comes out as one `CouldNotStart` with the system's words.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

from taskrun.executors.base import Attempt
from taskrun.executors.local.binding import bound_to
from taskrun.executors.local.commands import Command, direct_command, long_text, niced, plain_command
from taskrun.executors.local.ends import Peak
from taskrun.executors.local.environment import Environments, Surroundings, Variables
from taskrun.executors.local.shims import Shims
from taskrun.executors.local.spawn import Spawner
from taskrun.executors.local.streams import Streams, discard_if_empty, first_obstacle, streams_of
from taskrun.model import Grant, Task
from taskrun.names import log_name, script_name

_SHORTAGES = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class CouldNotStart(Exception):
    """There is no process; `str` names what stood in the way. `is_shortage`: it may be gone once others have ended."""

    def __init__(self, words: str, *, is_shortage: bool = False) -> None:
        super().__init__(words)
        self.is_shortage = is_shortage


class Child:
    """A process of ours. `start` and `began` are its start by the epoch and by the steady clock, `before` and `ticks`
    by the start clock, just before and as found; `peak` is our own peak memory just after it, where asked. `result`:
    where it is a shim, its result file. `is_asked`: it was asked to end. `grant`: what it has for itself.
    """

    __slots__ = (
        "attempt", "before", "began", "grant", "is_asked", "peak", "pid", "result", "round", "script", "start",
        "streams", "task", "ticks",
    )  # fmt: skip

    def __init__(self, task: Task, attempt: Attempt, grant: Grant, streams: Streams, result: str) -> None:
        self.task = task
        self.attempt = attempt.number
        self.round = attempt.round
        self.grant = grant
        self.streams = streams
        self.result = result
        self.is_asked = False
        self.script = ""
        self.pid = 0
        self.before = 0
        self.ticks: int | None = None
        self.peak: int | None = None
        self.start = time.time()
        self.began = time.monotonic()

    def clean_up(self) -> bool:
        """Keep neither a script nor an empty log; whether the log was empty, which nobody asks again."""
        log, script = self.streams.log, self.script
        self.leave()
        if script:
            _remove(script)
        return log is not None and discard_if_empty(log)

    def leave(self) -> None:
        """Its log and its script are still in use, whatever became of this process."""
        self.streams.log, self.script = None, ""


class Launcher:
    """Starts the tasks of one study, under `shims` where asked to; `state` is absolute."""

    def __init__(
        self, root: str, state: str, run: str, most_cores: Fraction, *, shims: Shims, owns_process: bool
    ) -> None:
        self._root = root
        self._state = state
        self._shims = shims
        self._made: set[str] = set()
        self.peak = Peak()
        self._environments = Environments(os.environb, run, most_cores)
        self._spawner = Spawner(root, owns_process=owns_process)

    def launch(
        self, task: Task, attempt: Attempt, grant: Grant, read_clock: Callable[[], int], *, result: str = ""
    ) -> Child:
        """A process that runs, under a shim if that is to write a `result`. CouldNotStart leaves nothing behind."""
        log = f"{self._state}/{log_name(task.name, attempt.number)}"
        streams = streams_of(task.stdout, task.stderr, root=self._root, log=log)
        child = Child(task, attempt, grant, streams, result)
        directory = os.path.join(self._root, task.cwd) if task.cwd else self._root
        try:
            if streams.log is not None:
                self._make_parent(streams.log)
            if streams.log != streams.output or streams.error is not None:
                streams.refuse_pipes()
            around = self._environments.around(task, directory)
            variables = around.of(task, attempt.round, grant.gpus)
            child.before = read_clock()
            if grant.pinned:
                with bound_to(grant.pinned):
                    child.pid = self._start(child, around, variables, directory)
            else:
                child.pid = self._start(child, around, variables, directory)
        except OSError as error:
            child.clean_up()
            is_shortage = error.errno in _SHORTAGES
            raise CouldNotStart(self._words(error, directory), is_shortage=is_shortage) from error
        except ValueError as error:  # a NUL, or text that has no bytes
            child.clean_up()
            raise CouldNotStart(f"no program can be given this: {error}") from error
        child.peak = self.peak.at_start(child.began)
        return child

    def clean_up(self, task: str, attempt: int) -> None:
        """As for a child, for an attempt of an earlier run that is over."""
        discard_if_empty(f"{self._state}/{log_name(task, attempt)}")
        _remove(f"{self._state}/{script_name(task, attempt)}")

    def close(self) -> None:
        """Give back descriptors and the current directory."""
        self._spawner.close()

    def _start(self, child: Child, around: Surroundings, variables: Variables, directory: str) -> int:
        action, by, may_search = child.task.action, child.task.traits.nice, not child.result
        direct = None if by else direct_command(action, around, child.round, may_search=may_search)
        if direct is not None:
            try:
                pid = self._spawn(child, direct, variables, directory)
            except OSError:
                pass  # bash finds out, and says so as bash does
            else:
                self._note_found(child, around, direct)
                return pid
        text = long_text(action, child.round)
        if text is not None:
            child.script = self._write_script(child, text)
        command = plain_command(action, around, child.round, directory, child.script, may_search=may_search)
        if by:
            command = niced(command, by, around.path, directory)
        try:
            pid = self._spawn(child, command, variables, directory)
        except OSError as error:
            if error.errno == errno.ENOENT and self._has_lost_its_state(child.streams):
                return self._spawner.spawn(command, variables, child.streams, directory)
            raise _explained(error, command, child.streams, directory) from error
        if not by:
            self._note_found(child, around, command)
        return pid

    def _note_found(self, child: Child, around: Surroundings, command: Command) -> None:
        """From now on the system may search for the program that has just been started without a shim."""
        name = command[1][0]
        if "/" not in name and self._spawner.searches and around.is_our_path and not child.result:
            around.searched.add(name)

    def _spawn(self, child: Child, command: Command, variables: Variables, directory: str) -> int:
        if child.result:
            try:
                self._make_parent(child.result)
                _make_empty(child.result)
                shim = self._shims.wrap(command, child.result)
                return self._spawner.spawn(shim, self._shims.around(variables), child.streams, directory)
            except OSError:
                _remove(child.result)
                child.result = ""  # what stands in the way is told of the command itself, or stands in the shim's only
        return self._spawner.spawn(command, variables, child.streams, directory)

    def _write_script(self, child: Child, text: str) -> str:
        path = f"{self._state}/{script_name(child.task.name, child.attempt)}"
        self._make_parent(path)
        with open(path, "wb") as file:
            file.write(os.fsencode(text))
        return path

    def _make_parent(self, path: str) -> None:
        parent = path[: path.rindex("/")]
        if parent not in self._made:
            os.makedirs(parent, exist_ok=True)
            self._made.add(parent)

    def _has_lost_its_state(self, streams: Streams) -> bool:
        """Whether somebody has removed the directory of the log, which is there again now."""
        if streams.log is None or os.path.isdir(os.path.dirname(streams.log)):
            return False
        self._made.clear()
        self._make_parent(streams.log)
        return True

    def _words(self, error: OSError, directory: str) -> str:
        """`sims/mesh: No such file or directory`, with the path as the study knows it."""
        path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
        shown = path.removeprefix(self._root + "/")
        if path == directory:
            return f"its working directory {shown}: {error.strerror}"
        return f"{shown}: {error.strerror}" if shown else str(error.strerror)


def _explained(error: OSError, command: Command, streams: Streams, directory: str) -> OSError:
    """The error with the path that it is about: the system tells no more than a number."""
    program, words = command
    if error.filename not in (None, program):
        return error
    obstacle = first_obstacle(streams, directory)
    if obstacle is not None:
        return obstacle
    number = error.errno or 0
    reason = os.strerror(number)
    if number == errno.ENOENT and os.path.isfile(os.path.join(directory, program)):
        reason = f"bad interpreter: {reason}"
    return OSError(number, reason, words[0])


def _make_empty(path: str) -> None:
    """So that a result file without a word is that of a shim that never began, and none is one that was removed."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666))


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
