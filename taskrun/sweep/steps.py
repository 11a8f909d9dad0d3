"""A step with the defaults put under it: every key a text whose placeholders mean something.

A key of the step replaces the one in `defaults`; `env` alone is merged, name by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import Place, did_you_mean
from taskrun.sweep.nodes import Findings, Listing, Node, Scalar, Table
from taskrun.sweep.references import OWN_FILES, Declared, Scope
from taskrun.sweep.schema import StepSpec, SweepFile
from taskrun.sweep.texts import Reader, Text, scalars

if TYPE_CHECKING:
    from taskrun.graph import Edge

LISTS = ("inputs", "outputs")  # the keys of paths: of several, and of one
PATHS = ("stdout", "stderr", "cwd")
_NO_TEXTS = frozenset({"per", "after", "env"})
PARAM = re.compile(r"(?<![A-Za-z0-9_])TASKRUN_PARAM_([A-Za-z0-9_]+)")


class Item(Struct, frozen=True):
    """One path of a key of files, or one word: `part` is the name that a mapping gives it."""

    part: str
    text: Text


class Order(Struct, frozen=True):
    """One step under `after`."""

    step: str
    edge: Edge
    place: Place


class Per(Struct, frozen=True):
    """What `per` says: names, or the one step (or name) that stands there alone."""

    names: tuple[Scalar, ...]
    is_list: bool
    place: Place


class StepPlan(Struct):
    """What a step says; `names` are those that it runs over, in sweep order, set once they are known.

    `texts` holds the texts of each key except `env`; `listings` are the keys whose value is a list. `is_broken`:
    something in it is wrong, and has been noted.
    """

    name: str
    place: Place
    texts: dict[str, tuple[Item, ...]]
    env: dict[str, Text]
    after: tuple[Order, ...]
    per: Per | None
    listings: frozenset[str]
    shares_stdout: bool
    is_broken: bool
    names: tuple[str, ...] = ()

    def every_text(self) -> Iterator[Text]:
        """All its texts, in the order of the keys."""
        for items in self.texts.values():
            yield from (item.text for item in items)
        yield from self.env.values()

    def items(self, key: str) -> tuple[Item, ...]:
        """The texts under `key`; empty where the step has no such key."""
        return self.texts.get(key, ())

    @property
    def desc(self) -> str:
        """What the step is for, as it is written."""
        return next((item.text.template.text for item in self.items("desc")), "")

    @property
    def params(self) -> set[str]:
        """The names of `TASKRUN_PARAM_NAME` in the step's own `run`, as they stand there."""
        own = [item.text for item in self.items("run") if item.text.is_own]
        return {match for text in own for match in PARAM.findall(text.template.text)}


class _Keyed(Struct, frozen=True):
    value: Node
    place: Place
    is_own: bool


def scope_of(file: SweepFile, sweep: tuple[str, ...], *, is_whole: bool = True) -> Scope:
    """All names of the study: those of the sweep, of `let`, and the steps with what they declare."""
    declared = {name: _declared(_effective(spec, file)) for name, spec in file.steps.items()}
    return Scope(sweep, tuple(file.let), declared, is_whole=is_whole)


def plan_steps(file: SweepFile, scope: Scope, findings: Findings) -> list[StepPlan]:
    """All steps of the file, each mistake in a placeholder noted."""
    return [_plan(spec, file, scope, findings) for spec in file.steps.values()]


def _effective(spec: StepSpec, file: SweepFile) -> dict[str, _Keyed]:
    """The keys of a step, those of `defaults` that it has not, and the shell of all steps where nobody says one."""
    found = {} if file.shell is None else {"shell": _Keyed(file.shell, file.shell.place, False)}
    found.update({key: _Keyed(value, value.place, False) for key, value in file.defaults.items()})
    found.update({key: _Keyed(entry.value, entry.key.place, True) for key, entry in spec.keys.items()})
    return found


def _declared(keyed: Mapping[str, _Keyed]) -> Declared:
    parts = {key: _parts(keyed[key].value) for key in OWN_FILES if key in keyed}
    if _shares_stdout(keyed) and "stdout" not in keyed:
        del parts["stderr"]
    return Declared(parts)


