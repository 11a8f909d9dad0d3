"""Whether what is on record of a task still holds: its signature, the figures of its files, the reasons against it.

A comparison never guesses: whatever differs is a reason, and a reason names what differs.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from taskrun.model import (
    Argv,
    Cause,
    EndRecord,
    Figure,
    Past,
    Reason,
    ReasonKind,
    Shell,
    Signature,
    Status,
    Step,
    Task,
    as_signed,
)

_LONG = 64  # lists from here on are shared by many tasks: they are looked at as a whole
_REMEMBERED = 1000  # so many values of a name have their hash kept; a name with more has hardly one twice
_LOOK_AGAIN = 1.0  # seconds for which the figures of a long list hold
_NAMED = 3  # so many files of one kind are named in a reason
_PLAIN: Figure = (0, 0)  # a device or a pipe: it is there, and nothing else about it means anything


# --- signatures ------------------------------------------------------------------------------------------------------


class Signer:
    """Makes the signatures of tasks; a value is hashed once, however many tasks hold it."""

    def __init__(self, salt: str) -> None:
        self._salted = hashlib.blake2b(key=salt.encode()[:64], digest_size=12)
        self._comparison = Comparison()
        self._hashes: dict[str, dict[str, str]] = {}
        self._keys: dict[int, tuple[Step, tuple[str, ...]]] = {}

    def signature(self, task: Task, recorded: Signature | None = None) -> Signature:
        """What the freshness of `task` hangs on besides its files.

        Where its inputs are the `recorded` ones, they are that very tuple, so that comparing them costs little.
        """
        action = task.action
        if isinstance(action, Shell):
            command: str | tuple[str, ...] = as_signed(action.text)
            shell = action.words
        else:
            command = _signed_words(action)
            shell = ()
        return Signature(
            command=command,
            shell=shell,
            cwd=task.cwd,
            env=self._environment(task),
            inputs=task.inputs if recorded is None else self._comparison.either(recorded.inputs, task.inputs),
            outputs=task.outputs,
        )

    def _environment(self, task: Task) -> dict[str, str]:
        names = self._variables(task.step)
        found = {name: self._hash(name, value) for name, value in zip(names, task.values + task.lets, strict=True)}
        for name, value in task.env.items():
            found[name] = self._hash(name, as_signed(value))
        return found

    def _variables(self, step: Step) -> tuple[str, ...]:
        known = self._keys.get(id(step))
        if known is None:
            names = tuple(f"TASKRUN_PARAM_{name.upper()}" for name in step.names + step.lets)
            known = self._keys[id(step)] = (step, names)
        return known[1]

    def _hash(self, name: str, value: str) -> str:
        known = self._hashes.setdefault(name, {})
        found = known.get(value)
        if found is None:
            state = self._salted.copy()
            state.update(f"{name}={value}".encode("utf-8", "surrogatepass"))
            found = state.hexdigest()
            if len(known) < _REMEMBERED:
                known[value] = found
        return found


def _signed_words(action: Argv) -> tuple[str, ...]:
    words = action.words
    return tuple([as_signed(word) for word in words]) if any("\0" in word for word in words) else words


# --- figures ---------------------------------------------------------------------------------------------------------


def figure(path: str) -> Figure:
    """A file's size and mtime in ns, symlinks followed; a directory's digest; None where there is nothing to be had."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(found.st_mode):
        return found.st_size, found.st_mtime_ns
    return _directory(path, found) if stat.S_ISDIR(found.st_mode) else _PLAIN


def _directory(path: str, found: os.stat_result) -> str:
    """The digest of the set of files below a directory, each with its size and mtime."""
    lines = sorted(_entries(path, b"", ((found.st_dev, found.st_ino),)))
    return f"{len(lines)} files " + hashlib.blake2b(b"\0".join(lines), digest_size=16).hexdigest()


