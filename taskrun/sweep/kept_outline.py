"""An outline that a run has left in the state, for whoever types while nothing has changed since.

It may be lost at any time: then the file is read. Whoever asks for it at a keystroke loads neither YAML nor msgspec,
which take longer than all the rest. It has four lines: the digest of the others, what the file is known by, its names,
and, which may be long and is read where somebody asks for values, its points.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from taskrun.digests import blake2b
from taskrun.errors import NOWHERE
from taskrun.provenance import Provenance
from taskrun.spare import remove_spare, write_spare
from taskrun.sweep.blocks import Axis
from taskrun.sweep.members import Member
from taskrun.sweep.outline import Outline, OutlinedStep
from taskrun.sweep.points import Points
from taskrun.sweep.unchanged import has_same_names
from taskrun.sweep.witness import LARGEST, content_of

if TYPE_CHECKING:
    from taskrun.graph import Study

OUTLINE = "outline"
_Columns = dict[str, list[str]]  # of an axis: values by name, as many as there are rows


def keep_outline(study: Study, state: str) -> None:
    """Leave the outline of a study in its state directory, which is held. Without room for it there is none."""
    if study.outline is None:
        return
    path, packed = os.path.join(state, OUTLINE), study.outline()
    if len(packed) <= LARGEST:
        write_spare(path, packed)
    else:
        remove_spare(path)


def kept_outline(path: str, state: str) -> Outline | None:
    """The outline of the sweep file at `path` as a run left it in `state`; None where anything has changed since."""
    import json

    digest, _, packed = (content_of(os.path.join(state, OUTLINE)) or b"").partition(b"\n")
    if _digest(packed) != digest:
        return None
    try:
        known, said, points = packed.split(b"\n")
        if not has_same_names(Provenance(*json.loads(known)), path):
            return None
    except (ValueError, TypeError):  # another version's
        return None
    steps, names, lets, replaceable = json.loads(said)
    return Outline(
        {name: OutlinedStep(desc, tuple(own)) for name, (desc, own) in steps.items()},
        names=tuple(names),
        lets=tuple(lets),
        replaceable=tuple(replaceable),
        points=partial(_unpacked, points, names),
    )


def pack(outline: Outline, known: Provenance) -> bytes:
    """What `kept_outline` makes an outline without mistakes of, as long as the file is as it is `known`."""
    from msgspec import json

    assert outline.points is not None
    members = outline.points.members
    said = outline.steps, outline.names, outline.lets, outline.replaceable
    clauses = {id(clause): clause for member in members for clause in member.clauses}  # many members may share them
    points = [list(map(_columns, member.axes)) for member in members], list(clauses.values())
    packed = b"\n".join(map(json.encode, (known, said, points)))
    return b"\n".join((_digest(packed), packed))


def _columns(axis: Axis) -> _Columns:
    return {name: [row[place] for row in axis.rows] for place, name in enumerate(axis.names)}


def _unpacked(packed: bytes, names: list[str]) -> Points:
    """The points again. A member takes of the clauses those that it had, as when it was made from the file."""
    import json

    members, excluded = json.loads(packed)
    clauses = [{name: frozenset(values) for name, values in clause.items()} for clause in excluded]
    return Points(
        [Member(list(map(_axis, axes)), clauses) for axes in members], name_place=dict.fromkeys(names, NOWHERE)
    )


def _axis(columns: _Columns) -> Axis:
    return Axis(tuple(columns), list(zip(*columns.values(), strict=True)))


def _digest(packed: bytes) -> bytes:
    return blake2b(packed, digest_size=16).hexdigest().encode()
