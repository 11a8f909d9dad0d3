"""The definitions of every key of a sweep file, and what a file read by them holds.

There is one set of them: the parser (`shapes`, `reading`), the JSON Schema for editors and the reference are made from
the annotations here. Types say which shapes a value may have, a `Kind` how the text of a scalar is read.
"""

# Annotations are read by `shapes`, each when its key is asked for: all of them take longer than a whole file.

from __future__ import annotations

from enum import Enum, auto
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from taskrun.errors import Place
from taskrun.sweep.nodes import Entry, Node, Scalar

RESERVED = ("inputs", "outputs", "stdout", "stderr", "task")


class Kind(Enum):
    """How the text of a scalar is read; `checks` knows what is wrong with one."""

    TEXT = auto()
    BLANK = auto()  # as TEXT, and `key:` alone is the empty text
    FILLED = auto()
    WORDS = auto()  # as FILLED, and split into words as a shell does
    IDENTIFIER = auto()
    NAME = auto()
    NUMBER = auto()
    AMOUNT = auto()
    GPUS = auto()
    SIZE = auto()
    TIMEOUT = auto()
    DELAY = auto()
    COUNT = auto()
    NICE = auto()
    EXIT_CODE = auto()
    FLAG = auto()
    TEMP = auto()
    CHECK = auto()
    OUTCOME = auto()
    VARIABLE = auto()
    POOL = auto()
    TOKEN = auto()
    TOTAL = auto()


# --- scalars: as YAML editors see them (numbers and booleans are none of a text's concern), and their kind -----------

_DECIMAL = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_NUMBER = rf"[+-]?{_DECIMAL}([eE][+-]?[0-9]+)?"
_AMOUNT = rf"[+]?{_DECIMAL}([eE][+-]?[0-9]+)?"
_SIZE = rf"{_DECIMAL} ?([kKmMgGtTpP](i?[bB])?|[bB])?"
_DURATION = "".join(rf"({_DECIMAL} ?{unit} ?)?" for unit in ("w", "d", "h", "m", "s", "ms"))
_FACTOR = r"[+]?0*[1-9][0-9]*(\.[0-9]*)?([eE][+]?[0-9]+)?"
_BOOLEAN = "true|True|TRUE|yes|Yes|YES|false|False|FALSE|no|No|NO"
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = r"([\s\S]*[^$])?\{[A-Za-z_][\s\S]*"


def says(text: str) -> Meta:
    """What a key is for."""
    return Meta(description=text)


def _like(pattern: str) -> Meta:
    """For editors only: `Meta(pattern=...)` would compile each of them at every start."""
    return Meta(extra_json_schema={"pattern": pattern})


def _read_as(pattern: str) -> Meta:
    """A text of that pattern, or one with a placeholder, which nobody can judge before the tasks are made."""
    return _like(f"^({pattern}|{_PLACEHOLDER})$")


Text = Annotated[str | float | bool, Kind.TEXT]
Blank = Annotated[str | float | bool | None, Kind.BLANK]
Filled = Annotated[Annotated[str, _like(r"\S")] | float | bool, Kind.FILLED]
Identifier = Annotated[str, _like(f"^{_IDENTIFIER}$"), Kind.IDENTIFIER]
Name = Annotated[str, _like(f"^(?!({'|'.join(RESERVED)})$){_IDENTIFIER}$"), Kind.NAME]
Number = Annotated[Annotated[str, _read_as(_NUMBER)] | float, Kind.NUMBER]
Amount = Annotated[Annotated[str, _read_as(_AMOUNT)] | Annotated[float, Meta(ge=0)], Kind.AMOUNT]
Gpus = Annotated[
    Annotated[str, _read_as(r"[+]?([0-9]+|0?\.[0-9]*|[0-9]+\.0*)")]
    | Annotated[int, Meta(ge=0)]
    | Annotated[float, Meta(ge=0, lt=1)],
    Kind.GPUS,
]
Size = Annotated[Annotated[str, _read_as(_SIZE)] | Annotated[float, Meta(ge=0)], Kind.SIZE]
Total = Annotated[Annotated[str, _like(f"^({_AMOUNT}|{_SIZE})$")] | Annotated[float, Meta(ge=0)], Kind.TOTAL]
Timeout = Annotated[str, _read_as(rf"(?=.*[1-9]){_DURATION}"), Kind.TIMEOUT]
Delay = Annotated[str, _read_as(rf"(?=.){_DURATION}( x{_FACTOR})?"), Kind.DELAY]
Count = Annotated[Annotated[str, _read_as(r"[+]?[0-9]+")] | Annotated[int, Meta(ge=0)], Kind.COUNT]
Nice = Annotated[Annotated[str, _read_as(r"[+-]?[0-9]+")] | Annotated[int, Meta(ge=-20, le=19)], Kind.NICE]
ExitCode = Annotated[Annotated[str, _read_as("[0-9]+")] | Annotated[int, Meta(ge=0, le=255)], Kind.EXIT_CODE]
Flag = Annotated[Annotated[str, _read_as(_BOOLEAN)] | bool, Kind.FLAG]
Temp = Annotated[Annotated[str, _read_as(f"{_BOOLEAN}|delete")] | bool, Kind.TEMP]
Check = Annotated[str, _read_as("stat|hash|exists|mtime"), Kind.CHECK]
Outcome = Annotated[Literal["any"], Kind.OUTCOME]

