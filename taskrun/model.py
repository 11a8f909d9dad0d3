"""The frozen values that every other module speaks in; nothing here does anything.

A task's way through these types: a `Task` of a graph -> `Started` -> (the executor's) `Spawned`, `Ended` -> (the
judge's) `Settled` -> `Finished`. What the journal keeps of it are the records at the end of this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction

from msgspec import Struct, field

STRICT_BASH = ("bash", "-euo", "pipefail", "-c")


class Status(Enum):
    """What has become of a task in this run; the moves between them are a table in `plan`."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FRESH = "fresh"
    SKIPPED = "skipped"


class Cause(Enum):
    """Why a task failed."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    MISSING_INPUT = "missing input"
    MISSING_OUTPUT = "missing output"
    COULD_NOT_START = "could not start"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    LOST = "lost"


class ReasonKind(Enum):
    """Why a task runs or waits: the words of the design's section on freshness."""

    NEW = "new"
    FAILED_BEFORE = "failed before"
    INTERRUPTED = "interrupted"
    COMMAND_CHANGED = "command changed"
    ENV_CHANGED = "env changed"
    CWD_CHANGED = "cwd changed"
    SHELL_CHANGED = "shell changed"
    INPUTS_CHANGED = "inputs changed"
    OUTPUTS_CHANGED = "outputs changed"
    INPUT_CHANGED = "input changed"
    INPUT_MISSING = "input missing"
    OUTPUT_MISSING = "output missing"
    OUTPUT_CHANGED = "output changed"
    NEEDS_RAN = "needs ran"
    ALWAYS = "always"
    FORCED = "forced"
    WAITS = "waits"


class Reason(Struct, frozen=True):
    """One reason; `detail` names the file, variable, task or pool that it is about."""

    kind: ReasonKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value


# --- tasks -----------------------------------------------------------------------------------------------------------


class Shell(Struct, frozen=True, gc=False):
    """A command that a shell reads: `words` stand before it. `text` may hold marks, see `as_run`."""

    text: str
    words: tuple[str, ...] = STRICT_BASH


class Argv(Struct, frozen=True, gc=False):
    """A command executed as it is, word by word. The words may hold marks, see `as_run`."""

    words: tuple[str, ...]


Action = Shell | Argv

_MARK = re.compile("\0([^\0\1]*)\1([^\0\1]*)\0")


def mark(written: str, runs: str | None) -> str:
    """A piece of a command that is `written` in the signature but `runs` otherwise (None: the attempt's number)."""
    return f"\0{written}\1{'' if runs is None else runs}\0"


def as_run(text: str, attempt: int) -> str:
    """The text that is executed, as the `attempt`-th of this run."""
    return _MARK.sub(lambda match: match[2] or str(attempt), text) if "\0" in text else text


def as_signed(text: str) -> str:
    """The text that stands in the signature: `{task.cores}` and the like as written, paths as seen from the study."""
    return _MARK.sub(lambda match: match[1], text) if "\0" in text else text


class Step(Struct, frozen=True):
    """What all tasks of a step share. `names` and `lets` name the values that each of its tasks holds, in order."""

    name: str
    names: tuple[str, ...] = ()
    lets: tuple[str, ...] = ()
    desc: str = ""


class Traits(Struct, frozen=True):
    """How a task is to be run: what it takes from the pools and the cosmetic keys. Equal traits are one object."""

    request: tuple[tuple[str, Fraction], ...] = (("cores", Fraction(1)),)
    priority: Fraction = Fraction(0)

    @property
    def cores(self) -> Fraction:
        """The cores that the task asks for."""
        return next((amount for pool, amount in self.request if pool == "cores"), Fraction(0))


class FileList(Struct, frozen=True):
    """A file to write before the start: one path a line (`{parse.outputs:file}`). `path` is seen from the study."""

    path: str
    lines: tuple[str, ...]


NO_ENV: Mapping[str, str] = {}
TRAITS = Traits()


