"""What leaves the core: the events of a run, and the facts that the judge adds to them."""

from __future__ import annotations

from msgspec import Struct, field

from taskrun.model.happenings import NOTHING_SPECIAL, Ended, Grant, Handle
from taskrun.model.tasks import STRICT_BASH, Task
from taskrun.model.words import NEVER_RAN, Cause, Reason, Status

# A file: its size and mtime in ns, then, where it was read, the digest of its content, then, where that counts only
# together with them, its ctime in ns and inode. A directory: its digests in a line. None: it is not there.
Figure = tuple[int | str, ...] | str | None


class Signature(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a task's freshness hangs on besides its files.

    `command` is a text for the words of `shell`, or a list of words that no shell sees; `cwd` is the directory that it
    runs in, "" for the study's own; `env` holds salted hashes of declared variables and of the point's values, by name;
    `inputs` and `outputs` are the declared paths.
    """

    command: str | tuple[str, ...]
    shell: tuple[str, ...] = STRICT_BASH
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Prepared(Struct, frozen=True):
    """What the judge found and did just before a start: goes on record with it.

    `inputs`: figures aligned with the signature's inputs. `before`: figures of the outputs that were there. `remake`:
    nothing but temporary outputs that somebody needs is to be had of it.
    """

    signature: Signature
    inputs: tuple[Figure, ...] = ()
    before: dict[str, Figure] = field(default_factory=dict)
    remake: bool = False


class Settled(Struct, frozen=True):
    """What the judge makes of an end: `outputs` are figures aligned with the signature's outputs.

    `is_outdated`: an earlier run began the attempt, and what it was to do, or what it read, is not what it was then.
    `last_line`: what a failed attempt wrote last. `remains`: where that is, if it went to a file that was moved away as
    an output.
    """

    status: Status
    cause: Cause | None = None
    message: str = ""
    outputs: tuple[Figure, ...] = ()
    log: str | None = None
    is_outdated: bool = False
    last_line: str = ""
    remains: str | None = None

    @property
    def printed(self) -> str | None:
        """The path of what the attempt printed, but for what its redirects still hold."""
        return self.log or self.remains


class RunStarted(Struct, frozen=True):
    """The scheduler begins; `total` tasks are selected."""

    time: float
    total: int


class Started(Struct, frozen=True):
    """Goes on record before the process exists. `attempt` counts for life, `round` within this run; `grant`: what
    it has for itself.
    """

    time: float
    task: Task
    attempt: int
    round: int
    prepared: Prepared
    reasons: tuple[Reason, ...] = ()
    grant: Grant = NOTHING_SPECIAL


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

    @property
    def wrote(self) -> list[str]:
        """Where to look for what the attempt wrote, as seen from the study: its log, or where that was moved; then
        the file of standard error, then that of standard output. What never ran wrote nothing there.
        """
        redirects = () if self.settled.cause in NEVER_RAN else (self.task.stderr, self.task.stdout)
        return [path for path in (self.settled.printed, *redirects) if path is not None]


class Retrying(Struct, frozen=True):
    """An attempt has failed, and the task waits, holding nothing, for its `retry`-th retry at `due`."""

    time: float
    task: Task
    ended: Ended
    settled: Settled
    retry: int
    due: float


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


class Confirmed(Struct, frozen=True):
    """Files that look different and hold what they held: the figures to know them by from now on; None: as before.

    With neither it says that the task was found fresh after it had been skipped.
    """

    inputs: tuple[Figure, ...] | None = None
    outputs: tuple[Figure, ...] | None = None


class Found(Struct, frozen=True):
    """A task is fresh: done in an earlier run and still valid. `attempt`: the one whose files were `confirmed`."""

    time: float
    task: Task
    attempt: int = 0
    confirmed: Confirmed | None = None


class Skipped(Struct, frozen=True):
    """A task does not run in this run. `culprit` names the task that failed, however far up; "" where none did."""

    time: float
    task: Task
    culprit: str
    reason: str


class Stopping(Struct, frozen=True):
    """The run was asked to end (see `Interrupted`); `running` tasks are still on. `why` where no signal says that."""

    time: float
    level: int
    signal: str
    running: int
    why: str = ""


class RunFinished(Struct, frozen=True):
    """The last event of a run. `stopped_by` is the signal's name where it ended before everything had run, and "" where
    whoever read its events left. `cancelled`: how many of the failed tasks we stopped ourselves; `allowed`: how many
    of them were allowed to fail.
    """

    time: float
    counts: dict[str, int]
    stopped_by: str | None = None
    cancelled: int = 0
    allowed: int = 0


Event = (
    RunStarted
    | Started
    | Identified
    | Finished
    | Retrying
    | Recovered
    | Adopted
    | Found
    | Skipped
    | Stopping
    | RunFinished
)
