"""The keys of a sweep file: every mistake is named, with its place and the likely meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import WORKS, WRONG_VALUES, step, with_line

from taskrun.errors import Place, SweepError
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.reading import check_clashes, check_name, read_sweep_file
from taskrun.sweep.schema import Kind, StepKeys, SweepFile
from taskrun.sweep.shapes import shapes_of
from taskrun.sweep.source import parse_source


def read(text: str) -> tuple[SweepFile, list[str]]:
    """The file, and what is wrong with it, without the file's name."""
    findings = Findings()
    file = read_sweep_file(parse_source(text, "f", findings), findings)
    return file, [str(mistake).removeprefix("f:") for mistake in sorted(findings.mistakes, key=lambda m: m.place.key)]


def mistakes(text: str) -> list[str]:
    return read(text)[1]


# --- what is read -----------------------------------------------------------------------------------------------------


def test_the_file_of_the_design_is_read_whole() -> None:
    file, wrong = read(
        "sweep: {t: [a, b]}\nexclude: [{t: a}]\nlet: {s: '{t}1'}\nenv: {X: 1}\nshell: [bash, -c]\n"
        "defaults: {cores: 2}\nsteps:\n  sim:\n    run: x {t}\n    desc: simulates\n  lint: ./lint.sh\n"
    )
    assert wrong == []
    assert (list(file.steps), file.steps["sim"].desc, list(file.defaults)) == (["sim", "lint"], "simulates", ["cores"])
    assert (file.let["s"].text, list(file.env)) == ("{t}1", ["X"])
    assert None not in (file.sweep, file.exclude, file.shell)


def test_the_short_form_of_a_step_becomes_its_run_at_the_place_of_the_command() -> None:
    run = read("steps:\n  lint: ./lint.sh\n")[0].steps["lint"].keys["run"]
    assert isinstance(run.value, Scalar)
    assert (run.value.text, str(run.value.place)) == ("./lint.sh", "f:2:9")


def test_a_step_has_its_own_keys_only() -> None:
    assert list(read("defaults: {cores: 2}\n" + step("cwd: d"))[0].steps["a"].keys) == ["run", "cwd"]


