"""What this machine is: its usable cores, its boot, and which process is which.

A number alone names no process: it is one of ours only where its start and its namespace are the recorded ones too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from taskrun.model import Handle

_IS_LINUX: bool = sys.platform == "linux"
CGROUPS = "/sys/fs/cgroup"
MEMBERSHIP = "/proc/self/cgroup"
_V1_CONTROLLERS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


class Identity(Struct, frozen=True):
    """Which process: `ticks` is its start since boot in clock ticks, `namespace` the one that its number is of."""

    pid: int
    ticks: int | None
    namespace: int | None


# --- cores -----------------------------------------------------------------------------------------------------------


def usable_cores() -> Fraction:
    """Whole cores that this process may use: affinity and the cgroups' quota, at least one."""
    quota = cpu_quota()
    cores = _affinity()
    return Fraction(max(1, cores if quota is None else min(cores, int(quota))))


def _affinity() -> int:
    return len(core_ids()) or os.cpu_count() or 1


def core_ids() -> tuple[str, ...]:
    """The cores that this process may run on, where the system lets a process be bound to some of them."""
    return tuple(map(str, sorted(os.sched_getaffinity(0)))) if _IS_LINUX else ()


def cpu_quota(membership: str = MEMBERSHIP, tree: str = CGROUPS) -> float | None:
    """The smallest CPU quota of our cgroup and those above it, in cores; None where there is none."""
    directories = groups_above(_V1_CONTROLLERS, membership, tree)
    quotas = [quota for directory in directories for quota in _quotas(directory)]
    return min(quotas, default=None)


