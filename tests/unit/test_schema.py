"""The keys of a sweep file: every mistake named, and the parser and the JSON Schema of one opinion."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from taskrun.errors import Place, SweepError
from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.points import build_points
from taskrun.sweep.reading import check_clashes, check_name, check_value, read_sweep_file
from taskrun.sweep.schema import StepKeys, SweepFile, json_schema
from taskrun.sweep.shapes import shapes_of
from taskrun.sweep.source import parse_source

NOT_YET = "is not supported by this version yet"


def read(text: str) -> tuple[SweepFile, list[str]]:
    """The file, and what is wrong with it, without the file's name."""
    findings = Findings()
    file = read_sweep_file(parse_source(text, "f", findings), findings)
    return file, [str(mistake).removeprefix("f:") for mistake in sorted(findings.mistakes, key=lambda m: m.place.key)]


def mistakes(text: str) -> list[str]:
    return read(text)[1]


def step(*lines: str) -> str:
    return "steps:\n  a:\n    run: x\n" + "".join(f"    {line}\n" for line in lines)


def with_line(line: str) -> str:
    return f"steps:\n  a:\n    {line}\n" if line.startswith("run") else step(line)


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


WRONG_VALUES = {
    "run: []": "`run` is an empty list",
    "run: ' '": "`run` is empty",
    "run:": "`run` has no value",
    "run: {x: y}": "`run` must be a text or a list, not a mapping; quote it if it is a text",
    "per: '{x}'": "`per`: '{x}' is not a name; placeholders cannot stand here",
    "per: {a: b}": "`per` must be a name or a list, not a mapping",
    "after: {b: done}": "`after.b`: 'done' is not any",
    "after: ['{x}']": "an item of `after`: '{x}' is not a name",
    "inputs:": "`inputs` has no value",
    "inputs: [a: b]": "an item of `inputs` must be a text, not a mapping; quote it",
    "inputs: {a b: c}": "`inputs`: 'a b' is not a name",
    "outputs: {a: {b: c}}": "`outputs.a` must be a text or a list, not a mapping",
    "stdout: [a]": "`stdout` must be a text, not a list",
    "stderr: {a: b}": "`stderr` must be a text, not a mapping",
    "cwd: ''": "`cwd` is empty",
    "env: FOO=1": "`env` must be a mapping, not a text; write `FOO: ...`",
    "env: {A=B: 1}": "`env`: 'A=B' is no name of a variable",
    "env: {A: [1]}": "`env.A` must be a text, not a list",
    "shell: []": "`shell` is an empty list",
    "cores: -1": "`cores`: -1 is negative",
    "cores: nan": "`cores`: 'nan' is not a number",
    "cores: .inf": "`cores`: '.inf' is not a number",
    "cores: ${X}": "`cores`: '${X}' is not a number",
    "memory: 2X": "`memory`: '2X' is not a size; write it as 512M or 2G",
    "memory: -1G": "`memory`: '-1G' is not a size",
    "gpus: x": "`gpus`: 'x' is not a number",
    "tokens: 3": "`tokens` must be a mapping, not a text",
    "tokens: {a: -1}": "`tokens.a`: -1 is negative",
    "memory_limit: 1": "`memory_limit`: '1' is neither true nor false",
    "pin: on": "`pin`: 'on' is neither true nor false",
    "timeout: 90": "`timeout`: '90' has no unit; write it as 90s or 2h",
    "timeout: 0s": "`timeout`: '0s' is no time at all",
    "timeout: -5s": "`timeout`: '-5s' is not a duration",
    "retries: -1": "`retries`: -1 is not a whole number of 0 or more",
    "retries: 1.5": "`retries`: 1.5 is not a whole number",
    "retry_delay: 30": "`retry_delay`: '30' has no unit",
    "retry_delay: 30s x0.5": "`retry_delay`: x0.5 is below x1",
    "priority: high": "`priority`: 'high' is not a number",
    "nice: 20": "`nice`: 20 is not a whole number from -20 to 19",
    "wrap: []": "`wrap` is an empty list",
    "check: sta": "`check`: 'sta' is not stat or hash or exists or mtime",
    "always: maybe": "`always`: 'maybe' is neither true nor false",
    "temp: delet": "`temp`: 'delet' is none of true, false and delete",
    "keep: []": "`keep` must be true or false, not a list",
    "ok_codes: 3": "`ok_codes` must be a list, not a text",
    "ok_codes: [256]": "an item of `ok_codes`: 256 is not a whole number from 0 to 255",
    "allow_failure: ja": "`allow_failure`: 'ja' is neither true nor false",
    "desc: [x]": "`desc` must be a text, not a list",
}


