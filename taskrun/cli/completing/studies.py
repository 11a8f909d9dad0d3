"""What a study has to offer: its steps, its tasks' names, the names of its sweep and their values.

A sweep file is only looked at as far as its names go; a Python file is never executed, standard input never read. What
is wrong with a file is said by the commands, not here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from taskrun.cli.completing.offers import PART, PLAIN, STUDY, Offer
from taskrun.cli.completing.typed import Typed
from taskrun.cli.files import looks_like_file
from taskrun.defaults import DEFAULT_FILE
from taskrun.errors import TaskrunError

if TYPE_CHECKING:
    from taskrun.journal import Records
    from taskrun.sweep.outline import Outline

_SWEEPS = (".yaml", ".yml")


def selecting(typed: Typed, text: str) -> list[Offer]:
    """What can stand as SELECT or FILE: steps, names of tasks, `name=value,value`, files."""
    file = _file(typed)
    may_be_file = file is None and not typed.words
    return [*_selecting(typed, file, text), *[Offer("", STUDY)] * may_be_file]


def _selecting(typed: Typed, file: str | None, text: str) -> Iterable[Offer]:
    records = _records(typed, file)
    if records is not None and not records.header.source.endswith(_SWEEPS):
        return _components((past.name for past in records.pasts()), text)
    if records is not None and file is None:
        file = records.header.source
    outline = _outline(typed, file)
    if outline is None:
        return ()
    name, equals, values = text.partition("=")
    if "/" in name:
        return _task_names(outline.task_names(text))
    if equals:
        return _values(name, values, outline.values(name))
    return [*_steps(outline, text), *_names((*outline.names, *outline.lets), text)]


def replacing(typed: Typed, text: str) -> Iterable[Offer]:
    """What can stand after `--set`: the names whose values can be replaced, and what they are now."""
    name, equals, values = text.partition("=")
    outline = _outline(typed._replace(sets=()), _file(typed))
    if outline is None:
        return ()
    if not equals:
        return _names(outline.replaceable, text)
    now = outline.values(name) if name in outline.replaceable else ()
    return _values(name, values, filter(_is_itself, now))


def studies(typed: Typed, text: str) -> list[Offer]:
    """What can stand after `--name`: the studies that have a state."""
    above = _states(typed, _file(typed))
    try:
        names = sorted(os.listdir(above))
    except OSError:
        return []
    return [Offer(name) for name in names if name.startswith(text) and _has_journal(above, name)]


def _file(typed: Typed) -> str | None:
    """FILE, where one has been typed."""
    return typed.file or next(filter(looks_like_file, typed.words[:1]), None)


def _outline(typed: Typed, file: str | None) -> Outline | None:
    """The sweep file's; None where there is none, or none that can be read."""
    path = file or DEFAULT_FILE
    if path == "-" or path.endswith((".txt", ".py")) or not os.path.isfile(path):
        return None
    return (_kept(typed, path) if not typed.sets else None) or _read(typed, path)


def _kept(typed: Typed, path: str) -> Outline | None:
    """What a run has left of a file that is as it was then."""
    from taskrun.cli.places import places
    from taskrun.sweep.kept_outline import kept_outline

    try:
        here = os.getcwd()
    except OSError:  # it is gone
        return None
    return kept_outline(path, places(path, here=here, state_dir=typed.state_dir, name=typed.name).state)


def _read(typed: Typed, path: str) -> Outline | None:
    from taskrun.sweep.outlining import read_outline

    try:
        return read_outline(path, sets=typed.replaced)
    except TaskrunError:
        return None


def _steps(outline: Outline, text: str) -> Iterator[Offer]:
    """Each step, and where it runs over names, how the names of its tasks begin."""
    for step, outlined in outline.steps.items():
        if step.startswith(text):
            yield Offer(step, PLAIN, " ".join(outlined.desc.split()))  # to a shell a newline ends the answer
            if outline.names_of(step):
                yield Offer(f"{step}/", PART)


def _names(names: Iterable[str], text: str) -> list[Offer]:
    return [Offer(f"{name}=", PART) for name in names if name.startswith(text)]


def _values(name: str, typed: str, values: Iterable[str]) -> list[Offer]:
    """Values for the last one of those after `name=`, without those before it."""
    from taskrun.names import decode
    from taskrun.sweep.outline import encoded

    *before, last = typed.split(",")
    given = set(map(decode, before))
    start = ",".join([f"{name}={before[0]}", *before[1:], ""]) if before else f"{name}="
    return [Offer(start + value) for value in encoded(values, last) if decode(value) not in given]


def _is_itself(value: str) -> bool:
    """Whether `--set` takes a value, as it is offered, for what it is."""
    from taskrun.names import encode
    from taskrun.sweep.values import stands_for_itself

    return encode(value) == value and stands_for_itself(value)


def _records(typed: Typed, file: str | None) -> Records | None:
    """What is on record of a study that has no sweep file on the line, but a name, or commands in a text file."""
    if not (typed.name if file is None else file.endswith(".txt")):
        return None
    from taskrun.journal import read_journal

    name = typed.name or os.path.splitext(os.path.basename(file or ""))[0]
    try:
        return read_journal(os.path.join(_states(typed, file), name))
    except TaskrunError:
        return None


def _components(names: Iterable[str], text: str) -> list[Offer]:
    """How the names that begin with `text` go on, each to its next `/`."""
    found: dict[str, Offer] = {}
    for name in names:
        if name.startswith(text):
            end = name.find("/", len(text)) + 1
            value = name[:end] if end else name
            found[value] = Offer(value, PART if end else PLAIN)
    return list(found.values())


def _task_names(found: Iterable[tuple[str, bool]]) -> list[Offer]:
    return [Offer(name, PLAIN if is_whole else PART) for name, is_whole in found]


def _states(typed: Typed, file: str | None) -> str:
    """The directory above the states."""
    from taskrun.cli.places import states_of

    return states_of(os.path.dirname(file or ""), here="", state_dir=typed.state_dir)


def _has_journal(above: str, name: str) -> bool:
    return os.path.isfile(os.path.join(above, name, "journal.jsonl"))