Variable = Annotated[str, _like("^[^=]+$"), Kind.VARIABLE]
Pool = Annotated[str, _like(r"^[^\s=,]+$"), Kind.POOL]
Token = Annotated[str, _like(r"^(?!(cores|memory|gpus)$)[^\s=,]+$"), Kind.TOKEN]

# --- values of more than one shape ------------------------------------------------------------------------------------

AtLeastOne = Meta(min_length=1)
# An argument may be empty, a program may not: the kind of a list is that of its first item.
_PROGRAM_FIRST = Meta(extra_json_schema={"prefixItems": [{"type": ["string", "number", "boolean"], "pattern": r"\S"}]})
Words = Filled | Annotated[list[Text], AtLeastOne, _PROGRAM_FIRST, Kind.FILLED]
ShellWords = Annotated[Filled, Kind.WORDS] | Annotated[list[Filled], AtLeastOne]
Paths = Filled | list[Filled] | dict[Identifier, Filled | list[Filled]]
Names = Identifier | list[Identifier]
Steps = Identifier | list[Identifier] | dict[Identifier, Outcome]
Value = str | float | bool | None


class Spread(Struct, forbid_unknown_fields=True):
    """Values between two numbers, or the files that a pattern finds."""

    start: Annotated[Number, says("The first value.")] | UnsetType = field(name="from", default=UNSET)
    to: Annotated[Number, says("The last value, included.")] | UnsetType = UNSET
    step: Annotated[Number, says("What lies between two values (default: 1).")] | UnsetType = UNSET
    count: Annotated[Count, says("How many values, evenly spaced.")] | UnsetType = UNSET
    times: Annotated[Number, says("The factor between two values.")] | UnsetType = UNSET
    glob: Annotated[Filled, says('The sorted paths that match, such as "data/*.csv".')] | UnsetType = UNSET


_WAYS = [{"required": ["step", "count"]}, {"required": ["step", "times"]}, {"required": ["count", "times"]}]
_SPREAD = {
    "oneOf": [
        {"required": ["glob"], "maxProperties": 1},
        {"required": ["from", "to"], "not": {"anyOf": [{"required": ["glob"]}, *_WAYS]}},
    ]
}
_VALUE = {"type": ["string", "number", "boolean", "null"]}
_ROWS = {"type": "array", "minItems": 1, "items": {"type": "array", "items": _VALUE}}
_CSV = {"type": "string", "minLength": 1, "description": "A CSV file; its columns are names."}
_IN_SWEEP = {"properties": {"csv": _CSV}, "patternProperties": {",": _ROWS}}

Values = str | float | bool | Annotated[list[Value], AtLeastOne] | Spread
SweepName = Annotated[str, _like(rf"^\s*{_IDENTIFIER}\s*(,\s*{_IDENTIFIER}\s*)*$")]
Product = Annotated[dict[SweepName, Values], Meta(min_length=1, extra_json_schema=_IN_SWEEP)]
Exclusion = Annotated[dict[str, Value | Annotated[list[Value], AtLeastOne]], AtLeastOne]


# --- the keys ---------------------------------------------------------------------------------------------------------


