"""A task and what it is made of: frozen, compact, equal parts shared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

from taskrun.model.words import Check, Temp

STRICT_BASH = ("bash", "-euo", "pipefail", "-c")


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
    """What all tasks of a step share. `names` and `lets` name the values that each of its tasks holds, in order.

    `is_template`: its tasks are one command at different points, and not just some that nobody has grouped.
    """

    name: str
    names: tuple[str, ...] = ()
    lets: tuple[str, ...] = ()
    desc: str = ""
    is_template: bool = True


class Retries(Struct, frozen=True):
    """`most` further attempts after a failed one, the first after `delay` seconds, each next after `factor` times
    as long.
    """

    most: int = 0
    delay: float = 0.0
    factor: float = 1.0

    def wait(self, attempt: int) -> float:
        """The seconds between the `attempt`-th of a run, counted from 1, and the next."""
        return self.delay and self.delay * self.factor ** (attempt - 1)  # without a delay no power grows beyond floats


NO_RETRIES = Retries()


class Traits(Struct, frozen=True):
    """How a task is to be run: what it takes from the pools, and the cosmetic keys. Equal traits are one object.

    `request`: amounts by pool; `memory` in bytes, `gpus` and `cores` as they are counted, then the `tokens`.
    `check`: how its files are compared; `always`: it runs in every run; `temp`: what may become of its outputs;
    `keep`: those of a failed attempt stay where they are. `timeout`: the seconds that an attempt may take (None: any);
    `ok_codes`: exit codes that mean success besides 0; `allow_failure`: a failure stops nothing; `has_memory_limit`:
    it is killed where it uses more than the memory that it asks for; `is_pinned`: it gets cores of its own; `nice`:
    what is added to the niceness of the runner. `states_cores`: it says itself how many cores it asks for.
    """

    request: tuple[tuple[str, Fraction], ...] = (("cores", Fraction(1)),)
    priority: Fraction = Fraction(0)
    check: Check = Check.STAT
    always: bool = False
    temp: Temp = Temp.NO
    keep: bool = False
    timeout: float | None = None
    retries: Retries = NO_RETRIES
    ok_codes: tuple[int, ...] = ()
    allow_failure: bool = False
    has_memory_limit: bool = False
    is_pinned: bool = False
    nice: int = 0
    states_cores: bool = False

    @property
    def cores(self) -> Fraction:
        """The cores that the task asks for."""
        return self.amount("cores")

    def amount(self, pool: str) -> Fraction:
        """What the task asks of a pool."""
        return next((amount for name, amount in self.request if name == pool), Fraction(0))


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
    def redirects(self) -> tuple[str, ...]:
        """The files that its standard output and error go to, each once."""
        if self.stdout is None and self.stderr is None:
            return ()
        return tuple(path for path in dict.fromkeys((self.stdout, self.stderr)) if path is not None)

    @property
    def written(self) -> tuple[str, ...]:
        """The paths of all that it writes, some twice."""
        return self.outputs + self.redirects

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
