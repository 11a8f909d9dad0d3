"""Step keys given as Python values: read as the sweep file's are, by the same shapes and with the same sentences.

There are no placeholders here, and nothing is expanded: texts and paths are taken as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from operator import index

from msgspec import Struct

from taskrun.errors import NOWHERE, Mistake, did_you_mean
from taskrun.model import NO_ENV, STRICT_BASH, TRAITS, Action, Argv, Shell, Traits
from taskrun.paths import Paths
from taskrun.quantity import parse_number
from taskrun.shell import wrapped
from taskrun.sweep.checks import split_words, wrong_with
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.schema import Kind, StepKeys
from taskrun.sweep.shapes import fits, shapes_of
from taskrun.sweep.texts import scalars
from taskrun.sweep.traits import COSMETIC, read_traits, wrong_together

_TEXTS = frozenset({Kind.TEXT, Kind.BLANK, Kind.FILLED, Kind.WORDS})
_NOT_HERE = {
    "run": "the command is the second argument",
    "per": "a Manager's task runs once; make one for each combination",
}
_TRAITS = ("cores", *COSMETIC)
_SEVERAL = frozenset({"tokens", "ok_codes"})
_READ = frozenset({"inputs", "outputs", "cwd", "env", "shell", "wrap", *_TRAITS, "desc"})
_PLAIN = frozenset({"stdout", "stderr", "cwd", "desc"})  # any text will do that is not blank
KNOWN = tuple(key for key in shapes_of(StepKeys) if key not in _NOT_HERE)


class Wanted(Struct, frozen=True):
    """What the keys of one task came to; paths are normalised, equal parts are shared."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    cwd: str = ""
    env: Mapping[str, str] = NO_ENV
    shell: tuple[str, ...] = STRICT_BASH
    wrap: tuple[str, ...] = ()
    traits: Traits = TRAITS
    desc: str = ""


_NOTHING_WANTED = Wanted()


class Wrong(Exception):
    """What is wrong with a value, without the task that it is of."""


