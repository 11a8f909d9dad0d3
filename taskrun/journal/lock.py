"""Holds a state directory for one run, across hosts and crashes, without anything that anybody has to clear away.

`flock` on a file of its own, never deleted, keeps others of this machine out and goes when its holder goes. The file
holds who that is. Where `flock` is not to be had, or does not reach from one host to another, these facts decide: on
the holder's own machine its pid and start, seen from elsewhere how long ago it last touched the file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import weakref

import msgspec
from msgspec import structs

from taskrun.errors import StateError, StateHeldError
from taskrun.journal.reading import cannot, open_regular
from taskrun.machine import Identity, boot_id, host_name, is_alive, namespace
from taskrun.model import RunRecord

LOCK = "lock"
TOUCH_EVERY = 10.0
ALIVE_FOR = 60.0  # seconds since the last touch, seen from elsewhere
_PATIENCE = 200  # times 10 ms that a holder may take to write down who it is, or a forked child to let go
_NO_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(RunRecord)


class Holder(msgspec.Struct, frozen=True):
    """The run that holds a state directory: `since` is seconds since the epoch. `command`: of the record, if no run."""

    host: str
    pid: int
    since: float
    run: str
    command: str | None = None


def read_holder(directory: str) -> Holder | None:
    """Who holds the state, as far as it is alive; takes no lock, changes nothing."""
    path = os.path.join(directory, LOCK)
    try:
        with open(open_regular(path, os.O_RDONLY), "rb", buffering=0) as file:
            found = _parse(file.read())
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    if found is None:
        return None
    if found.boot == boot_id() and found.namespace == namespace():
        lives = is_alive(Identity(found.pid, found.ticks, found.namespace))
    else:
        lives = age < ALIVE_FOR and (found.boot == boot_id() or found.host != host_name())
    return Holder(found.host, found.pid, found.time, found.run, found.command) if lives else None


def held(directory: str, holder: Holder) -> StateHeldError:
    """The error of who finds a state directory held."""
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    return StateHeldError(directory, holder.host, holder.pid, since, holder.command)


class Lock:
    """A held state directory."""

    def __init__(self, path: str, descriptor: int, run: RunRecord) -> None:
        self.path = path
        self._descriptor = descriptor
        self._run = run
        _held.add(self)

    @classmethod
    def take(cls, directory: str, run: RunRecord) -> Lock:
        """Hold `directory` for `run`; raises StateHeldError, or StateError where the file cannot be had."""
        path = os.path.join(directory, LOCK)
        try:
            descriptor = _open(path)
        except OSError as error:
            raise cannot("lock", path, error) from None
        try:
            _check_free(descriptor, path, run)
            _write(descriptor, _encoder.encode(structs.replace(run, select=())) + b"\n")  # words may be no UTF-8
        except OSError as error:
            os.close(descriptor)
            raise cannot("lock", path, error) from None
        except StateError:
            os.close(descriptor)
            raise
        return cls(path, descriptor, run)

    def touch(self) -> None:
        """Say that the run is alive; raises StateError where the state is not its own any more."""
        try:
            with open(self.path, "rb", buffering=0) as file:  # opened anew: NFS shows what others wrote only then
                found = _parse(file.read())
            os.utime(self.path)
        except OSError as error:
            raise cannot("keep", self.path, error) from None
        if found is None or found.run != self._run.run:
            whose = f"pid {found.pid} on {found.host}" if found else "nobody known"
            raise StateError(f"{self.path} was taken over by another run ({whose}); this one writes nothing more")

    def release(self) -> None:
        """Let go. What the file says is wiped out first, as far as it is still about this run."""
        if self._descriptor < 0:
            return
        try:
            found = _parse(os.pread(self._descriptor, 65536, 0))
            if found is not None and found.run == self._run.run:
                os.ftruncate(self._descriptor, 0)
        except OSError:
            pass  # nothing hangs on it: the facts name a process that will be gone
        self.drop()

    def drop(self) -> None:
        """Close the file, and nothing else: in a forked child, which must not keep its parent's lock alive."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        _held.discard(self)


_held: weakref.WeakSet[Lock] = weakref.WeakSet()


def _drop_all() -> None:
    for lock in list(_held):
        lock.drop()


os.register_at_fork(after_in_child=_drop_all)


def _open(path: str) -> int:
    return open_regular(path, os.O_RDWR | os.O_CREAT)


def _check_free(descriptor: int, path: str, run: RunRecord) -> None:
    """Lock the open file, or raise StateHeldError."""
    is_locked = _lock(descriptor, path)
    found = _parse(os.pread(descriptor, 65536, 0))
    if found is not None and _lives(found, path, run, is_locked=is_locked):
        raise _held_by(found, path)


def _lock(descriptor: int, path: str) -> bool:
    """Whether there is such a thing as `flock` here; raises StateHeldError where another has it.

    Who has it and is not named has just taken it, and writes its name down only then, over what its predecessor left;
    or it is a process that was just forked off by one that let go, and is about to do so too.
    """
    for _ in range(_PATIENCE):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = _parse(os.pread(descriptor, 65536, 0))
            if found is not None and _may_live(found):
                raise _held_by(found, path) from None
            time.sleep(0.01)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            return False
        else:
            return True
    raise _held_by(_parse(os.pread(descriptor, 65536, 0)), path)


def _may_live(found: RunRecord) -> bool:
    if found.boot != boot_id() or found.namespace != namespace():
        return True
    return is_alive(Identity(found.pid, found.ticks, found.namespace))


def _lives(found: RunRecord, path: str, run: RunRecord, *, is_locked: bool) -> bool:
    """Whether the run that the file names is alive, although (or because) `flock` did not say so."""
    if found.boot == run.boot and found.namespace == run.namespace and found.ticks is not None:
        if (found.pid, found.ticks) == (run.pid, run.ticks):  # this process, in an earlier run
            return not is_locked and any(lock.path == path for lock in _held)
        return is_alive(Identity(found.pid, found.ticks, found.namespace))
    if is_locked and (found.boot == run.boot or found.host == run.host):
        return False  # one kernel, which knows; or this machine before its restart
    return _age(path) < ALIVE_FOR


def _age(path: str) -> float:
    """Seconds since the last touch, both read from the clock of the file system's server."""
    probe = f"{path}.{os.getpid()}.now"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        now = os.stat(probe).st_mtime
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(probe)
    return now - os.stat(path).st_mtime


def _held_by(found: RunRecord | None, path: str) -> StateError:
    directory = os.path.dirname(path)
    if found is None:
        return StateError(f"{directory} is held by another run, which does not say who it is")
    return held(directory, Holder(found.host, found.pid, found.time, found.run, found.command))


def _write(descriptor: int, text: bytes) -> None:
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


def _parse(text: bytes) -> RunRecord | None:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
