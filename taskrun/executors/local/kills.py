"""Killing an attempt dead: its process group first, then all that came from it, wherever that went.

SIGTERM is for the group; what is left once the command has ended gets it too, and after the grace SIGKILL goes to
everything, again and again until nothing is left: new processes may be forked meanwhile. Only then the attempt is over.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from taskrun.executors.local.kin import Process, Table, among, below, every_process, find, is_same, send, strike
from taskrun.executors.local.orphans import Finder, nobody
from taskrun.machine import began_with
from taskrun.model import Ended, Task

_SOON = 0.005  # seconds until a kill is tried again that found no command yet
_SHORTEST_LOOK = 0.005
_LONGEST_LOOK = 0.1
_SHARE = 0.1  # of the time may go into looking
_STRIKES = 10
_HOPELESS = 5.0  # seconds after SIGKILL: what still lives is not ours to kill, or waits for a dead disk


class Tree:
    """All that belongs to one attempt.

    `root`: the process at its top, which is not one of them where it is a shim (`is_shim`). `group`: the process group
    of its command, 0 where that is not known; `marks`: what its environment holds; `orphans` finds those that have
    become children of ours.
    """

    def __init__(
        self, root: int, group: int, marks: dict[str, str], *, is_shim: bool, orphans: Finder = nobody
    ) -> None:
        self._root = find(root)
        self.spared = root if is_shim else 0  # the group of a shim, which leads a session of its own too
        self._leader = find(group) if group else None
        self.group = group
        self._marks = marks
        self._is_shim = is_shim
        self._orphans = orphans
        self._seen: Table = {}
        self._has_group = bool(group)
        self.look()

    @property
    def is_led(self) -> bool:
        """Whether its command is there still."""
        return self._leader is not None and is_same(self._leader)

    @property
    def is_shimmed(self) -> bool:
        """Whether a shim lives that keeps all of it below itself."""
        return self._is_shim and self._root is not None

    def look(self) -> Table:
        """Those that live: below the shim, or, where there is none any more, wherever they are."""
        if self._root is not None and not is_same(self._root):
            self._root = None
        roots = [*self._seen] if self._root is None else [self._root.pid, *self._seen]
        if self.is_shimmed:
            found = below(roots)
        else:
            table = every_process()
            roots += [process.pid for process in table.values() if self._is_ours(process)]
            roots += self._orphans(table)
            found = among(table, roots)
            found.update((pid, table[pid]) for pid in roots if pid in table)
        found.update((pid, was) for pid, was in self._seen.items() if is_same(was))
        if self._root is not None and self._is_shim:
            found.pop(self._root.pid, None)
        found.pop(os.getpid(), None)
        self._seen = found
        self._has_group = self.is_led or any(process.group == self.group for process in found.values())
        return found

    def abandon(self) -> None:
        """Give it up: a shim that waits for what cannot be killed."""
        if self._root is not None and self._is_shim:
            send(self._root, signal.SIGKILL)

    def _is_ours(self, process: Process) -> bool:
        if process.pid == os.getpid():
            return False
        # The number of a group stays taken while there are members, and no longer.
        is_in_group = self._has_group and process.group == process.session == self.group
        return is_in_group or began_with(process.pid, self._marks)


class Kill:
    """One attempt that was asked to end."""

    def __init__(self, tree: Tree, grace: float) -> None:
        self.tree = tree
        self.ended: Ended | None = None  # how its command did, while something of it is left
        self._told: set[int] = set()
        self._due = time.monotonic() + grace
        self._forced = 0.0
        self._look = 0.0
        self.next = 0.0
        self.is_over = False
        self.trouble = ""

    def force(self) -> None:
        """The grace is over, for all of it, now."""
        self._forced = self._forced or time.monotonic()
        self._look = self.next = 0.0
        self._strike()

    def tend(self) -> None:
        """See what is left, and go on with it."""
        began = time.monotonic()
        is_led = self.tree.is_led
        if self._forced or (began >= self._due and not is_led):
            self._forced = self._forced or began
            found = self._strike()
            self._give_up(found, began)
        else:
            found = self.tree.look()
            if not is_led:
                self._tell(found)
        self.is_over |= self.ended is not None and not found
        self._look = min(_LONGEST_LOOK, max(self._look * 2, _SHORTEST_LOOK))
        self.next = began + max(self._look, (time.monotonic() - began) / _SHARE)

    def _strike(self) -> Table:
        """Quickly, again and again: who is faster than this has forked meanwhile. What was left at the last look."""
        struck: set[int] = set()
        for _ in range(_STRIKES):
            found = self.tree.look()
            if struck.issuperset(found):
                break
            struck.update(found)
            strike(found.values(), self.tree.spared)
        return found

    def _tell(self, found: Table) -> None:
        """Its command is gone: what is left of it is asked to end too, each once; its group was asked with it."""
        for process in found.values():
            if process.pid not in self._told and process.group != self.tree.group:
                send(process, signal.SIGTERM, signal.SIGCONT)
            self._told.add(process.pid)

    def _give_up(self, found: Table, now: float) -> None:
        if not found or now - self._forced < _HOPELESS or self.tree.is_led:
            return
        pids = ", ".join(map(str, sorted(found)))
        self.trouble = f"what it left running cannot be killed: {'process' if len(found) == 1 else 'processes'} {pids}"
        self.tree.abandon()
        self.is_over = self.ended is not None


class Kills:
    """Those that were asked to end, by the index of their task, until nothing of them is left."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self.known: dict[int, Kill] = {}
        self._unsent: dict[int, tuple[Task, bool]] = {}

    @property
    def next_look(self) -> float | None:
        """Seconds until `tend` is to be called again; None where there is nothing to look at."""
        if self._unsent:
            return _SOON
        if not self.known:
            return None
        return max(0.0, min(kill.next for kill in self.known.values()) - time.monotonic())

    def ask(self, task: int, tree: Tree, *, force: bool) -> None:
        """The group was signalled; from now on see to the rest."""
        kill = self.known.get(task)
        if kill is None:
            kill = self.known[task] = Kill(tree, self._grace)
        if force:
            kill.force()

    def put_off(self, task: Task, *, force: bool) -> None:
        """There is no command yet: to be tried again soon."""
        _, was_forced = self._unsent.get(task.index, (task, False))
        self._unsent[task.index] = task, was_forced or force

    def take_unsent(self) -> Collection[tuple[Task, bool]]:
        """What is to be tried again now: which task, and whether by force."""
        unsent, self._unsent = self._unsent, {}
        return unsent.values()

    def insist(self, task: int, *, force: bool) -> bool:
        """Whether that was asked to end already; kill what there is of it now, where asked."""
        kill = self.known.get(task)
        if kill is not None and force:
            kill.force()
        return kill is not None

    def insist_all(self) -> None:
        """The grace is over for all of them."""
        for kill in self.known.values():
            kill.force()

    def hold(self, ended: Ended) -> Ended | None:
        """The command of something has ended: its end, as soon as nothing is left of it; None until then."""
        kill = self.known.get(ended.task)
        if kill is None:
            return ended
        kill.ended = ended
        kill.tend()
        return self._take(kill) if kill.is_over else None

    def forget(self, tasks: Iterable[int]) -> None:
        """Nobody will tell how the commands of these end."""
        for task in tasks:
            self.known.pop(task, None)

    def abandon(self) -> list[Ended]:
        """Go on with none of them; the ends that there were."""
        known, self.known, self._unsent = self.known, {}, {}
        return [kill.ended for kill in known.values() if kill.ended is not None]

    def tend(self) -> list[Ended]:
        """Go on with those that are due; the ends of those that are over now."""
        now = time.monotonic()
        for kill in self.known.values():
            if now >= kill.next:
                kill.tend()
        return [self._take(kill) for kill in list(self.known.values()) if kill.is_over]

    def _take(self, kill: Kill) -> Ended:
        ended = kill.ended
        assert ended is not None
        del self.known[ended.task]
        if not kill.trouble:
            return ended
        return replace(ended, message="; ".join(filter(None, (ended.message, kill.trouble))))
