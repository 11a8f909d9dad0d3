"""The values of one name, as a sweep file and as the command line write them."""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.errors import Place
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.ranges import number, stepped
from taskrun.sweep.values import parse_values, read_values

NO_RANGE = (
    "{} is no range of numbers; A..B and A..B..STEP are; a text such as this one is taken from a file's lines, by @FILE"
)
HERE = Place("sweep.yaml", 3, 5)


def scalar(text: str, *, plain: bool = True) -> Scalar:
    return Scalar(text, HERE, plain)


def table(**texts: str) -> Table:
    return Table({key.rstrip("_"): Entry(scalar(key.rstrip("_")), scalar(text)) for key, text in texts.items()}, HERE)


def read(node: Node, directory: str = ".") -> tuple[list[str], Findings]:
    findings = Findings()
    return list(read_values(node, "x", directory=directory, findings=findings)), findings


def values(node: Node, directory: str = ".") -> list[str]:
    found, findings = read(node, directory)
    findings.check()
    return found


def mistake(node: Node, directory: str = ".") -> str:
    found, findings = read(node, directory)
    (one,) = findings.mistakes
    assert not found
    return f"{one.what}; {one.hint}" if one.hint else one.what


def span(**texts: str) -> list[str]:
    return values(table(**texts))


def test_values_are_what_the_user_wrote() -> None:
    texts = ["0.10", "on", "010", "12:30", "1e3", "null", "1", "1.0", " a b ", "ü"]
    assert values(Listing(tuple(map(scalar, texts)), HERE)) == texts
    assert values(scalar("0.10")) == ["0.10"]
    assert values(scalar("", plain=False)) == [""]


def test_a_value_that_stands_twice_counts_once_with_a_hint() -> None:
    found, findings = read(Listing((scalar("1"), scalar("1", plain=False), scalar("1.0")), HERE))
    assert found == ["1", "1.0"]
    assert [hint.what for hint in findings.hints] == ["the value '1' of 'x' stands here a second time"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"from_": "0.1", "to": "0.5", "step": "0.1"}, ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ({"from_": "1", "to": "4"}, ["1", "2", "3", "4"]),
        ({"from_": "0", "to": "1", "step": "0.25"}, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        ({"from_": "1", "to": "-1", "step": "-0.5"}, ["1.0", "0.5", "0.0", "-0.5", "-1.0"]),
        ({"from_": "1e3", "to": "2e3", "step": "5e2"}, ["1000", "1500", "2000"]),
        ({"from_": "7", "to": "7"}, ["7"]),
        ({"from_": "0", "to": "1", "count": "5"}, ["0", "0.25", "0.5", "0.75", "1"]),
        ({"from_": "0", "to": "1", "count": "4"}, ["0", "0.333333333333", "0.666666666667", "1"]),
        ({"from_": "10", "to": "-10", "count": "3"}, ["10", "0", "-10"]),
        ({"from_": "2.50", "to": "2.5", "count": "1"}, ["2.5"]),
        ({"from_": "1", "to": "16", "times": "2"}, ["1", "2", "4", "8", "16"]),
        ({"from_": "1", "to": "0.001", "times": "0.1"}, ["1", "0.1", "0.01", "0.001"]),
        ({"from_": "-1", "to": "-100", "times": "10"}, ["-1", "-10", "-100"]),
        ({"from_": "1e-9", "to": "1e-8", "count": "2"}, ["1e-9", "1e-8"]),
        ({"from_": "1e-6", "to": "1e20", "count": "2"}, ["0.000001", "100000000000000000000"]),
    ],
)
def test_a_range_is_made_of_exact_decimals(texts: dict[str, str], expected: list[str]) -> None:
    assert span(**texts) == expected


decimals = st.decimals(-1000, 1000, places=3).map(str) | st.integers(-1000, 1000).map(str)