class Task(Struct, frozen=True, eq=False):
    """One command: a step at a point.

    `values` and `lets` are source texts, aligned with `step.names` and `step.lets`. Paths are normalised and relative
    to the study's directory, or absolute. `outputs` holds the declared ones and each redirect file that counts as
    one; `cwd` is "" for the study's directory. `env` holds the declared variables only. Tuples and mappings are shared
    between tasks wherever they are equal.
    """

    index: int
    name: str
    step: Step
    action: Action
    values: tuple[str, ...] = ()
    lets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    stdout: str | None = None
    stderr: str | None = None
    cwd: str = ""
    env: Mapping[str, str] = NO_ENV
    traits: Traits = TRAITS
    lists: tuple[FileList, ...] = ()

    @property
    def params(self) -> dict[str, str]:
        """The values of the task's point by name."""
        return dict(zip(self.step.names, self.values, strict=True))

    @property
    def variables(self) -> dict[str, str]:
        """`TASKRUN_PARAM_NAME` for each value of the point and each `let` value."""
        names = (*self.step.names, *self.step.lets)
        values = (*self.values, *self.lets)
        return {f"TASKRUN_PARAM_{name.upper()}": value for name, value in zip(names, values, strict=True)}


class Gathering(Struct, frozen=True):
    """One `<- 4 parse each` of a step's shape; `everything` where each of its tasks needs all tasks of `step`."""

    step: str
    fewest: int
    most: int
    everything: bool


class StepShape(Struct, frozen=True):
    """What the sweep made of a step: `sim x12 (topology, buffer)`."""

    step: str
    count: int
    names: tuple[str, ...]
    gathers: tuple[Gathering, ...] = ()


# --- what happens (from an executor) ---------------------------------------------------------------------------------


class Handle(Struct, frozen=True, omit_defaults=True):
    """What finds the process of an attempt again: its identity, or where `pid` is None what its environment holds."""

    run: str
    attempt: int
    round: int
    pid: int | None = None
    ticks: int | None = None
    namespace: int | None = None


class Spawned(Struct, frozen=True):
    """The process exists."""

    task: int
    handle: Handle


class Ended(Struct, frozen=True):
    """An attempt is over. Times are seconds since the epoch; `max_rss` is bytes; None is "not known".

    `cause` is None where the exit code or the signal says it all. `signal` is a name such as SIGKILL.
    """

    task: int
    attempt: int
    start: float
    end: float
    exit_code: int | None = None
    signal: str | None = None
    cause: Cause | None = None
    message: str = ""
    seconds: float = 0.0
    user: float | None = None
    system: float | None = None
    max_rss: int | None = None


class Tick(Struct, frozen=True):
    """Time has passed and nothing else."""


class Interrupted(Struct, frozen=True):
    """Somebody wants the run to end: 1 start nothing more, 2 terminate, 3 kill. `signal` is a name such as SIGINT."""

    level: int
    signal: str


Happening = Spawned | Ended | Tick | Interrupted


# --- what leaves the core --------------------------------------------------------------------------------------------

# A file's size and mtime in ns (later issues append a content hash); a directory's digest; None: it is not there.
Figure = tuple[int, ...] | str | None


class Signature(Struct, frozen=True, omit_defaults=True):
    """What a task's freshness hangs on besides its files. `env` holds salted hashes."""

    command: str | tuple[str, ...]
    shell: tuple[str, ...] = ()
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Prepared(Struct, frozen=True):
    """What the judge found and did just before a start: goes on record with it.

    `inputs`: figures aligned with the signature's inputs. `before`: figures of the outputs that were there.
    """

    signature: Signature
    inputs: tuple[Figure, ...] = ()
    before: dict[str, Figure] = field(default_factory=dict)


class Settled(Struct, frozen=True):
    """What the judge makes of an end: `outputs` are figures aligned with the signature's outputs."""

    status: Status
    cause: Cause | None = None
    message: str = ""
    outputs: tuple[Figure, ...] = ()
    log: str | None = None


class RunStarted(Struct, frozen=True):
    """The scheduler begins; `total` tasks are selected."""

    time: float
    total: int


class Started(Struct, frozen=True):
    """Goes on record before the process exists. `attempt` counts for life, `round` within this run."""

    time: float
    task: Task
    attempt: int
    round: int
    prepared: Prepared
    reasons: tuple[Reason, ...] = ()


