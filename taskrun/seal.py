"""A seal: what a study and its files came to when a run left everything done, so that a look tells whether it still is.

It only ever says "all of this is as it was": who cannot have that answer reads the study and its records as ever. It
lies beside the journal, may be lost at any time, and names the journal that it speaks of by a stamp.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from taskrun.freshness import Compared, Signer, compare, look_at
from taskrun.graph import Graph, Study
from taskrun.journal import JOURNAL, Records
from taskrun.machine import boot_id
from taskrun.model import (
    Check,
    EndRecord,
    Figure,
    Past,
    RunEndRecord,
    RunRecord,
    Status,
    StepShape,
    Task,
    Temp,
)
from taskrun.provenance import Provenance
from taskrun.spare import remove_spare, write_spare
from taskrun.written import open_at_once

SEAL = "seal"
SMALLEST = 1000  # tasks: fewer are read as quickly as their seal
_FEW = 8  # so many files of a task stand there one by one
_GROWTH = 1 << 16  # bytes that a journal may grow by at least
_STAMP = 96  # bytes at the beginning of the file, written anew while the rest stays

_SUCCEEDED = Status.SUCCEEDED.value

Stamp = tuple[int, int, int]


class Seal(Struct, frozen=True, array_like=True):
    """Columns by task, in the order of the graph: `names`, `attempts` and `ended` (the last attempt's number and end),
    `needs` (nodes, as in a graph), `files` (the numbers of its files; -1 - n stands for the n-th list of `long`).

    Columns by file: `paths`, `figures`, `checks`: what it is known by, and how it is compared. `steps`: the steps with
    the number of their tasks, in that order; `shapes` and `hints` as in a study. `gone`: names on record that the study
    has no more; `run` and `run_end`: the last run when it was sealed; `size`: the journal's then, in bytes.
    """

    provenance: Provenance
    shapes: tuple[StepShape, ...]
    hints: tuple[str, ...]
    steps: list[tuple[str, int]]
    gone: list[str]
    run: RunRecord | None
    run_end: RunEndRecord | None
    names: list[str]
    attempts: list[int]
    ended: list[float]
    needs: list[tuple[int, ...]]
    gathers: list[tuple[int, ...]]
    files: list[tuple[int, ...]]
    long: list[tuple[int, ...]]
    paths: list[str]
    figures: list[Figure]
    checks: list[Check]
    size: int = 0

    def is_outgrown(self, stamp: Stamp) -> bool:
        """Whether the journal that has this stamp has grown by so many runs that it should be read, and compacted."""
        return stamp[0] > 2 * self.size + _GROWTH

    def holds(self, root: str) -> bool:
        """Whether every file is as it is known, so that nothing of the study would run."""
        return _are_same(range(len(self.paths)), self, root)

    def holds_for(self, index: int, root: str) -> bool:
        """Whether that is so of a task and of all that it needs, however far up."""
        found = {number for task in self._closure(index) for number in self.files[task]}
        files = {number for number in found if number >= 0}
        files.update(*(self.long[-1 - number] for number in found if number < 0))
        return _are_same(files, self, root)

    def index(self, name: str) -> int | None:
        """The index of the task with this name."""
        try:
            return self.names.index(name)
        except ValueError:
            return None

    def end(self, index: int) -> EndRecord:
        """What there is to say of a task's last end."""
        return EndRecord(
            task=self.names[index],
            attempt=self.attempts[index],
            time=self.ended[index],
            status=Status.SUCCEEDED.value,
        )

    def _closure(self, index: int) -> Iterator[int]:
        seen = {index}
        stack = [index]
        while stack:
            node = stack.pop()
            if node >= 0:
                yield node
            sources = self.needs[node] if node >= 0 else self.gathers[-node - 1]
            fresh = [source for source in sources if source not in seen]
            seen.update(fresh)
            stack.extend(fresh)


def stamp_of(state: str) -> Stamp | None:
    """What tells the journal in a state directory from any other, and from itself once something was appended."""
    try:
        found = os.stat(os.path.join(state, JOURNAL))
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def sealed(study: Study, records: Records, *, run: str = "") -> Seal | None:
    """The seal of a study all tasks of which are done as far as the records go; None where there can be none. `run` is
    one that ran the study as it is now.

    Whoever asks may have looked at a few tasks only: what the others did before the study was changed does not count.
    """
    if study.provenance is None or records.doubtful(boot_id()):
        return None
    maker = _Maker()
    signer = Signer(records.salt)
    lateness = _Lateness(study.graph, records)
    for task in study.graph.tasks:
        past = records.past(task.name)
        if past is None or not _may_be_sealed(task, past, signer, run) or lateness.is_late(task.index, past):
            return None
        if not maker.take(task, past):
            return None
    return maker.seal(study, study.provenance, records)


def write_seal(state: str, seal: Seal) -> None:
    """Put the seal beside the journal that is there now, while its directory is held. Without room there is none."""
    path = os.path.join(state, SEAL)
    stamp = stamp_of(state)
    try:
        content = _encoder.encode(replace(seal, size=stamp[0] if stamp is not None else 0))
    except (UnicodeEncodeError, OverflowError):  # a name that is no UTF-8, a file from the year 9999
        remove_spare(path)
        return
    write_spare(path, _stamped(stamp), content)


def renew_seal(state: str) -> None:
    """The seal speaks of the journal as it is now: what was appended has changed no task."""
    path = os.path.join(state, SEAL)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.pwrite(descriptor, _stamped(stamp_of(state)), 0)
    except OSError:
        remove_spare(path)
    finally:
        os.close(descriptor)


def read_seal(state: str) -> Seal | None:
    """The seal of the journal that is there; None where there is none, or it is of another."""
    stamp = stamp_of(state)
    if stamp is None:
        return None
    try:
        with open(os.path.join(state, SEAL), "rb", opener=open_at_once) as file:
            if file.read(_STAMP) != _stamped(stamp):
                return None
            found: Seal = _decoder.decode(file.read())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Seal)


