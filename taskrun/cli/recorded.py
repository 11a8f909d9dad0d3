"""Studies that have no file here (of `each`, `-` and Managers), as their state has them: for commands that look."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from msgspec.structs import replace

from taskrun.cli.places import states_of
from taskrun.cli.source import Opened, Source
from taskrun.defaults import DEFAULT_FILE
from taskrun.errors import UsageError, did_you_mean
from taskrun.recorded import Known, known_studies, recorded_study
from taskrun.shell import quote_visible
from taskrun.standing import look_up

_FILES = (".yaml", ".yml", ".txt")
_LONGEST_SOURCE = 100
_MOST_LISTED = 20


def is_recorded(source: Source) -> bool:
    """Whether what the user asks for is to be looked for in the state directory: no FILE, and none that is meant."""
    if source.file is not None:
        return False
    has_default = os.path.lexists(os.path.join(source.here, DEFAULT_FILE))
    if source.name is not None:
        return not (has_default and source.name == os.path.splitext(DEFAULT_FILE)[0])
    return not has_default and bool(known_studies(_states(source)))


def known_here(source: Source) -> list[str]:
    """The names of the studies whose states lie where the user looks, the one that ran last first."""
    return [study.name for study in known_studies(_states(source))]


def open_recorded(source: Source) -> Opened:
    """The study called `--name` as its journal has it, or, where its file is here, as the file has it.

    UsageError where there is none of that name, or none was given: it says which there are.
    """
    known = known_studies(_states(source))
    found = next((study for study in known if study.name == source.name), None)
    if found is None:
        raise _unknown(source, known)
    if found.source.endswith(_FILES) and os.path.isfile(os.path.join(source.here, found.source)):
        return replace(source, file=found.source).open()
    state = source.state_of(source.here, found.name)
    seen = look_up(state, root=source.here)
    return Opened(
        study=recorded_study(seen.records, name=found.name, root=source.here),
        file=found.name,
        state=state,
        here=source.here,
        again=source.again(),
        select=source.select,
        seen=seen,
    )


def check_names_tasks(source: Source, command: str) -> None:
    """Raise UsageError where a command that is about a task was given none: it says how that is done."""
    if source.select:
        return
    if is_recorded(source):
        open_recorded(source)  # where no study was named either, that is to be said
    if source.name is not None:
        raise UsageError(f"which task? taskrun {command} --name {quote_visible(source.name)} TASK")
    raise UsageError(f"which task? taskrun {command} [FILE] TASK (taskrun list shows their names)")


def find_state(source: Source) -> str:
    """The state directory of a study, found without reading its file or its journal: either may be damaged.

    Only a program, or standard input, has to be read to know what it is called.
    """
    file = source.file
    if file is None and source.name is None and os.path.lexists(os.path.join(source.here, DEFAULT_FILE)):
        file = DEFAULT_FILE
    if file is not None and (file == "-" or file.endswith(".py")):
        return source.open().state
    if file is not None:
        root, base = os.path.split(os.path.normpath(os.path.join(source.here, file)))
        return source.state_of(root, source.name or os.path.splitext(base)[0])
    state = source.state_of(source.here, source.name or "")
    if source.name is None or not os.path.isdir(state):
        raise _unknown(source, known_studies(_states(source)))
    return state


def _states(source: Source) -> str:
    """The directory in which the states of all studies lie."""
    return os.path.normpath(states_of(source.here, here=source.here, state_dir=source.state_dir))


def _unknown(source: Source, known: Sequence[Known]) -> UsageError:
    """The error of who asks for a study that is not known; StateError where that is because it cannot be read."""
    if source.name is not None:
        look_up(source.state_of(source.here, source.name))
    return UsageError(_which(source, known))


def _which(source: Source, known: Sequence[Known]) -> str:
    """Which studies there are, to somebody who named none of them."""
    states = os.path.relpath(_states(source), source.here)
    if source.name is None:
        head = f"there is no {DEFAULT_FILE} here; name a FILE, or with --name NAME"
    else:
        hint = did_you_mean(source.name, [study.name for study in known])
        head = f"there is no study {source.name!r} in {states}" + (f"; {hint}" if hint else "")
        if not known:
            return f"{head}: there is none at all"
    lines = [f"{head} one of the studies in {states}:" if source.name is None else f"{head}; there are:"]
    lines += [f"  {_described(study)}" for study in known[:_MOST_LISTED]]
    if len(known) > _MOST_LISTED:
        lines.append(f"  ... and {len(known) - _MOST_LISTED} more")
    return "\n".join(lines)


def _described(study: Known) -> str:
    from taskrun.printer.width import cut, printable

    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(study.written))
    made_from = "commands from standard input" if study.source == "-" else cut(printable(study.source), _LONGEST_SOURCE)
    return f"{printable(study.name)} ({made_from}), last run {when}"
