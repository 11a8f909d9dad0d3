"""What is only strange in a study: warnings that stop nothing, each at its place."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from taskrun.errors import Place
from taskrun.model import Action, Argv, Shell
from taskrun.paths import Paths, absence
from taskrun.sweep.cells import List
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings
from taskrun.sweep.points import Points
from taskrun.sweep.references import Fact, Reference, Value
from taskrun.sweep.texts import Text

_BREAKS = re.compile(r"""[\s'"|&;<>()=,`]+""")
_WRITES_TO = re.compile(r">+\s*[^\s;&|<>()]+")
_UNTOUCHED = re.compile(r"\{\{(?![A-Za-z_][A-Za-z0-9_.]*\}\})[^{}]*\}\}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ENDS_IN_VARIABLE = re.compile(r"(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)$")
_SLOT = re.compile(r"\0([0-9]+)\0")
_ROOT = Fact("root")
_LONGEST = 300
_MOST_WORDS = 200
_MOST_ROWS = 100_000
_MOST_VALUES = 100  # of one word


class Hints:
    """Finds what is strange, for one study; `states` are the directories that taskrun itself writes to."""

    def __init__(self, points: Points, paths: Paths, findings: Findings, *, states: Iterable[str]) -> None:
        self._states = frozenset(states)
        self._points = points
        self._paths = paths
        self._findings = findings
        self._seen: set[tuple[Place, str]] = set()

    def look_at(self, expansion: Expansion, action: Action) -> None:
        """Look at a step, of which this is the first task's action."""
        for item in expansion.plan.items("run"):
            self._look_at_braces(item.text)
            if isinstance(action, Shell):
                self._look_at_variables(item.text, expansion)
                self._look_at_options(item.text, expansion)
                self._look_at_glue(item.text)
        if isinstance(action, Argv):
            self._look_at_shell(expansion)

    def look_for_files(self, expansion: Expansion, action: Action, inputs: Sequence[List]) -> None:
        """A file of the study that a command names is most likely one that it reads; of each word the first one."""
        for text in (item.text for item in expansion.plan.items("run")):
            for word in _words(text, is_line=isinstance(action, Shell)):
                found = next(self._files(word, text, expansion, inputs), None)
                if found is not None:
                    what = f"the file {found!r} stands in the command of {expansion.plan.name!r} but not in its inputs"
                    hint = "only a file under `inputs` makes the step run again when it changes"
                    self._hint(expansion.plan.items("run")[0].text.place, what, hint)

    def look_for_sources(self, sources: Mapping[Place, Iterable[str]]) -> None:
        """Inputs that no task makes should be there."""
        for place, paths in sources.items():
            missing = [path for path in paths if not os.path.exists(self._paths.absolute(path))]
            if missing:
                more = f"and {len(missing) - 1} more are not there, and no task makes them"
                alone = f"{absence(self._paths.absolute(missing[0]))}, and no task makes it"
                ends = more if len(missing) > 1 else alone
                self._hint(place, f"the input {missing[0]!r} {ends}")

    def _look_at_shell(self, expansion: Expansion) -> None:
        for item in expansion.plan.items("shell")[:1]:
            if item.text.is_own:
                what = f"the `shell` of step {expansion.plan.name!r} is not used: its `run` is a list"
                self._hint(item.text.place, what, "a list is executed word by word; write a text for the shell")

    def _look_at_braces(self, text: Text) -> None:
        untouched = _UNTOUCHED.search("".join(text.template.pieces))
        if text.template.halved and untouched:
            word = text.template.halved[0]
            what = f"{word} becomes {word[1:-1]} here, while {untouched[0]} stays as it is"
            self._hint(text.place, what, f"both braces are kept of {{{{{word}}}}}")

    def _look_at_variables(self, text: Text, expansion: Expansion) -> None:
        line = "".join(text.template.pieces)
        for name in dict.fromkeys(_VARIABLE.findall(line)):
            is_set = name in expansion.plan.env or re.search(rf"\b(?:{name}=|for {name}\b|read .*\b{name}\b)", line)
            if name in self._points.names and not is_set:
                self._hint(text.place, f"${{{name}}} is a variable of the shell", f"the sweep's value is {{{name}}}")

    def _look_at_glue(self, text: Text) -> None:
        """A value of letters or digits right behind `$X` becomes a part of the variable's name."""
        line = ""
        for piece, slot in zip(text.template.pieces, text.template.slots, strict=False):
            line += piece
            variable = _ENDS_IN_VARIABLE.search(line)
            if variable and line.count("'") % 2 == 0:
                name = variable[1]
                self._hint(text.place, f"{slot.written} becomes part of the name behind ${name}", f"write ${{{name}}}")
            line += "x"

    def _look_at_options(self, text: Text, expansion: Expansion) -> None:
        for reference in text.references:
            target = reference.target
            if not isinstance(target, Value) or reference.form == "raw" or reference.attributes:
                continue
            for value in dict.fromkeys(expansion.values(target.name)):
                if value.startswith("-") and " " in value:
                    place = self._points.name_place.get(target.name, text.place)
                    what = f"{value!r} holds an option and a space, and goes into the command as one word"
                    self._hint(place, what, f"{{{target.name}:raw}} puts it in as several")
                    break

    def _files(self, word: str, text: Text, expansion: Expansion, inputs: Sequence[List]) -> Iterator[str]:
        """What a word comes to in some tasks, where that is a file which they do not declare."""
        slots = [text.references[int(number)] for number in _SLOT.findall(word)]
        if not all(isinstance(slot.target, Value) or slot.target == _ROOT for slot in slots):
            return  # files that are declared, or lists of them; and numbers
        pattern = _SLOT.sub("%s", word.replace("%", "%%"))
        for row, values in self._rows(slots, expansion):
            filled = pattern % values
            if not 0 < len(filled) <= _LONGEST or filled[0] in "-$~":
                continue
            path = self._paths.normal(posixpath.join(expansion.cwds[row], filled))
            if self._is_open(path, _declared(expansion, row, inputs)):
                yield path

    def _rows(self, slots: Sequence[Reference], expansion: Expansion) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Some tasks, by their rows, in which these placeholders come to different values."""
        if not slots:
            yield 0, ()
            return
        stride = -(-len(expansion) // _MOST_ROWS)
        columns = [self._column(slot, expansion)[::stride] for slot in slots]
        seen: dict[tuple[str, ...], int] = {}
        for row, values in enumerate(zip(*columns, strict=True)):
            seen.setdefault(values, row * stride)
        for values, row in list(seen.items())[:_MOST_VALUES]:
            yield row, values

    def _column(self, slot: Reference, expansion: Expansion) -> Sequence[str]:
        if slot.target == _ROOT:
            return [self._paths.seen_from(".", cwd) for cwd in expansion.cwds]
        return expansion.column(slot).singles or ()

    def _is_open(self, path: str, declared: set[str]) -> bool:
        """Whether it is a file of the study, neither declared nor in a directory that is, nor of the state."""
        above = {path[:cut] for cut, letter in enumerate(path) if letter == "/"}
        if path.startswith(("/", "..")) or path in declared or above & declared or self._states & {path, *above}:
            return False
        return os.path.isfile(self._paths.absolute(path))

    def _hint(self, place: Place, what: str, hint: str = "") -> None:
        if (place, what) not in self._seen:
            self._seen.add((place, what))
            self._findings.hint(place, what, hint)


def _declared(expansion: Expansion, row: int, inputs: Sequence[List]) -> set[str]:
    keys = [key for key in ("outputs", "stdout", "stderr") if expansion.plan.items(key)]
    return {path for key in keys for path in expansion.files(key)[row]}.union(inputs[row])


def _words(text: Text, *, is_line: bool) -> Iterable[str]:
    """What may be names of files in a command, a placeholder as its number: what it writes to is left out."""
    first, *others = text.template.pieces
    line = first + "".join(f"\0{number}\0{piece}" for number, piece in enumerate(others))
    words = _BREAKS.split(_WRITES_TO.sub(" ", line), maxsplit=_MOST_WORDS) if is_line else [line]
    return dict.fromkeys(word for word in words[:_MOST_WORDS] if word)
