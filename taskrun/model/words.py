"""The words of the field: statuses, causes of failure, reasons. Messages, JSON and the journal use their values."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


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


NEVER_RAN = frozenset({Cause.MISSING_INPUT, Cause.COULD_NOT_START})  # of attempts without a process
UNSEEN = frozenset({Cause.INTERRUPTED, Cause.LOST})  # of attempts that nobody saw end

# How much a run is to end, each more than the one before: start nothing more, ask what runs to end, end it.
DRAIN, TERMINATE, KILL = 1, 2, 3


class Check(Enum):
    """How a file is compared with what is on record of it."""

    STAT = "stat"
    HASH = "hash"
    EXISTS = "exists"
    MTIME = "mtime"


class Temp(Enum):
    """Whether outputs may be gone once all that use them are done, and whether we remove them then."""

    NO = "false"
    MAY_GO = "true"
    DELETE = "delete"


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
    """One reason; `detail` names the file, variable, task or pool that it is about.

    Not `is_certain`: it holds only if a file that is still to be made comes out different.
    """

    kind: ReasonKind
    detail: str = ""
    is_certain: bool = True

    def __str__(self) -> str:
        said = f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value
        return said if self.is_certain else f"perhaps {said}"