@given(decimals, decimals, st.decimals("0.5", 100, places=2).map(str))
def test_steps_are_exact_and_end_at_or_before_the_end(start: str, stop: str, step: str) -> None:
    if Decimal(start) > Decimal(stop):
        step = f"-{step}"
    found = stepped(number(start), number(stop), number(step))
    exact = [Fraction(text) for text in found.values]
    assert exact == [Fraction(start) + i * Fraction(step) for i in range(len(exact))]
    assert abs(Fraction(stop) - exact[-1]) < abs(Fraction(step))
    assert bool(found.oddity) == (exact[-1] != Fraction(stop))
    assert len({len(text.partition(".")[2]) for text in found.values}) == 1


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"from_": "0", "to": "1", "step": "0.4"}, "'x': `to` (1) is not hit, the last value is 0.8"),
        ({"from_": "1", "to": "10", "times": "2"}, "'x': `to` (10) is not hit, the last value is 8"),
        (
            {"from_": "1", "to": "1.0000000000001", "count": "5"},
            "'x': with 12 significant digits only 1 of 5 values differ",
        ),
        ({"from_": "20240101000001", "to": "20240101000002", "count": "2"}, "only 1 of 2 values differ"),
    ],
)
def test_a_strange_range_is_hinted_at(texts: dict[str, str], says: str) -> None:
    found, findings = read(table(**texts))
    assert found
    (hint,) = findings.hints
    assert says in hint.what


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"from_": "1"}, "'x': `to` is missing"),
        ({}, "'x': `from` is missing"),
        ({"from_": "1", "to": "2", "stpe": "1"}, "unknown key 'stpe' in the values of 'x'; did you mean 'step'?"),
        ({"from_": "1", "to": "2", "step": "0"}, "'x': `step` is 0"),
        ({"from_": "2", "to": "1"}, "'x': steps of 1 from 2 never come to 1; `step: -1`?"),
        ({"from_": "1", "to": "2", "step": "-1"}, "'x': steps of -1 from 1 never come to 2; `step: 1`?"),
        ({"from_": "nan", "to": "2"}, "'x': `from`: 'nan' is not a number"),
        ({"from_": "1", "to": "inf"}, "'x': `to`: 'inf' is not a number"),
        ({"from_": "1", "to": "1_000"}, "'x': `to`: '1_000' is not a number"),
        ({"from_": "1", "to": "1e999"}, "'x': `to`: '1e999' is too long or too large a number"),
        ({"from_": "1", "to": "10000000"}, "'x': that makes 10,000,000 values, 2,000,000 at most"),
        ({"from_": "0", "to": "1", "step": "1e-300"}, "'x': that makes more than 1,000,000,000,000,000 values"),
        ({"from_": "0", "to": "1", "count": "3000000"}, "'x': that makes 3,000,000 values"),
        ({"from_": "1", "to": "2", "times": "1.0000000001"}, "values, 2,000,000 at most"),
        ({"from_": "0", "to": "1", "count": "0"}, "'x': `count` must be a whole number of 1 or more, not 0"),
        ({"from_": "0", "to": "1", "count": "2.5"}, "'x': `count` must be a whole number of 1 or more, not 2.5"),
        ({"from_": "0", "to": "1", "count": "1"}, "'x': `count: 1` cannot hold both `from` and `to`"),
        ({"from_": "0", "to": "8", "times": "2"}, "'x': `times` needs `from` and `to` above 0"),
        ({"from_": "1", "to": "8", "times": "1"}, "'x': 1 times 1, over and over, never comes to 8"),
        ({"from_": "1", "to": "8", "times": "0.5"}, "'x': 1 times 0.5, over and over, never comes to 8"),
        ({"from_": "1", "to": "8", "times": "-2"}, "'x': 1 times -2, over and over, never comes to 8"),
        ({"from_": "1", "to": "8", "times": "2", "step": "1"}, "'x': `step` and `times` do not go together"),
        ({"from_": "1", "to": "8", "glob": "*"}, "'x': `glob` stands alone"),
        ({"from_": "", "to": "8"}, '`from` is missing; an empty value is written ""'),
        ({"mesh": ""}, "unknown key 'mesh' in the values of 'x'; a value in braces needs quotes: \"{mesh}\""),
    ],
)
def test_a_wrong_range_is_one_mistake(texts: dict[str, str], says: str) -> None:
    assert mistake(table(**texts)).startswith(says) or says in mistake(table(**texts))


def test_what_is_no_list_of_values_is_a_mistake() -> None:
    assert mistake(Listing((), HERE)) == "'x' has no values: its list is empty"
    assert mistake(scalar("")).startswith("'x' has no values; a list")
    assert "must be a single value, not a list; several names" in mistake(Listing((Listing((), HERE),), HERE))
    assert "must be a single value, not a mapping" in mistake(Listing((table(a="1"),), HERE))
    assert mistake(Listing((scalar(""),), HERE)) == "a value of 'x' is missing; an empty value is written \"\""
    assert mistake(scalar("a\0b")) == "the value of 'x' holds a NUL character, which no command can be given"


