"""A dry run's executor: writes each task as shell commands, and says that it went well.

What it writes is a script that bash runs with the same effect as a run, from whatever directory: nothing here touches
a file, and whatever a run would make, the script makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Protocol

from taskrun.executors.base import Attempt
from taskrun.model import Argv, Cause, Ended, Grant, Handle, Happening, Reason, Shell, Task, Tick, as_run
from taskrun.policy import OnFailure
from taskrun.pools import GPU_VARIABLES, GPUS, NO_UNITS, THREADS, Units, threads
from taskrun.printer.width import printable
from taskrun.quantity import show_number
from taskrun.shell import command_word, quote_word, rereads

_RUN = "dry-run"  # what TASKRUN_RUN holds: no run has this id
_LONGEST_WORD = 131_071  # bytes that the system takes as one argument, see executors.local.commands
_FIRST_ROUND = 1


class Sink(Protocol):
    """Where a script goes; it should write commands as `os.fsencode` has them: so they reach a program."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class DryExecutor:
    """Writes to `stream`; `root` is the study's directory, `pools` what a run would have to share. The script ends
    with the first failure, but where `on_failure` says that what depends on one runs.
    """

    def __init__(
        self, stream: Sink, *, root: str, pools: Mapping[str, Fraction], on_failure: OnFailure = OnFailure.CONTINUE
    ) -> None:
        self._stream = stream
        self._root = root
        self._pools = pools
        self._goes_on = on_failure is OnFailure.IGNORE
        self._ended: list[Ended] = []
        self._notes: dict[int, tuple[Reason, ...]] = {}

    @property
    def pools(self) -> Mapping[str, Fraction]:
        """What a run would share."""
        return self._pools

    @property
    def units(self) -> Units:
        """Nobody has anything for itself: which gpus are free shows only when a task starts."""
        return NO_UNITS

    def note(self, task: Task, reasons: Iterable[Reason]) -> None:
        """Have the task's start say why, in a comment."""
        self._notes[task.index] = tuple(reasons)

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        """Write the task's commands. What an earlier run left running is taken for gone."""
        if handle is not None:
            self._ended.append(Ended(task.index, attempt.number, 0.0, 0.0, cause=Cause.INTERRUPTED))
            return
        cores = min(task.traits.cores, self._pools.get("cores", task.traits.cores))
        try:
            commands = script(task, self._root, cores, goes_on=self._goes_on)
            os.fsencode(commands)
        except UnicodeEncodeError as error:  # nor could a run start it
            said = f"no program can be given this: {error}"
            self._ended.append(
                Ended(task.index, attempt.number, 0.0, 0.0, cause=Cause.COULD_NOT_START, message=said)
            )
            return
        # Before it is written: where the stream is closed, a run that is left early waits for all that was started.
        self._ended.append(Ended(task.index, attempt.number, 0.0, 0.0, exit_code=0))
        self._stream.write(comment(task, self._notes.pop(task.index, ())) + commands)

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        """All that was started has succeeded."""
        ended, self._ended = self._ended, []
        return ended or [Tick()]

    def kill(self, task: Task, *, force: bool) -> bool:
        """Nothing runs."""
        return False

    def stop(self) -> None:
        """Hand on what has been written."""
        self._stream.flush()


def comment(task: Task, reasons: Iterable[Reason]) -> str:
    """Why the task runs, as a line that no shell obeys, whatever stands in a reason."""
    said = "; ".join(str(reason) for reason in reasons)
    return f"# {printable(task.name)}: {printable(said)}\n" if said else ""


def script(task: Task, root: str, cores: Fraction, *, goes_on: bool = False) -> str:
    """The task in a subshell of its own; where it fails, and must not, the shell that reads this ends, or `goes_on`."""
    prepared = [f"cd {_operand(root)}", *_parents(task), *_lists(task), _streams(task)]
    if task.cwd:
        prepared.append(f"cd {_operand(os.path.join(root, task.cwd))}")
    commands = f"( {' && '.join(prepared)} &&\n  exec env {_environment(task, cores)} \\\n  {_command(task)} )"
    return f"{commands} || {':' if goes_on else _otherwise(task)}\n"


