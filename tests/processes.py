"""A local executor on a directory, and what its tasks came to: for tests of real processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from taskrun.executors.base import Attempt
from taskrun.executors.local import LocalExecutor
from taskrun.history import Foresight
from taskrun.model import NOTHING_SPECIAL, Argv, Ended, Handle, Happening, Shell, Spawned, Step, Task
from taskrun.pools import CORES, Supply

DEADLINE = 30.0
STATE = ".taskrun/study"
STEP = Step("step")
RUN = f"run-of-{os.getpid()}"  # whoever runs these tests at the same time has processes of another run


def task(index: int, action: str | Sequence[str], **keys: object) -> Task:
    """`t0`, `t1`, ...: a string for strict bash, a list as it is."""
    command = Shell(action) if isinstance(action, str) else Argv(tuple(action))
    return Task(index, f"t{index}", STEP, command, **keys)  # type: ignore[arg-type]  # the keys are Task's own


class Place:
    """An executor and everything that it has told."""

    def __init__(
        self,
        root: Path,
        *,
        owns_process: bool = False,
        grace: float = 10.0,
        jobs: int = 4,
        shims: bool | Container[str] = False,
        is_recorded: Callable[[str, int], bool] = lambda task, attempt: True,
        run: str = RUN,
    ) -> None:
        self.root = root
        self.executor = LocalExecutor(
            os.fspath(root), STATE, run, Supply({CORES: Fraction(jobs)}), grace=grace, owns_process=owns_process,
            foresight=Long(shims) if shims else None, is_recorded=is_recorded,
        )  # fmt: skip
        self.happened: list[Happening] = []

    def start(self, *tasks: Task, number: int = 1, round: int = 1, handle: Handle | None = None) -> None:
        for each in tasks:
            self.executor.start(each, Attempt(number, round), NOTHING_SPECIAL, handle)

    def until(self, is_enough: Callable[[Sequence[Happening]], bool]) -> Sequence[Happening]:
        """Wait for what happens until there is enough of it."""
        deadline = time.monotonic() + DEADLINE
        while not is_enough(self.happened):
            assert time.monotonic() < deadline, self.happened
            self.happened.extend(self.executor.wait(DEADLINE))
        return self.happened

    def run(self, *tasks: Task, **keys: int) -> list[Ended]:
        """Start all, wait for all; their ends in the order of the tasks."""
        before = len(self.happened)
        self.start(*tasks, **keys)
        self.until(lambda happened: len(ended(happened[before:])) == len(tasks))
        found = {end.task: end for end in ended(self.happened[before:])}
        return [found[each.index] for each in tasks]

    def spawned(self, task: Task) -> Handle:
        """The identity of a task's process."""
        self.until(lambda happened: any(isinstance(found, Spawned) and found.task == task.index for found in happened))
        return next(found.handle for found in self.happened if isinstance(found, Spawned) and found.task == task.index)

    def log(self, task: Task, number: int = 1) -> str | None:
        """What stands in the log of an attempt; None where there is none."""
        path = self.root / STATE / "logs" / f"{task.name}.{number}.log"
        return path.read_text() if path.exists() else None


def alive(token: str) -> list[int]:
    """The processes that have this word on their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                state = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[0]
            except OSError:
                continue
            if token.encode() in words and state not in b"ZX":
                found.append(int(name))
    return found


def ended(happened: Sequence[Happening]) -> list[Ended]:
    return [found for found in happened if isinstance(found, Ended)]


class Long(Foresight):
    """These tasks are to have a shim; True: all are."""

    __slots__ = ("_names",)

    def __init__(self, names: bool | Container[str]) -> None:
        super().__init__()
        self._names = names

    def is_long(self, task: str, step: str) -> bool:
        return self._names is True or (not isinstance(self._names, bool) and task in self._names)


@contextmanager
def place(root: Path, **keys: Any) -> Iterator[Place]:
    """A `Place` that is left with nothing running."""
    found = Place(root, **keys)
    try:
        yield found
    finally:
        found.executor.stop()


def in_thread(work: Callable[[], object]) -> None:
    """Do it in a thread that is not the main one, and fail if it fails."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
