"""All steps spread over the points, joined with each other (rule 3), their files found in an order that works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from taskrun.errors import Place, SweepError
from taskrun.graph import find_cycles
from taskrun.paths import Paths
from taskrun.sweep.cells import RowMistake
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.lets import Lets
from taskrun.sweep.limits import MOST_TASKS
from taskrun.sweep.nodes import Findings
from taskrun.sweep.points import Points
from taskrun.sweep.references import Files
from taskrun.sweep.steps import LISTS, PATHS, StepPlan
from taskrun.sweep.texts import Text

_Key = tuple[str, str]  # a step and one of its keys of files


class Expansions:
    """The expansions of all steps in which nothing is wrong, nor in any that they take files of."""

    def __init__(
        self, plans: Sequence[StepPlan], points: Points, lets: Lets, *, paths: Paths, findings: Findings
    ) -> None:
        self._findings = findings
        self._points = points
        self._plans = {plan.name: plan for plan in plans}
        self._lets = lets
        self._paths = paths
        self.by_step: dict[str, Expansion] = {}
        self._in_circles: set[str] = set()

    def __iter__(self) -> Iterator[Expansion]:
        return (expansion for expansion in self.by_step.values() if not expansion.plan.is_broken)

    def expand(self) -> None:
        """Find rows, joins and files; what is wrong is noted, and its step is broken."""
        self._break_what_hangs_on_broken()
        if not self._is_of_a_size():
            return
        base = 0
        for plan in self._plans.values():
            if not plan.is_broken:
                self._spread(plan, base)
                base += len(self._points.project(plan.names))
        for expansion in self:
            self._join(expansion)
        self._break_what_hangs_on_broken()
        self._find_files()
        self._break_what_hangs_on_broken()

    @property
    def accounted(self) -> frozenset[str]:
        """The steps whose cycles are known otherwise: task by task, or as files that are named after each other."""
        return frozenset(self._in_circles.union(expansion.plan.name for expansion in self))

    @contextmanager
    def noting(self, expansion: Expansion) -> Iterator[None]:
        """Some of the work of a step; what is wrong in a row is noted."""
        try:
            yield
        except RowMistake as mistake:
            self.note(expansion, mistake)

    def note(self, expansion: Expansion, mistake: RowMistake) -> None:
        """Note what is wrong in a row of a step once, with the task that it was seen in."""
        plan = expansion.plan
        is_anywhere = mistake.row is None or not plan.names
        what = mistake.what if is_anywhere else f"{mistake.what} (in {expansion.names[mistake.row or 0]})"
        self._break(plan, mistake.place or plan.place, what, mistake.hint)

    def _find_files(self) -> None:
        """Expand the keys of files; those that take files of a key in which something is wrong are left out."""
        whole = {expansion.plan.name for expansion in self}
        unknown: set[_Key] = set()
        for step, key in self._order():
            if step not in whole or not unknown.isdisjoint(_taken(self._plans[step], key)):
                unknown.add((step, key))
                continue
            try:
                self.by_step[step].expand_key(key)
            except RowMistake as mistake:
                self.note(self.by_step[step], mistake)
                unknown.add((step, key))

    def _is_of_a_size(self) -> bool:
        counts = {plan.name: self._points.count(plan.names) for plan in self._plans.values() if not plan.is_broken}
        total = sum(counts.values())
        if total <= MOST_TASKS:
            return True
        largest = max(counts, key=counts.__getitem__)
        self._findings.mistake(
            self._plans[largest].place,
            f"{total:,} tasks, of which {counts[largest]:,} are of step {largest!r}, are too many",
            f"at most {MOST_TASKS:,} are taken",
        )
        return False

    def _spread(self, plan: StepPlan, base: int) -> None:
        rows = self._points.project(plan.names)
        if not rows:
            names = " and ".join(map(repr, plan.names))
            self._break(plan, plan.place, f"step {plan.name!r} mentions {names}, which no point has together")
            return
        try:
            self.by_step[plan.name] = Expansion(
                plan, rows, base, lets=self._lets, paths=self._paths, others=self.by_step
            )
        except RowMistake as mistake:
            self._break(plan, mistake.place or plan.place, mistake.what, mistake.hint)

    def _join(self, expansion: Expansion) -> None:
        plan = expansion.plan
        for step, place in needs_of(plan).items():
            other = self.by_step.get(step)
            if other is None or plan.is_broken:
                continue
            try:
                groups = self._points.join(plan.names, other.plan.names)
            except SweepError as error:
                self._findings.mistakes += error.mistakes
                plan.is_broken = True
                continue
            expansion.groups[step] = groups
            if () in groups:
                name = expansion.names[groups.index(())]
                hint = f"no point of the sweep has both; `per` can say what step {plan.name!r} runs over"
                self._break(plan, place, f"{name} has no partner among the tasks of step {step!r}", hint)

    def _break(self, plan: StepPlan, place: Place, what: str, hint: str = "") -> None:
        self._findings.mistake(place, what, hint)
        plan.is_broken = True

    def _break_what_hangs_on_broken(self) -> None:
        """A step whose files cannot be known gives its readers nothing to complain about."""
        changed = True
        while changed:
            changed = False
            for plan in self._plans.values():
                if not plan.is_broken and any(self._plans[step].is_broken for step in _read(plan)):
                    plan.is_broken = changed = True

    def _order(self) -> list[_Key]:
        """Keys of files, each after those that its texts take; what goes in a circle is noted and left out."""
        waiting = {
            (plan.name, key): _taken(plan, key) for plan in self._plans.values() if not plan.is_broken
            for key in (*LISTS, *PATHS)
        }
        order: list[_Key] = []
        while ready := [each for each, taken in waiting.items() if waiting.keys().isdisjoint(taken)]:
            order += ready
            for each in ready:
                del waiting[each]
        if waiting:
            self._report_circles(waiting)
        return order

    def _report_circles(self, waiting: dict[_Key, dict[_Key, Place]]) -> None:
        keys = list(waiting)
        number = {each: i for i, each in enumerate(keys)}
        for cycle in find_cycles(
            range(len(keys)), lambda i: [number[each] for each in waiting[keys[i]] if each in number]
        ):
            around = [keys[i] for i in (*cycle, cycle[0])]
            shown = " -> ".join(f"{step}.{key}" for step, key in around)
            place = waiting[around[0]][around[1]]
            self._findings.mistake(place, f"a cycle of files that are named after each other: {shown}")
            self._in_circles.update(step for step, _ in around)
        for step, _ in waiting:
            self._plans[step].is_broken = True


def _read(plan: StepPlan) -> set[str]:
    return {
        reference.target.step
        for text in plan.every_text()
        for reference in text.references
        if isinstance(reference.target, Files) and reference.target.step
    }


def needs_of(plan: StepPlan) -> dict[str, Place]:
    """The steps that a step is joined with, and where it says so first."""
    found: dict[str, Place] = {}
    for text in plan.every_text():
        for target in files_in(text):
            if target.step:
                found.setdefault(target.step, text.place)
    for order in plan.after:
        found.setdefault(order.step, order.place)
    return found


def _taken(plan: StepPlan, key: str) -> dict[_Key, Place]:
    """The keys of files that the texts under `key` take, and where."""
    taken: dict[_Key, Place] = {}
    for item in plan.items(key):
        for target in files_in(item.text):
            taken[target.step or plan.name, target.key] = item.text.place
    if key == "stderr" and plan.shares_stdout:
        return {(plan.name, "stdout"): plan.place}
    return taken


def files_in(text: Text) -> Iterator[Files]:
    """The files that a text names by placeholders."""
    return (reference.target for reference in text.references if isinstance(reference.target, Files))
