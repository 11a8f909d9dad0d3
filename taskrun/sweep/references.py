"""What a placeholder of a step names: a value, files of a task, or a fact about it.

`Scope.resolve` is the only place that decides it; what cannot be resolved is an `Unresolved` with its hint.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from taskrun.errors import did_you_mean
from taskrun.sweep.formats import is_format
from taskrun.sweep.schema import RESERVED
from taskrun.sweep.templates import FORMS, PATH_ATTRIBUTES, Placeholder

OWN_FILES = ("inputs", "outputs", "stdout", "stderr")
FILES_OF_OTHERS = ("outputs", "stdout", "stderr")
FACTS = ("name", "step", "cores", "attempt", "root")


class Value(Struct, frozen=True):
    """The value of a sweep or `let` name."""

    name: str


class Files(Struct, frozen=True):
    """Files under a key: of the task itself (`step` is ""), or of the tasks of a step that it is joined with."""

    step: str
    key: str
    part: str = ""


class Fact(Struct, frozen=True):
    """`{task.name}` and the like."""

    name: str


Target = Value | Files | Fact


class Reference(Struct, frozen=True):
    """A placeholder that means something: what it names, the path attributes to take of that, and its form."""

    target: Target
    attributes: tuple[str, ...]
    form: str | None
    written: str

    @property
    def is_path(self) -> bool:
        """Whether it puts a path of the study into a text, to be written as seen from the task's cwd."""
        if isinstance(self.target, Fact):
            return self.target.name == "root"
        return isinstance(self.target, Files) and set(self.attributes) <= {"parent"}


class Unresolved(Exception):
    """A placeholder that means nothing here: `what` is wrong with it, and what to do about it.

    It `is_excused` where it may be a name of the sweep that could not be read.
    """

    def __init__(self, what: str, hint: str = "", *, is_excused: bool = False) -> None:
        super().__init__(what)
        self.is_excused = is_excused
        self.what = what
        self.hint = hint


class Declared(Struct, frozen=True):
    """What a step has to name: under each of the keys of files that it has, the names of its parts."""

    parts: Mapping[str, tuple[str, ...]]


class Scope:
    """All names of a study; `known` is everything that can stand first in a placeholder.

    It is not `is_whole` where the sweep may have names that could not be read.
    """

    def __init__(
        self, sweep: tuple[str, ...], lets: tuple[str, ...], steps: Mapping[str, Declared], *, is_whole: bool = True
    ) -> None:
        self.is_whole = is_whole
        self.sweep = sweep
        self.lets = lets
        self.steps = steps
        self.known = frozenset((*sweep, *lets, *steps, *RESERVED))

    def resolve(self, placeholder: Placeholder, step: str) -> Reference:
        """What `placeholder` means in a key of `step` ("" outside of steps); raises Unresolved."""
        base = placeholder.base
        if base in self.sweep or base in self.lets:
            target: Target = Value(base)
            attributes = placeholder.attributes
        elif base == "task" and step:
            target, attributes = _fact(placeholder), ()
        elif base in OWN_FILES and step:
            target, attributes = self._files(placeholder, step, base, placeholder.attributes)
        elif base in self.steps and step:
            target, attributes = self._files_of(placeholder, step)
        else:
            raise self._unknown(placeholder, step)
        _check_attributes(placeholder, attributes)
        _check_form(placeholder, target)
        return Reference(target, attributes, placeholder.form, placeholder.written)

    def _unknown(self, placeholder: Placeholder, step: str) -> Unresolved:
        base, escape = placeholder.base, placeholder.escape
        is_file = bool(placeholder.attributes) and placeholder.attributes[0] in OWN_FILES
        names = tuple(self.steps) if is_file and step else (*self.sweep, *self.lets)
        if base in self.known:
            return Unresolved(f"{placeholder.written} cannot stand here", "only names of `sweep` and `let` can")
        offer = did_you_mean(base, (*names, *self.steps, *RESERVED) if step else names)
        if not offer and names:
            offer = "there are " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        hint = f"{offer}; " if offer else ""
        hint += f"braces that are meant as text are written {escape}"
        return Unresolved(f"nothing is called {base!r}", hint, is_excused=not self.is_whole)

    def _files(
        self, placeholder: Placeholder, step: str, key: str, attributes: tuple[str, ...]
    ) -> tuple[Target, tuple[str, ...]]:
        own = placeholder.base == key and placeholder.base not in self.steps
        parts = self.steps[step].parts.get(key)
        if parts is None:
            hint = f"`after: {step}` orders without a file" if not own else f"add `{key}:` to step {step!r}"
            raise Unresolved(f"{placeholder.written}: step {step!r} declares no {key}", hint)
        part = ""
        if attributes and (attributes[0] in parts or attributes[0] not in PATH_ATTRIBUTES):
            part, attributes = attributes[0], attributes[1:]
            if part not in parts:
                known = did_you_mean(part, (*parts, *PATH_ATTRIBUTES)) or _listed(parts)
                raise Unresolved(f"{placeholder.written}: the {key} of step {step!r} have no {part!r}", known)
        return Files("" if own else step, key, part), attributes

    def _files_of(self, placeholder: Placeholder, step: str) -> tuple[Target, tuple[str, ...]]:
        of = placeholder.base
        key = placeholder.attributes[0] if placeholder.attributes else ""
        if of == step:
            raise Unresolved(
                f"{placeholder.written}: step {step!r} cannot wait for itself",
                f"its own files are {{{key}}}" if key in OWN_FILES else "",
            )
        if not key:
            raise Unresolved(f"{placeholder.written} is a step", f"its files are {{{of}.outputs}} and {{{of}.stdout}}")
        if key not in FILES_OF_OTHERS:
            offer = did_you_mean(key, FILES_OF_OTHERS) or f"a step has {', '.join(FILES_OF_OTHERS)}"
            raise Unresolved(f"{placeholder.written}: a step has no {key!r}", offer)
        return self._files(placeholder, of, key, placeholder.attributes[1:])