def test_defaults_may_hold_the_run_of_steps_without_one() -> None:
    assert mistakes("defaults: {run: x}\nsteps: {a: {cwd: d}}\n") == []


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("swep: {a: 1}\nsteps: {a: x}\n", "1:1: unknown key 'swep' at the top level; did you mean 'sweep'?"),
        ("step: {a: x}\n", "1:1: unknown key 'step' at the top level; did you mean 'steps'?"),
        ("tasks: {a: x}\n", "1:1: unknown key 'tasks' at the top level; did you mean 'steps'?"),
        ("sim: {run: x}\n", "1:1: unknown key 'sim' at the top level; steps stand under `steps:`"),
        ("cores: 1\nsteps: {a: x}\n", "1:1: unknown key 'cores' at the top level; it belongs in a step"),
        (step("pools: {a: 1}"), "4:5: unknown key 'pools' in the step 'a'; it belongs at the top level"),
        (step("output: x"), "4:5: unknown key 'output' in the step 'a'; did you mean 'outputs'?"),
        (step("timout: 3s"), "4:5: unknown key 'timout' in the step 'a'; did you mean 'timeout'?"),
        (step("needs: b"), "4:5: unknown key 'needs' in the step 'a'; did you mean 'after'?"),
        (step("measures: b"), "4:5: unknown key 'measures' in the step 'a'"),
        ("notify: me\nsteps: {a: x}\n", "1:1: unknown key 'notify' at the top level; known are steps, sweep"),
        ("defaults: {corse: 1}\nsteps: {a: x}\n", "1:12: unknown key 'corse' in `defaults`; did you mean 'cores'?"),
        ("steps:\n  a:\n    rum: x\n", "3:5: unknown key 'rum' in the step 'a'; did you mean 'run'?"),
        ("steps:\n  a:\n    outputs: x\n", "2:3: the step 'a' has no `run`"),
        ("steps:\n  a:\n    run:netsim\n", "3:5: a space is missing after `run:`"),
        ("sweep: {a: 1}\n", "1:1: `steps` is missing"),
        ("steps: {}\n", "1:8: `steps` is an empty mapping"),
        ("steps: [x]\n", "1:8: `steps` must be a mapping, not a list"),
        ("steps: {a: [x]}\n", "1:12: `steps.a` must be a text or a mapping, not a list"),
        ("steps:\n  a-b: x\n", "2:3: `steps`: 'a-b' is not a name; names are letters, digits and _"),
        ("steps:\n  stdout: x\n", "2:3: `steps`: 'stdout' is a reserved name"),
        ("let: {inputs: x}\nsteps: {a: x}\n", "1:7: `let`: 'inputs' is a reserved name"),
        ("let: {x: [1]}\nsteps: {a: x}\n", "1:10: `let.x` must be a text, not a list"),
    ],
)
def test_a_wrong_key_is_one_mistake_with_the_likely_one(text: str, expected: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(expected)


@pytest.mark.parametrize(("line", "expected"), WRONG_VALUES.items())
def test_a_wrong_value_is_wrong_and_nothing_else(line: str, expected: str) -> None:
    (mistake,) = mistakes(with_line(line))
    assert re.sub("^[0-9]+:[0-9]+: ", "", mistake).startswith(expected)


def test_each_key_has_a_wrong_value_in_these_tests() -> None:
    assert {line.split(":")[0] for line in WRONG_VALUES} == set(shapes_of(StepKeys))


@pytest.mark.parametrize("line", WORKS)
def test_a_right_value_is_right(line: str) -> None:
    assert mistakes(with_line(line)) == []


def test_totals_of_pools_are_read_by_the_name_of_the_pool() -> None:
    assert mistakes("pools: {licence: 2, half: 0.5, memory: 32G, cores: 8, gpus: 0}\nsteps: {a: x}\n") == []


@pytest.mark.parametrize(
    ("pool", "wrong"),
    [
        ("licence: many", "`pools.licence`: 'many' is not a number"),
        ("licence: 2G", "`pools.licence`: '2G' is not a number"),
        ("licence: -1", "`pools.licence`: -1 is negative"),
        ("licence: nan", "`pools.licence`: 'nan' is not a number"),
        ("memory: lots", "`pools.memory`: 'lots' is not a size; write it as 512M or 2G"),
        ("memory: -2G", "`pools.memory`: '-2G' is not a size; write it as 512M or 2G"),
        ("cores: 0", "`pools.cores`: 0 is not a whole number of cores, at least 1"),
        ("cores: 1.5", "`pools.cores`: 1.5 is not a whole number of cores, at least 1"),
        ("gpus: 1.5", "`pools.gpus`: 1.5 is not a whole number of gpus"),
        ("gpus: 0-3", "`pools.gpus`: '0-3' is not a number"),
    ],
)
def test_a_wrong_total_is_named_at_its_place(pool: str, wrong: str) -> None:
    column = len("pools: {") + pool.index(":") + 3
    assert mistakes(f"pools: {{{pool}}}\nsteps: {{a: x}}\n") == [f"1:{column}: {wrong}"]


def test_a_wrong_value_that_an_anchor_spreads_is_named_once() -> None:
    text = "defaults: &d {timeout: 5}\nsteps:\n  a: {<<: *d, run: x}\n  b: {<<: *d, run: y}\n"
    assert mistakes(text) == ["1:24: `timeout`: '5' has no unit; write it as 5s or 2h"]


def test_all_mistakes_come_together_in_the_order_of_the_file() -> None:
    text = "foo: 1\nlet: [x]\nsteps:\n  a: {run: x, cores: -1, stdout: []}\n  b: {cwd: d}\n"
    assert [line.split(": ")[0] for line in mistakes(text)] == ["1:1", "2:6", "4:22", "4:34", "5:3"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "steps:\n",
                "  a:\n",
                "    run: ",
                "x\n",
                "{",
                "}",
                "[",
                "]",
                ": ",
                "'",
                '"',
                "- ",
                "\n",
                "\t",
                " #",
                "&b ",
                "*b",
                "<<: ",
                "!t ",
                "|",
                ">",
                "%",
                "@",
                ",",
                "sweep: ",
                "é",
                "\x01",
                "  ",
                "a",
                "---\n",
                "? ",
                "\\",
            ]
        )
    )
)
def test_any_text_is_read_or_refused_with_places_that_exist(pieces: list[str]) -> None:
    text = "".join(pieces)
    findings = Findings()
    try:
        read_sweep_file(parse_source(text, "f", findings), findings)
        findings.check()
    except SweepError as error:
        lines = text.splitlines() or [""]
        for mistake in error.mistakes:
            assert 1 <= mistake.place.line <= len(lines) + 1
            assert mistake.place.column >= 1
            assert "\n" not in str(mistake)


