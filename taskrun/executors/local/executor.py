"""Runs commands on this machine, each as a process with a session of its own; one loop, no thread, nothing in between.

Everything that can go wrong with a command comes back as an `Ended`; what this executor starts, it ends.
"""

from __future__ import annotations

import os
import signal
import time
import weakref
from collections.abc import Callable, Iterable, Sequence

from taskrun.executors.base import Attempt
from taskrun.executors.local import adopt, ends
from taskrun.executors.local.children import Children
from taskrun.executors.local.kills import Kills, Tree
from taskrun.executors.local.launch import Child, CouldNotStart, Launcher
from taskrun.executors.local.memory import Kernel, Limits
from taskrun.executors.local.orphans import Finder, Orphans, nobody
from taskrun.executors.local.postponed import Postponed, Start
from taskrun.executors.local.shims import Shims, command_of, never_began, signal_command
from taskrun.executors.local.wait import looks_over, watch
from taskrun.history import Foresight
from taskrun.interrupt import Interrupts
from taskrun.machine import StartClock, marks, namespace, usable_cores
from taskrun.model import KILL, Ended, Grant, Handle, Happening, Interrupted, Spawned, Task, Tick
from taskrun.pools import CORES, Supply
from taskrun.results import Result, Survivor, found_over, is_held, read_result, survivor, told

_STOLEN = "its exit status was taken by another part of the program that runs taskrun"
_FORKED = "this process was forked off the one that runs it"
_ORPHAN = "it outlived its runner, and nobody saw how it ended"
_SHIMLESS = "its shim (the process of taskrun above it) was killed, so that nobody saw how it ended"
_TICK: tuple[Happening, ...] = (Tick(),)


