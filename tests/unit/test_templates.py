"""Texts of a sweep file: which braces are placeholders, and how values are formatted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.sweep.formats import format_value, is_format
from taskrun.sweep.templates import Template, parse_template

KNOWN = frozenset({"name", "x", "sim", "outputs", "task"})


def fill(text: str, value: str = "VALUE") -> str:
    template = parse_template(text, KNOWN)
    return value.join(template.pieces)


def names(text: str) -> list[str]:
    return [slot.base for slot in parse_template(text, KNOWN).slots]


@pytest.mark.parametrize(
    "text",
    [
        "${HOME}",
        "${name}",
        "${{name}}",
        "{a,b}",
        "awk '{print $1}'",
        "{}",
        "{{}}",
        "{{.ID}}",
        "HEAD@{1}",
        "{1}",
        "{ name }",
        "{name }",
        "{-name}",
        "jq '{id: .id}'",
        "{{id: .id}}",
        "{id:}",
        "{a.b.c.d}",
        "{a.}",
        "{näme}",
        "find . -exec echo {} +",
        "\\{name\\}",
        "{",
        "}",
        "{name",
        "name}",
        "${x:-{}",
        "{a:1000000000}",
        "a{b{c",
    ],
)
def test_what_is_no_placeholder_stays_as_written(text: str) -> None:
    template = parse_template(text, KNOWN)
    assert template == Template(text, (text,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name}", "VALUE"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{VALUE}"),
        ("{{{{name}}}}", "{{name}}"),
        ("{{{{{name}}}}}", "{{VALUE}}"),
        ("{{name}", "{VALUE"),
        ("{name}}", "VALUE}"),
        ("{{{name}}", "{{name}"),
        ("{{name}}}", "{name}}"),
        ("{{word}}", "{word}"),
        ("{{name.stem:>5}}", "{name.stem:>5}"),
        ("{name}{x}", "VALUEVALUE"),
        ("a{name}b{{x}}c{x}d", "aVALUEb{x}cVALUEd"),
        ("$x{name}", "$xVALUE"),
        ("{{name: .id}}", "{name: .id}"),
        ("{a:{name}}", "{a:VALUE}"),
        ("{{a,{name}}}", "{{a,VALUE}}"),
    ],
)
def test_braces_around_a_name_count_in_pairs(text: str, expected: str) -> None:
    assert fill(text) == expected


def test_an_unknown_word_in_braces_is_a_placeholder_all_the_same() -> None:
    assert names("{topolgy} {print} {nme:05d} {other:raw} {other.thing:file} {other.a.b}") == [
        "topolgy",
        "print",
        "nme",
        "other",
        "other",
        "other",
    ]


def test_a_name_of_the_study_is_a_placeholder_whatever_follows_the_colon() -> None:
    slots = parse_template("{name: .id} {name.a.b.c} {name:}", KNOWN).slots
    assert [(slot.attributes, slot.form) for slot in slots] == [((), " .id"), (("a", "b", "c"), None), ((), "")]


def test_a_placeholder_knows_how_it_was_written_and_its_escape() -> None:
    (slot,) = parse_template("-i {{{sim.outputs.csv:raw}}}", KNOWN).slots
    assert (slot.base, slot.attributes, slot.form) == ("sim", ("outputs", "csv"), "raw")
    assert slot.written == "{sim.outputs.csv:raw}"
    assert slot.escape == "{{sim.outputs.csv:raw}}"


def test_only_is_the_placeholder_that_a_text_consists_of() -> None:
    assert parse_template("{name}", KNOWN).only is not None
    assert parse_template("{name} ", KNOWN).only is None
    assert parse_template("{name}{x}", KNOWN).only is None
    assert parse_template("name", KNOWN).only is None


def test_halved_words_are_remembered() -> None:
    assert parse_template("{{json}} {{.ID}} {{x}}", KNOWN).halved == ("{{json}}", "{{x}}")


@given(st.text(alphabet="{}$a.:x ", max_size=30))
def test_no_text_is_lost_around_placeholders(text: str) -> None:
    template = parse_template(text, frozenset("ax"))
    assert len(template.pieces) == len(template.slots) + 1
    if not template.slots and not template.halved:
        assert template.pieces == (text,)
    kept = "".join(template.pieces) + "".join(slot.written for slot in template.slots)
    assert sorted(kept.replace("{", "").replace("}", "")) == sorted(text.replace("{", "").replace("}", ""))


@given(st.integers(0, 12), st.integers(0, 12))
def test_pairs_are_halved_and_what_is_over_on_one_side_stays(left: int, right: int) -> None:
    pairs = min(left, right)
    expected = "{" * (left - pairs + pairs // 2) + ("V" if pairs % 2 else "x") + "}" * (right - pairs + pairs // 2)
    assert fill("{" * left + "x" + "}" * right, "V") == expected


# --- formats


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        ("7", "03d", "007"),
        ("1024", "05d", "01024"),
        ("1e3", "d", "1000"),
        ("2.0", "d", "2"),
        ("010", "d", "10"),
        ("0.1", ".2f", "0.10"),
        ("0.10", ".1f", "0.1"),
        ("2.675", ".2f", "2.68"),
        ("0.30000000000000000004", ".20f", "0.30000000000000000004"),
        ("0.10", ">6", "  0.10"),
        ("0.5", ".0%", "50%"),
        ("1234567", ",", "1,234,567"),
        ("1234567", "_d", "1_234_567"),
        ("1e3", ",", "1,000"),
        ("1e3", "06", "001000"),
        ("1e3", "+", "+1000"),
        ("1.5E3", ">6", "  1500"),
        ("1e-7", "12", "   0.0000001"),
        ("1e3", "g", "1e+3"),
        ("1234567.50", "_", "1_234_567.50"),
        ("0.125", "_", "0.125"),
        ("1234.5", "_.2f", "1_234.50"),
        ("1234.5", ",>9_", ",,1_234.5"),
        ("1234", "_>8,", "___1,234"),
        ("-12345", "=+10_", "-   12_345"),
        ("255", "x", "ff"),
        ("255", "#X", "0XFF"),
        ("-5", "+04d", "-005"),
        ("0.00012", ".1e", "1.2e-4"),
        ("010", "s", "010"),
        ("010", ">5s", "  010"),
        ("mesh", ">6", "  mesh"),
        ("mesh", ".2", "me"),
        ("mesh", "s", "mesh"),
        ("12:30", "*^9", "**12:30**"),
        ("", ">2", "  "),
        ("nan", ">5", "  nan"),
        ("١", ">2", " ١"),
    ],
)
def test_a_format_sees_an_exact_decimal_where_the_value_is_one(value: str, spec: str, expected: str) -> None:
    assert format_value(value, spec) == expected


@pytest.mark.parametrize(
    ("value", "spec"),
    [
        ("mesh", "05d"),
        ("mesh", ".2f"),
        ("0.5", "d"),
        ("0.5", "x"),
        ("mesh", "="),
        ("5", "#"),
        ("1e99999999", "f"),
        ("-1", "c"),
    ],
)
def test_a_format_that_does_not_fit_the_value_is_refused(value: str, spec: str) -> None:
    with pytest.raises(ValueError, match=r"format|whole number|too large"):
        format_value(value, spec)


@pytest.mark.parametrize("spec", ["05d", ".2f", ">10", "*^9s", "+", "#x", ",", "d", "b", "5", " d", "z.1f"])
def test_format_specs(spec: str) -> None:
    assert is_format(spec)


@pytest.mark.parametrize("spec", ["", " .id", "raw", "file", "n", "05q", "100000", ".", "hello", "5d5", "%d", "\n5"])
def test_no_format_specs(spec: str) -> None:
    assert not is_format(spec)
