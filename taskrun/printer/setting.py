"""What a printer is told before a run begins: facts about the study, and the manner in which to speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct, field

from taskrun.history import History
from taskrun.model import StepShape

OUTPUT_CHOICES = ("failures", "grouped", "live", "none")


class Outset(Struct, frozen=True, kw_only=True):
    """What the first lines say of the study. `selected` and `done` (before this run) count the run's tasks by step.

    `total`: all tasks of the study, selected or not; `slots`: the cores to share, for the estimate of the time to go;
    `pools`: all that there is to share, `bottleneck`: what of it the tasks will wait for ("" where for nothing).
    """

    shapes: tuple[StepShape, ...] = ()
    hints: tuple[str, ...] = ()
    total: int = 0
    selected: Mapping[str, int] = field(default_factory=dict)
    done: Mapping[str, int] = field(default_factory=dict)
    slots: float = 1.0
    pools: Mapping[str, Fraction] = field(default_factory=dict)
    bottleneck: str = ""
    history: History = field(default_factory=History)


def _nothing(path: str, start: int, size: int) -> bytes:
    return b""


def _nowhere(task: str, attempt: int) -> str:
    return ""


def _as_it_is(path: str) -> str:
    return path


def _run(names: Sequence[str]) -> str:
    return " ".join(["taskrun", "run", *names])


class Manner(Struct, frozen=True, kw_only=True):
    """How to speak of a run, and how to come by what a task wrote.

    `output`: one of OUTPUT_CHOICES; `again(names)`: the command line, ready to paste, that runs these tasks (or a step)
    again; `read(path, start, size)`: a piece of a file of the study, `start` counted from its end where negative, empty
    where there is none; `log_of(task, attempt)`: where a running task's log grows; `shown`: a path of the study as
    people see it from where they are.
    """

    quiet: bool = False
    verbose: bool = False
    output: str = "failures"
    again: Callable[[Sequence[str]], str] = _run
    read: Callable[[str, int, int], bytes] = _nothing
    log_of: Callable[[str, int], str] = _nowhere
    shown: Callable[[str], str] = _as_it_is
