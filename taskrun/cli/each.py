"""`taskrun each`: a sweep that is typed, in place of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod

import click

from taskrun.cli.completers import complete_assignment, complete_file
from taskrun.cli.executing import execute
from taskrun.cli.run_options import RunOptions, run_options
from taskrun.cli.source import Opened, Source, pasted, place_options, source_of
from taskrun.command_file import short_hash
from taskrun.errors import UsageError
from taskrun.names import parse_name
from taskrun.paths import seen_from
from taskrun.sweep.each import Each, study_of
from taskrun.sweep.values import stands_for_itself

_EXAMPLE = "taskrun each 'gzip -k {f}' 'f=data/*.csv'"
_ASSIGNMENT = re.compile(r"([^\s='\"{}/]+)=(.*)", re.DOTALL)


@click.command("each", short_help="Run a command for each combination of values, without a file.")
@click.argument("words", nargs=-1, metavar="COMMAND [NAME=VALUES]...", shell_complete=complete_assignment)
@click.option(
    "--outputs",
    multiple=True,
    metavar="PATH",
    help="A file that each command makes; may stand repeatedly.",
    shell_complete=complete_file,
)
@click.option(
    "--stdout",
    metavar="PATH",
    help="The file that each command's standard output goes to.",
    shell_complete=complete_file,
)
@place_options
@partial(run_options, force_help="Run all tasks, however fresh.")
def command(
    words: tuple[str, ...],
    outputs: tuple[str, ...],
    stdout: str | None,
    state_dir: str | None,
    name: str | None,
    wanted: RunOptions,
) -> int:
    """Run COMMAND, which is one quoted word, once for each combination of the values of its {NAME}s.

    \b
        taskrun each 'netsim -t {t} -b {b}' t=mesh,torus b=1..8
        taskrun each 'gzip -k {f}' 'f=data/*.csv'

    \b
    VALUES: a,b,c      these
            1..8       1 to 8, and 0..1..0.1 in steps of 0.1
            @FILE      the lines of a file
            data/*.csv the paths that match, quoted; {f.stem}, {f.name}, {f.parent} take them apart
            1..4,8,x*  a mixture of them (@FILE stands alone)

    PATHs may hold {NAME}s too. What is done stays done: the same command again runs what failed or is new.
    """
    each = parse_each(words, outputs, stdout)
    source = source_of((), None, state_dir, name, pools=wanted.pools)
    return execute(source.settled(open_each(each, source)), wanted)


def parse_each(words: Sequence[str], outputs: tuple[str, ...], stdout: str | None) -> Each:
    """What was typed; raises UsageError for words that are no command with values."""
    if not words:
        raise UsageError(f"which command? {_EXAMPLE}")
    if not words[0].strip():
        raise UsageError(f"the command is empty; {_EXAMPLE}")
    values: dict[str, str] = {}
    for word in words[1:]:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            raise UsageError(f"{word!r} is no NAME=VALUES; {_meant(words)}")
        if match[1] in values:
            raise UsageError(f"{match[1]}= stands twice; all its values stand together, as {match[1]}=A,B")
        values[match[1]] = match[2]
    return Each(command=words[0], values=values, outputs=outputs, stdout=stdout)


def _meant(words: Sequence[str]) -> str:
    """What to do about a word too many."""
    if ":::" in words:
        return f"values are given by name: {_EXAMPLE}"
    if _ASSIGNMENT.fullmatch(words[0]):
        return f"the command comes first: {_EXAMPLE}"
    command = [word for word in words if not _ASSIGNMENT.fullmatch(word)]
    if any("{" in word for word in command[1:]) or not any("{" in word for word in command):
        return f"the command is one word, in quotes: {_EXAMPLE}"
    return f"a pattern is given by name, in quotes: {_EXAMPLE}"


def open_each(each: Each, source: Source) -> Opened:
    """The study of it, whose state is named after the command."""
    name = source.name or f"{each.step}-{short_hash(each.command.encode('utf-8', 'surrogateescape'))}"
    state = source.state_of(source.here, name)
    return Opened(
        study=study_of(each, name=name, root=source.here, state=seen_from(source.here, state)),
        file=f"each {each.command}",
        state=state,
        here=source.here,
        again=partial(_again, each, source),
        output="grouped",
    )


def _again(each: Each, source: Source, names: Sequence[str]) -> str:
    """The line that runs these tasks again: with their values alone, where these can be written and say no more."""
    given: list[str] = []
    for option, value in (("--state-dir", source.state_dir), ("--name", source.name), ("--stdout", each.stdout)):
        given += [option, value] if value is not None else []
    for path in each.outputs:
        given += ["--outputs", path]
    values = _narrowed(each, names) or each.values
    assignments = [f"{name}={text}" for name, text in values.items()]
    return pasted("taskrun", "each", *given, names=[each.command, *assignments])


def _narrowed(each: Each, names: Sequence[str]) -> Mapping[str, str] | None:
    """The values of the tasks of these names, as they are typed; None where that would be those of others too."""
    parsed = [parse_name(name) for name in names]
    rows = [found[1] for found in parsed if found is not None and found[1].keys() == each.values.keys()]
    columns = {name: list(dict.fromkeys(row[name] for row in rows)) for name in each.values}
    if len(rows) != len(names) or prod(map(len, columns.values())) != len(rows):
        return None
    if not all(stands_for_itself(value) for column in columns.values() for value in column):
        return None
    return {name: ",".join(column) for name, column in columns.items()}
