"""How much of what is more than anybody can run; light enough for whoever is asked at each keystroke."""

from __future__ import annotations

MOST_VALUES = 2_000_000  # of one name, and rows of names that vary together
MOST_TASKS = 2_000_000
