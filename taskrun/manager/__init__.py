"""Puts the parts together and decides nothing: a study, its state, an executor, a judge, the scheduler, a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskrun.events import exit_status
    from taskrun.manager.running import Options, Run, preview

__all__ = ["Options", "Run", "exit_status", "preview"]


def __getattr__(name: str) -> object:
    """Who only asks whether a study is sealed need not wait for all that runs one (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    home = "taskrun.events" if name == "exit_status" else "taskrun.manager.running"
    return getattr(importlib.import_module(home), name)
