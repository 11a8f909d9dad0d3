"""A study on one screen: counts by step, what runs, what failed and why, what was skipped because of whom.

Pure: facts come in and lines go out. Where there is more than room for it, the most interesting comes first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from taskrun.freshness import named
from taskrun.journal import Holder
from taskrun.model import Cause, RunEndRecord, RunRecord, Status, Task
from taskrun.printer.width import cut, printable, width
from taskrun.printer.words import command_lines
from taskrun.quantity import show_number, show_roughly, show_seconds
from taskrun.standing import Remaining, Standing
from taskrun.term import Style, Terminal

INDENT = "  "
_FEW = 5  # so many failures are shown one by one, more of them by what they have in common
_SHORT = 40  # columns of a command
_WHEN = "%Y-%m-%d %H:%M:%S"
_CANCELLED = "cancelled"
_COLUMNS = {
    Status.SUCCEEDED.value: Style.GOOD,
    Status.FAILED.value: Style.BAD,
    _CANCELLED: Style.SPARED,
    Status.SKIPPED.value: Style.SPARED,
    Status.RUNNING.value: Style.PROGRESS,
    Status.WAITING.value: None,
}
_INTERESTING = (Status.FAILED.value, Status.RUNNING.value, Status.SKIPPED.value, _CANCELLED, Status.WAITING.value)
_ORDINARY = (Status.SUCCEEDED, Status.WAITING)
_BETWEEN = "  "

Stands = tuple[Task, Standing]


class Facts(Struct, frozen=True, kw_only=True):
    """What there is to say: the tasks and how they stand, who runs them, how the last run ended, what is left.

    `unseen`: how many further tasks wait of which nothing is on record; `gone`: names on record that the study has no
    more; `output_of`: where to read what a task wrote.
    """

    tasks: Sequence[Stands]
    now: float
    host: str
    output_of: Callable[[Task, Standing], str | None]
    unseen: int = 0
    gone: Sequence[str] = ()
    holder: Holder | None = None
    run: RunRecord | None = None
    end: RunEndRecord | None = None
    remaining: Remaining | None = None


class Room(Struct, frozen=True):
    """How much may be said: `rows` is None for all that there is."""

    columns: int
    rows: int | None


class _Section:
    """A head, and items of one or more lines below it, of which there may be more than are shown."""

    def __init__(self, head: str, items: Sequence[Sequence[str]], *, total: int, what: str = "") -> None:
        self._head = head
        self._items = items
        self._total = total
        self._what = f" {what}" if what else ""

    def wanted(self, room: Room) -> int:
        """Rows that the items would take."""
        return sum(_rows(item, room) for item in self._items)

    def lines(self, room: Room, rows: int) -> list[str]:
        """The head and the items that `rows` have room for."""
        shown = len(self._items)
        if self.wanted(room) > rows or self._total > shown:
            shown = _fitting([_rows(item, room) for item in self._items], rows - 1)
        more = self._total - shown
        rest = [f"{INDENT}... and {more:,} more{self._what}"] if more else []
        return [self._head, *(line for item in self._items[:shown] for line in item), *rest]


def overview(facts: Facts, terminal: Terminal, room: Room) -> list[str]:
    """The lines, the table first."""
    most = room.rows
    notable = [stands for stands in facts.tasks if stands[1].status not in _ORDINARY]
    sections = [section for make in (_running, _failed, _skipped) if (section := make(notable, facts, terminal, most))]
    lasting = (_retry_line(facts), _unrecorded_line(facts), _gone_line(facts), _run_line(facts), _to_go(facts))
    ends = [line for line in lasting if line]
    table = _Table(facts, terminal, room)
    if most is None:
        shares = [10**9] * (1 + len(sections))
    else:
        taken = table.around + len(sections) + sum(_rows([line], room) for line in ends) + 1  # 1: the next prompt
        shares = fair([table.wanted, *(section.wanted(room) for section in sections)], most - taken)
    lines = table.lines(shares[0])
    for section, share in zip(sections, shares[1:], strict=True):
        lines += section.lines(room, share)
    return [*lines, *ends]


def fair(wanted: Sequence[int], room: int) -> list[int]:
    """As much as each wants, where there is too little an equal share, and what one leaves goes to the others."""
    shares = [0] * len(wanted)
    left = max(room, 0)
    for done, place in enumerate(sorted(range(len(wanted)), key=lambda place: wanted[place])):
        shares[place] = min(wanted[place], left // (len(wanted) - done))
        left -= shares[place]
    return shares


def _rows(lines: Iterable[str], room: Room) -> int:
    """Rows that lines take on a terminal, which breaks those that are too long."""
    return sum(max(-(-width(line) // max(room.columns, 1)), 1) for line in lines)


def _fitting(sizes: Sequence[int], room: int) -> int:
    """How many of them, from the first on, fit."""
    for count, size in enumerate(sizes):
        room -= size
        if room < 0:
            return count
    return len(sizes)


def _some(items: Sequence[Stands], most: int | None) -> Sequence[Stands]:
    """No more than could be shown: each takes a row at least."""
    return items if most is None else items[:most]


# --- the table --------------------------------------------------------------------------------------------------------


class _Table:
    """Tasks by step and status, the steps in their order, or where there are too many the most interesting first."""

    def __init__(self, facts: Facts, terminal: Terminal, room: Room) -> None:
        self._paint = terminal.paint
        self._unicode = terminal.unicode
        self._columns = room.columns
        self._counts = _count(facts)
        self._total: Counter[str] = Counter()
        for counts in self._counts.values():
            self._total.update(counts)
        self._statuses = [status for status in _COLUMNS if self._total[status]]
        numbers = [f"{count:,}" for count in (self._total.total(), *map(self._total.__getitem__, self._statuses))]
        heads = ["tasks", *self._statuses]
        self._widths = [max(len(head), len(number)) for head, number in zip(heads, numbers, strict=True)]

    @property
    def around(self) -> int:
        """Rows for the head and the total."""
        return 1 + self._has_total

    @property
    def wanted(self) -> int:
        return len(self._counts)

    @property
    def _has_total(self) -> bool:
        return len(self._counts) > 1

    def lines(self, rows: int) -> list[str]:
        """The table with no more than so many rows for the steps."""
        steps = list(self._counts)
        more = 0
        if len(steps) > rows:
            steps = sorted(steps, key=self._interest)[: max(rows - 1, 0)]
            more = len(self._counts) - len(steps)
        left = self._columns - sum(self._widths) - len(_BETWEEN) * len(self._widths)
        names = {step: cut(printable(step), max(left, len("total")), unicode=self._unicode) for step in steps}
        wide = max(map(width, ("step", "total", *names.values())))
        head = "step" + " " * (wide - 4)
        for label, size in zip(("tasks", *self._statuses), self._widths, strict=True):
            head += _BETWEEN + label.rjust(size)
        lines = [self._paint(head, Style.STRONG)]
        lines += [self._row(names[step], wide, self._counts[step]) for step in steps]
        if more:
            lines.append(f"... and {more:,} more steps")
        return [*lines, self._row("total", wide, self._total)] if self._has_total else lines

    def _interest(self, step: str) -> tuple[int, ...]:
        counts = self._counts[step]
        return tuple(-bool(counts[status]) for status in _INTERESTING)

    def _row(self, name: str, wide: int, counts: Counter[str]) -> str:
        row = name + " " * (wide - width(name)) + _BETWEEN + f"{counts.total():,}".rjust(self._widths[0])
        for status, size in zip(self._statuses, self._widths[1:], strict=True):
            count = counts[status]
            text = (f"{count:,}" if count else "-").rjust(size)
            style = _COLUMNS[status]
            row += _BETWEEN + (self._paint(text, style) if count and style else text)
        return row


def _count(facts: Facts) -> dict[str, Counter[str]]:
    """By step and by the word of its column."""
    cancelled = Cause.CANCELLED.value
    by_step: dict[str, dict[tuple[Status, bool], int]] = {}
    for task, standing in facts.tasks:  # 100,000 of them: counted by what is at hand
        counts = by_step.get(task.step.name)
        if counts is None:
            counts = by_step[task.step.name] = {}
        key = standing.status, standing.cause == cancelled
        counts[key] = counts.get(key, 0) + 1
    named: dict[str, Counter[str]] = {step: Counter() for step in by_step}
    for step, counts in by_step.items():
        for (status, is_cancelled), count in counts.items():
            named[step][_CANCELLED if is_cancelled else status.value] += count
    if facts.unseen:
        step = next(iter(named)) if len(named) == 1 else "(not on record yet)"
        named.setdefault(step, Counter())[Status.WAITING.value] += facts.unseen
    return named


# --- what runs, what failed, what was skipped -------------------------------------------------------------------------


def _running(notable: Sequence[Stands], facts: Facts, terminal: Terminal, most: int | None) -> _Section | None:
    found = [stands for stands in notable if stands[1].status is Status.RUNNING]
    if not found:
        return None
    found.sort(key=lambda stands: stands[1].began)
    items = [[_running_line(task, standing, facts)] for task, standing in _some(found, most)]
    return _Section(terminal.paint(f"{len(found):,} running", Style.PROGRESS), items, total=len(found))


def _running_line(task: Task, standing: Standing, facts: Facts) -> str:
    since = show_seconds(facts.now - standing.began)
    where = f" ({standing.orphan.where})" if standing.orphan is not None else ""
    alone = "" if facts.holder is not None else f"{where}, its runner is gone"
    return f"{INDENT}{printable(task.name)}  for {since}, attempt {standing.attempt}{alone}{_telling(task)}"


def _telling(task: Task) -> str:
    """The beginning of the command where the name says nothing about the task: that of a line is a hash."""
    if task.values or task.name == task.step.name:
        return ""
    command = command_lines(task.action, 1)[0]
    return f"{_BETWEEN}{cut(command, _SHORT)}" if command else ""


def _failed(notable: Sequence[Stands], facts: Facts, terminal: Terminal, most: int | None) -> _Section | None:
    found = [stands for stands in notable if stands[1].is_to_look_at]
    if not found:
        return None
    head = terminal.paint(f"{len(found):,} failed", Style.BAD)
    if most is None or len(found) <= _FEW:
        return _Section(head, [_failure(stands, facts) for stands in found], total=len(found))
    groups: dict[object, list[Stands]] = {}
    for task, standing in found:
        end = standing.past.end
        how = (end.exit_code, end.signal) if end is not None else (None, None)
        groups.setdefault((task.step.name, standing.cause, *how), []).append((task, standing))
    largest = sorted(groups.values(), key=len, reverse=True)
    items = [[*_failure(group[0], facts), *_others(group)] for group in largest[:most]]
    return _Section(head, items, total=len(largest), what="kinds of failures")


def _failure(stands: Stands, facts: Facts) -> list[str]:
    task, standing = stands
    allowed = " (allowed to fail)" if task.traits.allow_failure else ""
    lines = [f"{INDENT}{printable(task.name)}  {printable(standing.why)}{allowed}{_telling(task)}"]
    output = facts.output_of(task, standing)
    return [*lines, f"{INDENT * 3}{printable(output)}"] if output else lines


def _others(group: Sequence[Stands]) -> list[str]:
    count = len(group) - 1
    return [f"{INDENT * 3}and {count:,} more of {printable(group[0][0].step.name)} alike"] if count else []


def _skipped(notable: Sequence[Stands], facts: Facts, terminal: Terminal, most: int | None) -> _Section | None:
    reasons = Counter(standing.why for _, standing in notable if standing.status is Status.SKIPPED)
    if not reasons:
        return None
    head = terminal.paint(f"{reasons.total():,} skipped", Style.SPARED)
    items = [[f"{INDENT}{count:,} because {printable(reason)}"] for reason, count in reasons.most_common(most)]
    return _Section(head, items, total=len(reasons), what="reasons")


# --- runs -------------------------------------------------------------------------------------------------------------


def _run_line(facts: Facts) -> str:
    if facts.holder is not None:
        return _on(facts, facts.holder)
    if facts.run is None:
        return "no run yet"
    began = _when(facts.run.time)
    if facts.end is None:
        where = "" if facts.run.host == facts.host else f" on {facts.run.host}"
        return f"the last run began {began}{where} and did not come to its end"
    counts = ", ".join(f"{count:,} {status}" for status, count in _ends(facts.end).items() if count)
    took = show_seconds(facts.end.time - facts.run.time)
    return f"the last run began {began} and ended after {took}: {_stop(facts.end)}{counts or 'nothing to do'}"


def _ends(end: RunEndRecord) -> dict[str, int]:
    """The counts by the words of the table's columns."""
    counts: dict[str, int] = {}
    for status, count in end.counts.items():
        is_failed = status == Status.FAILED.value
        counts[status] = count - end.cancelled if is_failed else count
        if is_failed:
            counts[_CANCELLED] = end.cancelled
    return counts