# --- names ------------------------------------------------------------------------------------------------------------


def clashes(text: str, *sweep: str) -> list[str]:
    findings = Findings()
    file = read_sweep_file(parse_source(text, "f", findings), findings)
    check_clashes({name: Place("f", 1, column) for column, name in enumerate(sweep, 9)}, file, findings)
    return [str(mistake).removeprefix("f:") for mistake in findings.mistakes]


@pytest.mark.parametrize(
    ("text", "sweep", "expected"),
    [
        ("steps: {a: x}\n", ("a",), "1:9: the step 'a' is called like a name of the sweep"),
        ("let: {a: x}\nsteps: {a: x}\n", (), "2:9: the step 'a' is called like a name in `let`"),
        ("let: {b: x}\nsteps: {a: x}\n", ("b",), "1:10: 'b' in `let` is a name of the sweep already"),
        ("let: {B: x}\nsteps: {a: x}\n", ("b",), "1:10: 'B' in `let` and 'b' differ only in capitals"),
        ("let: {b: x, B: y}\nsteps: {a: x}\n", (), "1:16: 'B' in `let` and 'b' differ only in capitals"),
        ("steps: {a: x}\n", ("b", "B"), "1:10: 'B' and 'b' differ only in capitals"),
        ("steps: {a: x}\n", ("x-y",), "1:9: a name in `sweep`: 'x-y' is not a name"),
        ("steps: {a: x}\n", ("task",), "1:9: a name in `sweep`: 'task' is a reserved name"),
    ],
)
def test_names_must_differ(text: str, sweep: tuple[str, ...], expected: str) -> None:
    (mistake,) = clashes(text, *sweep)
    assert mistake.startswith(expected)


def test_step_names_may_differ_in_capitals_and_be_called_like_keys() -> None:
    assert clashes("steps: {run: x, Run: y, cores: z}\n", "X") == []


def test_a_name_is_ascii() -> None:
    findings = Findings()
    assert not check_name(Scalar("größe", Place("f", 1, 1)), "a column", findings)
    assert str(findings.mistakes[0]).startswith("f:1:1: a column: 'größe' is not a name")


def test_a_value_is_judged_in_the_same_words_once_it_is_filled_in() -> None:
    assert wrong_with("`cores`", Kind.AMOUNT, "{x}") is None
    assert wrong_with("`cores`", Kind.AMOUNT, "{x}", is_final=True) == "`cores`: '{x}' is not a number"
    assert wrong_with("`cwd`", Kind.FILLED, " ", is_final=True) == "`cwd` is empty"
    assert wrong_with("`timeout`", Kind.TIMEOUT, "90s", is_final=True) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30s x", "'30s x': '' is not a number behind its x; write it as in `30s x2`"),
        ("30s xx", "'30s xx': 'x' is not a number behind its x; write it as in `30s x2`"),
        ("30s x0.5", "x0.5 is below x1; waits grow from retry to retry, as in `30s x2`"),
    ],
)
def test_a_wait_that_does_not_say_how_it_grows(text: str, said: str) -> None:
    assert wrong_with("`retry_delay`", Kind.DELAY, text) == f"`retry_delay`: {said}"


@pytest.mark.parametrize("text", ["30s", "30s x2", "30s x1.5", "0s"])
def test_a_wait_before_a_retry(text: str) -> None:
    assert wrong_with("`retry_delay`", Kind.DELAY, text) is None
