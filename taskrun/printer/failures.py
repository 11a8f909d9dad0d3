"""A failure in full, at once and again at the end, where equal ones are one. Pure but for the reader it is given."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from taskrun.model import Cause, Finished, Shell, Skipped, Task
from taskrun.policy import HELD_BACK
from taskrun.printer.setting import Manner
from taskrun.printer.width import printable
from taskrun.printer.words import INDENT, Words, command_lines
from taskrun.term import Style, Terminal

LINES_OF_LOG = 20
_END_OF_LOG = 131_072  # bytes in which its last lines are looked for
_MOST_IN_FULL = 50  # groups shown in full at the end
_MOST_NAMES = 20  # names listed of one group, and given to `taskrun run`
_UNBOUND = "unbound variable"


class Failure(Struct, frozen=True):
    """A failed task, the round in which it was tried last, the end of what it wrote and where that is."""

    event: Finished
    round: int
    tail: tuple[str, ...]
    log: str

    @property
    def kind(self) -> tuple[str, Cause | None, int | None, str | None, str]:
        """Failures of the same kind are equal."""
        ended = self.event.ended
        last = self.tail[-1] if self.tail else ""
        return self.event.task.step.name, self.event.settled.cause, ended.exit_code, ended.signal, last


class _Group:
    """Equal failures: the first in full, of the others the tasks."""

    __slots__ = ("first", "others")

    def __init__(self, first: Failure) -> None:
        self.first = first
        self.others: list[Task] = []


class Failures:
    """Collects failures and what was skipped because of them, and puts them into words."""

    def __init__(self, words: Words, terminal: Terminal, manner: Manner) -> None:
        self._words = words
        self._paint = terminal.paint
        self._drawable = terminal.drawable
        self._manner = manner
        self._groups: dict[object, _Group] = {}
        self._skipped: dict[str, int] = {}
        self._held: set[str] = set()  # the culprits of steps that were held back

    def add(self, event: Finished, round: int) -> list[str]:
        """The lines of a failure, below the one that says so."""
        log, tail = self._end_of_log(event)
        failure = Failure(event, round, tail, log)
        group = self._groups.get(failure.kind)
        if group is None:
            self._groups[failure.kind] = _Group(failure)
        else:
            group.others.append(event.task)
        return self._details(failure, [event.task])

    def add_skipped(self, event: Skipped) -> None:
        """Count a task that is skipped because of a failure."""
        if event.culprit:
            self._skipped[event.culprit] = self._skipped.get(event.culprit, 0) + 1
            if event.reason.startswith(HELD_BACK):
                self._held.add(event.culprit)

    def summary(self) -> list[str]:
        """All failures once more."""
        groups = list(self._groups.values())
        for group in groups:
            group.others.sort(key=lambda task: task.index)
        lines = [line for group in groups[:_MOST_IN_FULL] for line in self._group(group)]
        return lines + [line for group in groups[_MOST_IN_FULL:] for line in self._heads(group)]

    def _group(self, group: _Group) -> list[str]:
        tasks = [group.first.event.task, *group.others]
        return [*self._heads(group), *self._details(group.first, tasks), *self._consequence(tasks)]

    def _heads(self, group: _Group) -> list[str]:
        head = self._words.finished(group.first.event)
        if not group.others:
            return [head]
        names = [f"{INDENT}{INDENT}{printable(task.name)}" for task in group.others[:_MOST_NAMES]]
        more = len(group.others) - len(names)
        rest = [f"{INDENT}{INDENT}... and {more} more"] if more else []
        return [head, f"{INDENT}and {len(group.others)} more that failed alike:", *names, *rest]

    def _details(self, failure: Failure, tasks: Sequence[Task]) -> list[str]:
        task = failure.event.task
        lines = _block("command:", command_lines(task.action, failure.round))
        if failure.log:
            tail = [self._closed(line) for line in failure.tail]
            lines += _block(f"log: {printable(self._manner.shown(failure.log))}", tail)
        lines += [f"{INDENT}{self._paint('hint:', Style.SPARED)} {hint}" for hint in hints(failure)]
        return lines + _block("to run it again:" if len(tasks) == 1 else "to run them again:", [self._again(tasks)])

    def _closed(self, line: str) -> str:
        """The line as it is, but on a terminal its colours end with it."""
        return f"{line}\x1b[0m" if self._drawable and "\x1b" in line else line

    def _consequence(self, tasks: Sequence[Task]) -> list[str]:
        count = sum(self._skipped.get(task.name, 0) for task in tasks)
        whose = "it" if len(tasks) == 1 else "them"
        hint = "; --no-hold runs them too" if any(task.name in self._held for task in tasks) else ""
        return [f"{INDENT}{self._paint(f'{count} skipped', Style.SPARED)} because of {whose}{hint}"] if count else []

    def _again(self, tasks: Sequence[Task]) -> str:
        """A line to paste; where there are many, their step stands for them: what is done stays done."""
        names = [task.name for task in tasks] if len(tasks) <= _MOST_NAMES else [tasks[0].step.name]
        return self._manner.again(names)

    def _end_of_log(self, event: Finished) -> tuple[str, tuple[str, ...]]:
        """The path of what the task wrote last, "" where there is nothing, and its last lines."""
        for path in event.wrote:
            found = self._manner.read(path, -_END_OF_LOG, _END_OF_LOG)
            if found:
                return path, last_lines(found) if self._manner.output != "none" else ()
        return event.settled.printed or "", ()


def last_lines(text: bytes) -> tuple[str, ...]:
    """The last lines as they are; bytes that are no UTF-8 as escapes."""
    lines = text.removesuffix(b"\n").split(b"\n")[-LINES_OF_LOG:]
    return tuple(line.removesuffix(b"\r").decode("utf-8", "backslashreplace") for line in lines)


def hints(failure: Failure) -> list[str]:
    """What a known riddle means."""
    ended, action = failure.event.ended, failure.event.task.action
    if not isinstance(action, Shell):
        return []
    found = []
    if ended.exit_code == 141 and "pipefail" in action.words:
        found.append(
            "141 is SIGPIPE under pipefail: a program in a pipe was still writing when the next one stopped reading"
            " (as head does)"
        )
    if ended.exit_code == 127:
        found.append("127 means that the shell found no program of that name: is it installed, and in the PATH?")
    if ended.exit_code == 126:
        found.append("126 means that the shell found the program but could not execute it: is it executable?")
    if any(_UNBOUND in line for line in failure.tail[-3:]):
        found.append("the shell's option -u makes an unset variable an error: ${NAME:-} is empty where NAME is not set")
    return found


def _block(head: str, lines: Sequence[str]) -> list[str]:
    return [INDENT + head, *(INDENT + INDENT + line for line in lines)]