def _entries(path: str, prefix: bytes, above: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    """A line for each file; `above` are the directories that lead here, so that no symlink goes around."""
    try:
        with os.scandir(path) as listing:
            entries = list(listing)
    except OSError:
        yield prefix + b"?"
        return
    for entry in entries:
        name = prefix + os.fsencode(entry.name)
        try:
            found = os.stat(entry.path)
        except OSError:
            yield name + b"\0-"
            continue
        if not stat.S_ISDIR(found.st_mode):
            yield b"%b\0%d %d" % (name, found.st_size, found.st_mtime_ns)
        elif (found.st_dev, found.st_ino) not in above:
            yield from _entries(entry.path, name + b"/", (*above, (found.st_dev, found.st_ino)))


class Files:
    """Looks at the files of a study; paths are seen from `root`.

    A look holds for at most a second, and that of a `glance` until a task ends: what others change meanwhile is seen
    by the next run. A long list is shared by many tasks (10,000 over 10,000), so it is looked at as a whole. Where an
    older look goes on record, a task can only run again that need not, never the other way round.
    """

    def __init__(self, root: str) -> None:
        self._prefix = os.path.join(root, "")
        self._glances: dict[str, Figure] = {}
        self._glanced = 0.0
        self._looks: dict[int, tuple[Sequence[str], float, tuple[Figure, ...]]] = {}

    def place(self, path: str) -> str:
        """The path as this process can use it."""
        return path if path.startswith("/") else self._prefix + path

    def figure(self, path: str) -> Figure:
        """The figure of one file."""
        return figure(path if path.startswith("/") else self._prefix + path)

    def figures(self, paths: tuple[str, ...]) -> tuple[Figure, ...]:
        """The figures of several, in order; equal ones of a long list are the same object."""
        if len(paths) < _LONG:
            return tuple([self.figure(path) for path in paths])
        known = self._looks.get(id(paths))
        now = time.monotonic()
        if known is not None and now - known[1] < _LOOK_AGAIN:
            return known[2]
        found = tuple([self.figure(path) for path in paths])
        if known is not None and found == known[2]:
            found = known[2]
        self._looks[id(paths)] = (paths, time.monotonic(), found)
        return found

    def glance(self, paths: tuple[str, ...]) -> tuple[Figure, ...]:
        """The figures, for a verdict: a file that many tasks read is looked at once for all that are asked about."""
        if not paths:
            return ()
        if len(paths) >= _LONG:
            return self.figures(paths)
        now = time.monotonic()
        if now - self._glanced >= _LOOK_AGAIN:
            self._glances.clear()
            self._glanced = now
        glances = self._glances
        for path in paths:
            if path not in glances:
                glances[path] = self.figure(path)
        return tuple([glances[path] for path in paths])

    def changed(self) -> None:
        """A task has ended: files may have changed."""
        if self._glances:
            self._glances.clear()


# --- reasons ---------------------------------------------------------------------------------------------------------


class Comparison:
    """Compares what is on record with what is; long lists that are shared are compared once."""

    def __init__(self) -> None:
        self._equal: dict[tuple[int, int], tuple[object, object, bool]] = {}

    def same(self, one: tuple[object, ...], other: tuple[object, ...]) -> bool:
        """Whether two tuples are equal."""
        if one is other:
            return True
        if len(one) != len(other):
            return False
        if len(one) < _LONG:
            return one == other
        key = id(one), id(other)
        known = self._equal.get(key)
        if known is None:
            known = self._equal[key] = (one, other, one == other)  # which keeps the ids taken
        return known[2]

    def either(self, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        """`one` where it equals the other, which is it then."""
        return one if self.same(one, other) else other

    def signature_reasons(self, then: Signature, now: Signature) -> Iterator[Reason]:
        """How a signature differs from the recorded one."""
        if then.command != now.command:
            yield Reason(ReasonKind.COMMAND_CHANGED, _changed_words(_words(then.command), _words(now.command)))
        if then.env != now.env:
            yield Reason(ReasonKind.ENV_CHANGED, _changed_names(then.env, now.env))
        if then.cwd != now.cwd:
            yield Reason(ReasonKind.CWD_CHANGED, f"{then.cwd or '.'} → {now.cwd or '.'}")
        if then.shell != now.shell:
            yield Reason(ReasonKind.SHELL_CHANGED, f"{_shell(then)} → {_shell(now)}")
        if not self.same(then.inputs, now.inputs):
            yield Reason(ReasonKind.INPUTS_CHANGED, _changed_paths(then.inputs, now.inputs, "its inputs grew: "))
        if not self.same(then.outputs, now.outputs):
            yield Reason(ReasonKind.OUTPUTS_CHANGED, _changed_paths(then.outputs, now.outputs, "came: "))

    def changed_files(
        self, paths: tuple[str, ...], then: tuple[Figure, ...], now: tuple[Figure, ...], kind: ReasonKind
    ) -> Iterator[Reason]:
        """Which of the files that are there differ from their recorded figures."""
        if self.same(then, now):
            return
        recorded = then if len(then) == len(now) else (None,) * len(now)
        files = zip(paths, recorded, now, strict=True)
        changed = [f"{path} ({_what(old, new)})" for path, old, new in files if new is not None and old != new]
        if changed:
            yield Reason(kind, named(changed))


def past_reason(past: Past | None) -> Reason | None:
    """Why what is on record of a task cannot be a success, if so."""
    if past is None or (past.start is None and past.end is None):
        return Reason(ReasonKind.NEW)
    if past.end is None:
        return Reason(ReasonKind.INTERRUPTED)
    if past.end.status == Status.SUCCEEDED.value and past.start is not None:
        return None
    if past.end.cause == Cause.INTERRUPTED.value:
        return Reason(ReasonKind.INTERRUPTED)
    return Reason(ReasonKind.FAILED_BEFORE, _failure(past.end))


def named(items: Sequence[str]) -> str:
    """`a, b, c and 7 more`."""
    shown = ", ".join(items[:_NAMED])
    return f"{shown} and {len(items) - _NAMED} more" if len(items) > _NAMED else shown


def _failure(end: EndRecord) -> str:
    if end.cause == Cause.EXIT.value and end.exit_code is not None:
        return f"exit {end.exit_code}"
    if end.cause == Cause.SIGNAL.value and end.signal is not None:
        return end.signal
    return end.cause or ""


def _what(old: Figure, new: Figure) -> str:
    if isinstance(old, tuple) and isinstance(new, tuple):
        return "size" if old[:1] != new[:1] else "time"
    return "its files" if isinstance(old, str) and isinstance(new, str) else "new"


def _shell(signed: Signature) -> str:
    return " ".join(signed.shell) or "none"


def _words(command: str | tuple[str, ...]) -> list[str]:
    return command.split(" ") if isinstance(command, str) else list(command)


def _changed_words(old: list[str], new: list[str]) -> str:
    """`1000 → 2000`: what differs between the first and the last different word."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    gone, came = " ".join(old[first : len(old) - last]), " ".join(new[first : len(new) - last])
    return f"{gone or 'nothing'} → {came or 'nothing'}"


def _changed_names(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return named(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))


def _changed_paths(old: Iterable[str], new: Iterable[str], only_more: str) -> str:
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    came = [path for path in after if path not in before]
    gone = [path for path in before if path not in after]
    if not gone:
        return only_more + named(came) if came else "in another order"
    return (f"came: {named(came)}; " if came else "") + f"went: {named(gone)}"
