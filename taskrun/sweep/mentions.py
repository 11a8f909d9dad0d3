"""Rule 1: which sweep names a step runs over, from what it mentions itself or from its `per`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.errors import did_you_mean
from taskrun.sweep.lets import Lets
from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.steps import StepPlan
from taskrun.sweep.texts import Text


class Mentions:
    """Finds the names of all steps of a study."""

    def __init__(self, plans: Sequence[StepPlan], lets: Lets, sweep: tuple[str, ...], findings: Findings) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._lets = lets
        self._sweep = sweep
        self._findings = findings
        self._variables = {name.upper(): name for name in (*sweep, *lets.names)}
        self._own = {plan.name: self._own_names(plan) for plan in plans}
        self._per: dict[str, set[str] | None] = {}

    def settle(self) -> set[str]:
        """Give every plan its names, and note what contradicts them. Returns the names that some step mentions."""
        mentioned: set[str] = set()
        for plan in self._plans.values():
            own = self._own[plan.name]
            names = self._resolve_per(plan.name, ())
            mentioned |= own if names is None else own | names
            found = own if names is None else names
            plan.names = tuple(name for name in self._sweep if name in found)
            self._check(plan)
        return mentioned

    def _own_names(self, plan: StepPlan) -> set[str]:
        texts = [text for text in plan.every_text() if text.is_own]
        values = {name for text in texts for name in text.values}
        values.update(self._variables[name] for name in plan.params if name in self._variables)
        return self._lets.expand(values)

    def _resolve_per(self, step: str, asked_by: tuple[str, ...]) -> set[str] | None:
        """The names that `per` comes to; None where it says nothing that counts."""
        if step in self._per:
            return self._per[step]
        plan = self._plans[step]
        found: set[str] | None = None
        if plan.per is not None:
            if plan.per.is_list or not plan.per.names or plan.per.names[0].text not in self._plans:
                found = self._names_in(plan, plan.per.names)
            else:
                found = self._as_step(plan, plan.per.names[0].text, (*asked_by, step))
        self._per[step] = found
        return found

    def _as_step(self, plan: StepPlan, other: str, asked_by: tuple[str, ...]) -> set[str] | None:
        if other in asked_by:
            around = [*asked_by[asked_by.index(other) :], other]
            self._mistake(self._plans[other], f"a cycle of `per`: {' -> '.join(around)}")
            plan.is_broken = True
            return None
        names = self._resolve_per(other, asked_by)
        return self._own[other] if names is None else names

    def _names_in(self, plan: StepPlan, names: Iterable[Scalar]) -> set[str] | None:
        known = {*self._sweep, *self._lets.names}
        for scalar in names:
            if scalar.text in self._plans:
                hint = f"a step stands there alone: `per: {scalar.text}`"
                self._findings.mistake(scalar.place, f"{scalar.text!r} is a step", hint)
            elif scalar.text not in known:
                plan.is_broken = True
                offers = [*known, *self._plans] if not (plan.per and plan.per.is_list) else known
                self._findings.mistake(
                    scalar.place, f"no sweep name is called {scalar.text!r}", did_you_mean(scalar.text, offers)
                )
        return None if plan.is_broken else self._lets.expand(scalar.text for scalar in names)

    def _mistake(self, plan: StepPlan, what: str) -> None:
        plan.is_broken = True
        if plan.per is not None:
            self._findings.mistake(plan.per.place, what)

    def _check(self, plan: StepPlan) -> None:
        """Whatever a text takes must be among the names; a text of `defaults` does not bring its names along."""
        if plan.is_broken:
            return
        for text in plan.every_text():
            for name in dict.fromkeys(text.values):
                self._check_name(plan, name, text)
        run = plan.items("run")[0].text
        for word in sorted(plan.params & self._variables.keys()):
            self._check_name(plan, self._variables[word], run)

    def _check_name(self, plan: StepPlan, name: str, text: Text) -> None:
        if name not in self._lets and name not in self._sweep:  # a `let` name in which something is wrong
            plan.is_broken = True
            return
        missing = self._lets.expand([name]) - set(plan.names)
        if not missing:
            return
        plan.is_broken = True
        behind = "" if name in missing else f", which is made of {', '.join(sorted(missing))},"
        if text.is_own:
            what, hint = f"step {plan.name!r} takes {name!r}{behind} but its `per` does not name it", "add it to `per`"
        else:
            what = f"step {plan.name!r} does not run over {name!r}{behind} which is taken here"
            hint = f"only what a step says itself counts: `per: [{', '.join(sorted({*plan.names, *missing}))}]` there"
        self._findings.mistake(text.place, what, hint)
