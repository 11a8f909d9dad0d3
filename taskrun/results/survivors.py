"""What lives of an attempt that has no end on record: a process to watch, or the lock that stands for one.

A process is taken for the recorded one only by its identity, or by what its environment holds. Under a shim that is
the shim as long as it lives, else the command; where neither can be seen from here (another pid namespace, another
machine), the lock on the result file tells. Once the shim has said how the command ended, nothing lives.
"""

from __future__ import annotations

from msgspec import Struct

from taskrun.machine import Identity, boot_id, find_leader, find_process, is_alive, marks
from taskrun.model import Handle
from taskrun.results.reading import Result, is_held, read_result


class Survivor(Struct, frozen=True):
    """`is_seen`: its process is one that we can see; where not, only the lock on its result file is.

    `command` is what runs under it, where that is known.
    """

    process: Identity
    is_seen: bool = True
    command: Identity | None = None

    @property
    def pid(self) -> int:
        """The number to name to somebody who may want to end it: a shim would only hide how its command ends."""
        return (self.command or self.process).pid


def find_survivor(task: str, handle: Handle, path: str) -> Survivor | None:
    """What lives of a task's attempt that an earlier run began; `path` is that of its result file."""
    held = is_held(path)  # before it is read: what ends meanwhile has said so by then
    result = read_result(path, handle.run)
    if result is not None and result.end is not None:
        return None
    process = find_process(task, handle) if not handle.host else None
    if process is None and result is not None:
        process = survivor(task, handle, result)
    command = result.command if result is not None else None
    if process is not None:
        return Survivor(process, command=command)
    return Survivor(result.shim, is_seen=False, command=command) if held and result is not None else None


def survivor(task: str, handle: Handle, result: Result | None) -> Identity | None:
    """The process that lives of an attempt whose shim was killed, or of which it is not known whether it was."""
    if result is not None and not is_of_this_boot(result):
        return None
    if result is None or result.command is None:
        return find_leader(marks(task, handle))  # the shim was killed before it could tell
    return next((known for known in (result.shim, result.command) if is_alive(known)), None)


def is_of_this_boot(result: Result) -> bool:
    """Whether its processes are ours to look for."""
    return result.boot == (boot_id() or "-")


def is_trusted(result: Result, handle: Handle) -> bool:
    """Whether what a result says goes for the files too that its command made: they may be half there where the
    machine went down since; but not where they were synced before, or another machine gave them to a file server.
    """
    return is_of_this_boot(result) or result.is_synced or bool(handle.host)
