"""`[FILE] [SELECT]…`: which study a command is about, and which of its tasks.

A `Source` is what the user typed, an `Opened` what it came to. Whatever kind of file it is, a study comes of it, and
no command asks which.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

from taskrun.cli.completers import complete_directory, complete_file, complete_selection, complete_study
from taskrun.cli.files import as_words, looks_like_file
from taskrun.cli.places import Places, places, state_of
from taskrun.defaults import DEFAULT_FILE, STATES
from taskrun.errors import UsageError, did_you_mean
from taskrun.graph import Study
from taskrun.names import select, wrong_with_study_name
from taskrun.paths import seen_from
from taskrun.pools import OF_THE_MACHINE
from taskrun.shell import quote_visible

if TYPE_CHECKING:
    from taskrun.standing import OnRecord

Function = TypeVar("Function", bound=Callable[..., object])


class Opened(Struct, frozen=True, kw_only=True):
    """A study on the command line: `file` is what to call its source, `state` its state directory (absolute).

    `select`: what the user selected of it, as typed; `here`: the directory that the command was typed in;
    `again(names)`: the line to paste that runs tasks (or a step) again; `jobs` and `output`: what holds where no option
    says otherwise. `is_dry`: it says itself that nothing is to be executed, only shown. `seen`: what is on record,
    where the study itself was made from that.
    """

    study: Study
    file: str
    state: str
    here: str
    again: Callable[[Sequence[str]], str]
    select: tuple[str, ...] = ()
    jobs: Fraction | None = None
    output: str = "failures"
    is_dry: bool = False
    seen: OnRecord | None = None

    @property
    def chosen(self) -> Sequence[int]:
        """The selected tasks, exactly; all where nothing is selected. UsageError for what selects nothing."""
        tasks = self.study.graph.tasks
        return select(tasks, self.select) if self.select else range(len(tasks))

    def on_record(self) -> OnRecord:
        """What is on record of the study, read without a lock; as the next run will see it where names have changed."""
        from taskrun.freshness import successions
        from taskrun.standing import look_up

        if self.seen is not None:
            return self.seen
        found = look_up(self.state, source=self.study.source, root=self.study.root)
        records = found.records
        for record in successions(self.study.graph, records.pasts(), records.past, salt=records.salt, now=0.0):
            records.apply(record)
        return found

    @property
    def nowhere(self) -> str:
        """As `nowhere`, of this study's state."""
        return nowhere(self.state, self.here)

    def say_nowhere(self) -> None:
        """Tell somebody who only looks that the directory which `--state-dir` named is not there."""
        if self.nowhere:
            click.echo(f"taskrun: nothing is on record{self.nowhere}", err=True)

    def shown(self, path: str) -> str:
        """A path of the study as the user sees it from `here`."""
        return seen_from(self.here, os.path.join(self.study.root, path))