def _fact(placeholder: Placeholder) -> Fact:
    name = placeholder.attributes[0] if placeholder.attributes else ""
    if name not in FACTS or len(placeholder.attributes) > 1:
        asked = ".".join(placeholder.attributes)
        what = f": nothing of a task is called {asked!r}" if asked else " says nothing by itself"
        offer = did_you_mean(name, FACTS) or "there are " + ", ".join(f"task.{fact}" for fact in FACTS)
        raise Unresolved(placeholder.written + what, offer)
    return Fact(name)


def _check_attributes(placeholder: Placeholder, attributes: tuple[str, ...]) -> None:
    for attribute in attributes:
        if attribute not in PATH_ATTRIBUTES:
            offer = did_you_mean(attribute, PATH_ATTRIBUTES) or f"a value has {', '.join(PATH_ATTRIBUTES)}"
            raise Unresolved(f"{placeholder.written}: a value has no {attribute!r}", offer)
    if len(placeholder.attributes) > 2:
        raise Unresolved(f"{placeholder.written}: at most two attributes can stand after a name")


def _check_form(placeholder: Placeholder, target: Target) -> None:
    form, written = placeholder.form, placeholder.written
    if form is None or form == "raw":
        return
    if form not in FORMS and not is_format(form):
        hint = f"`raw`, `file` or a format such as `05d` can; braces that are meant as text are {placeholder.escape}"
        raise Unresolved(f"{written}: {form!r} cannot stand after the colon", hint)
    if form == "file" and not isinstance(target, Files):
        raise Unresolved(f"{written}: `:file` lists files, and {placeholder.base!r} names none")
    if isinstance(target, Fact) and target.name == "attempt":
        raise Unresolved(f"{written}: the attempt is only known when the task starts, so that it takes no format")


def _listed(parts: tuple[str, ...]) -> str:
    return "there are " + ", ".join(parts) if parts else "they have no names"


_PATH_KEYS = frozenset({"inputs", "outputs", "stdout", "stderr", "cwd"})
_COMMAND_KEYS = frozenset({"run", "wrap", "env"})


def check_key(reference: Reference, key: str) -> None:
    """Raises Unresolved for a placeholder that means something, but not under `key`."""
    target, written = reference.target, reference.written
    if reference.form == "file" and key not in _COMMAND_KEYS:
        raise Unresolved(f"{written} can stand in a command and in `env` only")
    if not isinstance(target, Fact) or target.name not in ("cores", "attempt") or key in _COMMAND_KEYS:
        return
    if key in _PATH_KEYS:
        raise Unresolved(f"{written} cannot stand in a path: the files of a task do not hang on it")
    if target.name == "attempt" or key == "cores":
        raise Unresolved(f"{written} is not known yet where `{key}` is read")
