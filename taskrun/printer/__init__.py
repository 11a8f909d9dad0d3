"""Shows a run: its events to words, a bar, a summary, the tasks' output, or JSON.

Everything is passed in: streams, what the terminal can do, the time (with each event and tick), and how to read a log.
Choosing words and drawing lines are apart: what decides on a text writes nothing.
"""

from __future__ import annotations

from taskrun.printer.json_events import JsonEvents
from taskrun.printer.progress import Printer
from taskrun.printer.setting import Manner, Outset

__all__ = ["JsonEvents", "Manner", "Outset", "Printer"]
