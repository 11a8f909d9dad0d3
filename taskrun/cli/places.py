"""Where a sweep file's study is, and its state; light enough for whoever is asked at each keystroke."""

from __future__ import annotations

import os
from typing import NamedTuple

from taskrun.defaults import STATES
from taskrun.paths import seen_from


class Places(NamedTuple):
    """The study's directory `root`, its `name`, its directory `state`, and that as the study calls it (`seen`)."""

    root: str
    name: str
    state: str
    seen: str


def places(file: str, *, here: str, state_dir: str | None, name: str | None) -> Places:
    """Of a sweep file, named in the directory `here`; `state_dir` and `name` as typed."""
    root, base = os.path.split(os.path.normpath(os.path.join(here, file)))
    name = name or os.path.splitext(base)[0]
    state = state_of(root, name, here=here, state_dir=state_dir)
    return Places(root, name, state, seen_from(root, state))


def state_of(root: str, name: str, *, here: str, state_dir: str | None) -> str:
    """The state directory of the study called `name` in the directory `root`."""
    return os.path.normpath(os.path.join(states_of(root, here=here, state_dir=state_dir), name))


def states_of(root: str, *, here: str, state_dir: str | None) -> str:
    """The directory above the states of studies in the directory `root`."""
    # Not `abspath`: a run stands in the study's directory, wherever the command was typed.
    return os.path.join(here, state_dir) if state_dir else os.path.join(root, STATES)
