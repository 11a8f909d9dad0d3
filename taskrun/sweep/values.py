"""The values of one name: what a sweep file lists, spans or finds under it, and what the command line writes for it.

A value is its source text; whatever reads it as a number does so later. Points are made elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from taskrun.errors import Place, did_you_mean
from taskrun.names import encode
from taskrun.sweep.limits import MOST_VALUES
from taskrun.sweep.nodes import Entry, Findings, Listing, Node, Scalar, Table
from taskrun.sweep.ranges import Range, ValuesError, check_count, counted, growing, number, stepped
from taskrun.sweep.witness import found_by

RANGE_KEYS = ("from", "to", "step", "count", "times", "glob")
_FORMS = "a list, one value, `{from:, to:, step:}` (or `count:`, `times:`), or `{glob: PATTERN}`"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?"
_ABOUT = rf"(?:{_NUMBER}|0[xXoObB][0-9a-fA-F]+)"  # a number, if not always one that a range takes
_RANGE_LIKE = rf"(?as)\s*{_ABOUT}\s*\.\..*|\s*\.\.\s*{_ABOUT}\s*"
_GLOB = r"[*?[]"
_MOST_TO_SELECT = 10


def read_values(node: Node, name: str, *, directory: str, findings: Findings) -> Sequence[str]:
    """The different values that a sweep file gives a name, in order; empty where there is a mistake (noted).

    Relative glob patterns start from `directory`, the sweep file's own.
    """
    if isinstance(node, Scalar):
        return _one(node, name, findings)
    if isinstance(node, Listing):
        return _several(node, name, findings)
    return _spanned(node, name, directory, findings)


def read_scalar(node: Node, what: str, findings: Findings, *, hint: str = "") -> str | None:
    """The text of a value that must be a single one, or None where it is not (noted)."""
    if not isinstance(node, Scalar):
        kind = "a list" if isinstance(node, Listing) else "a mapping"
        findings.mistake(node.place, f"{what} must be a single value, not {kind}", hint or _quote_hint(node))
        return None
    if node.plain and not node.text:
        findings.mistake(node.place, f"{what} is missing", 'an empty value is written ""')
        return None
    try:
        return check_text(node.text)
    except ValuesError as error:
        findings.mistake(node.place, f"{what} {error.what}", error.hint)
        return None


def check_text(text: str) -> str:
    """A value that can be an argument and an environment variable, interned."""
    if "\0" in text:
        raise ValuesError("holds a NUL character, which no command can be given")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValuesError(f"is not UTF-8: {text!a}") from None
    return sys.intern(text)


def parse_values(text: str, directory: str) -> Sequence[str]:
    """The different values that the command line gives a name: `a,b,c`, `1..8`, `0..1..0.1`, `@FILE` for its lines,
    globs.

    Relative globs start from `directory`, where the commands run; FILE from the current directory, as in any
    command. Raises ValueError whose text is a piece of a sentence.
    """
    if text == "@-" and not os.path.lexists("-"):
        raise ValuesError("'-' stands for nothing here", "@/dev/stdin takes the lines of standard input")
    if text.startswith("@"):
        return _lines(text[1:])
    if not text:
        raise ValuesError("no values")
    if "," not in text:
        return _piece(text, directory)  # a range of a million values, none of them made yet
    found: dict[str, None] = {}
    for piece in text.split(","):
        found.update(dict.fromkeys(_piece(piece, directory)))
        check_count(len(found))
    return list(found)


def stands_for_itself(value: str) -> bool:
    """Whether `parse_values` makes just this one value of the text that it is."""
    is_read = value.startswith("@") or "," in value or re.fullmatch(_RANGE_LIKE, value) or re.search(_GLOB, value)
    return bool(value) and not is_read


def selecting(name: str, values: Sequence[str]) -> str:
    """What selects the tasks with these values on a command line: `buffer=1024,2048`, or `'opts=-O2 -g'`."""
    if len(values) > _MOST_TO_SELECT:
        return f"{name}=VALUE,..."
    from taskrun.shell import quote_visible

    return quote_visible(f"{name}={','.join([encode(value) if set(value) & set(',%') else value for value in values])}")


def find_files(pattern: str, directory: str) -> list[str]:
    """As `found_by`; raises ValuesError where that gives no values."""
    if not pattern or "\0" in pattern:
        raise ValuesError(f"{pattern!r} is not a glob pattern")
    found = found_by(pattern, directory)
    check_count(len(found))
    for path in found:
        try:
            check_text(path)
        except ValuesError as error:
            raise ValuesError(f"a file name that {pattern!r} finds {error.what}", "rename it") from None
    if not found:
        raise ValuesError(f"no file matches {pattern!r}", _why_nothing_matches(pattern, directory))
    return found


def _why_nothing_matches(pattern: str, directory: str) -> str:
    """The hint for a glob that finds nothing."""
    if pattern.startswith("~"):
        return "`~` is not expanded here"
    if "{" in pattern:
        return "braces are not expanded here; `*`, `?` and `[...]` are"
    if os.path.isabs(pattern) or os.path.abspath(directory) == os.getcwd():
        return ""
    near = os.path.relpath(directory)
    return f"it starts from the study's directory, {directory if near.startswith('..') else near}"


def _piece(piece: str, directory: str) -> Sequence[str]:
    if not piece:
        raise ValuesError("an empty value between commas")
    if piece.startswith("@"):
        raise ValuesError(f"{piece} stands among others, and @FILE stands alone", "FILE holds one value a line")
    if re.fullmatch(_RANGE_LIKE, piece):
        return _between(piece)
    if re.search(_GLOB, piece):
        return find_files(piece, directory)
    try:
        return [check_text(piece)]
    except ValuesError as error:
        raise ValuesError(f"a value {error.what}") from None


def _between(piece: str) -> Sequence[str]:
    span = re.fullmatch(_RANGE, piece)
    if span is None or "..." in piece:
        hint = "A..B and A..B..STEP are; a text such as this one is taken from a file's lines, by @FILE"
        raise ValuesError(f"{piece} is no range of numbers", hint)
    start, stop, step = number(span[1]), number(span[2]), number(span[3] or "1")
    if not step.exact:
        raise ValuesError(f"the step of {piece} is 0")
    if (stop.exact - start.exact) * step.exact < 0:
        never = f"never comes to {stop.text}" if span[3] else "counts down"
        other = step.text[1:] if step.text.startswith("-") else f"-{step.text.lstrip('+')}"
        raise ValuesError(f"{piece} {never}", f"{start.text}..{stop.text}..{other}?")
    return stepped(start, stop, step).values


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            found = dict.fromkeys(line.removesuffix("\n") for line in file)
    except UnicodeDecodeError:
        raise ValuesError(f"{path!r} is not UTF-8") from None
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise ValuesError(f"{path!r} cannot be read: {words}") from None
    found.pop("", None)
    if not found:
        raise ValuesError(f"{path!r} holds no lines")
    check_count(len(found))
    try:
        return [check_text(line) for line in found]
    except ValuesError as error:
        raise ValuesError(f"a line of {path!r} {error.what}") from None


def _one(node: Scalar, name: str, findings: Findings) -> tuple[str, ...]:
    if node.plain and not node.text:
        findings.mistake(node.place, f"{name!r} has no values", _FORMS)
        return ()
    text = read_scalar(node, f"the value of {name!r}", findings)
    if text is not None and node.plain and (hint := _meant_as_several(name, text)):
        findings.hint(node.place, f"{name!r} has one value, the text {text!r}", hint)
    return () if text is None else (text,)


def _meant_as_several(name: str, text: str) -> str:
    """The hint for a text that the command line would take for several values."""
    return _meant_as_range(name, text) or (f"several are a list: `{name}: [{text}]`" if "," in text else "")


def _meant_as_range(name: str, text: str) -> str:
    span = re.fullmatch(_RANGE, text) if ".." in text and "..." not in text else None
    if span is None:
        return ""
    step = f", step: {span[3]}" if span[3] else ""
    return f"a range is written `{name}: {{from: {span[1]}, to: {span[2]}{step}}}`"


def _several(node: Listing, name: str, findings: Findings) -> tuple[str, ...]:
    if not node.items:
        findings.mistake(node.place, f"{name!r} has no values: its list is empty")
    if len(node.items) > MOST_VALUES:
        findings.mistake(node.place, f"{name!r} has {len(node.items):,} values, {MOST_VALUES:,} at most")
        return ()
    found: dict[str, None] = {}
    is_hinted = False  # once: intervals may be what is meant, and many
    for item in node.items:
        hint = "several names that vary together have a key such as `x, y:`" if isinstance(item, Listing) else ""
        text = read_scalar(item, f"a value of {name!r}", findings, hint=hint)
        if text in found:
            findings.hint(item.place, f"the value {text!r} of {name!r} stands here a second time", "it counts once")
        if text is not None:
            found[text] = None
            if not is_hinted and isinstance(item, Scalar) and item.plain and (hint := _meant_as_range(name, text)):
                is_hinted = True
                findings.hint(item.place, f"{text!r} is one value of {name!r}, a text", hint)
    return tuple(found)


def _spanned(table: Table, name: str, directory: str, findings: Findings) -> Sequence[str]:
    texts = _range_texts(table, name, findings)
    if texts is None:
        return ()
    try:
        if "glob" in texts:
            paths = find_files(texts["glob"], directory)
            findings.witness.glob(texts["glob"], paths)
            return tuple(paths)
        span = _range(texts)
    except ValuesError as error:
        findings.mistake(table.place, f"{name!r}: {error.what}", error.hint)
        return ()
    if span.oddity:
        findings.hint(table.place, f"{name!r}: {span.oddity}")
    return span.values


def _range_texts(table: Table, name: str, findings: Findings) -> dict[str, str] | None:
    """The keys of a range or glob, which belong together; None where something is wrong with them (noted)."""
    before = findings.count
    texts: dict[str, str] = {}
    for key, entry in table.entries.items():
        if key not in RANGE_KEYS:
            hint = _quote_hint(table) or did_you_mean(key, RANGE_KEYS) or f"values are {_FORMS}"
            findings.mistake(entry.key.place, f"unknown key {key!r} in the values of {name!r}", hint)
            continue
        texts[key] = read_scalar(entry.value, f"`{key}`", findings) or ""
        _check_number(entry, name, findings)
    if findings.count == before:
        _check_together(table, name, findings)
    return texts if findings.count == before else None


def _check_number(entry: Entry, name: str, findings: Findings) -> None:
    if entry.key.text == "glob" or not isinstance(entry.value, Scalar) or not entry.value.text:
        return
    try:
        number(entry.value.text)
    except ValuesError as error:
        findings.mistake(entry.value.place, f"{name!r}: `{entry.key.text}`: {error.what}")


def _check_together(table: Table, name: str, findings: Findings) -> None:
    given = table.entries.keys()
    place: Place = table.place
    ways = [key for key in ("step", "count", "times") if key in given]
    if "glob" in given and len(given) > 1:
        findings.mistake(place, f"{name!r}: `glob` stands alone")
    elif "glob" not in given and not {"from", "to"} <= given:
        missing = next(key for key in ("from", "to") if key not in given)
        findings.mistake(place, f"{name!r}: `{missing}` is missing", f"values are {_FORMS}" if not given else "")
    elif len(ways) > 1:
        both = " and ".join(f"`{way}`" for way in ways)
        findings.mistake(place, f"{name!r}: {both} do not go together", "one of them says it all")


def _range(texts: dict[str, str]) -> Range:
    start, stop = number(texts["from"]), number(texts["to"])
    if "count" in texts:
        return counted(start, stop, number(texts["count"]))
    if "times" in texts:
        return growing(start, stop, number(texts["times"]))
    return stepped(start, stop, number(texts.get("step", "1")))


def _quote_hint(node: Node) -> str:
    """`{x}` as a value is a mapping to YAML, with a key and no value."""
    if isinstance(node, Table) and len(node.entries) == 1:
        (entry,) = node.entries.values()
        if isinstance(entry.value, Scalar) and entry.value.plain and not entry.value.text:
            return 'a value in braces needs quotes: "{' + entry.key.text + '}"'
    return ""


def shown_beside(place: Place, path: str) -> str:
    """How to show a path that a file names relative to itself."""
    return os.path.normpath(os.path.join(os.path.dirname(place.file), path))
