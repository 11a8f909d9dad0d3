"""Freshness and workspace behind one protocol: what files and records say about a task.

Executors know nothing of files; the scheduler knows nothing of records; both ask here.
"""

from __future__ import annotations

from taskrun.judge.dry import DryJudge
from taskrun.judge.files import FileJudge

__all__ = ["DryJudge", "FileJudge"]