def _otherwise(task: Task) -> str:
    """What the shell does where the task fails."""
    if task.traits.allow_failure:
        return ":"
    codes = "|".join(map(str, task.traits.ok_codes))
    return f"case $? in {codes}) ;; *) exit $? ;; esac" if codes else "exit"


def _parents(task: Task) -> list[str]:
    paths = [*task.written, *(one.path for one in task.lists)]
    parents = dict.fromkeys(os.path.dirname(path) for path in paths)
    made = [_operand(parent) for parent in parents if parent not in ("", "/")]
    return [f"mkdir -p {' '.join(made)}"] if made else []


def _lists(task: Task) -> list[str]:
    return [
        f"printf '%s\\n' {' '.join(map(quote_word, one.lines))} >{quote_word(one.path)}"
        if one.lines
        else f": >{quote_word(one.path)}"
        for one in task.lists
    ]


def _streams(task: Task) -> str:
    """Where the streams go; what is not redirected stays where it is, since a dry run keeps no log."""
    words = ["exec </dev/null"]
    if task.stdout is not None:
        words.append(f">{quote_word(task.stdout)}")
    if task.stderr is not None:
        words.append("2>&1" if task.stderr == task.stdout else f"2>{quote_word(task.stderr)}")
    return " ".join(words)


def _environment(task: Task, cores: Fraction) -> str:
    """The words that `env` takes. Ours come first: what follows them can be no option."""
    variables = {
        "TASKRUN_TASK": task.name,
        "TASKRUN_STEP": task.step.name,
        "TASKRUN_ATTEMPT": str(_FIRST_ROUND),
        "TASKRUN_CORES": show_number(cores),
        "TASKRUN_RUN": _RUN,
        **task.variables,
    }
    declared = {name: value for name, value in task.env.items() if name not in variables}
    texts = {**variables, **{name: as_run(value, _FIRST_ROUND) for name, value in declared.items()}}
    words = [f"{_name(name)}={quote_word(value)}" for name, value in texts.items()]
    if task.traits.states_cores:
        count = threads(cores)
        words += [f'{name}="${{{name}-{count}}}"' for name in THREADS if name not in texts]
    return " ".join((*words, *_gpus(task)))


def _gpus(task: Task) -> list[str]:
    """One task after another has all gpus for itself: the first ones are free, and those that are visible stay so."""
    asked = task.traits.amount(GPUS)
    if not asked:
        return []
    ids = ",".join(map(str, range(ceil(asked))))
    names = ("TASKRUN_GPUS", *(name for name in GPU_VARIABLES if name not in task.env))
    return [f'{name}="${{{GPU_VARIABLES[0]}-{ids}}}"' for name in names]


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else quote_word(name)


def _command(task: Task) -> str:
    action = task.action
    nice = ["nice", "-n", str(task.traits.nice)] if task.traits.nice else []
    if isinstance(action, Argv):
        words = [*nice, *(as_run(word, _FIRST_ROUND) for word in action.words)]
        if "=" in words[0]:  # env would take it for a variable
            words = ["sh", "-c", 'exec "$@"', "sh", *words]
        return " ".join(map(quote_word, words))
    return " ".join((*nice, _shell_command(action)))


def _shell_command(action: Shell) -> str:
    text = as_run(action.text, _FIRST_ROUND)
    words = [as_run(word, _FIRST_ROUND) for word in action.words]
    before, last = words[:-1], words[-1]
    is_short = len(os.fsencode(text)) <= _LONGEST_WORD or rereads(words)
    if is_short or not (before and last.startswith("-") and last.endswith("c")):
        return " ".join(map(quote_word, (*words, command_word(text, words))))
    words = before if last == "-c" else [*before, last[:-1]]
    return f"{' '.join(map(quote_word, words))} <(printf %s {quote_word(text)})"


def _operand(path: str) -> str:
    """A path that a command takes for no option."""
    return quote_word(f"./{path}" if path.startswith("-") else path)
