"""Puts the parts together and decides nothing: a study, its state, an executor, a judge, the scheduler, a display."""

from taskrun.events import exit_status
from taskrun.manager.running import Batch, Options, Run, preview, selection

__all__ = ["Batch", "Options", "Run", "exit_status", "preview", "selection"]