@pytest.mark.parametrize(("line", "expected"), WRONG_VALUES.items())
def test_a_wrong_value_is_wrong_and_nothing_else(line: str, expected: str) -> None:
    (mistake,) = mistakes(with_line(line))
    assert re.sub("^[0-9]+:[0-9]+: ", "", mistake).startswith(expected)


def test_each_key_has_a_wrong_value_in_these_tests() -> None:
    assert {line.split(":")[0] for line in WRONG_VALUES} == set(shapes_of(StepKeys))


WORKS = [
    "run: [a, b]",
    "per: []",
    "per: sim",
    "after: [b, c]",
    "inputs: []",
    "inputs: {a: [x, y], b: z}",
    "outputs: x",
    "stdout: '{x}.txt'",
    "stderr: stdout",
    "cwd: d",
    "env: {A: 1, B: , C: null, D: ''}",
    "shell: bash -c",
    "shell: [bash, -c]",
    "cores: 0",
    "cores: 0.5",
    "cores: 1e2",
    "cores: '{x}'",
    "priority: -3.5",
    "desc: true",
]
HARMLESS = [
    "retries: 0",
    "nice: 0",
    "check: stat",
    "always: no",
    "temp: false",
    "keep: False",
    "ok_codes: []",
    "ok_codes: [0]",
    "allow_failure: false",
    "pin: no",
    "memory_limit: false",
]
LATER = [
    "memory: 2G",
    "memory: '{m}'",
    "gpus: 1",
    "tokens: {licence: 1}",
    "memory_limit: true",
    "pin: yes",
    "timeout: 1d12h",
    "timeout: '{t}s'",
    "retries: 2",
    "retry_delay: 30s",
    "retry_delay: 30s x2",
    "nice: -5",
    "wrap: srun",
    "wrap: [ssh, host]",
    "check: hash",
    "always: true",
    "temp: delete",
    "keep: yes",
    "ok_codes: [0, 3]",
    "allow_failure: true",
]


@pytest.mark.parametrize("line", WORKS + HARMLESS)
def test_a_right_value_is_right(line: str) -> None:
    assert mistakes(with_line(line)) == []


@pytest.mark.parametrize("line", LATER)
def test_a_right_value_of_a_later_key_is_refused_at_the_key(line: str) -> None:
    assert mistakes(with_line(line)) == [f"4:5: `{line.split(':')[0]}` {NOT_YET}"]


def test_pools_and_after_any_wait_too() -> None:
    assert mistakes("pools: {licence: 2, memory: 32G}\nsteps: {a: x}\n") == [f"1:1: `pools` {NOT_YET}"]
    assert mistakes(step("after: {b: any}")) == [f"4:5: `any` under `after` {NOT_YET}"]
    (wrong,) = mistakes("pools: {licence: many}\nsteps: {a: x}\n")
    assert wrong.startswith("1:18: `pools.licence`: 'many' is not a size")


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


def test_a_value_is_checked_in_the_same_words_once_it_is_filled_in() -> None:
    assert check_value("cores", "x") == "`cores`: 'x' is not a number"
    assert check_value("outputs", " ") == "`outputs` is empty"
    assert check_value("ok_codes", "{x}") == "`ok_codes`: '{x}' is not a number"
    assert check_value("timeout", "90s") is None


# --- one opinion ------------------------------------------------------------------------------------------------------


class _Core(yaml.SafeLoader):
    """YAML 1.2's core schema: what editors make of plain values."""


_Core.yaml_implicit_resolvers = {}
_Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(?:~|null|Null|NULL|)$"), None)
_Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), None)
_Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^[-+]?[0-9]+$"), None)
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), None
)