def _stamped(stamp: Stamp | None) -> bytes:
    return f"taskrun seal 1 {stamp}".encode()[:_STAMP].ljust(_STAMP)


def _may_be_sealed(task: Task, past: Past, signer: Signer, run: str) -> bool:
    """Whether files alone tell if the task is fresh; what the `run` itself has begun is signed as it is now."""
    start, end, traits = past.start, past.end, task.traits
    if start is None or end is None or past.skip is not None or end.status != _SUCCEEDED:
        return False
    if traits.always or traits.check is Check.MTIME or traits.temp is not Temp.NO:
        return False
    if start.run == run:
        return True
    return (task.stdout, task.stderr) == (start.stdout, start.stderr) and signer.is_same(task, start.signature)


class _Lateness:
    """Whether what a task needs without a file ran since the task began."""

    def __init__(self, graph: Graph, records: Records) -> None:
        self._graph = graph
        self._records = records
        self._ends: dict[int, int] = {}  # by gather: its last end

    def is_late(self, index: int, past: Past) -> bool:
        """Whether that task must run again for it."""
        graph = self._graph
        needs = graph.needs[index]
        return bool(needs) and any(
            not graph.edge(index, node).has_file and self._last_end(node) > past.started for node in needs
        )

    def _last_end(self, node: int) -> int:
        if node >= 0:
            past = self._records.past(self._graph.tasks[node].name)
            return past.ran if past is not None else 0
        found = self._ends.get(node)
        if found is None:
            found = self._ends[node] = max(map(self._last_end, self._graph.members(node)))
        return found