def groups_above(names: Sequence[str], membership: str = MEMBERSHIP, tree: str = CGROUPS) -> Iterator[str]:
    """Our cgroup and those above it, as directories that may hold a limit: those of version 2, and of version 1 those
    of a controller, whose directory has one of these `names`, its own the first. In a container the path may be the
    host's, of which only the root is there.
    """
    for line in (read_text(membership) or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            mounts = [tree, f"{tree}/unified"]
        elif names[0] in controllers.split(","):
            mounts = [f"{tree}/{name}" for name in names]
        else:
            continue
        parts = [part for part in path.split("/") if part]
        for mount in mounts:
            for depth in range(len(parts), -1, -1):
                yield "/".join([mount, *parts[:depth]])


def _quotas(directory: str) -> Iterator[float]:
    unified = (read_text(f"{directory}/cpu.max") or "").split()
    if len(unified) == 2 and unified[0] != "max":
        yield int(unified[0]) / int(unified[1])
    quota, period = read_text(f"{directory}/cpu.cfs_quota_us"), read_text(f"{directory}/cpu.cfs_period_us")
    if quota and period and int(quota) > 0:
        yield int(quota) / int(period)


def read_text(path: str) -> str | None:
    """What stands in one of the kernel's files; None where it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return None


# --- the machine -----------------------------------------------------------------------------------------------------


def host_name() -> str:
    """As `hostname` prints it."""
    return os.uname().nodename


def boot_id() -> str:
    """Differs from boot to boot and from machine to machine."""
    if _IS_LINUX:
        return (read_text("/proc/sys/kernel/random/boot_id") or "").strip()
    import subprocess

    found = subprocess.run(["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


# --- processes -------------------------------------------------------------------------------------------------------


def namespace() -> int | None:
    """The pid namespace that this process counts in; None where the system has none."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where none of that number lives (a zombie does not)."""
    if not _IS_LINUX:
        return _foreign_ticks(pid)
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in b"ZX" else None


def identity(pid: int) -> Identity | None:
    """What tells a living process from any other; None where there is none."""
    ticks = start_ticks(pid)
    return Identity(pid, ticks, namespace()) if ticks is not None else None


def age(known: Identity) -> float:
    """For how many seconds a living process has been there; 0 where that is not known."""
    if known.ticks is None:
        return 0.0
    if _IS_LINUX:
        now, per_second = time.clock_gettime(time.CLOCK_BOOTTIME), os.sysconf("SC_CLK_TCK")
    else:
        now, per_second = time.time(), 100
    return max(now - known.ticks / per_second, 0.0)


def is_alive(known: Identity) -> bool:
    """Whether exactly this process lives. A number of another pid namespace says nothing here, so it does not."""
    if known.namespace != namespace():
        return False
    ticks = start_ticks(known.pid)
    return ticks is not None and (known.ticks is None or ticks - known.ticks in (0, 1))


def find_leader(environment: dict[str, str]) -> Identity | None:
    """The oldest living session leader whose environment holds all of these, among the processes we may look at."""
    found = [
        leader
        for pid in _pids()
        if _leads_a_session(pid) and began_with(pid, environment) and (leader := identity(pid)) is not None
    ]
    return min(found, key=lambda leader: leader.ticks or 0, default=None)


def marks(task: str, handle: Handle) -> dict[str, str]:
    """What only the processes of this attempt have in their environment."""
    return {"TASKRUN_RUN": handle.run, "TASKRUN_TASK": task, "TASKRUN_ATTEMPT": str(handle.round)}


def find_process(task: str, handle: Handle) -> Identity | None:
    """The living process of a recorded attempt of this boot: by its identity where that is known and of our pid
    namespace, else by what its environment holds.
    """
    if handle.pid is None or handle.namespace != namespace():
        return find_leader(marks(task, handle))
    known = Identity(handle.pid, handle.ticks, handle.namespace)
    return known if is_alive(known) else None


def began_with(pid: int, environment: dict[str, str]) -> bool:
    """Whether a process was started with all of these in its environment; False where that is not ours to read."""
    return {os.fsencode(f"{name}={value}") for name, value in environment.items()} <= _environment(pid)


def group_members(group: int) -> list[int]:
    """The living members of a process group that is a session of its own too."""
    if not _IS_LINUX:
        return [pid for pid in _pids() if _group_and_session(pid) == (group, group)]
    number = b"%d" % group
    members = []
    for pid in _pids():
        fields = _stat(pid)
        if fields and fields[0] not in b"ZX" and fields[2] == number and fields[3] == number:
            members.append(pid)
    return members


def children(parent: int) -> list[int]:
    """The numbers of the children that a process's first thread has, those included that nobody has waited for."""
    if not _IS_LINUX:
        import psutil

        try:
            return [child.pid for child in psutil.Process(parent).children()]
        except psutil.Error:
            return []
    known = read_text(f"/proc/{parent}/task/{parent}/children")
    if known is not None:
        return [int(pid) for pid in known.split()]
    number = b"%d" % parent  # a kernel without that file, or no such process
    return [pid for pid in _pids() if (fields := _stat(pid)) and fields[1] == number]


class StartClock:
    """Says when a child started without asking the kernel, which takes 15 µs to write out its `stat`.

    A start is kept in nanoseconds and shown in ticks of 10 ms: where the clock shows one tick before and after the
    spawn, that is the child's. The first child is asked all the same; where it disagrees, so are all others. Where the
    tick changed meanwhile, and it `may_be_rough`, the earlier one stands for both: nobody gets the same number so soon.
    """

    def __init__(self) -> None:
        self._is_trusted: bool | None = None
        self._tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def read(self) -> int:
        """The ticks since boot; 0 where no clock counts like the kernel's."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // self._tick if _IS_LINUX else 0

    def ticks(self, pid: int, before: int, *, may_be_rough: bool = False) -> int | None:
        """The start of a child that was spawned since `before` was read."""
        now = self.read()
        if self._is_trusted and (now == before or (may_be_rough and now == before + 1)):
            return before
        shown = start_ticks(pid)
        if shown is None:  # gone already: nobody will ever look for it
            return now or None
        if self._is_trusted is None:
            self._is_trusted = _IS_LINUX and before <= shown <= now
        return shown


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat behind the name (state, parent, group, session, ...); empty where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return []


def _pids() -> list[int]:
    if _IS_LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    import psutil

    return psutil.pids()


def _group_and_session(pid: int) -> tuple[int, int] | None:
    try:
        return os.getpgid(pid), os.getsid(pid)
    except OSError:
        return None


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def _environment(pid: int) -> set[bytes]:
    """The environment that a process began with; empty where it is not ours to read."""
    if _IS_LINUX:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return set(file.read().split(b"\0"))
        except OSError:
            return set()
    import psutil

    try:
        found = psutil.Process(pid).environ()
    except psutil.Error:
        return set()
    return {os.fsencode(f"{name}={value}") for name, value in found.items()}


def _foreign_ticks(pid: int) -> int | None:
    """The start as psutil knows it, in hundredths of a second since the epoch."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 100)
    except psutil.Error:
        return None
