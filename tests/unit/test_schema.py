"""The parser and the JSON Schema, made from one set of definitions, are of one opinion about files good and bad."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from lines import WORKS, WRONG_VALUES, with_line

from taskrun.errors import SweepError
from taskrun.sweep.nodes import Findings
from taskrun.sweep.products import build_points
from taskrun.sweep.reading import read_sweep_file
from taskrun.sweep.schema import json_schema
from taskrun.sweep.source import parse_source


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
    "steps: {s: {run: [printf, '%s|', '', ' ']}, t: {run: [5, true]}}\n",
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
    "steps: {s: {run: ['', x]}}\n",
    "steps: {s: {run: [' ', x]}}\n",
    "steps: {s: {wrap: ['', x], run: x}}\n",
    "steps: {s: {run: [x, ]}, t: {run: [x, null]}, u: {run: [{a: b}]}}\n",
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
    "sweep: {a: 1}\nexclude: [{a: []}]\nsteps: {s: x}\n",
    "sweep: {a: }\nsteps: {s: x}\n",
    "sweep: {a: 1}\nexclude: [{a: {b: c}}]\nsteps: {s: x}\n",
]


def parser_accepts(text: str, directory: Path) -> bool:
    findings = Findings()
    try:
        file = read_sweep_file(parse_source(text, "f", findings), findings)
    except SweepError:
        return False
    build_points(file.sweep, file.exclude, sets={}, directory=str(directory), findings=findings)
    return not findings.mistakes


def schema_accepts(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema())
    loader = _Core(text)
    return bool(validator.is_valid(loader.get_data()))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text("p,q\n1,2\n")
    return tmp_path


@pytest.mark.parametrize("text", GOOD + [with_line(line) for line in WORKS])
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