class StepKeys(Struct, forbid_unknown_fields=True):
    """One step: a command, run once for each combination of the sweep names that it mentions."""

    run: Annotated[Words, says("The command: a text for the shell, or a list that no shell sees.")] | UnsetType = UNSET
    per: Annotated[
        Names, says("Names to run over, or a step to run like (default: the names that it mentions).")
    ] | UnsetType = UNSET
    after: Annotated[Steps, says("Steps to wait for; `{sim: any}`: whatever became of it.")] | UnsetType = UNSET
    inputs: Annotated[Paths, says("The files that the command reads.")] | UnsetType = UNSET
    outputs: Annotated[Paths, says("The files that the command makes.")] | UnsetType = UNSET
    stdout: Annotated[
        Filled, says("The file that standard output goes to (default: the task's log).")
    ] | UnsetType = UNSET
    stderr: Annotated[
        Filled, says("The file that standard error goes to; `stdout`: the same (default: the task's log).")
    ] | UnsetType = UNSET
    cwd: Annotated[
        Filled, says("The directory that the command runs in (default: the sweep file's).")
    ] | UnsetType = UNSET
    env: Annotated[dict[Variable, Blank], says("Environment variables of the step.")] | UnsetType = UNSET
    shell: Annotated[ShellWords, says("The words before it (default: the file's `shell`).")] | UnsetType = UNSET
    cores: Annotated[Amount, says("Cores to take, 0 and fractions too (default: 1).")] | UnsetType = UNSET
    memory: Annotated[Size, says("Memory to take, such as `2G` (default: 0).")] | UnsetType = UNSET
    gpus: Annotated[
        Gpus, says("GPUs to take: whole ones, or a share of one such as 0.5 (default: 0).")
    ] | UnsetType = UNSET
    tokens: Annotated[dict[Token, Amount], says("What to take from pools, as `{licence: 1}`.")] | UnsetType = UNSET
    memory_limit: Annotated[
        Flag, says("Kill the task when it uses more than its `memory` (default: false).")
    ] | UnsetType = UNSET
    pin: Annotated[Flag, says("Bind the task to cores of its own (default: false).")] | UnsetType = UNSET
    timeout: Annotated[
        Timeout, says("The longest that an attempt may take, such as `90s` (default: no limit).")
    ] | UnsetType = UNSET
    retries: Annotated[Count, says("Further attempts after a failure (default: 0).")] | UnsetType = UNSET
    retry_delay: Annotated[
        Delay, says("The wait before a retry: `30s`, or `30s x2` to back off (default: 0s).")
    ] | UnsetType = UNSET
    priority: Annotated[Number, says("The larger starts first (default: 0).")] | UnsetType = UNSET
    nice: Annotated[Nice, says("The niceness of the command, from -20 to 19 (default: 0).")] | UnsetType = UNSET
    wrap: Annotated[
        ShellWords, says("What stands before the command, as `apptainer exec img.sif`.")
    ] | UnsetType = UNSET
    check: Annotated[
        Check, says("How a file is compared with what is on record of it (default: stat).")
    ] | UnsetType = UNSET
    always: Annotated[Flag, says("Run in every run (default: false).")] | UnsetType = UNSET
    temp: Annotated[
        Temp, says("Outputs may be gone when all that use them are done (default: false).")
    ] | UnsetType = UNSET
    keep: Annotated[Flag, says("Outputs of a failed attempt stay where they are (default: false).")] | UnsetType = UNSET
    ok_codes: Annotated[list[ExitCode], says("Exit codes that mean success; 0 always does.")] | UnsetType = UNSET
    allow_failure: Annotated[
        Flag, says("A failure stops nothing, and the exit status stays 0 (default: false).")
    ] | UnsetType = UNSET
    desc: Annotated[Text, says("What the step is for.")] | UnsetType = UNSET


Sweep = Product | Annotated[list[Product], AtLeastOne]
ShortForm = Filled


class FileKeys(Struct, forbid_unknown_fields=True):
    """A sweep file: parameters with their values, and the steps that run over them."""

    steps: Annotated[dict[Name, StepKeys | ShortForm], AtLeastOne, says("The steps by name, or just their commands.")]
    sweep: Annotated[Sweep, says("Names and values: a mapping is a product, a list a union.")] | UnsetType = UNSET
    exclude: Annotated[list[Exclusion], says("Points to leave out: each that equals one of these.")] | UnsetType = UNSET
    let: Annotated[dict[Name, Text], says('Derived values, as `seed: "{buffer}1"`.')] | UnsetType = UNSET
    defaults: Annotated[StepKeys, says("Step keys for all steps that do not have them.")] | UnsetType = UNSET
    pools: Annotated[dict[Pool, Total], says("Amounts to share, as `{licence: 2}`.")] | UnsetType = UNSET
    env: Annotated[dict[Variable, Blank], says("Environment variables of all steps.")] | UnsetType = UNSET
    shell: Annotated[ShellWords, says("The shell of all steps (default: bash -euo pipefail -c).")] | UnsetType = UNSET


# --- what a file holds ------------------------------------------------------------------------------------------------


class StepSpec(Struct):
    """A step with its own keys only; the short form has become `run`. `name` is its key in the file."""

    name: Scalar
    keys: dict[str, Entry]
    desc: str = ""


class SweepFile(Struct):
    """A sweep file whose keys are known; `sweep` and `exclude` are still as they were written."""

    place: Place
    steps: dict[str, StepSpec]
    sweep: Node | None
    exclude: Node | None
    let: dict[str, Scalar]
    defaults: dict[str, Node]
    env: dict[str, Entry]
    shell: Node | None
    pools: dict[str, Entry]


def json_schema() -> dict[str, object]:
    """The JSON Schema of a sweep file, for editors."""
    from msgspec.json import schema

    made = schema(FileKeys)
    root = made["$defs"].pop("FileKeys")
    made["$defs"]["Spread"].update(_SPREAD)  # msgspec leaves out what a union says of a Struct
    needs_run = {"if": {"type": "object"}, "then": {"required": ["run"]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root,
        "title": "A taskrun sweep file",
        "if": {"required": ["defaults"], "properties": {"defaults": {"required": ["run"]}}},
        "else": {"properties": {"steps": {"additionalProperties": needs_run}}},
        "$defs": made["$defs"],
    }