class Identified(Struct, frozen=True):
    """The process of a started task, on record with the next write."""

    time: float
    task: Task
    handle: Handle


class Finished(Struct, frozen=True):
    """A task has ended for good in this run."""

    time: float
    task: Task
    ended: Ended
    settled: Settled


class Recovered(Struct, frozen=True):
    """An attempt of an earlier run, found without an end, is over; the task is judged anew."""

    time: float
    task: Task
    ended: Ended
    settled: Settled


class Adopted(Struct, frozen=True):
    """An attempt of an earlier run is still alive; this run waits for it."""

    time: float
    task: Task
    handle: Handle


class Found(Struct, frozen=True):
    """A task is fresh: done in an earlier run and still valid."""

    time: float
    task: Task


class Skipped(Struct, frozen=True):
    """A task does not run in this run. `culprit` names the task that failed, however far up; "" where none did."""

    time: float
    task: Task
    culprit: str
    reason: str


class Stopping(Struct, frozen=True):
    """The run was asked to end; `running` tasks are still on."""

    time: float
    level: int
    signal: str
    running: int


class RunFinished(Struct, frozen=True):
    """The last event of a run. `stopped_by` is the signal's name where it ended before everything had run."""

    time: float
    counts: dict[str, int]
    stopped_by: str | None = None


Event = (
    RunStarted
    | Started
    | Identified
    | Finished
    | Recovered
    | Adopted
    | Found
    | Skipped
    | Stopping
    | RunFinished
)


# --- the journal's records -------------------------------------------------------------------------------------------


class Record(Struct, frozen=True, tag_field="kind", omit_defaults=True, kw_only=True):
    """One line of the journal."""


class HeaderRecord(Record, frozen=True, tag="header"):
    """The first line: which format, made from which source. `salt` is hex and salts the hashes of values."""

    format: int
    source: str
    salt: str


class RunRecord(Record, frozen=True, tag="run"):
    """One invocation of the scheduler, and where it ran."""

    run: str
    time: float
    host: str
    boot: str
    pid: int
    ticks: int | None = None
    namespace: int | None = None


class StartRecord(Record, frozen=True, tag="start"):
    """An attempt is about to start; written before its process exists. Host and boot id stand in `run`'s record."""

    run: str
    task: str
    attempt: int
    round: int
    time: float
    signature: Signature
    inputs: tuple[Figure, ...] = ()
    before: dict[str, Figure] = field(default_factory=dict)


class SpawnRecord(Record, frozen=True, tag="spawn"):
    """The identity of an attempt's process."""

    task: str
    attempt: int
    pid: int
    ticks: int | None = None
    namespace: int | None = None


class EndRecord(Record, frozen=True, tag="end"):
    """An attempt is over. `status` and `cause` are the words of the design; `outputs` as in the start's signature."""

    task: str
    attempt: int
    time: float
    status: str
    cause: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    message: str = ""
    seconds: float = 0.0
    user: float | None = None
    system: float | None = None
    max_rss: int | None = None
    outputs: tuple[Figure, ...] = ()
    log: str | None = None


class SkipRecord(Record, frozen=True, tag="skip"):
    """A task did not run in `run`; stands beside its last attempt, never in its place."""

    run: str
    task: str
    time: float
    culprit: str
    reason: str


class RunEndRecord(Record, frozen=True, tag="run_end"):
    """A run came to its end."""

    run: str
    time: float
    counts: dict[str, int] = field(default_factory=dict)


class SyncedRecord(Record, frozen=True, tag="synced"):
    """Everything before byte `upto` of this file has been synced to disk."""

    upto: int


AnyRecord = (
    HeaderRecord | RunRecord | StartRecord | SpawnRecord | EndRecord | SkipRecord | RunEndRecord | SyncedRecord
)


class Past(Struct):
    """What is on record of one task. `started` and `ended` count the records of the journal: they order what happened.

    `end` is None while the last attempt is running, or when nobody saw its end.
    """

    name: str
    start: StartRecord | None = None
    spawn: SpawnRecord | None = None
    end: EndRecord | None = None
    skip: SkipRecord | None = None
    started: int = 0
    ended: int = 0