class LocalExecutor:
    """Implements `executors.base.Executor`.

    `root`: the study's directory. `state`: the state directory, absolute or seen from `root`. `run`: this run's id.
    `supply`: what there is to share (None: the usable cores). `grace`: seconds between SIGTERM and SIGKILL for what is
    left behind. `owns_process`: nobody else in this process has children, signals or a current directory (the
    `taskrun` command); in a host program they are left alone. `foresight` says which tasks get a shim (None: none), and
    is told of what succeeds; `is_recorded` says whether the end of a task's attempt, named and numbered, is on record.
    """

    def __init__(
        self,
        root: str,
        state: str,
        run: str,
        supply: Supply | None = None,
        *,
        grace: float = 10.0,
        owns_process: bool = False,
        foresight: Foresight | None = None,
        is_recorded: Callable[[str, int], bool] = lambda task, attempt: True,
    ) -> None:
        root, state = os.path.abspath(root), os.path.join(os.path.abspath(root), state)
        supply = supply or Supply({CORES: usable_cores()})
        self.pools, self.units = supply.pools, supply.units
        self._run = run
        self._grace = grace
        self._namespace = namespace()
        self._starts = StartClock()
        self._children = Children()
        self._adoptions = adopt.Adoptions()
        self.lingering = ends.Lingering(grace)  # which tells whoever wants to know what `stop` waits for
        self._kills = Kills(grace)
        self._orphans = Orphans(self._children, self._kills.known)
        self._limits = Limits()
        self._kernel = Kernel()
        self._postponed = Postponed()
        self._interrupts = Interrupts()
        self._happened: list[Happening] = []
        self._is_stopped = False
        self._shims = Shims(state, foresight, is_recorded)
        self._launcher = Launcher(root, state, run, self.pools[CORES], shims=self._shims, owns_process=owns_process)
        try:
            self._watch = watch(self._children.reap_early, self._orphans, owns_process=owns_process)
        except BaseException:
            self._launcher.close()
            raise
        _executors.add(self)

    # --- starting ----------------------------------------------------------------------------------------------------

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """See `Executor.start`."""
        self._shims.tidy()
        if handle is not None:
            self._adopt(task, attempt, handle)
            return
        with self._watch.undisturbed():
            self._start(task, attempt, grant, self._shims.wanted(task, attempt.number))

    def _start(self, task: Task, attempt: Attempt, grant: Grant, result: str = "") -> None:
        self._orphans.keep(is_shimmed=bool(result))
        try:
            child = self._launcher.launch(task, attempt, grant, self._starts.read, result=result)
        except CouldNotStart as error:
            if error.is_shortage and self._children:
                self._postponed.put(Start(task, attempt, grant, result))
                return
            self._happened.append(ends.not_started(task.index, attempt.number, str(error), error.is_shortage))
            return
        pid = child.pid
        self._children.add(child)
        self._watch.add(pid)
        self._limits.watch(task, pid)
        child.ticks = self._starts.ticks(pid, child.before, may_be_rough=not child.result)
        found = Handle(self._run, attempt.number, attempt.round, pid, child.ticks, self._namespace)
        self._happened.append(Spawned(task.index, found))

    def _adopt(self, task: Task, attempt: Attempt, handle: Handle) -> None:
        path = self._shims.path(task.name, handle.attempt)
        adoption = adopt.search(task, handle, path)
        if adoption is None:
            result, group = adopt.left_by(task.name, handle, path)
            if group:
                self.lingering.notice(group, task.name)
            self._end_of_earlier(task.index, task.name, attempt.number, result)
            return
        self._adoptions.add(adoption)
        self._limits.watch(task, adoption.process.pid)
        pid, ticks, space = adoption.process.pid, adoption.process.ticks, adoption.process.namespace
        known = Handle(handle.run, handle.attempt, handle.round, pid, ticks, space, handle.host, adoption.is_seen)
        self._happened.append(Spawned(task.index, known))

    # --- waiting -----------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """See `Executor.wait`. AssertionError where there is nothing to wait for."""
        self._shims.tidy()
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
        look = self._next_look()
        if look is not None:
            self._block(look if remaining is None else min(look, remaining))
            self._look()
        elif self._children or remaining is not None:
            self._block(remaining)
        else:
            raise AssertionError("waiting for nothing, for ever")
        if until is not None:
            return time.monotonic() >= until
        return not self._children and self._next_look() is None

    def _next_look(self) -> float | None:
        """Seconds until `_look` is to be called; None where nothing is going on that no event tells of."""
        soonest = None
        for noun in (self.lingering, self._adoptions, self._kills, self._limits, self._postponed):
            look = noun.next_look
            if look is not None and (soonest is None or look < soonest):
                soonest = look
        return soonest

    def _block(self, timeout: float | None) -> None:
        ended, signals = self._watch.block(timeout)
        for pid in ended:
            self._reap(pid)
        self.interrupt(signals)

    def _look(self) -> None:
        """At what no event tells of."""
        self._try_again()
        self.lingering.tend()
        for gone in self._adoptions.take_gone():
            self._see_gone(gone)
        for task in self._limits.exceeded():
            self.kill(task, force=True)
        self._happened.extend(self._kills.tend())
        for start in self._postponed.take():
            with self._watch.undisturbed():
                self._start(start.task, start.attempt, start.grant, start.result)

    def _see_gone(self, gone: adopt.Adoption) -> None:
        held = is_held(gone.result) is True
        result = read_result(gone.result, gone.handle.run)
        heir = adopt.heir(gone, held=held, result=result)
        if heir is not None:
            self._adoptions.add(heir)
            return
        leader = gone.process if result is None or result.command is None else result.command
        if leader.namespace == self._namespace and ends.signal_group(leader.pid, 0):
            self.lingering.notice(leader.pid, gone.task)
        lost = _SHIMLESS if gone.handle.run == self._run else _ORPHAN
        self._end_of_earlier(gone.index, gone.task, gone.handle.attempt, result, lost=lost, since=gone.since)

    def _end_of_earlier(
        self, index: int, task: str, attempt: int, result: Result | None, *, lost: str = "", since: float = 0.0
    ) -> None:
        """An attempt that is no child of ours is over; `lost` and `since` are as in `found_over`."""
        self._launcher.clean_up(task, attempt)
        ended = found_over(index, attempt, result, lost=lost, since=since)
        self._shims.note_over(task, attempt, ended.cause)
        self._tell(ended)

    def _reap(self, pid: int) -> None:
        """Take the result of a child that looks over."""
        child = self._children[pid]
        try:
            result = self._children.result(pid)
        except ChildProcessError:
            self._lose(child, _STOLEN)
            return
        if result is None:
            return
        status, usage, moment = result
        has_peak = self._launcher.peak.is_exceeded(usage.ru_maxrss, child.peak)
        seconds = moment - child.began
        is_silent = not child.result and child.clean_up()
        ended = ends.ended(
            child.task.index, child.attempt, child.start, seconds, status, usage,
            has_peak=has_peak, is_silent=is_silent,
        )  # fmt: skip
        if child.result:
            self._end_shimmed(child, status, ended)
        else:
            self._end(child, pid, ended)

    def _lose(self, child: Child, why: str) -> None:
        seconds = time.monotonic() - child.began
        ended = ends.lost(child.task.index, child.attempt, child.start, seconds, why)
        if child.result:
            self._end_shimmed(child, signal.SIGKILL, ended)
        else:
            self._end(child, 0, ended)

    def _end_shimmed(self, child: Child, status: int, ended: Ended) -> None:
        """A shim is over; `status` and `ended` say how, and count where it has not said how its command ended."""
        found = read_result(child.result, self._run)
        command = found.command if found is not None else None
        if found is not None and found.end is not None:
            ended = told(child.task.index, child.attempt, child.start, found.end)
        elif status == signal.SIGKILL and self._follow_command(child, found):
            return
        self._shims.note_over(child.task.name, child.attempt)
        is_wanted = command is None and not child.is_asked and not self._is_stopped
        if is_wanted and never_began(child.result, status, found):
            self._forget(child)
            with self._watch.undisturbed():
                self._start(child.task, Attempt(child.attempt, child.round), child.grant)
            return
        self._end(child, command.pid if command is not None else 0, ended)

    def _follow_command(self, child: Child, found: Result | None) -> bool:
        """Whether a command outlives its shim; it is waited for then, though nobody will learn how it ended."""
        handle = Handle(self._run, child.attempt, child.round)
        process = survivor(child.task.name, handle, found)
        if process is None:
            return False
        child.leave()
        self._forget(child)
        self._adoptions.add(adopt.adopted(child.task, handle, child.result, Survivor(process), child.start))
        return True

    def _end(self, child: Child, group: int, ended: Ended) -> None:
        """A child is over, and what it left in its group (0: none is known to be its) with it."""
        if group and child.task.index not in self._kills.known and ends.signal_group(group, 0):
            self.lingering.notice(group, child.task.name)
        self._forget(child)
        self._shims.learn(child.task, ended)
        self._tell(ended)

    def _tell(self, ended: Ended) -> None:
        """That something has ended: where it was asked to, not before nothing is left of it."""
        self._postponed.hurry()
        ended = self._limits.seen(ended)
        if ended.task not in self._kills.known:
            ended = self._kernel.seen(ended)
        over = self._kills.hold(ended)
        if over is not None:
            self._happened.append(over)

    def _forget(self, child: Child) -> None:
        if child.task.index not in self._kills.known:
            self._orphans.leave()
        self._children.forget(child)
        self._watch.discard(child.pid)
        child.clean_up()

    def interrupt(self, numbers: Iterable[int]) -> None:
        """Signals that came before there was anybody to wait for them."""
        self._happened.extend(map(self._interrupts.receive, numbers))

    # --- ending ------------------------------------------------------------------------------------------------------

    def kill(self, task: Task, *, force: bool) -> bool:
        """See `Executor.kill`."""
        number = signal.SIGKILL if force else signal.SIGTERM
        child, adoption = self._children.of(task.index), self._adoptions.get(task.index)
        if (start := self._postponed.drop(task.index)) is not None:
            self._happened.append(Ended(task.index, start.attempt.number, now := time.time(), now))
        elif self._kills.insist(task.index, force=force):
            pass
        elif child is not None:
            return self._kill(child, number)
        elif adoption is not None and adoption.is_seen and adoption.is_alive:
            pid, group = adoption.process.pid, adoption.group
            self._signal(task, adoption.handle, number, root=pid, group=group, result=adoption.result)
        return True

    def _kill(self, child: Child, number: int) -> bool:
        if looks_over(child.pid):  # or somebody else has reaped it: the number may be another's
            return False
        child.is_asked = True
        handle = Handle(self._run, child.attempt, child.round)
        group = command_of(child.pid, child.result) if child.result else child.pid
        orphans = self._orphans.finder(child)
        self._signal(child.task, handle, number, root=child.pid, group=group, result=child.result, orphans=orphans)
        return True

    def _signal(
        self, task: Task, handle: Handle, number: int, *, root: int, group: int | None, result: str,
        orphans: Finder = nobody,
    ) -> None:  # fmt: skip
        """Under a shim that has just begun there is no command yet: later."""
        tree = Tree(root, group, marks(task.name, handle), is_shim=root != group, orphans=orphans) if group else None
        if root == group:
            ends.signal_group(group, number, signal.SIGCONT)
        else:
            signal_command(root, group, number, result)
        if tree is not None:
            self._kills.ask(task.index, tree, force=number == signal.SIGKILL)
        elif group is None:
            self._kills.put_off(task, force=number == signal.SIGKILL)

    def _try_again(self) -> None:
        for task, force in self._kills.take_unsent():
            self.kill(task, force=force)

    def abandon(self) -> None:
        """In a forked child: the processes are its parent's, to be waited for and killed by nobody else."""
        self._is_stopped = True
        self.lingering = ends.Lingering(self._grace)
        self._happened.extend(self._kills.abandon())
        now = time.time()
        for start in self._postponed.drop_all():
            self._happened.append(ends.lost(start.task.index, start.attempt.number, now, 0.0, _FORKED))
        for child in self._children:
            child.leave()
            child.result = ""
            self._lose(child, _FORKED)
        for adoption in self._adoptions.known.values():
            self._happened.append(ends.lost(adoption.index, adoption.handle.attempt, now, 0.0, _FORKED))
        self._adoptions.close()
        self._shims.forget()

    def stop(self) -> None:
        """See `Executor.stop`: ends what still runs, and returns when all of it is gone."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._kills.forget(self._adoptions.known)
        self._postponed.drop_all()
        self._adoptions.close()
        try:
            self._end_everything()
        finally:
            self._shims.tidy()
            self._watch.close()
            self._launcher.close()

    def _end_everything(self) -> None:
        for child in self._children:
            self.kill(child.task, force=False)
        until, is_forced = time.monotonic() + self._grace, False
        while self._children or self.lingering.groups or self._kills.known:
            self._block(self._next_look() or adopt.LOOK)
            self.lingering.tend(closely=True)
            self._kills.tend()
            self._try_again()
            asked = [found.level for found in self._happened if isinstance(found, Interrupted)]
            if not is_forced and (asked or time.monotonic() >= until):
                is_forced = True
                self._kill_everything()
            elif is_forced and KILL in asked:
                return  # what SIGKILL does not end (a dead disk) is not worth more waiting
            self._happened.clear()

    def _kill_everything(self) -> None:
        for child in self._children:
            self.kill(child.task, force=True)
        self.lingering.kill()
        self._kills.insist_all()


_executors: weakref.WeakSet[LocalExecutor] = weakref.WeakSet()
os.register_at_fork(after_in_child=lambda: list(map(LocalExecutor.abandon, list(_executors))))
