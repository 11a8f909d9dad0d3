"""The signature of a task: what its freshness hangs on besides its files, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from taskrun.digests import blake2b
from taskrun.freshness.files import LONG
from taskrun.freshness.wording import changed_words
from taskrun.model import STRICT_BASH, Reason, ReasonKind, Shell, Signature, Step, Task, as_signed

PARAM = "TASKRUN_PARAM_"
_REMEMBERED = 1000  # so many values of a name have their hash kept; a name with more has hardly one twice
_NAMED = 3  # so many files of one kind are named in a reason


class Signer:
    """Makes the signatures of tasks; a value is hashed once, however many tasks hold it."""

    def __init__(self, salt: str) -> None:
        self._salted = blake2b(key=salt.encode()[:64], digest_size=12)
        self.lists = Lists()
        self._hashes: dict[str, dict[str, str]] = {}
        self._keys: dict[int, tuple[Step, tuple[str, ...]]] = {}
        self._sets: dict[int, tuple[Step, Set[str]]] = {}

    def signature(self, task: Task, recorded: Signature | None = None) -> Signature:
        """What the freshness of `task` hangs on besides its files.

        Where its inputs are the `recorded` ones, they are that very tuple, so that comparing them costs little.
        """
        return Signature(
            command=signed_command(task),
            shell=signed_shell(task),
            cwd=task.cwd,
            env=self._environment(task),
            inputs=task.inputs if recorded is None else self.lists.either(recorded.inputs, task.inputs),
            outputs=task.outputs,
        )

    def is_same(self, task: Task, then: Signature) -> bool:
        """Whether `signature` would equal the one on record under the task's name, which tells the values already."""
        shell = signed_shell(task)
        return (
            then.command == signed_command(task)
            and then.shell == shell
            and then.outputs == task.outputs
            and then.cwd == task.cwd
            and self.lists.same(then.inputs, task.inputs)
            and self._is_same_environment(task, then.env)
        )

    def _is_same_environment(self, task: Task, then: Mapping[str, str]) -> bool:
        step = task.step
        if not then:
            return not (task.values or task.lets or task.env)
        if step.lets or task.env:
            return then == self._environment(task)
        return then.keys() == self._names(step)

    def differences(self, then: Signature, now: Signature) -> Iterator[Reason]:
        """How a signature differs from the recorded one; what explains the rest comes first."""
        if not self.lists.same(then.inputs, now.inputs):
            yield Reason(ReasonKind.INPUTS_CHANGED, _changed_paths(then.inputs, now.inputs, "its inputs grew: "))
        if then.command != now.command:
            yield Reason(ReasonKind.COMMAND_CHANGED, changed_words(then.command, now.command))
        if then.env != now.env:
            yield Reason(ReasonKind.ENV_CHANGED, _changed_names(then.env, now.env))
        if then.cwd != now.cwd:
            yield Reason(ReasonKind.CWD_CHANGED, f"{then.cwd or '.'} → {now.cwd or '.'}")
        if then.shell != now.shell:
            yield Reason(ReasonKind.SHELL_CHANGED, f"{_shell(then)} → {_shell(now)}")
        if not self.lists.same(then.outputs, now.outputs):
            yield Reason(ReasonKind.OUTPUTS_CHANGED, _changed_paths(then.outputs, now.outputs, "came: "))

    def _environment(self, task: Task) -> dict[str, str]:
        names = self._variables(task.step)
        found = {name: self._hash(name, value) for name, value in zip(names, task.values + task.lets, strict=True)}
        for name, value in task.env.items():
            found[name] = self._hash(name, as_signed(value))
        return found

    def _variables(self, step: Step) -> tuple[str, ...]:
        known = self._keys.get(id(step))
        if known is None:
            names = tuple(f"{PARAM}{name.upper()}" for name in step.names + step.lets)
            known = self._keys[id(step)] = (step, names)
        return known[1]

    def _names(self, step: Step) -> Set[str]:
        known = self._sets.get(id(step))
        if known is None:
            known = self._sets[id(step)] = (step, frozenset(self._variables(step)))
        return known[1]

    def _hash(self, name: str, value: str) -> str:
        known = self._hashes.setdefault(name, {})
        found = known.get(value)
        if found is None:
            state = self._salted.copy()
            state.update(f"{name}={value}".encode("utf-8", "surrogatepass"))
            found = state.hexdigest()
            if len(known) < _REMEMBERED:
                known[value] = found
        return found


def signed_command(task: Task) -> str | tuple[str, ...]:
    """The command of a task as it is compared."""
    action = task.action
    if isinstance(action, Shell):
        return as_signed(action.text)
    return _signed_words(action.words)


def signed_shell(task: Task) -> tuple[str, ...]:
    """The words before the command of a task as they are compared; none where no shell reads it."""
    action = task.action
    return _signed_words(action.words) if isinstance(action, Shell) else ()


def _signed_words(words: tuple[str, ...]) -> tuple[str, ...]:
    if words is STRICT_BASH:
        return words
    return tuple([as_signed(word) for word in words]) if any("\0" in word for word in words) else words


class Lists:
    """Compares lists of paths; long ones that are shared are compared once."""

    def __init__(self) -> None:
        self._equal: dict[tuple[int, int], tuple[object, object, bool]] = {}

    def same(self, one: tuple[object, ...], other: tuple[object, ...]) -> bool:
        """Whether two tuples are equal."""
        if one is other:
            return True
        if len(one) != len(other):
            return False
        if len(one) < LONG:
            return one == other
        key = id(one), id(other)
        known = self._equal.get(key)
        if known is None:
            known = self._equal[key] = (one, other, one == other)  # which keeps the ids taken
        return known[2]

    def either(self, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        """`one` where it equals the other, which is it then."""
        return one if self.same(one, other) else other


def named(items: Sequence[str]) -> str:
    """`a, b, c and 7 more`."""
    shown = ", ".join(items[:_NAMED])
    return f"{shown} and {len(items) - _NAMED} more" if len(items) > _NAMED else shown


def _shell(signed: Signature) -> str:
    return " ".join(signed.shell) or "none"


def _changed_names(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return named(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))


def _changed_paths(old: Iterable[str], new: Iterable[str], only_more: str) -> str:
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    came = [path for path in after if path not in before]
    gone = [path for path in before if path not in after]
    if not gone:
        return only_more + named(came) if came else "in another order"
    return (f"came: {named(came)}; " if came else "") + f"went: {named(gone)}"
