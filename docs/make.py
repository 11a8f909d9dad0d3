"""Writes what the reference has from the definitions of the program: `make docs`.

A page is prose with marks. What stands between `<!-- made: NAME -->` and `<!-- end -->` comes from the program's own
definitions and docstrings, never from a second table; what stands outside of them is written by hand and left alone.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from textwrap import dedent
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

import click
import msgspec

import taskrun
from taskrun import events
from taskrun.cli import BUG
from taskrun.cli.app import COMMANDS, app
from taskrun.errors import OutputError, StateError, StateHeldError, SweepError, UsageError
from taskrun.model import AnyRecord, Cause, Figure, ReasonKind, Record, RunFinished, Signature, Status
from taskrun.sweep.schema import FileKeys, Spread, StepKeys
from taskrun.sweep.shapes import shapes_of

PAGES = Path(__file__).parent
_MARK = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DEFAULT = re.compile(r" \(default: (.*)\)(?=\.$)")
_VERBATIM = re.compile(r"^\x08\n(.*?)(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)  # what click does not wrap
_JSON: dict[object, str] = {str: "text", float: "number", int: "number", bool: "true or false", NoneType: "null"}


def page(text: str) -> str:
    """The page with each part made anew."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n{PARTS[mark[2]]()}\n\n{mark[3]}", text)


def pages() -> list[Path]:
    """All pages that have parts to be made."""
    return sorted(path for path in PAGES.glob("*.md") if _MARK.search(path.read_text()))


def main() -> None:
    """Write the pages that are not as they should be."""
    for path in pages():
        old = path.read_text()
        new = page(old)
        if new != old:
            path.write_text(new)
            print(f"{path.relative_to(PAGES.parent)}: made anew", file=sys.stderr)


