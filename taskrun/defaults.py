"""What is called how where nobody says otherwise; light enough for whoever is asked at each keystroke."""

from __future__ import annotations

DEFAULT_FILE = "sweep.yaml"
STATES = ".taskrun"  # the directory, beside a sweep file, in which each study has a state directory of its own
