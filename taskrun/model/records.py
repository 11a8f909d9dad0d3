"""The records of the journal, one JSON object a line, and what is on record of one task."""

from __future__ import annotations

from msgspec import Struct, field

from taskrun.model.events import Figure, Signature
from taskrun.model.words import UNSEEN, Cause, Status

_SUCCEEDED = Status.SUCCEEDED.value
_STATUSES = frozenset(status.value for status in Status)
_UNSEEN = frozenset(cause.value for cause in UNSEEN)
_CAUSES = frozenset([None, *(cause.value for cause in Cause)])


class Record(Struct, frozen=True, tag_field="kind", omit_defaults=True, kw_only=True, gc=False):
    """One line of the journal; a field that holds its default is left out.

    In all of them `run` is the id of a run, `task` the name of a task, `attempt` the number of one of its executions,
    counted from 1 over all runs, and `time` seconds since the epoch. A process is known by `pid`, `ticks` (its start,
    in clock ticks since boot) and `namespace` (the pid namespace that its number is of).
    """


class HeaderRecord(Record, frozen=True, gc=False, tag="header"):
    """The first line. `format`: the journal's version; `source`: what the study was made from; `salt`: hex digits that
    salt the hashes of values.
    """

    format: int
    source: str
    salt: str


class RunRecord(Record, frozen=True, gc=False, tag="run"):
    """One invocation of the scheduler, where it ran, and what it was asked for.

    `host`: as `hostname` prints it; `boot`: the boot id of that machine; `total`: how many tasks it had; `select`,
    `only`, `force`: as typed; `cores`: what its tasks share, `pools`: how much of everything else. `command`: which one
    it was that held the state only to change what is on record (`reset`, `mark-done`, `clean`), and ran nothing.
    """

    run: str
    time: float
    host: str
    boot: str
    pid: int
    ticks: int | None = None
    namespace: int | None = None
    total: int | None = None
    select: tuple[str, ...] = ()
    only: bool = False
    force: bool = False
    cores: float | None = None
    pools: dict[str, float] = field(default_factory=dict)
    command: str | None = None


class StartRecord(Record, frozen=True, gc=False, tag="start"):
    """An attempt is about to start; written before its process exists. Host and boot id stand in `run`'s record.

    `round` counts the attempts within the run. `signature` is what the task's freshness hangs on; `inputs` holds the
    figures of the signature's inputs, in their order, and `before` those of the outputs that were there. `paths` and
    `figures` are digests of list records that hold the signature's inputs and their figures where these are long; the
    fields proper are empty then, in the file, never in memory. `step` is there where the task's name does not tell it;
    `stdout` and `stderr` are the files that the attempt's output is redirected to. `remake`: it is there only to have
    temporary outputs again that somebody needs, so that for who comes after it without a file it has not run. `gpus`
    and `pinned` are the ids of the gpus and the cores that it has for itself.
    """

    run: str
    task: str
    attempt: int
    round: int
    time: float
    signature: Signature
    inputs: tuple[Figure, ...] = ()
    before: dict[str, Figure] = field(default_factory=dict)
    paths: str | None = None
    figures: str | None = None
    step: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    remake: bool = False
    gpus: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()


class ListRecord(Record, frozen=True, gc=False, tag="list"):
    """A long list of `paths` or `figures` that starts name by its `digest`, so that 10,000 tasks over 10,000 files are
    no 10^8 paths.
    """

    digest: str
    paths: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


class SpawnRecord(Record, frozen=True, gc=False, tag="spawn"):
    """The identity of an attempt's process."""

    task: str
    attempt: int
    pid: int
    ticks: int | None = None
    namespace: int | None = None


class EndRecord(Record, frozen=True, gc=False, tag="end"):
    """An attempt is over. `status` is `succeeded` or `failed`; `cause` says why it failed.

    `exit_code` and `signal` (a name such as `SIGKILL`) are what the process ended with, `message` the system's words
    or ours where there is more to say. `seconds` is wall time, `user` and `system` are the times on the CPU, `max_rss`
    is the peak memory in bytes. `outputs` holds the figures of the signature's outputs, in their order; `log` is the
    path of what the attempt printed, from the study's directory. `step` as in the start, of an attempt that has none.
    `due`: when this run is to try the task again; a run that comes to it has another record of this end, or a start.
    """

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
    step: str | None = None
    due: float | None = None

    def __post_init__(self) -> None:
        if self.status not in _STATUSES:
            raise ValueError(f"{self.status!r} is no status")
        if self.cause not in _CAUSES:
            raise ValueError(f"{self.cause!r} is no cause of failure")


