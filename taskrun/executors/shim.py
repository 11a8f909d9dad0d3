"""Stands between the runner and one long command, so that its end is on disk even where the runner is dead by then.

A script, `python -I -S -X utf8 shim.py RESULT PROGRAM WORD...`, that imports nothing of ours: the command sees nothing
of it but another parent. RESULT gets whole lines, each of them when it is true, and is locked while the shim lives:

    shim RUN BOOT PID TICKS NAMESPACE locked|unlocked   there is a shim, but no command yet
    started PID TICKS                                   the command
    ended STATUS SECONDS USER SYSTEM PEAK TIME          what wait4 said of it; PEAK in bytes, TIME since the epoch
    synced                                              what it made outlives the machine; only where the runner is dead

`-` is "not known". A runner that asks the command to end says `asked` there first. The shim leaves with the command's
exit code or of its signal, and with REFUSED where there was no command. On Linux it is the parent of what the command
leaves behind, wherever that went; where the command was asked to end, the shim stays until that is gone too.
No signal but SIGKILL ends it before that: all are blocked, and those of the terminal are for the command to obey.
"""

import _signal  # type: ignore[import-not-found]  # it is there from the start; `signal` costs 6 ms, for its enums
import fcntl
import os
import resource
import sys
import time

REFUSED = 125
MARK = "TASKRUN_SHIM"  # the boot id, in our own environment only
HIDDEN = ("LD_", "DYLD_", "LC_")  # what would change us: the command's come as TASKRUN_SHIM_LD_PRELOAD, ...
_NOT_DEFAULT = (_signal.SIGPIPE, _signal.SIGXFSZ)  # Python ignores these
_IS_DARWIN: bool = sys.platform == "darwin"
_PR_SET_CHILD_SUBREAPER = 36
_LOOK = 0.1  # seconds between two looks at whether the runner lives
_GRACE = 10.0  # seconds that the rest of a killed command has where no runner is left to end it


def main(result: str, program: str, words: list[str]) -> None:
    """Run the command, and leave as it left."""
    runner = os.getppid()
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    keep_orphans(wanted=True)
    try:
        file = _open(result)
        began = time.monotonic()
        pid = os.posix_spawn(
            program, words, _environment(), setsid=True, setsigmask=mask, setsigdef=_NOT_DEFAULT
        )  # fmt: skip
    except (OSError, ValueError):
        os._exit(REFUSED)  # the runner tries by itself, and has the system's words for what does not go
    _note(file, f"started {pid} {_ticks(pid)}")
    status, usage = _wait(pid)
    seconds, moment = time.monotonic() - began, time.time()
    peak = _peak(usage.ru_maxrss)
    _note(file, f"ended {status} {seconds:.6f} {usage.ru_utime:.6f} {usage.ru_stime:.6f} {peak} {moment:.6f}")
    if _is_asked(file):
        _outlast(runner)
    if os.getppid() != runner:  # a runner that lives has the exit code, and a journal of its own
        _sync(file)
    _leave(status)


def _open(path: str) -> int:
    """The result file with its first line, which takes the room on the disk that the others need too."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    lock = "locked"
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        lock = "unlocked"  # a file system without locks
    pid = os.getpid()
    names = f"{os.environ['TASKRUN_RUN']} {os.environ[MARK] or '-'}"
    line = f"shim {names} {pid} {_ticks(pid)} {_namespace()} {lock}\n".encode()
    if os.write(file, line) != len(line):
        raise OSError("the disk is full")
    return file


def keep_orphans(*, wanted: bool) -> bool:
    """Become the parent of whatever the processes below leave behind, so that none of it gets out of sight; or cease to
    be. Whether that was done.
    """
    if sys.platform != "linux":
        return False
    try:
        import _ctypes  # `ctypes` costs 10 ms, this 0.8

        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None: this program
        return bool(_ctypes.call_function(prctl, (_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)) == 0)
    except (ImportError, AttributeError, OSError):
        return False  # a Python without it: the runner looks elsewhere too


def _wait(command: int) -> tuple[int, resource.struct_rusage]:
    """How the command ended; orphans that end before it are nobody's to ask about."""
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == command:
            return status, usage


def _is_asked(file: int) -> bool:
    try:
        return b"\nasked\n" in os.pread(file, 4096, 0)
    except OSError:
        return False


def _outlast(runner: int) -> None:
    """Stay until nothing is left of a killed command. The runner ends it; should that die meanwhile, we do."""
    due = 0.0
    while _has_children():
        _signal.sigtimedwait((_signal.SIGCHLD,), _LOOK)
        if os.getppid() == runner:
            continue
        due = due or time.monotonic() + _GRACE
        if time.monotonic() >= due:
            _kill_children()


def _has_children() -> bool:
    """Whether any child lives; those that do not are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _kill_children() -> None:
    """Until we reap them their numbers are nobody else's."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            for pid in file.read().split():
                os.kill(int(pid), _signal.SIGKILL)
    except OSError:
        pass  # another user's: it is waited for


def _note(file: int, line: str) -> None:
    """One more line, in one write: a reader takes a line without its end for none."""
    try:  # noqa: SIM105 (contextlib costs 2 ms)
        os.write(file, f"{line}\n".encode())
    except OSError:
        pass  # a runner that lives has the exit code


def _sync(file: int) -> None:
    """Let the end, and whatever the command made, outlive the machine; nobody waits meanwhile."""
    try:
        fcntl.flock(file, fcntl.LOCK_UN)
        os.fsync(file)
        os.sync()
        _note(file, "synced")
        os.fsync(file)
    except OSError:
        pass  # it says the same to whoever reads it on this machine


def _environment() -> dict[bytes, bytes]:
    """What the runner meant for the command, in its order."""
    prefix = f"{MARK}_".encode()
    hidden = tuple(name.encode() for name in HIDDEN)
    return {
        name.removeprefix(prefix): value
        for name, value in os.environb.items()
        if not name.startswith(hidden) and name != MARK.encode()
    }


def _ticks(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except OSError:
        return "-"


def _namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "-"


def _peak(peak: int) -> str:
    """The command's peak in bytes where it is its own: it started with ours."""
    if _IS_DARWIN:
        return str(peak)
    try:
        with open("/proc/self/status", "rb") as file:
            own = next(int(line.split()[1]) for line in file if line.startswith(b"VmHWM:"))
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return str(peak * 1024) if peak > own else "-"


def _leave(status: int) -> None:
    """As the command did, but without a core file: a limit of one byte forbids one even where a program takes it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (0 if most == 0 else 1, most))
        try:  # noqa: SIM105 (contextlib costs 2 ms)
            _signal.signal(number, _signal.SIG_DFL)
        except (OSError, ValueError):
            pass  # SIGKILL, or one of the C library's own
        os.kill(os.getpid(), number)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (number,))
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