class Source(Struct, frozen=True, kw_only=True):
    """FILE and SELECT as typed in the directory `here`. `file` is None where none was, and there is a default."""

    file: str | None
    select: tuple[str, ...]
    here: str
    state_dir: str | None = None
    name: str | None = None
    sets: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()

    def open(self) -> Opened:
        """Read the file and expand it; raises what is wrong with it."""
        opened = self.settled(self._open())
        self._check_no_file(opened)
        return opened

    def settled(self, opened: Opened) -> Opened:
        """With the pools that were typed, UsageError for one that nobody knows; and with the directory of the study as
        part of its source where the state lies outside of that, and others may keep theirs there too.
        """
        if self.state_dir:
            study, root = opened.study, os.path.realpath(opened.study.root)
            if os.path.isabs(seen_from(root, os.path.realpath(opened.state))):
                opened = replace(opened, study=replace(study, source=os.path.join(root, study.source)))
        return self._supplied(opened) if self.pools else opened

    def _supplied(self, opened: Opened) -> Opened:
        from taskrun.cli.run_options import pools_of

        study, given = opened.study, pools_of(self.pools)
        requests = {id(task.traits): task.traits.request for task in study.graph.tasks}.values()
        known = {*OF_THE_MACHINE, *study.pools, *(pool for request in requests for pool, _ in request)}
        for pool in given:
            if pool not in known:
                offer = did_you_mean(pool, known)
                raise UsageError(f"--pool {pool}: no task asks for that" + (f"; {offer}" if offer else ""))
        return replace(opened, study=replace(study, pools={**study.pools, **given}))

    def _open(self) -> Opened:
        file = self.file or DEFAULT_FILE
        if self.file is None:
            self._check_meant()
        if self.sets and (file == "-" or file.endswith((".txt", ".py"))):
            raise UsageError(f"--set replaces the values of a sweep, and {file!r} has none")
        if file == "-" or file.endswith(".txt"):
            from taskrun.cli.command_file import open_commands

            return open_commands(self, file)
        if file.endswith(".py"):
            from taskrun.cli.script import open_script

            return open_script(self, file)
        return self._sweep(file)

    def _check_meant(self) -> None:
        """No file was named, so the default should be there; the first word may be meant for FILE."""
        if os.path.lexists(DEFAULT_FILE):
            return
        word = self.select[0] if self.select else ""
        if word and os.path.isfile(word):
            quoted = quote_visible(word)
            raise UsageError(
                f"{word!r} is no FILE by its name, and there is no {DEFAULT_FILE} here; `-F {quoted}` reads it as a "
                f"sweep file, and `-` reads commands, one a line, as in `taskrun run - < {quoted}`"
            )
        sweeps = [name for name in os.listdir(self.here) if name.endswith((".yaml", ".yml"))]
        others = sorted(name for name in sweeps if os.path.isfile(os.path.join(self.here, name)))
        hint = f"name another FILE, such as {others[0]!r}" if others else self._hint_without_file()
        raise UsageError(f"there is no {DEFAULT_FILE} here; {hint}")

    def _hint_without_file(self) -> str:
        from taskrun.cli.recorded import known_here

        known = known_here(self)
        if not known:
            return "`taskrun init` writes one to begin with"
        name = self.name if self.name in known else known[0]
        return f"`taskrun status --name {quote_visible(name)}` shows what is on record of a study that has no file"

    def _check_no_file(self, opened: Opened) -> None:
        """A word behind the first that looks like FILE, or is a file, and selects nothing."""
        for word in self.select:
            if not looks_like_file(word) and ("=" in word or not os.path.isfile(word)):
                continue
            try:
                select(opened.study.graph.tasks, (word,))
            except UsageError:
                raise UsageError(f"no step or task is called {word!r}; {self._hint_at_file(word)}") from None

    def _hint_at_file(self, word: str) -> str:
        if not looks_like_file(word):
            return f"`-F {quote_visible(word)}` reads the file of that name as a sweep file"
        if self.file is None:
            return "FILE stands before what is selected of it"
        return f"one FILE at a time, and this is about {self.file!r}"

    def look(self) -> Opened:
        """As `open`, for commands that only look: a study that has no file here is seen as its state has it."""
        from taskrun.cli.recorded import is_recorded, open_recorded

        return open_recorded(self) if is_recorded(self) else self.open()

    def state_of(self, root: str, name: str) -> str:
        """The state directory of the study called `name` in the directory `root`."""
        return state_of(root, name, here=self.here, state_dir=self.state_dir)

    def places(self, file: str) -> Places:
        """Where the study of a sweep file is."""
        return places(file, here=self.here, state_dir=self.state_dir, name=self.name)

    def placed(self, name: str | None = None) -> list[str]:
        """The options that say where the state is, as typed; `name` as in `again`."""
        given = ("--state-dir", self.state_dir), ("--name", self.name or name)
        return [word for option, value in given if value for word in (option, value)]

    def again(self, *words: str, name: str | None = None) -> Callable[[Sequence[str]], str]:
        """`Opened.again` for a study that `words` (after `taskrun run`) and the options typed name again.

        `name` is the study's where that must be said though nobody typed it.
        """
        more = [*words, *self.placed(name)]
        for option, texts in (("--set", self.sets), ("--pool", self.pools)):
            for text in texts:
                more += [option, text]
        return lambda names: pasted("taskrun", "run", *more, names=names)

    def again_from(self, file: str) -> Callable[[Sequence[str]], str]:
        """As `again`, for the study of a file."""
        return self.again(*as_words(file))

    def _sweep(self, file: str) -> Opened:
        from taskrun.cli.run_options import pools_of
        from taskrun.sweep.loading import load

        _, name, state, seen = self.places(file)
        study = load(file, sets=_assignments(self.sets), pools=pools_of(self.pools), state=seen, name=name)
        again = self.again_from(file)
        return Opened(study=study, file=file, state=state, here=self.here, again=again, select=self.select)