class Keys:
    """Reads the keys of the tasks of one study, whose paths are `paths`.

    There may be 100,000 tasks: what is a plain text goes in at once, what was right before is not looked at again.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._right: dict[tuple[str, type, object], str] = {}  # values of keys that have few different ones
        self._variables: set[str] = set()  # right names of variables
        self._traits: dict[tuple[tuple[str, str, str], ...], Traits] = {}
        self._envs: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
        self._shells: dict[tuple[str, ...], tuple[str, ...]] = {STRICT_BASH: STRICT_BASH}

    def read(self, given: Mapping[str, object]) -> Wanted:
        """What the keys come to; raises Wrong. None stands for a key that is not given."""
        if not given:
            return _NOTHING_WANTED
        for key, value in given.items():
            if key not in _READ and value is not None:
                _checked(key, value)
        return Wanted(
            inputs=self._files("inputs", given.get("inputs")),
            outputs=self._files("outputs", given.get("outputs")),
            cwd=self._cwd(given.get("cwd")),
            env=self._env(given.get("env")),
            shell=self._words("shell", given.get("shell"), STRICT_BASH),
            wrap=self._words("wrap", given.get("wrap"), ()),
            traits=self._find_traits(given),
            desc=_text("desc", given.get("desc")),
        )

    def path(self, key: str, value: object) -> str | None:
        """The normalised path under `stdout` or `stderr`; None where none is given."""
        _check_no_number(key, value)
        return None if value is None else self.paths.normal(_text(key, value))

    def _files(self, key: str, value: object) -> tuple[str, ...]:
        """The paths of a key of files, each once."""
        if value is None:
            return ()
        if type(value) is str and is_plain(value):
            return (self.paths.normal(value),)
        if type(value) is list and all(type(each) is str and is_plain(each) for each in value):
            texts = value
        else:
            value = list(value) if isinstance(value, Iterator) else value
            _check_no_number(key, value)
            texts = [scalar.text for _, scalar in scalars(_checked(key, value))]
        return tuple(dict.fromkeys(self.paths.normal_all(texts)))

    def _cwd(self, value: object) -> str:
        path = self.path("cwd", value)
        return "" if path in (None, ".") else path

    def _env(self, value: object) -> Mapping[str, str]:
        if value is None:
            return NO_ENV
        found = self._plain_env(value) if type(value) is dict else None
        if found is None:
            found = {name: scalar.text for name, scalar in scalars(_checked("env", value))}
            self._variables.update(found)
        return self._envs.setdefault(tuple(found.items()), found)

    def _plain_env(self, value: dict[object, object]) -> dict[str, str] | None:
        """An environment whose names are known to be right, and whose values must be."""
        found = {}
        for name, item in value.items():
            if not isinstance(name, str) or name not in self._variables:
                return None
            if not (type(item) is int or (type(item) is str and is_plain(item))):
                return None
            found[name] = str(item)
        return found

    def _words(self, key: str, value: object, default: tuple[str, ...]) -> tuple[str, ...]:
        if value is None:
            return default
        if isinstance(value, str):
            words = split_words(self._once(key, value))
        else:
            words = tuple(scalar.text for _, scalar in scalars(_checked(key, value)))
        return self._shells.setdefault(words, words)

    def _find_traits(self, given: Mapping[str, object]) -> Traits:
        texts = tuple([text for key in _TRAITS if given.get(key) is not None for text in self._parts(key, given[key])])
        if not texts:
            return TRAITS
        found = self._traits.get(texts)
        if found is None:
            cores = next((text for key, _, text in texts if key == "cores"), "1")
            states_cores = any(key == "cores" for key, _, _ in texts)
            found = read_traits(parse_number(cores), texts, states_cores=states_cores)
            for _, wrong in wrong_together(found):
                raise Wrong(wrong)
            self._traits[texts] = found
        return found

    def _parts(self, key: str, value: object) -> Iterator[tuple[str, str, str]]:
        """The texts under a key, each with the name that it has there."""
        if key in _SEVERAL:
            yield from ((key, part, scalar.text) for part, scalar in scalars(_checked(key, value)))
        else:
            yield key, "", self._once(key, value)

    def _once(self, key: str, value: object) -> str:
        """The text of a scalar; what was right once is right."""
        try:
            found = self._right.get((key, type(value), value))
        except TypeError:  # a list, say, which is wrong anyway
            return _text(key, value)
        if found is None:
            found = self._right[key, type(value), value] = _text(key, value)
        return found


def action(command: object, shell: tuple[str, ...], wrap: tuple[str, ...] = ()) -> Action:
    """The command of a task, a text for the `shell`, or words, with the words of `wrap` before it; raises Wrong."""
    return wrapped(_bare(command, shell), wrap)


def _bare(command: object, shell: tuple[str, ...]) -> Action:
    if isinstance(command, str):
        text = str.__str__(command)
        check_text(text)
        if not text.strip():
            raise Wrong("the command is empty")
        return Shell(text, shell)
    if isinstance(command, Iterable) and not isinstance(command, (bytes, bytearray, Mapping, set, frozenset)):
        words = tuple(map(_word, command))
        if not words or not words[0]:
            raise Wrong("the command is empty")
        return Argv(words)
    raise Wrong(f"the command must be a text, or a list of words, not of type {type(command).__name__}")


def _word(word: object) -> str:
    if isinstance(word, (str, os.PathLike)):
        text = _scalar_text(word)
        assert text is not None
        check_text(text)
        return text
    raise Wrong(f"a word of the command is of type {type(word).__name__}; write str({word!r:.40})")


def is_plain(text: str) -> bool:
    """Whether a text can stand in a command or name a file as it is: it is not blank, and the system takes it."""
    return text.isascii() and "\0" not in text and not text.isspace() and text != ""


def check_text(text: str) -> None:
    """Raise Wrong for a text that can reach no process."""
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text:
        raise Wrong("a NUL character can stand in no command and in no path")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise Wrong(f"the character {text[error.start]!a} is no text that can be written") from None


def _checked(key: str, value: object) -> Node:
    """The value as one of a sweep file that has the key's shape; raises Wrong."""
    if key not in KNOWN:
        raise Wrong(_unknown(key))
    shape = shapes_of(StepKeys)[key]
    what = f"`{key}`"
    node = _node(value, what)
    findings = Findings()
    if fits(node, shape, what, findings):
        if shape.leaf is not None and shape.leaf not in _TEXTS:
            for _, scalar in scalars(node):
                wrong = wrong_with(what, shape.leaf, scalar.text, is_final=True)
                if wrong:
                    findings.mistake(NOWHERE, wrong)
        elif key in ("shell", "wrap") and isinstance(node, Scalar):
            _check_words(key, node.text)
    if findings.mistakes:
        raise Wrong(_said(findings.mistakes[0]))
    return node


