"""Events to lines. Pure: what is said depends on the event and on what has been counted; nothing is written here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from taskrun.model import (
    DRAIN,
    NEVER_RAN,
    STRICT_BASH,
    TERMINATE,
    Action,
    Adopted,
    Argv,
    Cause,
    Ended,
    Event,
    Finished,
    Found,
    Recovered,
    Retrying,
    Settled,
    Skipped,
    Started,
    Status,
    Stopping,
    as_run,
)
from taskrun.printer.tally import Tally
from taskrun.printer.width import printable
from taskrun.quantity import show_duration, show_seconds
from taskrun.shell import quote_word
from taskrun.term import Style, Terminal

_STYLES = {
    "started": Style.PROGRESS,
    "succeeded": Style.GOOD,
    "failed": Style.BAD,
    "cancelled": Style.SPARED,
    "fresh": Style.SPARED,
    "skipped": Style.SPARED,
    "waiting": Style.PROGRESS,
    "recovered": Style.SPARED,
    "retrying": Style.PROGRESS,
}
INDENT = "    "
_FEW = 3  # so many tasks are named where there are more


class Words:
    """Says what happened, one line an event; `verbose` adds commands and reasons."""

    def __init__(self, terminal: Terminal, *, verbose: bool) -> None:
        self._paint = terminal.paint
        self._verbose = verbose
        longest = max(map(len, _STYLES))
        self._labels = {word: self._paint(word, style) + " " * (longest - len(word)) for word, style in _STYLES.items()}

    def line(self, label: str, name: str, *rest: str) -> str:
        """`succeeded  sim/topology=mesh/buffer=1024  0.8s`."""
        said = f"{self._labels[label]}  {printable(name)}"
        return "  ".join((said, *filter(None, rest))) if rest else said

    def of(self, event: Event) -> list[str]:
        """The lines of one event; none where it is nobody's business."""
        if isinstance(event, Found):
            return [self.line("fresh", event.task.name)]
        if isinstance(event, Finished):
            return [self.finished(event), *self._hint(event)]
        if isinstance(event, Started):
            return self.started(event)
        if isinstance(event, Skipped):
            return [self.line("skipped", event.task.name, why_skipped(event))]
        if isinstance(event, Stopping):
            return [self._paint(stopping(event), Style.SPARED)]
        if isinstance(event, Adopted):
            where = f" on {event.handle.host}" if event.handle.host else ""
            return [self.line("waiting", event.task.name, f"still running{where} since an earlier run")]
        if isinstance(event, Retrying):
            return [self.line("retrying", event.task.name, retrying(event))]
        if isinstance(event, Recovered):
            ended_well = event.settled.status is Status.SUCCEEDED
            what = "ended well, to be judged anew" if ended_well else outcome(event.ended, event.settled)
            return [self.line("recovered", event.task.name, f"its attempt in an earlier run: {what}")]
        return []

    def hint(self, text: str) -> str:
        """What the user might do better."""
        return f"{self._paint('hint:', Style.SPARED)} {text}"

    def finished(self, event: Finished) -> str:
        """How a task ended, and after how long."""
        seconds = show_seconds(event.ended.seconds)
        cause = event.settled.cause
        if event.settled.status is Status.SUCCEEDED:
            return self.line("succeeded", event.task.name, seconds)
        if cause is Cause.CANCELLED:
            return self.line("cancelled", event.task.name, f"after {seconds}")
        after = "" if cause in NEVER_RAN else f" after {seconds}"
        allowed = " (allowed to fail)" if event.task.traits.allow_failure else ""
        if cause is Cause.LOST:  # what there is to say of it is about something else
            message = printable(event.settled.message or event.ended.message)
            said = f"{cause.value}{after}{allowed}" + (message and f": {message}")
            return self.line("failed", event.task.name, said)
        return self.line("failed", event.task.name, outcome(event.ended, event.settled) + after + allowed)

    def _hint(self, event: Finished) -> list[str]:
        """What the user should know of a success."""
        if event.settled.status is not Status.SUCCEEDED or not event.settled.message:
            return []
        return [f"{self._paint('hint:', Style.SPARED)} {printable(event.settled.message)}"]

    def started(self, event: Started) -> list[str]:
        """That a task starts; where that is asked for, also why, and its command."""
        if not self._verbose:
            return []
        attempt = f"attempt {event.attempt}" if event.attempt > 1 else ""
        reasons = "; ".join(printable(str(reason)) for reason in event.reasons)
        command = command_lines(event.task.action, event.round)
        return [self.line("started", event.task.name, attempt, reasons), *(INDENT + line for line in command)]

    def skipped_together(self, events: Sequence[Skipped]) -> str:
        """One line for tasks that are skipped for the same reason at the same time."""
        if len(events) == 1:
            return self.line("skipped", events[0].task.name, why_skipped(events[0]))
        return self.line("skipped", f"{len(events)} tasks", why_skipped(events[0]))

    def closing(self, tally: Tally, stopped_by: str | None) -> str:
        """What became of all tasks of the run, and how long it took."""
        counts = [
            (tally.succeeded, "succeeded", Style.GOOD),
            (tally.failed, "failed", Style.BAD),
            (tally.cancelled, "cancelled", Style.SPARED),
            (tally.skipped, "skipped", Style.SPARED),
            (tally.fresh, "fresh", Style.SPARED),
        ]
        said = [self._paint(f"{count} {word}", style) for count, word, style in counts if count]
        if tally.retried:
            said[0] += f" ({tally.retried} after a retry)"
        stop = f"stopped by {stopped_by}: " if stopped_by else ""
        tasks = f"{tally.total} {'task' if tally.total == 1 else 'tasks'} in {show_seconds(tally.elapsed)}"
        return f"{stop}{tasks}: {', '.join(said)}" if said else f"{stop}{tasks}"