def nowhere(state: str, here: str) -> str:
    """Why nothing is on record, where `--state-dir` named a directory that is not there: a clause to follow that."""
    states = os.path.dirname(state)
    if os.path.basename(states) == STATES or os.path.isdir(states):
        return ""
    return f"; there is no directory {os.path.relpath(states, here)!r}"


def pasted(*words: str, names: Sequence[str]) -> str:
    """A command line to paste: words, and names that no option is mistaken for."""
    apart = ["--"] if any(name.startswith("-") for name in names) else []
    return " ".join(map(quote_visible, [*words, *apart, *names]))


def source_of(
    words: Sequence[str],
    file: str | None,
    state_dir: str | None,
    name: str | None = None,
    sets: Sequence[str] = (),
    pools: Sequence[str] = (),
) -> Source:
    """Tell FILE from SELECT: the first word is the file where it looks like one."""
    for option, given in (("-F", file), ("--state-dir", state_dir)):
        if given == "":
            raise UsageError(f"{option} '': it is empty")
    wrong = "" if name is None else wrong_with_study_name(name)
    if wrong:
        raise UsageError(f"--name {name!r}: {wrong}")
    if file is None and words and looks_like_file(words[0]):
        file, words = words[0], words[1:]
    return Source(
        file=file, select=tuple(words), here=_here(), state_dir=state_dir, name=name, sets=tuple(sets),
        pools=tuple(pools),
    )  # fmt: skip


def _here() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise UsageError(f"the current directory is gone: {error.strerror}") from None


def source_options(function: Function) -> Function:
    """The arguments and options of every command that reads or changes a study."""
    function = click.argument(
        "words", nargs=-1, metavar="[FILE] [SELECT]...", shell_complete=complete_selection
    )(function)
    function = click.option(
        "-F",
        "--file",
        "file",
        metavar="FILE",
        multiple=True,
        callback=_one_file,
        help="The sweep file, whatever its name.",
        shell_complete=complete_file,
    )(function)
    return place_options(function)


def _one_file(context: click.Context, option: click.Parameter, files: tuple[str, ...]) -> str | None:
    if len(files) > 1 and not context.resilient_parsing:
        raise UsageError(f"-F stands twice, for {files[0]!r} and for {files[1]!r}; one FILE at a time")
    return files[0] if files else None


def place_options(function: Function) -> Function:
    """The options that say where the state is."""
    function = click.option(
        "--name", metavar="NAME", help="The study's name, and its state's.", shell_complete=complete_study
    )(function)
    return click.option(
        "--state-dir",
        metavar="DIR",
        help="Keep the state there, in place of .taskrun.",
        shell_complete=complete_directory,
    )(function)


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {text!r}: NAME=VALUES expected, such as --set buffer=1024,2048")
        if name in found:
            raise UsageError(f"--set {name}: given twice; all its values stand together, as {name}=A,B")
        found[name] = values
    return found
