"""A sweep that no file holds: one command and its values, as a command line gives them.

It is made of the nodes that a file would have come to and takes the same way from there. A mistake's place is the
word that it is in: `the command`, `t=`, `--outputs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from taskrun.errors import Place, UsageError, did_you_mean
from taskrun.graph import Study
from taskrun.sweep.checks import wrong_with
from taskrun.sweep.loading import Origin, expand
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.ranges import ValuesError
from taskrun.sweep.reading import read_sweep_file
from taskrun.sweep.references import OWN_FILES
from taskrun.sweep.schema import RESERVED, Kind
from taskrun.sweep.templates import Placeholder, parse_template
from taskrun.sweep.values import parse_values

_COMMAND = Place("the command")
_FALLBACKS = ("each", "command")
_LONGEST_NAME = 40
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_NO_LETTER = re.compile(r"[^A-Za-z0-9]+")


class Each(Struct, frozen=True, kw_only=True):
    """What was typed: `values` by name, each still as it was written, in order."""

    command: str
    values: Mapping[str, str]
    outputs: tuple[str, ...] = ()
    stdout: str | None = None

    @property
    def step(self) -> str:
        """What the command's program is called, as far as that can be a step's name."""
        words = (word for word in self.command.split() if not _ASSIGNMENT.match(word))
        program = next(words, "").rpartition("/")[2]
        word = _NO_LETTER.sub("_", program).strip("_")[:_LONGEST_NAME].rstrip("_")
        name = f"_{word}" if word[:1].isdigit() else word
        taken = {*RESERVED, *self.values}
        return next((each for each in (name, *_FALLBACKS) if each and each not in taken), name)


def study_of(each: Each, *, name: str, root: str, state: str) -> Study:
    """The study of it, in the directory `root`; raises UsageError for wrong values, SweepError for other mistakes."""
    values = _values(each, root)
    findings = Findings()
    _check_placeholders(each, findings)
    file = read_sweep_file(_table(each), findings)
    origin = Origin(name=name, root=root, source=f"each {each.command}", state=state, shown=_COMMAND.file)
    return expand(file, origin, values=values, findings=findings)


def _values(each: Each, directory: str) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    spelt: dict[str, str] = {}
    for name, text in each.values.items():
        wrong = wrong_with(f"{name}=", Kind.NAME, name)
        other = spelt.setdefault(name.lower(), name)
        if wrong:
            raise UsageError(wrong)
        if other != name:
            raise UsageError(f"{other}= and {name}= differ only in capitals")
        try:
            found[name] = parse_values(text, directory)
        except ValuesError as error:
            raise UsageError(f"{name}={text}: {error}") from None
    return found


def _check_placeholders(each: Each, findings: Findings) -> None:
    """What a placeholder cannot mean here, in words that know of no sweep file."""
    declared = {"outputs": bool(each.outputs), "stdout": each.stdout is not None}
    for place, placeholder in _placeholders(each):
        base = placeholder.base
        if base in OWN_FILES and not declared.get(base, False):
            hint = f"add `--{base} PATH`" if base in declared else f"only a sweep file can declare {base}"
            findings.mistake(place, f"{placeholder.written} stands for nothing here", hint, is_last=True)
        elif base not in each.values and base not in RESERVED:
            offer = did_you_mean(base, (*each.values, *RESERVED)) or f"{base}=A,B gives it values"
            hint = f"{offer}; braces that are meant as text are written {placeholder.escape}"
            findings.mistake(place, f"nothing is called {base!r}", hint, is_last=True)


def _placeholders(each: Each) -> Iterator[tuple[Place, Placeholder]]:
    known = {*each.values, *RESERVED}
    for place, texts in ((_COMMAND, [each.command]), *((place, [text]) for place, text in _paths(each))):
        for text in texts:
            yield from ((place, slot) for slot in parse_template(text, known).slots)


def _paths(each: Each) -> Iterator[tuple[Place, str]]:
    yield from ((Place("--outputs"), path) for path in each.outputs)
    if each.stdout is not None:
        yield Place("--stdout"), each.stdout


def _table(each: Each) -> Table:
    """The sweep file that says the same; the values of its names come from elsewhere."""
    run = Scalar(each.command, _COMMAND)
    keys: dict[str, Node] = {"run": run}
    if each.outputs:
        place = Place("--outputs")
        keys["outputs"] = Listing(tuple(Scalar(path, place) for path in each.outputs), place)
    if each.stdout is not None:
        keys["stdout"] = Scalar(each.stdout, Place("--stdout"))
    step = Table({key: Entry(Scalar(key, node.place), node) for key, node in keys.items()}, _COMMAND)
    entries: dict[str, Node] = {"steps": Table({each.step: Entry(Scalar(each.step, _COMMAND), step)}, _COMMAND)}
    if each.values:
        names = [Scalar(name, Place(f"{name}=")) for name in each.values]
        entries["sweep"] = Table({name.text: Entry(name, name) for name in names}, _COMMAND)
    return Table({key: Entry(Scalar(key, _COMMAND), node) for key, node in entries.items()}, _COMMAND)
