"""`taskrun clean`: delete what attempts have left, after showing it and asking."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from taskrun.cli.asking import ask, is_somebody_there
from taskrun.cli.counting import counted, say_some
from taskrun.cli.source import Opened, source_of, source_options
from taskrun.errors import UsageError
from taskrun.printer.width import printable
from taskrun.quantity import show_size
from taskrun.sweep.collecting import without_collector

if TYPE_CHECKING:
    from taskrun.journal import Records
    from taskrun.manager.cleaning import Cleaner, Find, Item

_OUTPUTS, _LOGS, _FAILED, _GONE = _WAYS = ("--outputs", "--logs", "--failed", "--gone")
_AROUND = 6  # rows beside the list: the sum, the question, what is left


@click.command("clean", short_help="Delete outputs, logs, or what the sweep has no more.")
@source_options
@click.option("--outputs", is_flag=True, help="The outputs of the selected tasks.")
@click.option("--logs", is_flag=True, help="Their logs, of all attempts.")
@click.option("--failed", is_flag=True, help="What was kept of their failed attempts.")
@click.option("--gone", is_flag=True, help="All of tasks that belong to no point of the sweep file any more.")
@click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
def command(
    words: tuple[str, ...],
    file: str | None,
    state_dir: str | None,
    name: str | None,
    outputs: bool,
    logs: bool,
    failed: bool,
    gone: bool,
    yes: bool,
) -> int:
    """Delete what the selected tasks of FILE (default: sweep.yaml), without SELECT all, have left; show what that is,
    and ask. Without one of the options below, say how much each would free, and delete nothing. Not during a run.

    Only what an attempt on record has made is deleted, and only as that left it: what has changed since stays and is
    named, and so do inputs. --gone deletes outputs, logs and kept failures of tasks that are on record and not in the
    sweep file as it stands (points that only --set made are not in there), but nothing that one of its tasks makes or
    reads, and then forgets them.

    Without a file, --name NAME cleans a study that has none here: one of `taskrun each`, of standard input, or of a
    Python program.

    \b
        taskrun clean
        taskrun clean --outputs sim topology=mesh
        taskrun clean --logs --gone -y
    """
    chosen = [way for way, is_wanted in zip(_WAYS, (outputs, logs, failed, gone), strict=True) if is_wanted]
    with without_collector():
        opened = source_of(words, file, state_dir, name).look()
        return _Cleaning(opened, chosen, is_quiet=yes).run()


class _Cleaning:
    """One call of the command, with the ways that were asked for."""

    def __init__(self, opened: Opened, ways: list[str], *, is_quiet: bool) -> None:
        if opened.seen is not None and _GONE in ways:
            raise UsageError(f"--gone compares what is on record with the sweep, and {opened.file} has no file here")
        self._opened = opened
        self._ways = ways
        self._is_quiet = is_quiet

    def run(self) -> int:
        """The exit status."""
        from taskrun.journal import is_begun

        opened = self._opened
        if not is_begun(opened.state):
            click.echo(f"nothing is on record of {opened.study.name}{opened.nowhere}", err=True)
            return 0
        if not self._ways:
            return self._weigh()
        if self._is_quiet:
            return self._delete(None)
        find = self._look()
        self._say_left(find)
        if not find.items and not find.forgotten:
            click.echo("there is nothing to delete", err=True)
            return 0
        _show(find, opened)
        if not is_somebody_there():
            raise UsageError("nothing is deleted: there is no terminal here to ask on; -y deletes without asking")
        if not ask(f"delete {_summed(find)}?"):
            click.echo("nothing is deleted", err=True)
            return 1
        return self._delete(find)

    def _weigh(self) -> int:
        """How much each way would free."""
        cleaner = self._cleaner(self._records())
        ways = _WAYS if self._opened.seen is None else _WAYS[:-1]
        finds = [self._find(cleaner, way) for way in ways]
        rows = [(way, f"{find.files:,}", show_size(find.size)) for way, find in zip(ways, finds, strict=True)]
        rows.insert(0, ("", "files", "size"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for way, files, size in rows:
            line = f"{way.ljust(widths[0])}  {files.rjust(widths[1])}  {size.rjust(widths[2])}"
            sys.stdout.write(line + self._of_gone(way, finds) + "\n")
        return 0

    def _of_gone(self, way: str, finds: list[Find]) -> str:
        count = len(finds[-1].forgotten)
        return f"  of {counted(count, 'task')}" if way == _GONE and count else ""

    def _look(self) -> Find:
        """What would be deleted, looked at without holding the state; StateHeldError where a run does."""
        from taskrun.journal import held, read_holder

        holder = read_holder(self._opened.state)
        if holder is not None:
            raise held(self._opened.state, holder)
        return self._find_all(self._records())

    def _records(self) -> Records:
        """What is on record, and what will be once the state is held: who looks first is to see the same."""
        from taskrun.manager.unrecorded import unrecorded_ends

        opened = self._opened
        records = opened.on_record().records
        for end in unrecorded_ends(opened.study, records, state=opened.state):
            records.apply(end)
        return records

    def _delete(self, shown: Find | None) -> int:
        """Delete what is found now and was shown (None: all of it); the exit status."""
        from taskrun.manager.changing import Change, reset
        from taskrun.manager.cleaning import delete

        opened = self._opened
        with Change(opened.study, opened.state, command="clean") as change:
            find = self._find_all(change.records)
            if shown is None:
                self._say_left(find)
            else:
                find.items = {place: item for place, item in find.items.items() if place in shown.items}
                find.forgotten = [name for name in find.forgotten if name in {*shown.forgotten}]
            gone, problems = delete(find.items.values(), root=opened.study.root, state=opened.state)
            forgotten = reset(change, find.forgotten)
        say_some([*problems, *change.problems])
        said = [f"{counted(sum(item.files for item in gone), 'file')} deleted, {_size(gone)}"]
        said += [f"{counted(forgotten, 'task')} forgotten"] if forgotten else []
        click.echo("; ".join(said), err=True)
        return 1 if problems else 0

    def _find_all(self, records: Records) -> Find:
        from taskrun.manager.cleaning import Find

        cleaner = self._cleaner(records)
        found = Find()
        for way in self._ways:
            found.add(self._find(cleaner, way))
        return found

    def _cleaner(self, records: Records) -> Cleaner:
        from taskrun.manager.cleaning import Cleaner

        return Cleaner(self._opened.study, self._opened.state, records)

    def _find(self, cleaner: Cleaner, way: str) -> Find:
        ways: dict[str, Callable[[], Find]] = {
            _OUTPUTS: lambda: cleaner.outputs(self._opened.chosen),
            _LOGS: lambda: cleaner.logs(self._opened.chosen),
            _FAILED: lambda: cleaner.failed(self._opened.chosen),
            _GONE: lambda: self._gone(cleaner),
        }
        return ways[way]()

    def _gone(self, cleaner: Cleaner) -> Find:
        """Words that select nothing of what is gone may be meant for what is there, where that is cleaned too."""
        from taskrun.manager.cleaning import Find

        try:
            return cleaner.gone(self._opened.select)
        except UsageError:
            if self._ways == [_GONE]:
                if not self._is_there():
                    raise
                words = " ".join(self._opened.select)
                click.echo(f"nothing that is gone from the sweep belongs to {words!r}", err=True)
            return Find()

    def _is_there(self) -> bool:
        """Whether what is selected are tasks that the sweep has."""
        try:
            return bool(self._opened.chosen)
        except UsageError:
            return False

    def _say_left(self, find: Find) -> None:
        left = [f"{self._opened.shown(path)} stays: {why}" for path, why in find.left.items()]
        say_some([*find.busy, *left], more="more stay")


def _show(find: Find, opened: Opened) -> None:
    """What would be deleted, no more than a screen of it where there is one."""
    from taskrun.term import look, rows

    lines = [f"{show_size(item.size):>7}  {printable(opened.shown(item.path))}" for item in find.items.values()]
    lines += [f"{'record':>7}  {printable(name)}" for name in find.forgotten]
    is_screen = look(sys.stdout, color="auto", environment={}).drawable
    room = max(rows(sys.stdout) - _AROUND, 3) if is_screen else len(lines)
    shown = lines if len(lines) <= room else [*lines[: room - 1], f"{'':7}  ... and {len(lines) - room + 1:,} more"]
    sys.stdout.write("".join(f"{line}\n" for line in shown))


def _summed(find: Find) -> str:
    said = [f"{counted(find.files, 'file')}, {show_size(find.size)},"] if find.items else []
    said += [f"the records of {counted(len(find.forgotten), 'task')}"] if find.forgotten else []
    return " and ".join(said).removesuffix(",")


def _size(items: list[Item]) -> str:
    return show_size(sum(item.size for item in items))