def is_to_look_at(event: Finished) -> bool:
    """Whether a task failed of itself, and was not ended by us."""
    return event.settled.status is Status.FAILED and event.settled.cause is not Cause.CANCELLED


def why_skipped(event: Skipped) -> str:
    """The reason as it is given, or that the culprit failed."""
    return printable(event.reason or (f"{event.culprit} failed" if event.culprit else ""))


def outcome(ended: Ended, settled: Settled) -> str:
    """How an attempt ended that did not succeed: `exit code 3`, `killed by SIGKILL`, `missing input: ...`."""
    cause = settled.cause or ended.cause
    message = printable(settled.message or ended.message)
    if cause in (None, Cause.EXIT, Cause.SIGNAL):
        said = f"killed by {ended.signal}" if ended.signal else f"exit code {ended.exit_code}"
        return f"{said}: {message}" if message else said
    return f"{cause.value}: {message}" if message else cause.value


def retrying(event: Retrying) -> str:
    """How an attempt ended, and when the next one is due."""
    said = f"{outcome(event.ended, event.settled)} after {show_seconds(event.ended.seconds)}"
    wait = event.due - event.time
    when = f"in {show_seconds(wait)}" if wait > 0 else "now"
    return f"{said}; retry {event.retry} of {event.task.traits.retries.most} {when}"


def stopping(event: Stopping) -> str:
    """What a signal sets off, and what the next one would."""
    tasks = f"{event.running} running {'task' if event.running == 1 else 'tasks'}"
    by_hand = event.signal == "SIGINT"
    who = "stopping" if by_hand else f"stopping ({printable(event.why) or event.signal})"
    if not event.running:
        return f"{who}: nothing is running"
    if event.level == DRAIN:
        return f"{who}: waiting for {tasks}" + ("; Ctrl-C again to terminate them" if by_hand else "")
    if event.level == TERMINATE:
        return f"{who}: terminating {tasks}" + ("; Ctrl-C again to kill them" if by_hand else "")
    return f"{who}: killing {tasks}"


def lingering(left: Mapping[int, str], seconds: float) -> str:
    """What is waited for at the end: `left` holds, by process group, which task left it running."""
    tasks = _few(list(dict.fromkeys(map(printable, left.values()))))
    groups = f"process {'group' if len(left) == 1 else 'groups'} {_few(list(map(str, left)))}"
    at_most = f", {show_duration(math.ceil(seconds))} at most" if seconds > 0 else ""
    return f"waiting for what {tasks} left running ({groups}){at_most}"


def _few(items: Sequence[str]) -> str:
    more = len(items) - _FEW
    return ", ".join(items[:_FEW]) + (f" and {more} more" if more > 0 else "")


def command_lines(action: Action, round: int) -> list[str]:
    """The whole command as a person would type it."""
    if isinstance(action, Argv):
        return [" ".join(quote_word(as_run(word, round)) for word in action.words)]
    text = as_run(action.text, round)
    if len(action.words) > len(STRICT_BASH) and action.words[-len(STRICT_BASH) :] == STRICT_BASH:  # it is wrapped
        text = " ".join(quote_word(as_run(word, round)) for word in (*action.words, text))
    return [printable(line) for line in text.split("\n")]
