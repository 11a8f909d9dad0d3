"""Studies as their journals have them: what `each`, standard input and programs left, for commands that only look.

Nothing here is executed: a task has the command of its last attempt, and where it never had one, none.
"""

from __future__ import annotations

import os

from msgspec import Struct

from taskrun.graph import Draft, Study
from taskrun.journal import JOURNAL, Records, read_header
from taskrun.model import Action, Argv, Past, Shell, Signature, Step, Task
from taskrun.names import parse_name


class Known(Struct, frozen=True):
    """A study that has a state: its name, what it was made from, and when something was last put on record of it."""

    name: str
    source: str
    written: float


def known_studies(states: str) -> list[Known]:
    """The studies whose states lie in the directory `states`, the one that ran last first."""
    try:
        names = os.listdir(states)
    except OSError:
        return []
    found = [study for name in sorted(names) if (study := _known(states, name)) is not None]
    return sorted(found, key=lambda study: -study.written)


def _known(states: str, name: str) -> Known | None:
    directory = os.path.join(states, name)
    header = read_header(directory)
    if header is None:
        return None
    try:
        written = os.stat(os.path.join(directory, JOURNAL)).st_mtime
    except OSError:  # gone just now
        return None
    return Known(name, header.source, written)


def recorded_study(records: Records, *, name: str, root: str) -> Study:
    """The study that `records` tell of: its tasks in the order of their first records, without dependencies."""
    draft = Draft()
    steps: dict[tuple[str, tuple[str, ...]], Step] = {}
    for index, past in enumerate(records.pasts()):
        step, params = _told(past)
        key = step, tuple(params)
        draft.add(_task(index, past, steps.setdefault(key, Step(*key)), tuple(params.values())))
    return Study(name=name, root=root, source=records.header.source, graph=draft.build())


def _told(past: Past) -> tuple[str, dict[str, str]]:
    """The step of a task and its values: its name tells both where no record names the step."""
    for record in (past.start, past.end, past.skip):
        if record is not None and record.step is not None:
            return record.step, {}
    return parse_name(past.name) or (past.name.partition("/")[0], {})


def _task(index: int, past: Past, step: Step, values: tuple[str, ...]) -> Task:
    start = past.start
    if start is None:
        return Task(index, past.name, step, Shell(""), values)
    signature = start.signature
    return Task(
        index,
        past.name,
        step,
        _action(signature),
        values,
        inputs=signature.inputs,
        outputs=signature.outputs,
        stdout=start.stdout,
        stderr=start.stderr,
        cwd=signature.cwd,
    )


def _action(signature: Signature) -> Action:
    command = signature.command
    return Shell(command, signature.shell) if isinstance(command, str) else Argv(command)
