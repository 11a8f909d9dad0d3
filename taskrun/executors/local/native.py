"""posix_spawn with a working directory, by way of the C library: Python's own has none.

Nothing of the calling process changes for it, whatever its threads do: no directory, no signal mask, no handler. In a
host program none of them is ours to touch.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence

from taskrun.executors.local.commands import Command
from taskrun.executors.local.environment import Variables
from taskrun.executors.local.streams import FileAction

_ROOM = 1024  # bytes: more than any C library takes for one of its opaque structures, the largest having 336
_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80  # as in glibc and musl
_LOWEST = 3


class NativeSpawner:
    """Starts processes that lead a session, block no signal and have `resets` at their defaults.

    OSError or AttributeError where the C library cannot do that.
    """

    def __init__(self, resets: Iterable[int]) -> None:
        if sys.platform != "linux":
            raise OSError("tried on Linux only")
        self._libc = ctypes.CDLL(None)
        self._add_directory = self._libc.posix_spawn_file_actions_addchdir_np
        self._close_from = getattr(self._libc, "posix_spawn_file_actions_addclosefrom_np", None)
        self._attributes = ctypes.create_string_buffer(_ROOM)
        defaults, mask = ctypes.create_string_buffer(_ROOM), ctypes.create_string_buffer(_ROOM)
        _check(self._libc.posix_spawnattr_init(self._attributes))
        _check(self._libc.sigemptyset(mask))
        _check(self._libc.sigemptyset(defaults))
        for number in resets:
            self._libc.sigaddset(defaults, number)
        _check(self._libc.posix_spawnattr_setsigdefault(self._attributes, defaults))
        _check(self._libc.posix_spawnattr_setsigmask(self._attributes, mask))
        _check(self._libc.posix_spawnattr_setflags(self._attributes, _SETSIGDEF | _SETSIGMASK | _SETSID))

    @property
    def closes_all(self) -> bool:
        """Whether a new process has no descriptor but those that its actions give it."""
        return self._close_from is not None

    def spawn(self, command: Command, variables: Variables, actions: Sequence[FileAction], directory: str) -> int:
        """The number of the new process. OSError or ValueError where the system or the text does not allow it."""
        program, words = command
        argv = _strings([os.fsencode(word) for word in words])
        environment = _strings([_assignment(name, value) for name, value in variables.items()])
        pid = ctypes.c_int()
        prepared = ctypes.create_string_buffer(_ROOM)
        _check(self._libc.posix_spawn_file_actions_init(prepared))
        try:
            self._prepare(prepared, actions, directory)
            _check(
                self._libc.posix_spawn(
                    ctypes.byref(pid), _text(os.fsencode(program)), prepared, self._attributes, argv, environment
                ),
                program,
            )
        finally:
            self._libc.posix_spawn_file_actions_destroy(prepared)
        return pid.value

    def _prepare(self, prepared: ctypes.Array[ctypes.c_char], actions: Sequence[FileAction], directory: str) -> None:
        _check(self._add_directory(prepared, _text(os.fsencode(directory))))
        for kind, descriptor, *rest in actions:
            if kind == os.POSIX_SPAWN_OPEN:
                path, flags, mode = rest
                _check(
                    self._libc.posix_spawn_file_actions_addopen(
                        prepared, descriptor, _text(os.fsencode(str(path))), flags, mode
                    )
                )
            elif kind == os.POSIX_SPAWN_DUP2:
                _check(self._libc.posix_spawn_file_actions_adddup2(prepared, descriptor, *rest))
            else:
                _check(self._libc.posix_spawn_file_actions_addclose(prepared, descriptor))
        if self._close_from is not None:
            _check(self._close_from(prepared, _LOWEST))


def _check(error: int, path: str | None = None) -> None:
    if error:
        raise OSError(error, os.strerror(error), path)


def _text(text: bytes) -> bytes:
    """What C takes for the same text: there a NUL ends it."""
    if b"\0" in text:
        raise ValueError("embedded null byte")
    return text


def _assignment(name: bytes, value: bytes) -> bytes:
    if b"=" in name:
        raise ValueError("illegal environment variable name")
    return b"%b=%b" % (name, value)


def _strings(texts: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    """A NULL-terminated array."""
    return (ctypes.c_char_p * (len(texts) + 1))(*map(_text, texts), None)
