"""Ends that are on disk and not on record: of attempts that ended by themselves when their runs were gone.

Whoever changes what is on record puts them there first, as a run does: nothing that was done is forgotten unseen.
"""

from __future__ import annotations

import os
from contextlib import suppress

from taskrun.freshness import Files
from taskrun.graph import Study
from taskrun.journal import Records
from taskrun.model import Ended, EndRecord, Past, Traits
from taskrun.names import log_name, result_name, script_name
from taskrun.standing import end_of, look_for


def unrecorded_ends(study: Study, records: Records, *, state: str) -> list[EndRecord]:
    """What is to go on record of them; nothing is touched. `state` is the state directory, absolute."""
    found = []
    files = Files(study.root, waits=True)
    for name in records.open_starts():
        past = records.past(name)
        assert past is not None
        ended = look_for(records, past, state=state).ended
        if ended is not None:
            found.append(_end(study, past, ended, files, state))
    return found


def tidy(end: EndRecord, state: str) -> None:
    """Remove what the attempt needed as long as its end was not on record."""
    places = [result_name(end.task, end.attempt), script_name(end.task, end.attempt)]
    log = log_name(end.task, end.attempt)
    with suppress(OSError):
        if not os.stat(os.path.join(state, log)).st_size:
            places.append(log)
    for place in places:
        with suppress(OSError):
            os.unlink(os.path.join(state, place))


def _end(study: Study, past: Past, ended: Ended, files: Files, state: str) -> EndRecord:
    assert past.start is not None
    index = study.graph.index(past.name)
    traits = Traits() if index is None else study.graph.tasks[index].traits
    paths = past.start.signature.outputs
    figures = files.take(paths, traits.check, waits=True)
    assert figures is not None
    missing = [path for path, figure in zip(paths, figures, strict=True) if figure is None]
    log = _log(study.root, os.path.join(state, log_name(past.name, ended.attempt)))
    return end_of(past.name, ended, ok_codes=traits.ok_codes, missing=missing, outputs=figures, log=log)


def _log(root: str, path: str) -> str | None:
    """The log's path as a run puts it on record, where there is anything in it."""
    try:
        if not os.stat(path).st_size:
            return None
    except OSError:
        return None
    return os.path.relpath(path, root) if path.startswith(os.path.join(root, "")) else path
