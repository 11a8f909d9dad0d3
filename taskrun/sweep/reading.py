"""From the nodes of a sweep file to its keys: every key is known, every value has its shape, every name is free.

What stands inside `sweep:` and `exclude:` is left to `products`; placeholders are left to `texts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from taskrun.errors import Place, nearest
from taskrun.pools import parse_total
from taskrun.sweep.checks import shown, wrong_with
from taskrun.sweep.nodes import Entry, Findings, Scalar, Table
from taskrun.sweep.schema import FileKeys, Kind, StepKeys, StepSpec, SweepFile
from taskrun.sweep.shapes import Shape, fits, shapes_of

# What other tools call these keys.
_ELSEWHERE = {
    "in": "inputs",
    "out": "outputs",
    "cmd": "run",
    "command": "run",
    "script": "run",
    "depends": "after",
    "depends_on": "after",
    "needs": "after",
    "cpus": "cores",
    "threads": "cores",
    "mem": "memory",
    "environment": "env",
    "dir": "cwd",
    "workdir": "cwd",
    "matrix": "sweep",
    "parameters": "sweep",
    "params": "sweep",
    "jobs": "steps",
    "rules": "steps",
    "tasks": "steps",
    "vars": "let",
    "variables": "let",
}


def read_sweep_file(table: Table, findings: Findings) -> SweepFile:
    """What the file holds; whatever is wrong with its keys and their values is noted."""
    return _Reader(findings).file(table)


def check_name(name: Scalar, what: str, findings: Findings) -> bool:
    """Whether a sweep, `let` or step name is an identifier and not reserved; if not, that is noted."""
    wrong = wrong_with(what, Kind.NAME, name.text)
    if wrong:
        findings.mistake(name.place, wrong, is_last=True)
    return not wrong


def check_clashes(sweep_names: Mapping[str, Place], file: SweepFile, findings: Findings) -> None:
    """Sweep, `let` and step names must be names, and all different; sweep and `let` names also in capitals.

    Columns of a CSV file are compared with each other and with the sweep's where they are read.
    """
    folded: dict[str, str] = {}
    for name, place in sweep_names.items():
        check_name(Scalar(name, place), "a name in `sweep`", findings)
        other = folded.setdefault(name.lower(), name)
        if other != name and place.file == file.place.file:
            findings.mistake(place, f"{name!r} and {other!r} differ only in capitals")
    for name, value in file.let.items():
        other = folded.setdefault(name.lower(), name)
        if name in sweep_names:
            findings.mistake(value.place, f"{name!r} in `let` is a name of the sweep already")
        elif other != name:
            findings.mistake(value.place, f"{name!r} in `let` and {other!r} differ only in capitals")
    for name, step in file.steps.items():
        if name in sweep_names or name in file.let:
            other = "a name of the sweep" if name in sweep_names else "a name in `let`"
            findings.mistake(step.name.place, f"the step {name!r} is called like {other}", "rename one of them")


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def file(self, table: Table) -> SweepFile:
        shapes = shapes_of(FileKeys)
        known, meant = self._known(table, shapes, "at the top level")
        for key in ("let", "env", "shell", "pools"):
            if key in known:
                self._check(known[key], shapes)
        defaults = self._defaults(known.get("defaults"))
        return SweepFile(
            place=table.place,
            steps=self._steps(table, known, needs_run="run" not in defaults, is_misspelt="steps" in meant),
            sweep=table.value("sweep"),
            exclude=table.value("exclude"),
            let={name: entry.value for name, entry in _entries(known, "let") if isinstance(entry.value, Scalar)},
            defaults={key: entry.value for key, entry in defaults.items()},
            env=dict(_entries(known, "env")),
            shell=table.value("shell"),
            pools=dict(_entries(known, "pools")),
        )

    def _known(self, table: Table, shapes: Mapping[str, Shape], where: str) -> tuple[dict[str, Entry], set[str]]:
        """The entries with a known key, and which keys the others were meant to be."""
        known, meant = {}, set()
        for key, entry in table.entries.items():
            if key in shapes:
                known[key] = entry
                continue
            likely, hint = _offer(entry, shapes)
            meant.add(likely)
            self._findings.mistake(entry.key.place, f"unknown key {shown(key)} {where}", hint)
        return known, meant

    def _check(self, entry: Entry, shapes: Mapping[str, Shape]) -> None:
        """The value of a key must have the shape that it needs, and do what it says."""
        key = entry.key.text
        fits(entry.value, shapes[key], f"`{key}`", self._findings)
        if key == "pools" and isinstance(entry.value, Table):
            self._check_totals(entry.value)

    def _check_totals(self, table: Table) -> None:
        """What the amount of a pool may look like shows only in the pool's name."""
        for pool, entry in table.entries.items():
            if not isinstance(entry.value, Scalar):
                continue
            try:
                parse_total(pool, entry.value.text)
            except ValueError as error:
                self._findings.mistake(entry.value.place, f"`pools.{shown(pool)[1:-1]}`: {error}", is_last=True)

    def _defaults(self, entry: Entry | None) -> dict[str, Entry]:
        if entry is None or not fits(entry.value, shapes_of(FileKeys)["defaults"], "`defaults`", self._findings):
            return {}
        return self._keys(entry.value, "in `defaults`")[0] if isinstance(entry.value, Table) else {}

    def _keys(self, table: Table, where: str) -> tuple[dict[str, Entry], set[str]]:
        """The step keys of a mapping, checked."""
        shapes = shapes_of(StepKeys)
        known, meant = self._known(table, shapes, where)
        for entry in known.values():
            self._check(entry, shapes)
        return known, meant

    def _steps(
        self, table: Table, known: Mapping[str, Entry], *, needs_run: bool, is_misspelt: bool
    ) -> dict[str, StepSpec]:
        entry = known.get("steps")
        if entry is None:
            if not is_misspelt:
                hint = "what to run stands there, as `steps: {sim: ./sim.sh}`"
                self._findings.mistake(table.place, "`steps` is missing", hint)
            return {}
        fits(entry.value, shapes_of(FileKeys)["steps"], "`steps`", self._findings)
        return {name: self._step(step, needs_run=needs_run) for name, step in _entries(known, "steps")}

    def _step(self, step: Entry, *, needs_run: bool) -> StepSpec:
        name, value = step.key, step.value
        if isinstance(value, Scalar):
            self._check_space(value)
            return StepSpec(name, {"run": Entry(Scalar("run", value.place), value)})
        if not isinstance(value, Table):
            return StepSpec(name, {})
        known, meant = self._keys(value, f"in the step {shown(name.text)}")
        if needs_run and "run" not in known and "run" not in meant:
            self._findings.mistake(name.place, f"the step {shown(name.text)} has no `run`")
        desc = known["desc"].value if "desc" in known else None
        return StepSpec(name, known, desc.text if isinstance(desc, Scalar) else "")

    def _check_space(self, command: Scalar) -> None:
        """`run:netsim` alone is a text to YAML, and would be the step's command."""
        match = re.match(r"([a-z_]+):\S", command.text)
        if match and command.plain and match[1] in shapes_of(StepKeys):
            self._findings.mistake(command.place, f"a space is missing after `{match[1]}:`", is_last=True)


def _entries(known: Mapping[str, Entry], key: str) -> Iterable[tuple[str, Entry]]:
    """What stands in the mapping under a key; nothing where there is none."""
    entry = known.get(key)
    return entry.value.entries.items() if entry and isinstance(entry.value, Table) else ()


def _offer(entry: Entry, shapes: Mapping[str, Shape]) -> tuple[str, str]:
    """Which of the keys was likely meant by an unknown one ("" where none was), and the hint."""
    key = entry.key.text
    if key in shapes_of(StepKeys):
        return "", "it belongs in a step, or under `defaults`"
    if key in shapes_of(FileKeys):
        return "", "it belongs at the top level"
    close = _ELSEWHERE.get(key) or nearest(key, shapes)
    if close and close in shapes:
        return close, f"did you mean {close!r}?"
    if "steps" not in shapes:
        return "", ""
    if isinstance(entry.value, Table) and any(inner in shapes_of(StepKeys) for inner in entry.value.entries):
        return "steps", "steps stand under `steps:`"
    return "", "known are " + ", ".join(shapes)