GOOD = [
    "sweep: {a: [1, x, null, 0.10, true]}\nsteps: {s: x}\n",
    "sweep: {a: 5, 'b, c': [[1, 2], [3, x]], d: {from: 1, to: 3}}\nsteps: {s: x}\n",
    "sweep: {a: {from: 0.1, to: 0.9, step: 0.1}, b: {from: 1, to: 2, count: 3}}\nsteps: {s: x}\n",
    "sweep: {a: {from: 1, to: 8, times: 2}, f: {glob: '*'}}\nsteps: {s: x}\n",
    "sweep: {csv: points.csv, a: [1]}\nsteps: {s: x}\n",
    "sweep: [{a: [1]}, {b: [2]}]\nexclude: [{a: 1}, {a: [1, 2]}]\nsteps: {s: x}\n",
    "defaults: {cores: 2, env: {A: 1}}\nlet: {y: 1, z: ''}\nenv: {A: }\nshell: bash -c\nsteps: {s: {run: x}}\n",
    "defaults: {run: x}\nsteps: {s: {}}\n",
    "steps: {s: true}\n",
]
BAD = [
    "{}\n",
    "steps: {}\n",
    "steps: [x]\n",
    "steps:\n",
    "steps: {s: {}}\n",
    "steps: {s: ' '}\n",
    "steps: {s: [x]}\n",
    "steps: {s-t: x}\n",
    "steps: {task: x}\n",
    "step: {s: x}\n",
    "steps: {s: x}\nfoo: 1\n",
    "steps: {s: {run: x, runs: y}}\n",
    "defaults: {cores: 1}\nsteps: {s: {}}\n",
    "defaults: {steps: 1}\nsteps: {s: x}\n",
    "defaults: x\nsteps: {s: x}\n",
    "let: {x: [1]}\nsteps: {s: x}\n",
    "let: {x y: 1}\nsteps: {s: x}\n",
    "env: {A=B: 1}\nsteps: {s: x}\n",
    "pools: {a: x}\nsteps: {s: x}\n",
    "pools: {a: -1}\nsteps: {s: x}\n",
    "shell: []\nsteps: {s: x}\n",
    "sweep: {}\nsteps: {s: x}\n",
    "sweep: []\nsteps: {s: x}\n",
    "sweep: x\nsteps: {s: x}\n",
    "sweep: [x]\nsteps: {s: x}\n",
    "sweep: {a: []}\nsteps: {s: x}\n",
    "sweep: {a: [[1]]}\nsteps: {s: x}\n",
    "sweep: {a: {from: 1}}\nsteps: {s: x}\n",
    "sweep: {a: {from: 1, to: 2, step: 1, count: 2}}\nsteps: {s: x}\n",
    "sweep: {a: {from: 1, to: 2, glob: '*'}}\nsteps: {s: x}\n",
    "sweep: {a: {from: one, to: 2}}\nsteps: {s: x}\n",
    "sweep: {a: {b: c}}\nsteps: {s: x}\n",
    "sweep: {'a, b': [1, 2]}\nsteps: {s: x}\n",
    "sweep: {'a, b': 1}\nsteps: {s: x}\n",
    "sweep: {csv: [x]}\nsteps: {s: x}\n",
    "sweep: {a: 1}\nexclude: {a: 1}\nsteps: {s: x}\n",
    "sweep: {a: 1}\nexclude: [a]\nsteps: {s: x}\n",
    "sweep: {a: 1}\nexclude: [{a: {b: c}}]\nsteps: {s: x}\n",
]


def parser_accepts(text: str, directory: Path) -> bool:
    findings = Findings()
    try:
        file = read_sweep_file(parse_source(text, "f", findings), findings)
    except SweepError:
        return False
    build_points(file.sweep, file.exclude, sets={}, directory=str(directory), findings=findings)
    return all(NOT_YET in mistake.what for mistake in findings.mistakes)


def schema_accepts(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema())
    loader = _Core(text)
    return bool(validator.is_valid(loader.get_data()))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text("p,q\n1,2\n")
    return tmp_path


@pytest.mark.parametrize("text", GOOD + [with_line(line) for line in WORKS + HARMLESS + LATER])
def test_parser_and_schema_accept_the_same_files(text: str, directory: Path) -> None:
    assert (parser_accepts(text, directory), schema_accepts(text)) == (True, True)


@pytest.mark.parametrize("text", BAD + [with_line(line) for line in WRONG_VALUES])
def test_parser_and_schema_refuse_the_same_files(text: str, directory: Path) -> None:
    assert (parser_accepts(text, directory), schema_accepts(text)) == (False, False)


def test_the_schema_is_one_and_describes_every_key() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for keys in (schema["properties"], definitions["StepKeys"]["properties"], definitions["Spread"]["properties"]):
        assert isinstance(keys, dict)
        assert [key for key, value in keys.items() if not value.get("description")] == []
