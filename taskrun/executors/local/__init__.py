"""The executor of this machine; the rest of the package is its own affair."""

from taskrun.executors.local.executor import LocalExecutor

__all__ = ["LocalExecutor"]
