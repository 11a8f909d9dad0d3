"""The arguments of the library's calls, checked: whatever is wrong is a UsageError at the call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

from taskrun.errors import UsageError
from taskrun.manager.keys import Wrong, check_text
from taskrun.manager.task import Task
from taskrun.names import wrong_with_study_name
from taskrun.policy import Policy, parse_limit, read_on_failure
from taskrun.pools import parse_total
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.schema import Kind

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")


def several(tasks: object) -> tuple[Task, ...]:
    """What stands under `after`, whether they are tasks or not."""
    if tasks is None:
        return ()
    if isinstance(tasks, Task):
        return (tasks,)
    if isinstance(tasks, dict):
        wrong = [value for value in tasks.values() if value != "any"]
        if wrong:
            raise UsageError(f"`after`: {wrong[0]!r} is not any; write {{task: 'any'}} for whatever became of it")
        return tuple(tasks)
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
    """UsageError for what cannot be the name of a study."""
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


def check_switches(**switches: object) -> None:
    """What is on or off is said so: `hold=3` is a mistake."""
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise UsageError(f"{name}={value!r:.60}: True or False expected")


def pools_of(pools: object) -> dict[str, Fraction]:
    """How much there is of each pool."""
    if pools is None:
        return {}
    if not isinstance(pools, Mapping):
        raise UsageError(f"pools={pools!r:.60}: a dict is expected, such as {{'licence': 2, 'memory': '32G'}}")
    found = {}
    for pool, amount in pools.items():
        if not isinstance(pool, str) or wrong_with("pools", Kind.POOL, pool):
            raise UsageError(f"pools: {pool!r:.60} is no name of a pool")
        if isinstance(amount, bool) or not isinstance(amount, (str, int, float, Fraction)):
            raise UsageError(f"pools: {pool}={amount!r:.60}: a number or a size is expected")
        try:
            found[pool] = amount if isinstance(amount, Fraction) else parse_total(pool, str(amount))
        except ValueError as error:
            raise UsageError(f"pools: {pool}={amount}: {error}") from None
    return found


def policy_of(on_failure: object, max_failures: object, *, hold: bool) -> Policy:
    """What a run does about failures."""
    check_switches(hold=hold)
    most = None
    if max_failures is not None:
        text = f"{max_failures}" if isinstance(max_failures, (int, str)) and not isinstance(max_failures, bool) else ""
        try:
            most = parse_limit(text)
        except ValueError as error:
            raise UsageError(f"max_failures={max_failures!r}: {error}") from None
    try:
        return Policy(read_on_failure(on_failure), most, may_hold=hold)
    except ValueError as error:
        raise UsageError(f"on_failure={on_failure!r}: {error}") from None


def root_of(root: object) -> str:
    """The absolute directory that `root` names, the current one where it is not given."""
    try:
        path = os.getcwd() if root is None else os.fspath(root)  # type: ignore[call-overload]  # TypeError if it is none
        found = os.path.abspath(os.fsdecode(path))
    except OSError as error:
        raise UsageError(f"the current directory cannot be found: {error.strerror}") from None
    except TypeError:
        raise UsageError(f"root={root!r}: a directory is expected") from None
    if not path:
        raise UsageError("root='': a directory is expected; '.' is the current one")
    if not os.path.isdir(found):
        raise UsageError(f"root={found!r}: there is no such directory")
    return found