def table(*head: str, rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """`text`."""
    return f"`{text}`"


def prose(definition: object) -> str:
    """A docstring as paragraphs."""
    return inspect.cleandoc(definition.__doc__ or "")


# --- the sweep file --------------------------------------------------------------------------------------------------


def keys(definition: type[msgspec.Struct]) -> str:
    """A table of the keys of a mapping."""
    shapes = shapes_of(definition)
    rows = []
    for name, text in descriptions(definition).items():
        default = _DEFAULT.search(text)
        says = _DEFAULT.sub("", text)
        rows.append([code(name), shapes[name].words, says, default[1] if default else ""])
    return table("key", "value", "what it says", "default", rows=rows)


def descriptions(definition: type[msgspec.Struct]) -> dict[str, str]:
    """What the schema says of each key."""
    found = {}
    known = msgspec.inspect.type_info(definition)
    assert isinstance(known, msgspec.inspect.StructType)
    for field in known.fields:
        kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        metas = [kind.extra_json_schema or {} for kind in kinds if isinstance(kind, msgspec.inspect.Metadata)]
        found[field.encode_name] = next((meta["description"] for meta in metas if "description" in meta), "")
    return found


# --- commands --------------------------------------------------------------------------------------------------------


def commands() -> str:
    """A section for each command: how it is called, what it does, its options."""
    context = click.Context(app, info_name="taskrun", **app.context_settings)
    return "\n\n".join(_command(name, context) for name in COMMANDS)


def _command(name: str, context: click.Context) -> str:
    command = app.get_command(context, name)
    assert command is not None
    here = click.Context(command, info_name=name, parent=context)
    records = [record for param in command.get_params(here) if (record := param.get_help_record(here)) is not None]
    usage = command.get_usage(here).removeprefix("Usage: ")
    rows = [[code(" ".join(spelling.split())), " ".join(words.split())] for spelling, words in records if words]
    text = _VERBATIM.sub(lambda lines: f"```text\n{dedent(lines[1])}\n```", inspect.cleandoc(command.help or ""))
    return f"## taskrun {name}\n\n```text\n{usage}\n```\n\n{text}\n\n" + table("option", "what it does", rows=rows)


# --- exit status -----------------------------------------------------------------------------------------------------


def exit_statuses() -> str:
    """The exit status of each end, as the program has it."""
    failed = RunFinished(0.0, {Status.FAILED.value: 1})
    stopped = {name: events.exit_status(RunFinished(0.0, {}, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP")}
    assert UsageError.exit_status == SweepError.exit_status
    assert StateError.exit_status == StateHeldError.exit_status == OutputError.exit_status
    rows = [
        (events.exit_status(RunFinished(0.0, {})), "all selected tasks have succeeded, now or in an earlier run"),
        (events.exit_status(failed), "a task has failed, or was skipped, also by `--only`; or the answer was no"),
        (UsageError.exit_status, "a mistake on the command line or in the sweep file; nothing was started"),
        (StateError.exit_status, "the state is held by another run, or it (or the output) cannot be read or written"),
        (BUG, "a bug in taskrun, with a traceback: please report it"),
        (stopped["SIGINT"], "stopped by Ctrl-C before everything had run"),
        (stopped["SIGTERM"], "stopped by SIGTERM"),
        (stopped["SIGHUP"], "stopped by SIGHUP, as when the terminal is closed"),
    ]
    return table("status", "when", rows=[(str(status), when) for status, when in rows])


# --- JSON and the journal --------------------------------------------------------------------------------------------


def public_events() -> str:
    """The events, each with its fields."""
    return "\n\n".join(described(kind, f"### `{kind.__struct_config__.tag}`") for kind in get_args(events.Event))


def records() -> str:
    """The records of the journal."""
    kinds = [described(kind, f"### `{kind.__struct_config__.tag}`") for kind in get_args(AnyRecord)]
    return "\n\n".join([prose(Record), *kinds, described(Signature, "### A signature")])


def described(definition: type[msgspec.Struct], title: str) -> str:
    """A definition with its docstring and a table of its fields."""
    hints = get_type_hints(definition)
    rows = []
    for field in msgspec.structs.fields(definition):
        left_out = "" if field.required else ", may be left out"
        rows.append([code(field.encode_name), shown(hints[field.name]) + left_out])
    return f"{title}\n\n{prose(definition)}\n\n" + table("field", "value", rows=rows)


def shown(hint: object) -> str:
    """A type in words, as JSON has it."""
    if hint == Figure:
        return "figure"
    origin, arguments = get_origin(hint), [each for each in get_args(hint) if each is not Ellipsis]
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(shown, arguments)))
    if origin is dict:
        return f"object of {plural(arguments[1])}"
    if origin in (tuple, list):
        return f"list of {plural(arguments[0])}"
    return "signature, see below" if hint is Signature else _JSON[hint]


def plural(hint: object) -> str:
    """`numbers`."""
    return f"{shown(hint)}s"


# --- the library -----------------------------------------------------------------------------------------------------


def library() -> str:
    """The public names but the events, each with its docstring."""
    of_events = {"Event", *(kind.__name__ for kind in get_args(events.Event))}
    return "\n\n".join(_public(name, getattr(taskrun, name)) for name in taskrun.__all__ if name not in of_events)


def _public(name: str, thing: object) -> str:
    if not isinstance(thing, type):
        return f"### `{called(name, thing)}`\n\n{prose(thing)}"
    members = [] if issubclass(thing, (msgspec.Struct, Exception)) else list(vars(thing).items())
    title = called(name, thing) if thing is taskrun.Manager else name  # the others nobody makes by hand
    sections = [f"### `{title}`\n\n{prose(thing)}"]
    for key, each in members:
        if not key.startswith("_") and prose(each):
            sections.append(f"#### `{_member(name, key, each)}`\n\n{prose(each)}")
    return "\n\n".join(sections)


def _member(owner: str, name: str, thing: object) -> str:
    if inspect.isfunction(thing):
        return f"{owner.lower()}.{called(name, thing)}"
    return f"{owner.lower()}.{name}" if isinstance(thing, property) else f"{owner}.{name}"


def called(name: str, thing: object) -> str:
    """How it is called: without the types, which stand in the code."""
    assert callable(thing)
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in inspect.signature(thing).parameters.values()
        if each.name != "self"
    ]
    return name + str(inspect.Signature(bare))


def words(kinds: type[Status] | type[Cause] | type[ReasonKind]) -> str:
    """The words that a field can hold."""
    return " · ".join(code(kind.value) for kind in kinds)


PARTS: dict[str, Callable[[], str]] = {
    "file-keys": lambda: keys(FileKeys),
    "step-keys": lambda: keys(StepKeys),
    "range-keys": lambda: keys(Spread),
    "commands": commands,
    "exit-statuses": exit_statuses,
    "events": public_events,
    "records": records,
    "library": library,
    "statuses": lambda: words(Status),
    "causes": lambda: words(Cause),
    "reasons": lambda: words(ReasonKind),
}

if __name__ == "__main__":
    main()
