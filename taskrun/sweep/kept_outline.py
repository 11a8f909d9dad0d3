"""An outline that a run has left in the state, for whoever types while nothing has changed since.

It may be lost at any time: then the file is read. Whoever asks for it at a keystroke loads neither YAML nor msgspec,
which take longer than all the rest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from taskrun.digests import blake2b
from taskrun.errors import Place
from taskrun.provenance import Provenance
from taskrun.spare import remove_spare, write_spare
from taskrun.sweep.blocks import Axis, Clause
from taskrun.sweep.members import Member
from taskrun.sweep.outline import Outline, OutlinedStep
from taskrun.sweep.points import Points
from taskrun.sweep.provenance import is_unchanged

if TYPE_CHECKING:
    from taskrun.graph import Study

OUTLINE = "outline"
_NOWHERE = Place("")


def keep_outline(study: Study, state: str) -> None:
    """Leave the outline of a study in its state directory, which is held. Without room for it there is none."""
    if study.outline is None or study.provenance is None:
        return
    from msgspec import json

    path = os.path.join(state, OUTLINE)
    try:
        packed = study.outline()
        head = json.encode((study.provenance, _digest(packed)))
    except UnicodeEncodeError:  # a path that is no UTF-8
        remove_spare(path)
    else:
        write_spare(path, head, b"\n", packed)


def kept_outline(path: str, *, name: str, state: str, seen: str) -> Outline | None:
    """The outline of the sweep file at `path` as the last run left it; None where anything has changed since.

    `name` is the study's, `state` its state directory, `seen` how the study calls that.
    """
    import json

    try:
        with open(os.path.join(state, OUTLINE), "rb") as file:
            (digest, tables, globs), digest_of_packed = json.loads(file.readline())
            known = Provenance(digest, tuple(map(tuple, tables)), tuple(map(tuple, globs)))
            if not is_unchanged(known, path, name=name, state=seen):
                return None
            packed = file.read()
    except (OSError, ValueError, TypeError):
        return None
    return _unpacked(*json.loads(packed)) if _digest(packed) == digest_of_packed else None


def pack(outline: Outline) -> bytes:
    """An outline without mistakes as JSON."""
    from msgspec import json

    assert outline.points is not None
    members = [
        ([_columns(axis) for axis in member.axes], [_sorted(clause) for clause in member.clauses])
        for member in outline.points.members
    ]
    return json.encode((outline.steps, outline.names, outline.lets, outline.replaceable, members))


_Columns = dict[str, list[str]]  # by name, as long as there are rows
_Clause = dict[str, list[str]]


def _columns(axis: Axis) -> _Columns:
    return {name: [row[place] for row in axis.rows] for place, name in enumerate(axis.names)}


def _sorted(clause: Clause) -> _Clause:
    return {name: sorted(values) for name, values in clause.items()}


def _unpacked(
    steps: dict[str, tuple[str, list[str]]],
    names: list[str],
    lets: list[str],
    replaceable: list[str],
    members: list[tuple[list[_Columns], list[_Clause]]],
) -> Outline:
    points = Points(
        [_member(*member) for member in members],
        place=_NOWHERE,
        name_place=dict.fromkeys(names, _NOWHERE),
        csv_columns={},
        has_all_names=True,
    )
    return Outline(
        {name: OutlinedStep(desc, tuple(own)) for name, (desc, own) in steps.items()},
        names=tuple(names),
        lets=tuple(lets),
        replaceable=tuple(replaceable),
        points=points,
    )


def _member(axes: list[_Columns], clauses: list[_Clause]) -> Member:
    return Member(
        [Axis(tuple(columns), list(zip(*columns.values(), strict=True))) for columns in axes],
        [{name: frozenset(values) for name, values in clause.items()} for clause in clauses],
        _NOWHERE,
    )


def _digest(packed: bytes) -> str:
    return blake2b(packed, digest_size=16).hexdigest()
