"""Records that go on under another name: of a task whose step was renamed, or that has one more parameter.

A task that is new by name takes over what is on record of one that the study has no more, where both would do the very
same, no third one would, and their points agree as far as they go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from taskrun.freshness.signatures import PARAM, Signer
from taskrun.graph import Graph
from taskrun.model import Past, Signature, TakeoverRecord, Task

_Same = tuple[object, ...]
_T = TypeVar("_T")


def successions(
    graph: Graph, pasts: Iterable[Past], past: Callable[[str], Past | None], *, salt: str, now: float
) -> list[TakeoverRecord]:
    """Who takes over whose records. `pasts` are all that there are, `past` gives that of a name."""
    gone = [each for each in pasts if graph.index(each.name) is None and _is_worth_it(each)]
    if not gone:
        return []
    heirs = [task for task in graph.tasks if task.outputs and _is_new(past(task.name))]
    if not heirs:
        return []
    signer = Signer(salt)
    left = _by_what_they_do((_what(each.start.signature), each) for each in gone if each.start is not None)
    wanting = _by_what_they_do((_what(signature), (task, signature)) for task, signature in _signed(signer, heirs))
    found = []
    for same, takers in wanting.items():
        leavers = _likeliest(left.get(same, []))
        if len(takers) == 1 and len(leavers) == 1:
            task, signature = takers[0]
            origin = leavers[0]
            assert origin.start is not None
            if _agree(origin.start.signature.env, signature.env):
                step = None if task.values or task.name == task.step.name else task.step.name
                found.append(
                    TakeoverRecord(task=task.name, origin=origin.name, time=now, env=signature.env, step=step)
                )
    return found


def _likeliest(pasts: list[Past]) -> list[Past]:
    """Those that succeeded, where there are such: no failure under yet another name is in the way of a result."""
    return [past for past in pasts if past.has_succeeded] or pasts


def _is_worth_it(past: Past) -> bool:
    return past.start is not None and past.end is not None and bool(past.start.signature.outputs)


def _is_new(past: Past | None) -> bool:
    return past is None or (past.start is None and past.end is None and not past.attempts)


def _signed(signer: Signer, tasks: Iterable[Task]) -> Iterable[tuple[Task, Signature]]:
    return ((task, signer.signature(task)) for task in tasks)


def _by_what_they_do(pairs: Iterable[tuple[_Same, _T]]) -> Mapping[_Same, list[_T]]:
    found: dict[_Same, list[_T]] = {}
    for same, each in pairs:
        found.setdefault(same, []).append(each)
    return found


def _what(signature: Signature) -> _Same:
    """What two tasks have in common that do the very same; the values of their points stand in the command."""
    declared = frozenset((name, value) for name, value in signature.env.items() if not name.startswith(PARAM))
    return signature.command, signature.shell, signature.cwd, declared, signature.inputs, signature.outputs


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(other.get(name, value) == value for name, value in one.items() if name.startswith(PARAM))
