"""The executor of this machine, and what a host program is owed; the rest of the package is its own affair."""

from taskrun.executors.local.catch import hold_signals
from taskrun.executors.local.executor import LocalExecutor

__all__ = ["LocalExecutor", "hold_signals"]
