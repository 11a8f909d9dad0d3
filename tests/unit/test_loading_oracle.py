"""Expansion and joins of whole studies against brute force over points, and rendering against plain replacing."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import Loaded, study

from taskrun.errors import SweepError

NAMES = ("a", "b", "c", "d")
Point = dict[str, str]
Axis = tuple[tuple[str, ...], list[tuple[str, ...]]]

VALUES = st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3, unique=True)


@st.composite
def axes(draw: st.DrawFn) -> list[Axis]:
    """The axes of one product: single names, and perhaps two names tied."""
    names = list(draw(st.permutations(NAMES)))[: draw(st.integers(1, 4))]
    made: list[Axis] = []
    if len(names) > 1 and draw(st.booleans()):
        tied = tuple(names[:2])
        pairs = st.tuples(st.sampled_from("12"), st.sampled_from("12"))
        made.append((tied, draw(st.lists(pairs, min_size=1, max_size=4, unique=True))))
        names = names[2:]
    made += [((name,), [(value,) for value in draw(VALUES)]) for name in names]
    return list(draw(st.permutations(made)))


def points_of(members: list[list[Axis]], exclude: list[dict[str, list[str]]]) -> list[Point]:
    found: list[Point] = []
    for member in members:
        for rows in product(*(rows for _, rows in member)):
            point = {
                name: value
                for (names, _), row in zip(member, rows, strict=True)
                for name, value in zip(names, row, strict=True)
            }
            is_excluded = any(
                all(name in point and point[name] in values for name, values in clause.items()) for clause in exclude
            )
            if point not in found and not is_excluded:
                found.append(point)
    return found


def rows_of(points: list[Point], names: tuple[str, ...]) -> list[tuple[str, ...]]:
    rows = (tuple(point[name] for name in names) for point in points if point.keys() >= set(names))
    return list(dict.fromkeys(rows))


def partners(
    points: list[Point], names: tuple[str, ...], row: tuple[str, ...], others: tuple[str, ...]
) -> list[tuple[str, ...]]:
    of_both = [
        point
        for point in points
        if point.keys() >= {*names, *others} and tuple(point[name] for name in names) == row
    ]
    wanted = set(rows_of(of_both, others))
    return [other for other in rows_of(points, others) if other in wanted]


def written(members: list[list[Axis]], exclude: list[dict[str, list[str]]], steps: str) -> str:
    def mapping(member: list[Axis]) -> str:
        entries = []
        for names, rows in member:
            values = [f"[{', '.join(row)}]" if len(names) > 1 else row[0] for row in rows]
            entries.append(f'"{", ".join(names)}": [{", ".join(values)}]')
        return "{" + ", ".join(entries) + "}"

    sweep = mapping(members[0]) if len(members) == 1 else "[" + ", ".join(map(mapping, members)) + "]"
    clauses = ["{" + ", ".join(f"{name}: [{', '.join(v)}]" for name, v in clause.items()) + "}" for clause in exclude]
    text = f"sweep: {sweep}\n" + (f"exclude: [{', '.join(clauses)}]\n" if clauses else "")
    return text + steps


def sweep_names(members: list[list[Axis]]) -> tuple[str, ...]:
    """In the order in which the members bring them up."""
    return tuple(dict.fromkeys(name for member in members for names, _ in member for name in names))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_expansion_and_joins_equal_brute_force_over_points(data: st.DataObject) -> None:
    members = data.draw(st.lists(axes(), min_size=1, max_size=3))
    order = sweep_names(members)
    clause = st.dictionaries(st.sampled_from(order), VALUES, min_size=1, max_size=2)
    exclude = data.draw(st.lists(clause, max_size=2))
    subsets = st.lists(st.sampled_from(order), unique=True).map(lambda some: tuple(n for n in order if n in some))
    makes, reads = data.draw(subsets), data.draw(subsets)
    path = "/".join(["make", *(f"{{{name}}}" for name in makes)])
    steps = f"""steps:
  every: {{run: "{" ".join(f"{{{name}}}" for name in order[:1])}", per: [{order[0]}]}}
  make: {{run: make, outputs: "{path}/file"}}
  read: {{run: "cat {{make.outputs}} > {{outputs}}", per: [{", ".join(reads)}], outputs: "read/{{task.name}}"}}
""" + "".join(f"  use_{name}: 'echo {{{name}}}'\n" for name in order)
    points = points_of(members, exclude)
    expected_make, expected_read = rows_of(points, makes), rows_of(points, reads)
    groups = [partners(points, reads, row, makes) for row in expected_read]
    try:
        with tempfile.TemporaryDirectory() as directory:
            made = study(Path(directory), written(members, exclude, steps))
    except SweepError:
        gaps = not points or not expected_make or not expected_read or not all(groups)
        assert gaps or any(not rows_of(points, (name,)) for name in order)
        return
    check(made, expected_make, expected_read, groups)
    assert [dict(zip(order, row, strict=True)) for row in made.study.points] == [
        {name: point.get(name) for name in order} for point in points
    ]


def check(
    made: Loaded,
    makes: list[tuple[str, ...]],
    reads: list[tuple[str, ...]],
    groups: list[list[tuple[str, ...]]],
) -> None:
    assert [task.values for task in made.of("make")] == makes
    assert [task.values for task in made.of("read")] == reads
    makers = {task.values: task for task in made.of("make")}
    for task, group in zip(made.of("read"), groups, strict=True):
        files = ["/".join(["make", *row, "file"]) for row in group]
        assert made.needs(task.name) == [makers[row].name for row in group]
        assert list(task.inputs) == files
        assert made.run(task.name).startswith("cat " + " ".join(files) + " > ")
    (shape,) = [shape for shape in made.study.shapes if shape.step == "read"]
    sizes = [len(group) for group in groups]
    if max(sizes) == 1:
        assert shape.gathers == ()
    else:
        (gathering,) = shape.gathers
        assert (gathering.fewest, gathering.most) == (min(sizes), max(sizes))
        assert gathering.everything == (min(sizes) == len(makes))


PIECE = st.sampled_from(["{x}", "{y}", "{{x}}", "{{{y}}}", "${x}", "{z,x}", " ", "a", "{", "}", "%s", "%", "{}"])
PIECES = st.lists(PIECE, max_size=8)


@settings(max_examples=60, deadline=None)
@given(PIECES, st.lists(st.sampled_from(["1", "a%b", "{y}", "%s", "~", "$HOME"]), min_size=1, unique=True))
def test_a_text_is_its_pieces_with_the_values_between_them(pieces: list[str], values: list[str]) -> None:
    text = "-".join(pieces) + "-"
    quoted = ", ".join(f"'{value}'" for value in values)
    source = f"sweep: {{x: [{quoted}], y: [7]}}\nsteps: {{s: {{run: [echo, '{text}', '{{x}}{{y}}']}}}}\n"
    with tempfile.TemporaryDirectory() as directory:
        made = study(Path(directory), source)
    meanings = {"{{x}}": lambda x: "{x}", "{{{y}}}": lambda x: "{7}", "{x}": lambda x: x, "{y}": lambda x: "7"}
    for task in made.of("s"):
        expected = [meanings[piece](task.values[0]) if piece in meanings else piece for piece in pieces]
        assert made.run(task.name) == "echo|" + "-".join(expected) + "-|" + task.values[0] + "7"
