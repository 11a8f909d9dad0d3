"""Runs commands on this machine, each as a process with a session of its own; one loop, no thread, nothing in between.

Everything that can go wrong with a command comes back as an `Ended`; what this executor starts, it ends.
"""

from __future__ import annotations

import os
import resource
import signal
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction

from taskrun.executors.base import Attempt, Grant
from taskrun.executors.local import adopt, ends
from taskrun.executors.local.launch import Child, CouldNotStart, Launcher
from taskrun.executors.local.wait import peek, watch
from taskrun.interrupt import KILL, Interrupts
from taskrun.machine import StartClock, find_process, marks, namespace, usable_cores
from taskrun.model import Cause, Ended, Handle, Happening, Interrupted, Spawned, Task, Tick

_STOLEN = "its exit status was taken by another part of the program that runs taskrun"
_FORKED = "this process was forked off the one that runs it"
_ORPHAN = "it outlived its runner, and nobody saw how it ended"
_TICK: tuple[Happening, ...] = (Tick(),)

_Result = tuple[int, resource.struct_rusage, float]  # as wait4 gave it, and when by the steady clock


class LocalExecutor:
    """Implements `executors.base.Executor`.

    `root`: the study's directory. `state`: the state directory, absolute or seen from `root`. `run`: this run's id.
    `jobs`: the cores to share (None: the usable ones). `grace`: seconds between SIGTERM and SIGKILL for what a task
    leaves behind. `owns_process`: nobody else in this process has children, signals or a current directory (the
    `taskrun` command); in a host program they are left alone.
    """

    def __init__(
        self,
        root: str,
        state: str,
        run: str,
        jobs: Fraction | None = None,
        *,
        grace: float = 10.0,
        owns_process: bool = False,
    ) -> None:
        root = os.path.abspath(root)
        cores = usable_cores() if jobs is None else jobs
        self.pools: Mapping[str, Fraction] = {"cores": cores}
        self._run = run
        self._grace = grace
        self._namespace = namespace()
        self._starts = StartClock()
        self._children: dict[int, Child] = {}
        self._pids: dict[int, int] = {}
        self._results: dict[int, _Result] = {}  # of children that were reaped before anybody asked
        self._adoptions = adopt.Adoptions()
        self._lingering = ends.Lingering(grace)
        self._interrupts = Interrupts()
        self._happened: list[Happening] = []
        self._is_stopped = False
        self._launcher = Launcher(root, os.path.join(root, state), run, cores, owns_process=owns_process)
        try:
            self._watch = watch(self._reap_early, owns_process=owns_process)
        except BaseException:
            self._launcher.close()
            raise
        _executors.add(self)

    # --- starting ----------------------------------------------------------------------------------------------------

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """See `Executor.start`."""
        if handle is not None:
            self._adopt(task, attempt, handle)
            return
        with self._watch.undisturbed():
            self._start(task, attempt)

    def _start(self, task: Task, attempt: Attempt) -> None:
        try:
            child = self._launcher.launch(task, attempt, self._starts.read)
        except CouldNotStart as error:
            self._happened.append(ends.not_started(task.index, attempt.number, str(error)))
            return
        pid = child.pid
        self._children[pid] = child
        self._pids[task.index] = pid
        self._watch.add(pid)
        ticks = self._starts.ticks(pid, child.before)
        found = Handle(self._run, attempt.number, attempt.round, pid, ticks, self._namespace)
        self._happened.append(Spawned(task.index, found))

    def _adopt(self, task: Task, attempt: Attempt, handle: Handle) -> None:
        process = find_process(task.name, handle)
        if process is None:
            if handle.pid is not None and adopt.leftovers(handle.pid, marks(task.name, handle)):
                self._lingering.notice(handle.pid)
            now = time.time()
            self._happened.append(Ended(task.index, attempt.number, now, now, cause=Cause.INTERRUPTED))
            return
        self._adoptions.add(adopt.Adoption(task.index, attempt.number, process))
        found = Handle(handle.run, handle.attempt, handle.round, process.pid, process.ticks, process.namespace)
        self._happened.append(Spawned(task.index, found))

    # --- waiting -----------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """See `Executor.wait`. AssertionError where there is nothing to wait for."""
        happened = self._happened
        if not happened:
            until = None if timeout is None else time.monotonic() + timeout
            while not self._step(until) and not happened:
                pass
        self._happened = []
        return happened or _TICK

    def _step(self, until: float | None) -> bool:
        """Sleep once, and see what came of it. True when there is nothing more to wait for."""
        remaining = None if until is None else until - time.monotonic()
        if self._lingering.groups or self._adoptions.known:
            self._block(self._nap(remaining))
            self._look()
        elif self._children or remaining is not None:
            self._block(remaining)
        else:
            raise AssertionError("waiting for nothing, for ever")
        if until is not None:
            return time.monotonic() >= until
        return not (self._children or self._lingering.groups or self._adoptions.known)

    def _nap(self, remaining: float | None) -> float:
        """How long to sleep at a stretch while there is something that no event tells of."""
        look = self._lingering.next_look() if self._lingering.groups else adopt.LOOK
        return look if remaining is None else min(look, remaining)

    def _block(self, timeout: float | None) -> None:
        ended, signals = self._watch.block(timeout)
        for pid in ended:
            self._reap(pid)
        for number in signals:
            self._happened.append(self._interrupts.receive(number))

    def _look(self) -> None:
        """At what is not our child."""
        if self._lingering.groups:
            self._lingering.tend()
        if self._adoptions.known:
            for gone in self._adoptions.take_gone():
                if ends.signal_group(gone.process.pid, 0):
                    self._lingering.notice(gone.process.pid)
                now = time.time()
                self._happened.append(Ended(gone.task, gone.attempt, now, now, cause=Cause.LOST, message=_ORPHAN))

    def _reap(self, pid: int) -> None:
        """Take the result of a child that looks over."""
        child = self._children[pid]
        try:
            result = self._result(pid)
        except ChildProcessError:
            self._lose(child, _STOLEN)
            return
        if result is None:
            return
        status, usage, moment = result
        try:
            os.killpg(pid, 0)
        except (ProcessLookupError, PermissionError):
            pass
        else:
            self._lingering.notice(pid)
        self._forget(child)
        has_peak = self._launcher.peak.is_exceeded(usage.ru_maxrss, child.peak)
        seconds = moment - child.began
        self._happened.append(
            ends.ended(child.task.index, child.attempt, child.start, seconds, status, usage, has_peak=has_peak)
        )

    def _result(self, pid: int) -> _Result | None:
        """How a child ended; None while it has not. ChildProcessError: somebody else was told."""
        try:
            reaped, status, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            if pid not in self._results:
                raise
            return self._results.pop(pid)
        return (status, usage, time.monotonic()) if reaped else None

    def _reap_early(self) -> bool:
        """Take all results that there are, before a handler of the host's takes them; the rest is done in turn."""
        before = len(self._results)
        for pid in list(self._children):
            with suppress(ChildProcessError):
                reaped, status, usage = os.wait4(pid, os.WNOHANG)
                if reaped:
                    self._results[pid] = status, usage, time.monotonic()
        return len(self._results) > before

    def _lose(self, child: Child, why: str) -> None:
        self._forget(child)
        seconds = time.monotonic() - child.began
        self._happened.append(ends.lost(child.task.index, child.attempt, child.start, seconds, why))

    def _forget(self, child: Child) -> None:
        del self._children[child.pid]
        del self._pids[child.task.index]
        self._watch.discard(child.pid)
        child.clean_up()

    def interrupt(self, numbers: Iterable[int]) -> None:
        """Signals that came before there was anybody to wait for them."""
        self._happened.extend(map(self._interrupts.receive, numbers))

    # --- ending ------------------------------------------------------------------------------------------------------

    def kill(self, task: Task, *, force: bool) -> None:
        """See `Executor.kill`."""
        number = signal.SIGKILL if force else signal.SIGTERM
        pid = self._pids.get(task.index)
        if pid is not None:
            self._kill(pid, number)
            return
        adoption = self._adoptions.get(task.index)
        if adoption is not None and self._adoptions.is_alive(adoption):
            ends.signal_group(adoption.process.pid, number, signal.SIGCONT)

    def _kill(self, pid: int, number: int) -> None:
        try:
            peek(pid)
        except ChildProcessError:
            return  # somebody else has reaped it: the number may be another's
        ends.signal_group(pid, number, signal.SIGCONT)

    def abandon(self) -> None:
        """In a forked child: the processes are its parent's, to be waited for and killed by nobody else."""
        self._is_stopped = True
        self._lingering = ends.Lingering(self._grace)
        for child in list(self._children.values()):
            child.streams.log, child.script = None, ""  # they are still in use
            self._lose(child, _FORKED)
        now = time.time()
        for adoption in self._adoptions.known.values():
            self._happened.append(Ended(adoption.task, adoption.attempt, now, now, cause=Cause.LOST, message=_FORKED))
        self._adoptions.close()

    def stop(self) -> None:
        """See `Executor.stop`: ends what still runs, and returns when all of it is gone."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._adoptions.close()
        try:
            self._end_everything()
        finally:
            self._watch.close()
            self._launcher.close()

    def _end_everything(self) -> None:
        for pid in list(self._children):
            self._kill(pid, signal.SIGTERM)
        until = time.monotonic() + self._grace
        is_forced = False
        while self._children or self._lingering.groups:
            self._block(self._lingering.next_look())
            self._lingering.tend(closely=True)
            asked = [found.level for found in self._happened if isinstance(found, Interrupted)]
            if not is_forced and (asked or time.monotonic() >= until):
                is_forced = True
                self._kill_everything()
            elif is_forced and KILL in asked:
                return  # what SIGKILL does not end (a dead disk) is not worth more waiting
            self._happened.clear()

    def _kill_everything(self) -> None:
        for pid in list(self._children):
            self._kill(pid, signal.SIGKILL)
        self._lingering.kill()


_executors: weakref.WeakSet[LocalExecutor] = weakref.WeakSet()


def _abandon_all() -> None:
    for executor in list(_executors):
        executor.abandon()


os.register_at_fork(after_in_child=_abandon_all)