@pytest.fixture
def files(tmp_path: Path) -> str:
    for name in ["data/b.csv", "data/a.csv", "data/.hidden.csv", "data/deep/c.csv", "data/[1].txt"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(tmp_path)


def test_a_glob_finds_paths_from_the_directory_of_the_sweep_file_sorted(files: str) -> None:
    assert values(table(glob="data/*.csv"), files) == ["data/a.csv", "data/b.csv"]
    assert values(table(glob="**/*.csv"), files) == ["data/a.csv", "data/b.csv", "data/deep/c.csv"]
    assert values(table(glob=f"{files}/data/a*"), files) == [f"{files}/data/a.csv"]


def test_a_glob_that_finds_nothing_is_a_mistake(files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = mistake(table(glob="data/*.dat"), files)
    assert nothing == f"'x': no file matches 'data/*.dat'; it starts from the study's directory, {files}"
    monkeypatch.chdir(os.path.dirname(files))
    assert mistake(table(glob="data/*.dat"), files) == nothing.replace(files, os.path.basename(files))
    monkeypatch.chdir(files)
    assert mistake(table(glob="data/*.dat"), files) == "'x': no file matches 'data/*.dat'"
    braces = mistake(table(glob="data/{a,b}.csv"), files)
    assert braces.endswith("; braces are not expanded here; `*`, `?` and `[...]` are")
    assert mistake(table(glob="~/*.dat"), files).endswith("`~` is not expanded here")


def test_a_file_name_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9")).touch()
    except OSError:
        pytest.skip("this file system has no such names")
    assert (
        mistake(table(glob="*"), str(tmp_path))
        == "'x': a file name that '*' finds is not UTF-8: 'caf\\udce9'; rename it"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mesh,torus", ["mesh", "torus"]),
        ("mesh", ["mesh"]),
        ("1..4", ["1", "2", "3", "4"]),
        ("0..1..0.5", ["0.0", "0.5", "1.0"]),
        ("4..1..-1", ["4", "3", "2", "1"]),
        ("1..3,8,3", ["1", "2", "3", "8"]),
        ("-1..1", ["-1", "0", "1"]),
        ("../a,b..c", ["../a", "b..c"]),
        ("data/*.csv,x", ["data/a.csv", "data/b.csv", "x"]),
    ],
)
def test_the_command_line_writes_values_short(files: str, text: str, expected: list[str]) -> None:
    assert list(parse_values(text, files)) == expected


@pytest.mark.parametrize("text", ["..", "../3", "../a", "a..3", "x1..3", "..a", "0x1", "a .. b"])
def test_what_is_no_more_than_like_a_range_is_a_value(files: str, text: str) -> None:
    assert list(parse_values(text, files)) == [text]


def test_an_at_sign_takes_the_lines_of_a_file_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_bytes("\ufeffa, b\r\n\r\n*\n # c \na, b".encode())
    monkeypatch.chdir(tmp_path)
    assert parse_values("@list", "/nowhere") == ["a, b", "*", " # c "]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no values"),
        ("a,,b", "an empty value between commas"),
        ("8..1", "8..1 counts down; 8..1..-1?"),
        ("1..10..-2", "1..10..-2 never comes to 10; 1..10..2?"),
        ("8..1..+2", "8..1..+2 never comes to 1; 8..1..-2?"),
        ("0..1..0", "the step of 0..1..0 is 0"),
        *((text, NO_RANGE.format(text)) for text in ("1..", "1..x", "1..5..x", "1..5..2..3", "1...5", "-1..a/b")),
        *((text, NO_RANGE.format(text)) for text in ("1 .. 3", " 1..3", "..3", "...3", ".. 3", "0x1..0x3", "1 ..")),
        ("a,1..5..", NO_RANGE.format("1..5..")),
        ("1..3,@list", "@list stands among others, and @FILE stands alone; FILE holds one value a line"),
        ("1..99999999", "that makes 99,999,999 values, 2,000,000 at most"),
        ("*.none", "no file matches '*.none'"),
        ("@-", "'-' stands for nothing here; @/dev/stdin takes the lines of standard input"),
        ("@nowhere", "'nowhere' cannot be read: No such file or directory"),
        ("a\udcff", "a value is not UTF-8: 'a\\udcff'"),
    ],
)
def test_values_of_the_command_line_can_be_wrong(
    files: str, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        parse_values(text, files)
    assert str(raised.value) == says
