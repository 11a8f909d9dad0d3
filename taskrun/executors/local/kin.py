"""Which processes came from which: found by parent, from one down or among all that there are.

A process is signalled only while it is known to be the one that was found: by its start, through a pidfd where there
are such things.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from msgspec import Struct

_IS_LINUX: bool = sys.platform == "linux"
_OVER = b"ZX"


class Process(Struct, frozen=True):
    """A living process. `ticks`: its start, in the clock ticks of its system."""

    pid: int
    parent: int
    group: int
    session: int
    ticks: int


Table = dict[int, Process]


def every_process() -> Table:
    """All that live, by number."""
    if not _IS_LINUX:
        return {process.pid: process for process in _foreign()}
    found = (_process(int(name)) for name in os.listdir("/proc") if name.isdecimal())
    return {process.pid: process for process in found if process is not None}


def find(pid: int) -> Process | None:
    """The living process of that number."""
    return _process(pid) if _IS_LINUX else next((found for found in _foreign() if found.pid == pid), None)


def below(roots: Iterable[int]) -> Table:
    """The living descendants of these processes, the roots left out."""
    if not os.path.exists("/proc/thread-self/children"):  # another system, or a kernel without it
        return among(every_process(), roots)
    found: Table = {}
    rest = list(roots)
    seen = set(rest)
    while rest:
        for pid in _children(rest.pop()):
            if pid not in seen:
                seen.add(pid)
                rest.append(pid)
                process = _process(pid)
                if process is not None:
                    found[pid] = process
    return found


def among(table: Table, roots: Iterable[int]) -> Table:
    """The descendants of these processes, as far as they stand in a table."""
    children: dict[int, list[Process]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process)
    found: Table = {}
    rest = list(roots)
    while rest:
        for process in children.pop(rest.pop(), ()):
            found[process.pid] = process
            rest.append(process.pid)
    return found


def is_same(process: Process) -> bool:
    """Whether its number is still its own, whoever is its parent by now."""
    now = find(process.pid)
    return now is not None and now.ticks == process.ticks


def strike(processes: Iterable[Process], spared: int) -> None:
    """SIGKILL to each, and to its whole group at once, so that nobody in it can fork faster than that; but not to the
    group `spared`, nor to ours: what was spawned in this moment may still be in its parent's.
    """
    groups = {spared, os.getpgrp()}
    for process in processes:
        if process.group not in groups and is_same(process):
            groups.add(process.group)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.group, signal.SIGKILL)
        else:
            send(process, signal.SIGKILL)


def send(process: Process, *numbers: int) -> bool:
    """Signal exactly this process, unless it is over; False where we may not."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):  # another system, an old kernel, no descriptor left
        return _send_by_number(process, numbers)
    try:
        if not is_same(process):
            return True
        for number in numbers:
            signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    finally:
        os.close(fd)
    return True


def _send_by_number(process: Process, numbers: Iterable[int]) -> bool:
    try:
        for number in numbers:
            if is_same(process):
                os.kill(process.pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def ticks_of(pid: int) -> int | None:
    """The start of a process, over or not."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return int(file.read(4096).rpartition(b")")[2].split()[19])
    except (OSError, IndexError):
        return None


def _process(pid: int) -> Process | None:
    """None where none of that number lives; one whose first thread is over may live on in others."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(4096).rpartition(b")")[2].split()
        if fields[0] in _OVER and len(os.listdir(f"/proc/{pid}/task")) < 2:
            return None
    except (OSError, IndexError):
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def _children(parent: int) -> Iterator[int]:
    """The numbers of the children of all its threads."""
    try:
        threads = os.listdir(f"/proc/{parent}/task")
    except OSError:
        return
    for thread in threads:
        try:
            with open(f"/proc/{parent}/task/{thread}/children", "rb") as file:
                yield from map(int, file.read().split())
        except OSError:
            continue


def _foreign() -> Iterator[Process]:
    """As psutil knows them."""
    import psutil

    for each in psutil.process_iter():
        try:
            if each.status() != psutil.STATUS_ZOMBIE:
                group, session = os.getpgid(each.pid), os.getsid(each.pid)
                yield Process(each.pid, each.ppid() or 0, group, session, round(each.create_time() * 100))
        except (psutil.Error, OSError):
            continue
