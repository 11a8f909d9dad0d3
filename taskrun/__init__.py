"""taskrun runs many shell commands as a graph on one machine.

The public names are loaded when they are first asked for: importing `taskrun` alone costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, which takes longer to import than all of this

if TYPE_CHECKING:
    from taskrun.errors import TaskrunError, UsageError
    from taskrun.events import Event, Finished, Fresh, Retrying, RunFinished, RunStarted, Skipped, Started
    from taskrun.manager.library import Manager
    from taskrun.manager.loaded import load
    from taskrun.manager.summary import Failure, Summary
    from taskrun.manager.task import Task

__version__ = "0.1.0"

__all__ = [
    "Event",
    "Failure",
    "Finished",
    "Fresh",
    "Manager",
    "Retrying",
    "RunFinished",
    "RunStarted",
    "Skipped",
    "Started",
    "Summary",
    "Task",
    "TaskrunError",
    "UsageError",
    "load",
]

_HOMES = {
    "errors": ("TaskrunError", "UsageError"),
    "events": ("Event", "Finished", "Fresh", "Retrying", "RunFinished", "RunStarted", "Skipped", "Started"),
    "manager.library": ("Manager",),
    "manager.loaded": ("load",),
    "manager.summary": ("Failure", "Summary"),
    "manager.task": ("Task",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            found: object = getattr(import_module(f"taskrun.{home}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