def _parts(node: Node) -> tuple[str, ...]:
    return tuple(node.entries) if isinstance(node, Table) else ()


def _shares_stdout(keyed: Mapping[str, _Keyed]) -> bool:
    value = keyed["stderr"].value if "stderr" in keyed else None
    return isinstance(value, Scalar) and value.text == "stdout"


def _plan(spec: StepSpec, file: SweepFile, scope: Scope, findings: Findings) -> StepPlan:
    keyed = _effective(spec, file)
    before = findings.count
    reader = Reader(scope, spec.name.text, findings)
    texts = {key: _items(reader, key, each) for key, each in keyed.items() if key not in _NO_TEXTS}
    shares_stdout = _shares_stdout(keyed)
    if shares_stdout:
        texts["stderr"] = texts.get("stdout", ())
    plan = StepPlan(
        name=spec.name.text,
        place=spec.name.place,
        texts=texts,
        env=_env(reader, file, keyed, spec),
        after=_after(keyed.get("after"), spec.name.text, scope, findings),
        per=_per(keyed.get("per"), spec.name.text),
        listings=frozenset(key for key, each in keyed.items() if isinstance(each.value, Listing)),
        shares_stdout=shares_stdout,
        is_broken=False,
    )
    plan.is_broken = findings.count > before or not plan.items("run")
    return plan


def _items(reader: Reader, key: str, keyed: _Keyed) -> tuple[Item, ...]:
    found = []
    for part, scalar in scalars(keyed.value):
        text = reader.text(scalar, key, is_own=keyed.is_own)
        if text is not None:
            found.append(Item(part, text))
    return tuple(found)


def _env(reader: Reader, file: SweepFile, keyed: Mapping[str, _Keyed], spec: StepSpec) -> dict[str, Text]:
    """Name by name from the top level over `defaults` to the step."""
    merged: dict[str, tuple[Scalar, bool]] = {}
    for name, entry in file.env.items():
        if isinstance(entry.value, Scalar):
            merged[name] = entry.value, False
    own = spec.keys.get("env")
    for node, is_own in ((file.defaults.get("env"), False), (own.value if own else None, True)):
        if isinstance(node, Table):
            for name, entry in node.entries.items():
                if isinstance(entry.value, Scalar):
                    merged[name] = entry.value, is_own
    texts = {name: reader.text(scalar, "env", is_own=is_own) for name, (scalar, is_own) in merged.items()}
    return {name: text for name, text in texts.items() if text is not None}


def _after(keyed: _Keyed | None, step: str, scope: Scope, findings: Findings) -> tuple[Order, ...]:
    if keyed is None:
        return ()
    orders = []
    for name, place, edge in _ordered(keyed.value):
        if name == step:
            if keyed.is_own:  # all steps after one, said in `defaults`, cannot mean that one
                findings.mistake(place, f"step {step!r} cannot wait for itself")
        elif name not in scope.steps:
            findings.mistake(place, f"no step is called {name!r}", _step_offer(name, scope))
        else:
            orders.append(Order(name, edge, place))
    return tuple(orders)


def _ordered(node: Node) -> Iterator[tuple[str, Place, Edge]]:
    from taskrun.graph import Edge  # who asks for names only, at each keystroke, has no use for a graph

    if isinstance(node, Table):
        for name, entry in node.entries.items():
            yield name, entry.key.place, Edge.ANY
    else:
        for _, scalar in scalars(node):
            yield scalar.text, scalar.place, Edge.ORDER


def _step_offer(name: str, scope: Scope) -> str:
    return did_you_mean(name, scope.steps) or "there are " + ", ".join(scope.steps)


def _per(keyed: _Keyed | None, step: str) -> Per | None:
    if keyed is None:
        return None
    names = tuple(scalar for _, scalar in scalars(keyed.value))
    is_list = isinstance(keyed.value, Listing)
    if not keyed.is_own and not is_list and [name.text for name in names] == [step]:
        return None
    return Per(names, is_list, keyed.place)
