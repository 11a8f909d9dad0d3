"""What stands under `sweep:` and `exclude:`, as points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from taskrun.errors import NOWHERE
from taskrun.sweep.axes import AxisReader
from taskrun.sweep.exclusions import ExcludeReader
from taskrun.sweep.members import Member
from taskrun.sweep.nodes import Findings, Node
from taskrun.sweep.points import Points


def build_points(
    sweep: Node | None, exclude: Node | None, *, sets: Mapping[str, Sequence[str]], directory: str, findings: Findings
) -> Points:
    """The points that a sweep file describes; `sets` has values from the command line in place of the file's.

    Where something is wrong it is noted in `findings`, and only the names and places of the result are of use then.
    Raises UsageError for a wrong item of `sets`.
    """
    before = findings.count
    reader = AxisReader(directory, sets, findings)
    products = reader.read(sweep)
    knows = reader.has_all_names
    clauses = ExcludeReader(products, sets, findings).read(exclude, reader.name_place) if exclude and knows else []
    members = [Member(product.axes, clauses, product.place) for product in products]
    place = sweep.place if sweep else NOWHERE
    points = Points(
        members,
        place=place,
        name_place=reader.name_place,
        csv_columns=reader.csv_columns,
        has_all_names=knows,
    )
    if findings.count == before and not any(member.count(()) for member in members):
        assert exclude
        findings.mistake(exclude.place, "0 points: `exclude` removes them all")
    return points