class SkipRecord(Record, frozen=True, gc=False, tag="skip"):
    """A task did not run in `run`; stands beside its last attempt, never in its place.

    `culprit` is the task that failed, however far up; `reason` is a sentence; `step` as in a start.
    """

    run: str
    task: str
    time: float
    culprit: str
    reason: str
    step: str | None = None


class ConfirmRecord(Record, frozen=True, gc=False, tag="confirm"):
    """Files of a task look different, or had to be looked at again, and their content is what it was: the figures by
    which to know them from now on. `inputs` and `outputs` as in the start and the end; None: as before. `seen` is a
    digest of a list record that holds long `inputs`. With neither: found fresh, so that no skip stands beside it.
    """

    task: str
    attempt: int
    time: float
    inputs: tuple[Figure, ...] | None = None
    outputs: tuple[Figure, ...] | None = None
    seen: str | None = None


class TakeoverRecord(Record, frozen=True, gc=False, tag="takeover"):
    """What is on record of `origin`, which the study has no more, goes on as the past of `task`.

    `env`: the hashes of its signature from now on; the rest of the signature is the same. `step` as in a start.
    """

    task: str
    origin: str
    time: float
    env: dict[str, str] = field(default_factory=dict)
    step: str | None = None


class ResetRecord(Record, frozen=True, gc=False, tag="reset"):
    """Somebody wants the task to be as if it had never run; only its attempts go on being counted,
    after `attempts`.
    """

    task: str
    time: float
    attempts: int = 0


class RunEndRecord(Record, frozen=True, gc=False, tag="run_end"):
    """A run came to its end: `counts` holds the number of tasks by their status, `cancelled` how many of those
    that failed we stopped ourselves, `allowed` how many were allowed to. `stopped_by`: the signal's name where it ended
    before everything had run, "" where a program that read its events left.
    """

    run: str
    time: float
    counts: dict[str, int] = field(default_factory=dict)
    stopped_by: str | None = None
    cancelled: int = 0
    allowed: int = 0


class SyncedRecord(Record, frozen=True, gc=False, tag="synced"):
    """Everything before byte `upto` of this file has been synced to disk; `crc` is its CRC-32."""

    upto: int
    crc: int | None = None


AnyRecord = (
    HeaderRecord
    | RunRecord
    | ListRecord
    | StartRecord
    | SpawnRecord
    | EndRecord
    | SkipRecord
    | ConfirmRecord
    | TakeoverRecord
    | ResetRecord
    | RunEndRecord
    | SyncedRecord
)


class Past(Struct, gc=False):
    """What is on record of one task. `started` and `ended` count the records of the journal: they order what happened.

    `ran` is `ended` of the last attempt that was no remake, `seen` counts up to when its inputs were last
    confirmed. `end` is None while the last attempt is running, or when nobody saw its end; `spawn` counts only
    until then. After a reset there is neither; `attempts` is the highest number that any had. `is_confirmed`: the
    content of its files was looked at after its end.
    """

    name: str
    start: StartRecord | None = None
    spawn: SpawnRecord | None = None
    end: EndRecord | None = None
    skip: SkipRecord | None = None
    started: int = 0
    ended: int = 0
    attempts: int = 0
    is_confirmed: bool = False
    ran: int = 0
    seen: int = 0

    @property
    def has_succeeded(self) -> bool:
        """Whether the last attempt did, or was marked so."""
        return self.end is not None and self.end.status == _SUCCEEDED

    @property
    def took(self) -> float | None:
        """The seconds of a success; None where it was only marked as done, so that nobody knows."""
        end = self.end
        return end.seconds or None if end is not None and end.status == _SUCCEEDED else None

    @property
    def was_lost(self) -> bool:
        """Whether its last attempt ended, and nobody saw how, or that it had."""
        return self.end is not None and self.end.cause in _UNSEEN