def _stop(end: RunEndRecord) -> str:
    if end.stopped_by is None:
        return ""
    return f"stopped by {end.stopped_by}: " if end.stopped_by else "left early by its program: "


def _retry_line(facts: Facts) -> str:
    waits = [(due, task.name) for task, standing in facts.tasks if (due := standing.retry_due) is not None]
    if not waits:
        return ""
    due, name = min(waits)
    at = time.strftime("%H:%M:%S", time.localtime(due))
    if len(waits) == 1:
        return f"{printable(name)} has failed and waits for its retry, at {at}"
    return f"{len(waits):,} have failed and wait for a retry, {printable(name)} for the next one, at {at}"


def _unrecorded_line(facts: Facts) -> str:
    names = [task.name for task, standing in facts.tasks if standing.is_unrecorded]
    if not names:
        return ""
    which = "its runner was" if len(names) == 1 else "their runner was"
    said = f"ended when {which} gone: the next run puts that on record"
    return f"{printable(named(names))} {said}"


def _gone_line(facts: Facts) -> str:
    if not facts.gone:
        return ""
    count = len(facts.gone)
    which = "task on record is" if count == 1 else "tasks on record are"
    return f"{count:,} {which} gone from the study: {named(list(map(printable, facts.gone)))}"


def _on(facts: Facts, holder: Holder) -> str:
    where = "" if holder.host == facts.host else f" on {holder.host}"
    since = f"since {_when(holder.since)} ({show_seconds(facts.now - holder.since)})"
    if holder.command is not None:
        return f"`taskrun {holder.command}` is at work {since}: pid {holder.pid}{where}"
    of = f" of {printable(' '.join(facts.run.select))}" if facts.run is not None and facts.run.select else ""
    return f"a run{of} is on {since}: pid {holder.pid}{where}"


def _to_go(facts: Facts) -> str:
    if facts.remaining is None:
        return ""
    cores = facts.remaining.cores
    plural = "core" if cores == 1 else "cores"
    return f"about {show_roughly(facts.remaining.seconds)} to go with {show_number(cores)} {plural}"


def _when(moment: float) -> str:
    return time.strftime(_WHEN, time.localtime(moment))