class _Maker:
    """Gathers the columns of a seal, task by task."""

    def __init__(self) -> None:
        self._attempts: list[int] = []
        self._ended: list[float] = []
        self._files: list[tuple[int, ...]] = []
        self._long: list[tuple[int, ...]] = []
        self._file_of: dict[tuple[str, Figure, Check], int] = {}
        self._lists: dict[tuple[int, int, Check], tuple[int, ...] | None] = {}

    def take(self, task: Task, past: Past) -> bool:
        """One more task; False where some file of it is not there, or nothing is known of it."""
        assert past.start is not None
        assert past.end is not None
        check = task.traits.check
        inputs = self._numbers(task.inputs, past.start.inputs, check)
        outputs = self._numbers(task.outputs, past.end.outputs, check, may_be_directories=True)
        if inputs is None or outputs is None:
            return False
        found = inputs + outputs
        if not task.outputs and (task.stdout or task.stderr):
            redirects = [path for path in (task.stdout, task.stderr) if path]
            found += tuple([self._number(path, (0, 0), Check.EXISTS) for path in redirects])
        self._attempts.append(past.end.attempt)
        self._ended.append(past.end.time)
        self._files.append(found)
        return True

    def seal(self, study: Study, provenance: Provenance, records: Records) -> Seal:
        """What has come of all tasks."""
        graph, run = study.graph, records.last_run
        return Seal(
            provenance=provenance,
            shapes=study.shapes,
            hints=study.hints,
            steps=_steps(graph.tasks),
            gone=records.gone(graph.index),
            run=run,
            run_end=records.run_ends.get(run.run) if run is not None else None,
            names=[task.name for task in graph.tasks],
            attempts=self._attempts,
            ended=self._ended,
            needs=list(graph.needs),
            gathers=list(graph.gathers),
            files=self._files,
            long=self._long,
            paths=[path for path, _, _ in self._file_of],
            figures=[figure for _, figure, _ in self._file_of],
            checks=[check for _, _, check in self._file_of],
        )

    def _numbers(
        self, paths: tuple[str, ...], figures: tuple[Figure, ...], check: Check, *, may_be_directories: bool = False
    ) -> tuple[int, ...] | None:
        if len(paths) != len(figures):
            return None
        if not paths:
            return ()
        if len(paths) <= _FEW:
            return self._new_numbers(paths, figures, check, may_be_directories=may_be_directories)
        key = id(paths), id(figures), check  # 10,000 tasks over 10,000 files share both, and they live on
        if key not in self._lists:
            found = self._new_numbers(paths, figures, check, may_be_directories=may_be_directories)
            if found is not None:
                self._long.append(found)
            self._lists[key] = None if found is None else (-len(self._long),)
        return self._lists[key]

    def _new_numbers(
        self, paths: tuple[str, ...], figures: tuple[Figure, ...], check: Check, *, may_be_directories: bool
    ) -> tuple[int, ...] | None:
        """None also for a directory that is read: it is without what its reader makes in it; nobody knows that here."""
        if None in figures or not (may_be_directories or all(isinstance(figure, tuple) for figure in figures)):
            return None
        return tuple([self._number(path, figure, check) for path, figure in zip(paths, figures, strict=True)])

    def _number(self, path: str, figure: Figure, check: Check) -> int:
        return self._file_of.setdefault((path, figure, check), len(self._file_of))


def _steps(tasks: Iterable[Task]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    name, count = "", 0
    for task in tasks:
        if task.step.name != name and count:
            found.append((name, count))
            count = 0
        name = task.step.name
        count += 1
    return [*found, (name, count)] if count else found


def _are_same(files: Iterable[int], seal: Seal, root: str) -> bool:
    prefix = "" if os.path.samefile(root, ".") else root + "/"
    paths, figures, checks = seal.paths, seal.figures, seal.checks
    for file in files:
        path = paths[file]
        look = look_at(path if path.startswith("/") else prefix + path)
        if look is None or compare(figures[file], look, checks[file]) is not Compared.SAME:
            return False
    return True
