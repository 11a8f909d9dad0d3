"""Paths of a study: normalised by their letters alone, and written as seen from a task's working directory.

A path is relative to the study's directory wherever it lies within it, however it was spelt.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Sequence
from contextlib import suppress

_UNTIDY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)", re.MULTILINE)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|(\{)|([A-Za-z_][A-Za-z0-9_]*))")


class Paths:
    """The paths of the study in the directory `root` (absolute, normalised)."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._prefix = root if root.endswith("/") else root + "/"
        self._through_link: dict[str, bool] = {}

    def normal(self, path: str) -> str:
        """`path` without detours; "." is the study's directory. Outside the study it stays as relative as it was."""
        tidy = posixpath.normpath(path)
        if tidy.startswith("/"):
            tidy = tidy if tidy[:2] != "//" else tidy[1:]
            return self._within(tidy) or tidy
        if tidy.startswith(".."):
            return self._within(posixpath.normpath(self._prefix + tidy)) or tidy
        return tidy

    def normal_all(self, paths: Sequence[str]) -> list[str]:
        """Each of `paths` normalised; quick where they already are."""
        if _UNTIDY.search("\n".join(paths)) is None:
            return list(paths)
        return [self.normal(path) for path in paths]

    def key(self, path: str) -> str:
        """What two spellings of one place have in common; `path` is normalised."""
        return posixpath.normpath(self._prefix + path) if path.startswith("..") else path

    def absolute(self, path: str) -> str:
        """The normalised `path` from the root of the file system."""
        return posixpath.normpath(self._prefix + path)

    def is_inside(self, directory: str) -> bool:
        """Whether the study lies in the absolute `directory`."""
        return self._prefix.startswith(directory.rstrip("/") + "/")

    def seen_from(self, path: str, cwd: str) -> str:
        """The normalised `path` as a command that runs in `cwd` writes it."""
        if cwd in ("", ".") or path.startswith("/"):
            return path
        if cwd.startswith(("/", "..")) or self._goes_through_link(cwd):
            return self.absolute(path)
        if path.startswith(cwd + "/"):
            return path[len(cwd) + 1 :]
        return _relative([] if path == "." else path.split("/"), cwd.split("/"))

    def _within(self, absolute: str) -> str | None:
        """An absolute path relative to the study, None where it lies outside."""
        if absolute == self.root:
            return "."
        return absolute[len(self._prefix) :] if absolute.startswith(self._prefix) else None

    def _goes_through_link(self, cwd: str) -> bool:
        found = self._through_link.get(cwd)
        if found is None:
            head = cwd.rpartition("/")[0]
            found = (head != "" and self._goes_through_link(head)) or os.path.islink(self._prefix + cwd)
            self._through_link[cwd] = found
        return found


def _relative(path: Sequence[str], cwd: Sequence[str]) -> str:
    common = 0
    for here, there in zip(path, cwd, strict=False):
        if here != there:
            break
        common += 1
    return "/".join([*[".."] * (len(cwd) - common), *path[common:]]) or "."


class ExpansionError(ValueError):
    """What cannot be expanded; `rest` is the text from there on."""

    def __init__(self, what: str, rest: str) -> None:
        super().__init__(what)
        self.rest = rest


def expand(text: str, *, at_start: bool = True) -> str:
    """`~/` (where `text` begins a path) and each `${NAME}` replaced; raises ExpansionError for what cannot be."""
    home = ""
    if at_start and (text == "~" or text.startswith("~/")):
        home, text = os.path.expanduser("~"), text[1:]
        if home == "~":
            raise ExpansionError("'~' stands for a home directory, and there is none", f"~{text}")
    return home + (_VARIABLE.sub(_value_of, text) if "$" in text else text)


def _value_of(match: re.Match[str]) -> str:
    name, brace, bare = match.groups()
    rest = match.string[match.start() :]
    if bare:
        raise ExpansionError(f"'${bare}' is not expanded here; write '${{{bare}}}'", rest)
    if brace:
        raise ExpansionError("only '${NAME}' is understood here, none of the shell's other '${...}'", rest)
    value = os.environ.get(name)
    if value is None:
        raise ExpansionError(f"the environment has no {name!r}; set it, or write the path out", rest)
    return value


def seen_from(directory: str, path: str) -> str:
    """An absolute path relative to the absolute `directory` where it lies in there, else as it is."""
    seen = os.path.relpath(path, directory)
    return path if seen == ".." or seen.startswith("../") else seen


def absence(path: str) -> str:
    """What to say behind a path at which nothing is found, a link that leads nowhere among them."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is reached by links that lead in a circle"
        with suppress(OSError):  # no link, or gone since
            return f"is a link to {os.readlink(path)!r}, which is not there"
    except UnicodeEncodeError as error:
        return f"is no name that the locale's encoding ({error.encoding}) has"
    return "is not there"


def attribute(path: str, name: str) -> str:
    """`name`, `stem`, `suffix` or `parent` of a path, by its letters: `{f.stem}` of `data/a.csv` is `a`."""
    bare = path.rstrip("/") or path[:1]
    head, _, last = bare.rpartition("/")
    if name == "parent":
        return head or ("/" if bare.startswith("/") else ".")
    dot = last.rfind(".")
    has_suffix = 0 < dot < len(last) - 1
    if name == "stem":
        return last[:dot] if has_suffix else last
    if name == "suffix":
        return last[dot:] if has_suffix else ""
    return last
