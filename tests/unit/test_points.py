"""Points, projections and joins against an oracle that builds every point; the forms of `sweep:` and their mistakes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import Plain, as_written, clauses, members

from taskrun.errors import Place, SweepError, UsageError
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.points import Points
from taskrun.sweep.products import build_points
from taskrun.sweep.replacing import replacements

Point = dict[str, str]
HERE = Place("sweep.yaml", 1, 1)


def node(plain: Plain) -> Node:
    """A node as YAML would give it, all of it in one place."""
    if isinstance(plain, list):
        return Listing(tuple(map(node, plain)), HERE)
    if isinstance(plain, dict):
        return Table({key: Entry(Scalar(key, HERE), node(value)) for key, value in plain.items()}, HERE)
    return Scalar(str(plain), HERE, plain != "")


def read(
    sweep: Plain | None, exclude: Plain | None = None, sets: Mapping[str, str] | None = None, directory: str = "."
) -> tuple[Points, Findings]:
    findings = Findings()
    nodes = [None if plain is None else node(plain) for plain in (sweep, exclude)]
    replaced = replacements(sets or {}, directory)
    return build_points(nodes[0], nodes[1], sets=replaced, directory=directory, findings=findings), findings


def points_of(sweep: Plain | None, exclude: Plain | None = None, sets: Mapping[str, str] | None = None) -> Points:
    points, findings = read(sweep, exclude, sets)
    findings.check()
    return points


def mistakes(sweep: Plain | None, exclude: Plain | None = None) -> list[str]:
    return [str(mistake) for mistake in read(sweep, exclude)[1].mistakes]


def hints(sweep: Plain | None, exclude: Plain | None = None) -> list[str]:
    _, findings = read(sweep, exclude)
    findings.check()
    return [hint.what for hint in findings.hints]


# The oracle: every point, one after the other.


def all_points(sweep: list[dict[str, list[list[str]]]], exclude: list[dict[str, list[str]]]) -> list[Point]:
    found: list[Point] = []
    for member in sweep:
        some: list[Point] = [{}]
        for key, rows in member.items():
            some = [{**point, **dict(zip(key.split(", "), row, strict=True))} for point in some for row in rows]
        found += some
    kept = [point for point in found if not any(is_excluded(point, clause) for clause in exclude)]
    return [point for i, point in enumerate(kept) if point not in kept[:i]]


def is_excluded(point: Point, clause: dict[str, list[str]]) -> bool:
    return all(name in point and point[name] in values for name, values in clause.items())


def rows_of(points: list[Point], names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(tuple(p[name] for name in names) for p in points if set(names) <= p.keys()))


def partners_of(points: list[Point], consumer: tuple[str, ...], producer: tuple[str, ...]) -> list[tuple[int, ...]]:
    both = [p for p in points if {*consumer, *producer} <= p.keys()]
    mine, theirs = rows_of(points, consumer), rows_of(points, producer)
    pairs = {(tuple(p[n] for n in consumer), tuple(p[n] for n in producer)) for p in both}
    return [tuple(i for i, there in enumerate(theirs) if (row, there) in pairs) for row in mine]


@settings(max_examples=400, deadline=None)
@given(st.lists(members(), min_size=1, max_size=3), st.lists(clauses, max_size=4), st.data())
def test_points_projections_and_joins_are_those_of_the_oracle(
    sweep: list[dict[str, list[list[str]]]], exclude: list[dict[str, list[str]]], data: st.DataObject
) -> None:
    known = {name for member in sweep for key in member for name in key.split(", ")}
    exclude = [clause for clause in exclude if clause.keys() <= known]
    oracle = all_points(sweep, exclude)
    written: list[Plain] = [as_written(member) for member in sweep]
    points, findings = read(written if len(written) > 1 else written[0], [{**clause} for clause in exclude])
    assert bool(findings.mistakes) == (not oracle)

    assert [dict(zip(points.names, row, strict=True)) for row in points.rows()] == [
        {name: point.get(name) for name in points.names} for point in oracle
    ]
    assert points.total() == len(oracle)
    some = st.sets(st.sampled_from(points.names)).map(lambda names: tuple(n for n in points.names if n in names))
    consumer, producer = data.draw(some), data.draw(some)
    assert list(points.project(consumer)) == rows_of(oracle, consumer)
    assert points.count(producer) == len(rows_of(oracle, producer))
    assert list(points.join(consumer, producer)) == partners_of(oracle, consumer, producer)


@settings(max_examples=100, deadline=None)
@given(members(), st.lists(clauses, max_size=6), st.sets(st.sampled_from("abcde")))
def test_what_is_left_out_makes_no_points_of_its_own(
    member: dict[str, list[list[str]]], exclude: list[dict[str, list[str]]], unused: set[str]
) -> None:
    exclude = [clause for clause in exclude if clause.keys() <= {n for key in member for n in key.split(", ")}]
    points, _ = read(as_written(member), [{**clause} for clause in exclude])
    kept = tuple(name for name in points.names if name not in unused)
    assert list(points.rows(unused)) == rows_of(all_points([member], exclude), kept)
    assert points.total(unused) == points.count(kept)


# The forms.


def test_a_mapping_is_a_product_whose_last_name_varies_fastest() -> None:
    points = points_of({"topology": ["mesh", "torus"], "buffer": [1, 2]})
    assert list(points.rows()) == [("mesh", "1"), ("mesh", "2"), ("torus", "1"), ("torus", "2")]


def test_without_a_sweep_there_is_one_point_with_no_names() -> None:
    points = points_of(None)
    assert (points.names, list(points.rows()), points.total()) == ((), [()], 1)
    assert points.project(()) == [()]
    assert points.join((), ()) == [(0,)]


def test_a_union_is_its_members_one_after_the_other_and_equal_points_count_once() -> None:
    points = points_of([{"a": [1, 2]}, {"a": [2, 3]}, {"a": 1, "b": 5}])
    assert list(points.rows()) == [("1", None), ("2", None), ("3", None), ("1", "5")]
    assert points.total() == 4
    assert points.project(("b",)) == [("5",)]
    assert points.join(("a",), ("b",)) == [(0,), (), ()]


def test_tied_names_vary_together() -> None:
    points = points_of({"topology, dims": [["mesh", 2], ["torus", 3]], "seed": [1, 2]})
    assert points.project(("topology", "dims")) == [("mesh", "2"), ("torus", "3")]
    assert points.join(("topology",), ("dims", "seed")) == [(0, 1), (2, 3)]


def test_exclude_spares_points_that_lack_one_of_its_names() -> None:
    points = points_of([{"a": [1, 2]}, {"a": [1, 2], "b": [3, 4]}], [{"a": 1, "b": [3, 4]}])
    assert list(points.rows()) == [("1", None), ("2", None), ("2", "3"), ("2", "4")]


def test_values_of_the_command_line_take_the_place_of_a_names_values_everywhere() -> None:
    points = points_of([{"a": [1, 2], "b": 1}, {"a": 5}], sets={"a": "7..8"})
    assert list(points.rows()) == [("7", "1"), ("8", "1"), ("7", None), ("8", None)]


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ({"bufer": "1"}, "--set bufer: the sweep has no name 'bufer'; did you mean 'buffer'?"),
        ({"x": "1,a/b"}, "its values cannot be replaced alone; select instead: x=1,a/b"),
    ],
)
def test_values_of_the_command_line_can_be_for_a_wrong_name(sets: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read({"buffer": [1, 2], "x, y": [[1, 2]]}, sets=sets)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("sweep", "exclude", "says"),
    [
        ("", None, "`sweep` must hold names and their values; leave `sweep` out"),
        ([], None, "the list under `sweep` is empty"),
        ({}, None, "a sweep without names"),
        (["a"], None, "each item of a `sweep` list must be a mapping"),
        ({"a": 1, "a, b": [[1, 2]]}, None, "'a' has its values already, in sweep.yaml:1:1"),
        ({"a, b": []}, None, "'a, b' has no values: its list is empty"),
        ({"a, b": "1, 2"}, None, "'a, b' needs a list of rows such as [A, B]"),
        ({"a, b": ["1, 2"]}, None, "each row of 'a, b' must be a list"),
        ({"a, b": [[1, 2], [3]]}, None, "1 value in this row, 2 names in 'a, b'"),
        ({"a, a": [[1, 2]]}, None, "'a' stands twice in the key 'a, a'"),
        ({"a": [1, 2]}, [{"a": [1, 2]}], "0 points: `exclude` removes them all"),
        ({"a": 1}, {"a": 1}, "`exclude` must be a list of mappings of names to values; put `- ` before"),
        ({"a": 1}, ["a"], "each item of `exclude` must be a mapping"),
        ({"a": 1}, [{}], "each item of `exclude` must be a mapping"),
        ({"alpha": 1}, [{"alhpa": 1}], "`exclude` has 'alhpa', which the sweep has not; did you mean 'alpha'?"),
        ({"a": 1}, [{"a": []}], "the values of 'a' to exclude are an empty list"),
        ({"a": 1}, [{"a": {"from": 1}}], "a value of 'a' to exclude must be a single value, not a mapping"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(sweep: Plain, exclude: Plain | None, says: str) -> None:
    (found,) = mistakes(sweep, exclude)
    assert found.startswith("sweep.yaml:1:")
    assert says in found


def test_an_exclude_that_removes_nothing_is_hinted_at() -> None:
    union: Plain = [{"topology": ["mesh", "torus"]}, {"topology": "star", "size": [1, 2]}]
    assert hints(union, [{"topology": "mesh", "size": 1}]) == [
        "this `exclude` removes nothing: no point equals it in all its names"
    ]
    assert hints(union, [{"topology": ["mesh", "tours"]}]) == ["'topology' is never 'tours'"]
    assert hints(union, [{"topology": "star", "size": 1}]) == []


def test_an_exclude_that_stands_there_twice_is_hinted_at() -> None:
    sweep: Plain = {"a": [1, 2, 3], "b": [1, 2]}
    assert hints(sweep, [{"a": [1, 2], "b": 1}, {"b": "1", "a": [2, 1]}]) == ["this `exclude` removes nothing more"]
    assert hints(sweep, [{"a": [1, 2], "b": 1}, {"a": [1, 2]}]) == []


def test_a_key_of_the_top_level_in_a_sweep_is_called_that() -> None:
    for key, value in {"exclude": [{"a": 1}], "env": {"A": 1}, "let": {"y": "1"}}.items():
        (found,) = mistakes({"a": [1, 2], key: value}, None)
        assert found == f"sweep.yaml:1:1: `{key}` is a key of the top level; it stands beside `sweep`"
    assert mistakes({"shell": ["bash", "zsh"], "env": {"from": 1, "to": 2}}, None) == []


# CSV files.


def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "points.csv")
    _, findings = read({"csv": "points.csv"}, directory=str(tmp_path))
    assert [mistake.what for mistake in findings.mistakes] == ["'points.csv' is no regular file"]


def csv_sweep(tmp_path: Path, content: str | bytes, **others: Plain) -> tuple[Points, Findings]:
    (tmp_path / "points.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read({"csv": "points.csv", **others}, directory=str(tmp_path))


def test_columns_are_tied_names_multiplied_with_the_others(tmp_path: Path) -> None:
    points, findings = csv_sweep(
        tmp_path, '\ufefftopology,dims\r\nmesh,2\r\n\r\n"to,rus", 3\r\nmesh,2\r\n', seed=[1, 2]
    )
    findings.check()
    assert points.names == ("topology", "dims", "seed")
    assert list(points.rows()) == [("mesh", "2", "1"), ("mesh", "2", "2"), ("to,rus", " 3", "1"), ("to,rus", " 3", "2")]
    assert [str(hint) for hint in findings.hints] == [
        "points.csv:4:1: the spaces of ' 3' belong to the value; remove them if they should not"
    ]
    assert {name: str(place) for name, place in points.csv_columns.items()} == {
        "topology": "points.csv:1:1",
        "dims": "points.csv:1:10",
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "sweep.yaml:1:1: 'points.csv' is empty"),
        ("a,b\n", "sweep.yaml:1:1: 'points.csv' has no rows below its header"),
        ("a,b\n1,2\n\n1\n", "points.csv:4:1: 1 cell in this row, 2 cells in the header"),
        ('a,b\n"1\n1",2\n1,2,3\n', "points.csv:4:1: 3 cells in this row, 2 cells in the header"),
        ("a,a\n1,2\n", "points.csv:1:3: two columns are called 'a'"),
        ("a;b\n1;2\n", "points.csv:1:1: a single column 'a;b'; columns are separated by commas"),
        ('a,b\n1,"2\n', "points.csv:2:1: this is no CSV: "),
        (b"a,b\n1,\xff\n", "sweep.yaml:1:1: 'points.csv' is not UTF-8"),
        ("a,Seed\n1,2\n", "points.csv:1:3: 'Seed' and 'seed' differ only in capitals"),
    ],
)
def test_a_csv_file_can_be_wrong(tmp_path: Path, content: str | bytes, says: str) -> None:
    _, findings = csv_sweep(tmp_path, content, seed=1)
    (found,) = map(str, findings.mistakes)
    assert found.startswith(says)


def test_a_column_that_is_no_name_is_a_mistake_at_the_column(tmp_path: Path) -> None:
    _, findings = csv_sweep(tmp_path, "a, b-c\n1,2\n")
    (found,) = map(str, findings.mistakes)
    assert found.startswith("points.csv:1:4: ")
    assert "b-c" in found


def test_a_csv_file_that_is_not_there_is_a_mistake_of_the_sweep() -> None:
    (found,) = mistakes({"csv": "nowhere.csv"})
    assert found.startswith("sweep.yaml:1:1: 'nowhere.csv' cannot be read: No such file or directory; ")


def test_the_values_of_a_column_cannot_be_replaced_alone(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"'a' is a column of points\.csv"):
        read({"csv": "points.csv"}, sets={"a": "1"}, directory=str(tmp_path))


# Size.


def span(count: int) -> Plain:
    return {"from": 1, "to": count}


def test_ten_million_points_are_counted_and_looked_at_in_part_without_being_made() -> None:
    started = time.process_time()
    points = points_of(
        {"a": span(1000), "b": span(100), "c": span(100), "d": span(10)}, [{"a": 1, "b": [1, 2], "d": 3}]
    )
    assert points.count(points.names) == points.total() == 100_000_000 - 200
    assert len(points.project(("a", "b"))) == 100_000
    assert time.process_time() - started < 5


def test_a_gather_over_names_of_its_own_is_one_shared_result() -> None:
    points = points_of({"a": span(10_000), "b": span(10_000)})
    joined = points.join(("a",), ("b",))
    assert len(joined) == 10_000
    assert {id(some) for some in joined} == {id(joined[0])}
    assert joined[0] == tuple(range(10_000))


def test_excluding_couples_only_the_names_it_gives() -> None:
    points = points_of({"a": span(3000), "b": span(10_000), "c": span(3000)}, [{"a": 5, "c": 7}, {"a": 6, "c": [8, 9]}])
    assert points.count(("a", "c")) == 9_000_000 - 3
    joined = points.join(("a",), ("b",))
    assert {id(some) for some in joined} == {id(joined[0])}


def test_a_million_tasks_with_one_partner_each_are_joined_in_seconds() -> None:
    started = time.process_time()
    points = points_of({"a": span(1000), "b": span(1000), "c": [1, 2]})
    joined = points.join(("a", "b"), ("a", "b"))
    assert len(joined) == 1_000_000
    assert joined[-1] == (999_999,)
    assert time.process_time() - started < 15


def test_more_dependencies_than_memory_holds_are_refused_with_their_number() -> None:
    diagonal: Plain = [{"a": n, "b": n} for n in range(1, 51)]
    with pytest.raises(SweepError, match=r"steps by \(a, c\) and by \(b, d\) make [0-9,]+ dependencies"):
        points_of({"a": span(100), "b": span(100), "c, d": [[n % 97, n] for n in range(9000)]}, diagonal).join(
            ("a", "c"), ("b", "d")
        )
