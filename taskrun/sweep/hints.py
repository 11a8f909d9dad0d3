"""What is only strange in a study: warnings that stop nothing, each at its place."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from taskrun.errors import Place
from taskrun.model import Action, Argv, Shell, as_run
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings
from taskrun.sweep.paths import Paths
from taskrun.sweep.points import Points
from taskrun.sweep.references import Value
from taskrun.sweep.texts import Text

_BREAKS = re.compile(r"""[\s'"|&;<>()=,`]+""")
_WRITES_TO = re.compile(r">+\s*[^\s;&|<>()]+")
_UNTOUCHED = re.compile(r"\{\{(?![A-Za-z_][A-Za-z0-9_.]*\}\})[^{}]*\}\}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = 300
_MOST_WORDS = 200


class Hints:
    """Finds what is strange, for one study."""

    def __init__(self, points: Points, paths: Paths, findings: Findings) -> None:
        self._points = points
        self._paths = paths
        self._findings = findings
        self._seen: set[tuple[Place, str]] = set()

    def look_at(self, expansion: Expansion, action: Action, inputs: tuple[str, ...]) -> None:
        """Look at a step through its first task, of which these are the action and the inputs."""
        for item in expansion.plan.items("run"):
            self._look_at_braces(item.text)
            if isinstance(action, Shell):
                self._look_at_variables(item.text, expansion)
                self._look_at_options(item.text, expansion)
        if isinstance(action, Argv):
            self._look_at_shell(expansion)
        self._look_for_files(expansion, action, inputs)

    def look_for_sources(self, sources: Mapping[Place, Iterable[str]]) -> None:
        """Inputs that no task makes should be there."""
        for place, paths in sources.items():
            missing = [path for path in paths if not os.path.exists(self._paths.absolute(path))]
            if missing:
                more = f"and {len(missing) - 1} more are not there, and no task makes them"
                ends = more if len(missing) > 1 else "is not there, and no task makes it"
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

    def _look_for_files(self, expansion: Expansion, action: Action, inputs: tuple[str, ...]) -> None:
        """A file of the study that a command names is most likely one that it reads."""
        declared = {path for key in ("outputs", "stdout", "stderr") for path in _first(expansion, key)} | set(inputs)
        cwd = expansion.cwds[0]
        for word in _words(action):
            path = self._paths.normal(posixpath.join(cwd, word))
            above = {path[:cut] for cut, letter in enumerate(path) if letter == "/"}
            if path.startswith(("/", "..")) or path in declared or above & declared:
                continue
            if os.path.isfile(self._paths.absolute(path)):
                place = expansion.plan.items("run")[0].text.place
                what = f"the file {path!r} stands in the command of {expansion.plan.name!r} but not in its inputs"
                self._hint(place, what, "only a file under `inputs` makes the step run again when it changes")

    def _hint(self, place: Place, what: str, hint: str = "") -> None:
        if (place, what) not in self._seen:
            self._seen.add((place, what))
            self._findings.hint(place, what, hint)


def _first(expansion: Expansion, key: str) -> tuple[str, ...]:
    return expansion.files(key)[0] if expansion.plan.items(key) else ()


def _words(action: Action) -> Iterator[str]:
    """What may be names of files in a command: those that it writes to are left out."""
    if isinstance(action, Shell):
        words = _BREAKS.split(_WRITES_TO.sub(" ", as_run(action.text, 1)), maxsplit=_MOST_WORDS)
    else:
        words = [as_run(word, 1) for word in action.words]
    return (word for word in dict.fromkeys(words[:_MOST_WORDS]) if 0 < len(word) <= _LONGEST and word[0] not in "-$~")
