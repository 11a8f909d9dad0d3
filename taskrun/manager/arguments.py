"""The arguments of the library's calls, checked: whatever is wrong is a UsageError at the call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from fractions import Fraction

from taskrun.errors import UsageError
from taskrun.manager.keys import Wrong, check_text
from taskrun.manager.task import Task
from taskrun.names import wrong_with_study_name

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")


def several(tasks: object) -> tuple[Task, ...]:
    """What stands under `after`, whether they are tasks or not."""
    if tasks is None:
        return ()
    if isinstance(tasks, Task):
        return (tasks,)
    if isinstance(tasks, dict):
        raise UsageError("`any` under `after` is not supported by this version yet")
    if isinstance(tasks, Iterable) and not isinstance(tasks, (str, bytes)):
        return tuple(tasks)
    raise UsageError(f"`after` takes a Task or several, not {kind_of(tasks)}")


def kind_of(value: object) -> str:
    """What a value that is no task is, in a message."""
    hint = "; write *tasks for what a list holds" if isinstance(value, (list, tuple, set)) else ""
    return f"{value!r:.60}{hint}" if isinstance(value, str) else f"{type(value).__name__}{hint}"


def name_of(name: object, what: str) -> str:
    """The name of a task or a step: any text that is not empty and can be shown on a line."""
    if not isinstance(name, str):
        raise UsageError(f"{what} must be a str, not {type(name).__name__}")
    text = str.__str__(name)
    if not text:
        raise UsageError(f"{what} is empty")
    if _CONTROL.search(text):
        raise UsageError(f"{what}, {text!r}, holds a control character")
    try:
        check_text(text)
    except Wrong as wrong:
        raise UsageError(f"{what}, {text!r}: {wrong}") from None
    return text


def check_study_name(name: object) -> None:
    if not isinstance(name, str):
        raise UsageError(f"a Manager's name must be a str, not {type(name).__name__}")
    wrong = wrong_with_study_name(name)
    if wrong:
        raise UsageError(f"a Manager cannot be called {name!r}: {wrong}")


def cores_of(jobs: object) -> Fraction | None:
    """`jobs`, None where it is not given."""
    if jobs is None:
        return None
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs={jobs!r}: a whole number of cores, at least 1, expected")
    return Fraction(jobs)


def root_of(root: object) -> str:
    """The absolute directory that `root` names, the current one where it is not given."""
    try:
        path = os.getcwd() if root is None else os.fspath(root)  # type: ignore[call-overload]  # TypeError if it is none
        found = os.path.abspath(os.fsdecode(path))
    except OSError as error:
        raise UsageError(f"the current directory cannot be found: {error.strerror}") from None
    except TypeError:
        raise UsageError(f"root={root!r}: a directory is expected") from None
    if not os.path.isdir(found):
        raise UsageError(f"root={found!r}: there is no such directory")
    return found
