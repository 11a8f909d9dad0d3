"""What the end of an attempt tells of the next run: a task whose input changed meanwhile runs again, perhaps for ever.

That is nobody's mistake for certain, so it is a hint; and one for a step is enough.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from taskrun.freshness import Files, Look, absent, named, newest_of
from taskrun.judge.temporary import Temporary
from taskrun.model import Check, Figure, Task

_ASKED = 8  # ends of a step that are looked at: what a command does to its inputs, all tasks of a step do
_AHEAD = 2_000_000_000  # ns by which a file server's clock may differ from ours


class Rerunning:
    """Looks at what the first few good ends of each step leave of their inputs."""

    def __init__(self, files: Files, temporary: Temporary) -> None:
        self._files = files
        self._temporary = temporary
        self._asked: Counter[str] = Counter()

    def hint(self, task: Task, then: tuple[Figure, ...]) -> str:
        """What the user should know of a success, `then` being the figures of its inputs when it started; or ""."""
        if not task.inputs or task.traits.always or self._asked[task.step.name] >= _ASKED:
            return ""
        self._asked[task.step.name] += 1
        found = self._look(task, then)
        if found:
            self._asked[task.step.name] = _ASKED
        return found

    def _look(self, task: Task, then: tuple[Figure, ...]) -> str:
        looks = self._files.looks(task.inputs, task)
        if None in looks:
            gone = absent(task.inputs, looks)
            stand_ins = self._temporary.stand_ins(task, gone)
            gone = [path for path, figure in zip(task.inputs, then, strict=True) if figure and path in gone]
            if missed := [path for path in gone if path not in stand_ins]:
                return f"the input {_quoted(missed)} went away while {task.name} ran: the next run will miss it"
        changed = [path for path, _ in self._files.compare(task.inputs, then, looks, task.traits.check).changed]
        if changed:
            return (
                f"the input {_quoted(changed)} changed while {task.name} ran, so that it will run again; "
                "where its own command does that, in every run"
            )
        if task.traits.check is Check.MTIME:
            limit = time.time_ns() + _AHEAD
            ahead = [path for path, look in zip(task.inputs, looks, strict=True) if _is_after(look, limit)]
            if ahead:
                return f"the time of the input {_quoted(ahead)} lies in the future; another one counts as a change"
        return ""


def _quoted(paths: Sequence[str]) -> str:
    return named([repr(path) for path in paths])


def _is_after(look: Look, limit: int) -> bool:
    return look is not None and newest_of(look) > limit