def _check_no_number(key: str, value: object) -> None:
    """Raise Wrong for a number where paths stand: what opens a file would take it for a descriptor; True is one too."""
    if isinstance(value, (int, float)):
        raise Wrong(f"`{key}` must be a path, not {value!r}")
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray)):
        for each in value:
            _check_no_number(key, each)


def _check_words(key: str, text: str) -> None:
    try:
        words = split_words(text)
    except ValueError as error:
        raise Wrong(f"`{key}`: {error}") from None
    if not words[0]:
        raise Wrong(f"`{key}` names no program: its first word is empty")


def _unknown(key: str) -> str:
    if key in _NOT_HERE:
        return f"`{key}` is no key here: {_NOT_HERE[key]}"
    hint = did_you_mean(key, (*KNOWN, "step")) or "known are " + ", ".join((*KNOWN, "step"))
    return f"unknown key {key!r}; {hint}"


def _said(mistake: Mistake) -> str:
    return f"{mistake.what}; {mistake.hint}" if mistake.hint else mistake.what


def _node(value: object, what: str) -> Node:
    if isinstance(value, Mapping):
        return Table(dict(_entries(value, what)), NOWHERE)
    text = _scalar_text(value)
    if text is not None:
        check_text(text)
        return Scalar(text, NOWHERE, plain=False)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, set, frozenset)):
        return Listing(tuple(_node(item, f"an item of {what}") for item in value), NOWHERE)
    if value is None:
        raise Wrong(f"{what} has no value")
    hint = "; its order is not fixed, write sorted(...)" if isinstance(value, (set, frozenset)) else ""
    raise Wrong(f"{what} cannot be of type {type(value).__name__}{hint}")


def _entries(value: Mapping[object, object], what: str) -> Iterator[tuple[str, Entry]]:
    for name, item in value.items():
        if not isinstance(name, str):
            raise Wrong(f"a name in {what} is of type {type(name).__name__}, not str")
        check_text(name)
        yield name, Entry(Scalar(name, NOWHERE, plain=False), _node(item, f"{what.rstrip('`')}.{name}`"))


def _scalar_text(value: object) -> str | None:
    """What a sweep file would say for the value; None where it is no scalar."""
    if isinstance(value, str):
        return str.__str__(value)  # of an Enum with texts too
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        return path if isinstance(path, str) else os.fsdecode(path)
    try:
        return str(index(value))  # type: ignore[arg-type]  # whatever is a whole number, numpy's too, says so here
    except TypeError:
        return None


def _text(key: str, value: object) -> str:
    """The text of a key that has but one."""
    if value is None:
        return ""
    if type(value) is str and key in _PLAIN and is_plain(value):
        return value
    node = _checked(key, value)
    return node.text if isinstance(node, Scalar) else ""
