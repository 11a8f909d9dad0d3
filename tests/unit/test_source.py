"""What YAML text becomes, and what a user reads about text that becomes nothing."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import yaml

from taskrun.errors import SweepError
from taskrun.sweep.nodes import Findings, Listing, Node, Scalar, Table
from taskrun.sweep.source import parse_source, read_source


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML; installations without libyaml have only the second."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader")
    return str(request.param)


def plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}


def parsed(text: str) -> object:
    return plain(parse_source(text, "f.yaml"))


def complaint(text: str) -> str:
    with pytest.raises(SweepError) as caught:
        parse_source(text, "f.yaml")
    return str(caught.value)


def value_of(table: Table, key: str) -> Scalar:
    value = table.value(key)
    assert isinstance(value, Scalar)
    return value


pytestmark = pytest.mark.usefixtures("parser")


@pytest.mark.parametrize(
    "text", ["0.10", "on", "010", "12:30", "1e3", "null", "~", "2024-01-01", "0x1F", "1_000", ".5", "=", "no", "Yes"]
)
def test_a_value_keeps_its_source_text(text: str) -> None:
    assert parsed(f"a: {text}\n") == {"a": text}


def test_a_key_keeps_its_source_text() -> None:
    assert parsed("on: 1\n010: 2\n") == {"on": "1", "010": "2"}


def test_quotes_and_escapes_of_yaml_are_resolved() -> None:
    assert parsed("a: \"x\\ty\"\nb: 'it''s'\nc: |\n  one\n  two\n") == {"a": "x\ty", "b": "it's", "c": "one\ntwo\n"}


def test_no_value_and_the_empty_text_can_be_told_apart() -> None:
    table = parse_source("a:\nb: ''\n", "f.yaml")
    assert (value_of(table, "a").plain, value_of(table, "b").plain) == (True, False)


def test_places_count_from_one() -> None:
    table = parse_source("a: 1\nbé:\n  - x\n  - {c: é, d: y}\n", "f.yaml")
    listing = table.entries["bé"].value
    assert isinstance(listing, Listing)
    inner = listing.items[1]
    assert isinstance(inner, Table)
    places = [table.entries["bé"].key.place, listing.items[0].place, inner.place, inner.entries["d"].value.place]
    assert [str(place) for place in places] == ["f.yaml:2:1", "f.yaml:3:5", "f.yaml:4:5", "f.yaml:4:15"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes("\ufeffa: x\r\nb: y\r\n".encode())
    assert plain(read_source(str(file), "s.yaml")) == {"a": "x", "b": "y"}


def test_an_anchor_is_shared_not_copied() -> None:
    table = parse_source("a: &x [1, 2]\nb: *x\n", "f.yaml")
    assert table.value("b") is table.value("a")


def test_own_keys_win_over_merged_ones_and_the_first_mapping_over_the_second() -> None:
    text = "x: &x {k: 1, l: 2}\ny: &y {l: 3, m: 4}\nz: {<<: [*x, *y], k: 0}\nw: {k: 9, <<: *x}\n"
    table = parse_source(text, "f.yaml")
    assert plain(table.entries["z"].value) == {"k": "0", "l": "2", "m": "4"}
    assert plain(table.entries["w"].value) == {"k": "9", "l": "2"}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parsed('a: {"<<": 1}\n') == {"a": {"<<": "1"}}


def test_aliases_of_aliases_take_no_time() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert len(parse_source("\n".join(lines), "f.yaml").entries) == 30


def test_garbage_collection_is_left_as_it_was() -> None:
    gc.disable()
    try:
        parse_source("a: 1\n", "f.yaml")
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(SweepError):
        parse_source("a: [\n", "f.yaml")
    assert gc.isenabled()


CANNOT_BE_READ = [
    # braces, brackets and quotes at the start of a value
    ("a: {x} b\n", "1:4: a value that starts with '{' is a mapping to YAML; quote it: '{x} b'"),
    ("a: {x}.txt\nb: 1\n", "1:4: a value that starts with '{' is a mapping to YAML; quote it: '{x}.txt'"),
    ("a:\n  - {x} b\n", "2:5: a value that starts with '{' is a mapping to YAML; quote it: '{x} b'"),
    ("a: [ -f x ] && y\n", "1:4: a value that starts with '[' is a list to YAML; quote it"),
    ('a: "$x" y\n', "1:4: a value that starts with '\"' ends where that quote ends; quote it: '\"$x\" y'"),
    ("a: 'x' y\n", '1:4: a value that starts with "\'" ends where that quote ends; write the value below `|`'),
    ("a: {awk: {print $1}\n", "1:4: the '{' that opens here is not closed; '}' is missing"),
    ("a: [x\nb: y\n", "1:4: the '[' that opens here is not closed; ']' is missing"),
    ("a: [x,\n", "1:4: the '[' that opens here is not closed; ']' is missing"),
    ("a: [x, y}\n", "1:4: the '[' that opens here is not closed; ']' is missing"),
    ("a: {b: 1, c: 2\nd: 3\n", "1:4: the '{' that opens here is not closed; '}' is missing"),
    ("a: [ -f x\n", "1:4: a value that starts with '[' is a list to YAML, and this one does not end with ']'; quote"),
    ("a: {x y\n", "1:4: a value that starts with '{' is a mapping to YAML, and this one does not end with '}'; quote"),
    ("a: {b: echo {x}}\n", "1:8: in brackets a value ends before '{'; quote it: 'echo {x}'"),
    ("a: {b: echo ${x} {y}.c, d: e}\n", "1:8: in brackets a value ends before '{'; quote it: 'echo ${x} {y}.c'"),
    ("a: [b/{x}, c]\n", "1:5: in brackets a value ends before '{'; quote it: 'b/{x}'"),
    ("a: {b: ls x[1]}\n", "1:8: in brackets a value ends before '['; quote it: 'ls x[1]'"),
    ("a: {b: c}}\n", "1:10: '}' closes nothing here; one too many?"),
    ("a: {x: 1,\nb: 2\n", "1:4: the '{' that opens here is not closed; '}' is missing"),
    ("a: ]\n", "1:4: a value cannot start with ']'"),
    # characters that mean something to YAML
    ("a: %x\n", "1:4: a value cannot start with '%'; quote it: '%x'"),
    ("a: @x\n", "1:4: a value cannot start with '@'; quote it: '@x'"),
    ("a: `date`\n", "1:4: a value cannot start with '`'"),
    ("a: *.txt\n", "1:4: a value cannot start with '*'; quote it: '*.txt'"),
    ("a: & b\n", "1:4: a value cannot start with '&'"),
    ("a: > x\n", "1:4: after `>` the text begins on the next line; quote the value if the `>` belongs to it"),
    ("a: - b\n", "1:4: `- ` begins a list, which cannot stand here"),
    # quotes
    ("a: 'x\nb: y\n", "1:4: the quote ' that opens here is never closed"),
    ("a: 'x\nb: 'y'\nc: d\n", "1:4: the quote ' that opens here is closed only in line 2"),
    ("a: awk '/x #/ {\n   print }' f\n", "1:4: YAML takes everything from ` #` on for a comment"),
    ("a: {run: sed 's/ #.*//' f, b: 1}\n", "1:4: YAML takes everything from ` #` on for a comment"),
    ('a: "x # y" z\n', "1:4: a value that starts with '\"' ends where that quote ends"),
    ('a: {run: "x # y", b: c\n', "1:4: the '{' that opens here is not closed; '}' is missing"),
    ('a: "x\\', '1:4: the quote " that opens here is never closed'),
    ("a: \"grep '\\d+' f\"\n", "1:11: `\\d` is no escape of YAML in \"...\"; write `\\\\d`, or put the value in '...'"),
    ('a: "a\\.b"\n', "1:6: `\\.` is no escape of YAML"),
    ('a: "\\x4"\n', "1:5: `\\x4` is no escape of YAML"),
    ('a: ["\\\\\\d", b]\n', "1:8: `\\d` is no escape of YAML"),
    ('a: "x\n  \\q"\n', "2:3: `\\q` is no escape of YAML"),
    # commas
    ("a: {from: 1 to: 3}\n", "1:13: a comma is missing before `to:`; quote the whole value if this is a part of it"),
    ("a: {b: {from: 1, to: 3 step: 1}, c: d}\n", "1:24: a comma is missing before `step:`"),
    ("a: {from: 1\n  to: 3}\n", "2:3: a comma is missing before `to:`"),
    ('a: ["x" "y"]\n', '1:9: a comma is missing before `"y"`'),
    ("a: {b: [1] c: 2}\n", "1:12: a comma is missing before `c:`"),
    ("a: {from: 1 to: 3\nb: 1\n", "1:4: the '{' that opens here is not closed; '}' is missing"),
    ("a: [a,,b]\n", '1:7: an empty item; one comma too many, or write ""'),
    ("a: [ , a]\n", "1:6: an empty item"),
    ("a: [1,\n,2]\n", "2:1: an empty item"),
    ("a: {b: 1,, c: 2}\n", "1:10: an empty item"),
    ("a: [%x, a%b]\n", "1:5: a value cannot start with '%'; quote it: '%x'"),
    ("a: {b: @x}\n", "1:8: a value cannot start with '@'; quote it: '@x'"),
    ("a: [*, b]\n", "1:5: a value cannot start with '*'; quote it: '*'"),
    # colons
    ("a: echo b: c\n", "1:4: a `: ` inside a value makes a mapping of it; quote it: 'echo b: c'"),
    ("s:\n  sim:\n    run:netsim\n    outputs: x\n", "3:5: a space is missing after `run:`"),
    ("a:\n- b\nc\n", "3:1: a key without a colon"),
    # indentation
    ("a:\n\tb: c\n", "2:1: a tab to indent, where YAML wants spaces; replace the tabs by spaces"),
    ("a:\n  b: c\n\td: e\n", "3:1: a tab to indent"),
    ("a: b\n  c: d\n", "2:3: this line is indented below line 1, which holds a value already"),
    ("a:\n  b: c\n d: e\n", "3:2: the indentation of this line fits no line above it"),
    ("a:\n  - b\n  c: d\n", "3:3: list items (`- `) and keys (`key:`) cannot stand in one column"),
    ("  a: 1\nb: 2\n", "2:1: this does not belong to what stands above it; all keys of the top level begin"),
    # what YAML has no room for
    ("a: x\x01y\n", "1:5: the character U+0001 cannot stand in a YAML file"),
    ("a: " + "[" * 60 + "]" * 60, "1:53: this is nested more than 50 levels deep"),
    ("", "1:1: the file is empty"),
    ("# nothing\n\n", "1:1: the file is empty"),
    ("- a\n- b\n", "1:1: the file is no mapping of keys such as `sweep:` and `steps:`; `- ` makes it a list"),
    ("key:value\n", "1:1: the file is no mapping of keys such as `sweep:` and `steps:`; a space belongs after"),
]


@pytest.mark.parametrize(("text", "expected"), CANNOT_BE_READ)
def test_what_yaml_cannot_read_is_one_sentence_with_place_and_meaning(text: str, expected: str) -> None:
    message = complaint(text)
    assert message.startswith(f"f.yaml:{expected}")
    assert "\n" not in message


IS_REFUSED = [
    ("a: {x}\n", "1:4: YAML takes '{x}' for a mapping; quote it: \"{x}\""),
    ("a: {x:05d}\n", "1:4: YAML takes '{x:05d}' for a mapping"),
    ("a: {{x}}\n", "1:4: YAML takes '{{x}}' for a mapping"),
    ("a: [{x}, y]\n", "1:5: YAML takes '{x}' for a mapping"),
    ("a: {x, b: c}\n", "1:5: 'x' has no value"),
    ("{a}: b\n", "1:1: a key must be a text; quote a key that starts with `{` or `[`"),
    ("a: sed 's/ #.*//' f\n", "1:4: YAML takes everything from ` #` on for a comment, so that the quote ' stays open"),
    ('a: echo "x #y" z\n', "1:4: YAML takes everything from ` #` on"),
    ("a: 1\nb: 2\na: 3\n", "3:1: duplicate key 'a'; the first one is in line 1"),
    ("x: &x {a: 1}\ny: {<<: *x, <<: *x}\n", "2:13: duplicate key '<<'"),
    ("x: &x 1\ny: {<<: *x}\n", "2:5: `<<` takes over mappings only"),
    ("a: !!str 5\n", "1:4: tags such as '!!str' are not supported"),
    ("a: !x {b: 1}\n", "1:4: tags such as '!x' are not supported"),
    ("a: ! test -f x\n", "1:4: a value cannot start with '!'; quote the value"),
    ("a: *x\n", "1:4: there is no anchor `&x` above that `*x` could stand for"),
    ("a: &x [*x]\n", "1:8: the anchor 'x' stands inside itself"),
    ("a: 1\n---\nb: 2\n", "2:1: a second document begins here"),
    ('a: "\\0"\n', "1:4: a NUL or half a character can stand in no command"),
]


@pytest.mark.parametrize(("text", "expected"), IS_REFUSED)
def test_what_a_sweep_file_must_not_hold_is_said_once(text: str, expected: str) -> None:
    message = complaint(text)
    assert message.startswith(f"f.yaml:{expected}")
    assert "\n" not in message


def test_mistakes_that_yaml_survives_are_collected() -> None:
    assert [line.split(": ")[0] for line in complaint("a: {x}\na: !t 1\nb: *c\n").splitlines()] == [
        "f.yaml:1:4",
        "f.yaml:2:1",
        "f.yaml:2:4",
        "f.yaml:3:4",
    ]


def test_of_a_thousand_mistakes_a_hundred_are_shown() -> None:
    lines = complaint("a: !t 1\n" * 1000).splitlines()
    assert (len(lines), lines[-1]) == (101, "f.yaml:101:4: there are more mistakes from here on")


def test_with_findings_reading_goes_on_with_what_was_meant() -> None:
    findings = Findings()
    table = parse_source("a: {x}\nb: 1\n", "f.yaml", findings)
    assert plain(table) == {"a": "{x}", "b": "1"}
    assert len(findings.mistakes) == 1


def test_a_comment_after_whole_quotes_and_an_apostrophe_in_a_description_are_fine() -> None:
    text = "a: echo 'x' \"y\" # it's\ndesc: don't # think\nb: echo x#y\nc: echo \\' # z\n"
    assert parsed(text) == {"a": "echo 'x' \"y\"", "desc": "don't", "b": "echo x#y", "c": "echo \\'"}


def test_commands_with_braces_inside_are_texts() -> None:
    text = "a: awk '{print $1}' {inputs}\nb: echo ${HOME} {a,b} {} {{.ID}}\n"
    assert parsed(text) == {"a": "awk '{print $1}' {inputs}", "b": "echo ${HOME} {a,b} {} {{.ID}}"}


def refusal(path: Path) -> str:
    with pytest.raises(SweepError) as caught:
        read_source(str(path), path.name)
    return str(caught.value)


def test_a_missing_file_offers_the_nearest_name_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").touch()
    assert refusal(tmp_path / "swep.yaml") == "swep.yaml: there is no such file; did you mean 'sweep.yaml'?"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "x" / "s.yaml").startswith("s.yaml: there is no such file; there is no directory")


def test_a_directory_is_no_file_and_offers_the_file_in_it(tmp_path: Path) -> None:
    directory = tmp_path / "study.yaml"
    directory.mkdir()
    (directory / "sweep.yaml").touch()
    expected = "study.yaml: this is a directory, not a file; did you mean 'study.yaml/sweep.yaml'?"
    assert refusal(directory) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \x00\x01", "s.yaml:2:4: this is a binary file, not text"),
        (b"a: 1\nb: \xff", "s.yaml:2:4: this file is not UTF-8 (byte 0xff); save it as UTF-8"),
        ("a: é\n".encode("utf-16"), "s.yaml: this file is UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_said_with_the_place_of_the_byte(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(content)
    assert refusal(file) == expected


def test_a_file_that_cannot_be_read_has_the_words_of_the_system(tmp_path: Path) -> None:
    loop = tmp_path / "s.yaml"
    loop.symlink_to(loop)
    assert refusal(loop).startswith("s.yaml: cannot be read: ")
