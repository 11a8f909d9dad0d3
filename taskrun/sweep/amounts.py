"""What a sweep file says of pools: how much there is, where its steps ask for them, and what looks wrong with that.

What there is too little of is reported here only beside other mistakes: whoever runs something may say that there is
more of it, and whoever only looks need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from taskrun.errors import Place
from taskrun.pools import CORES, GPUS, MEMORY, OF_THE_MACHINE, Shortage, parse_total, shortages
from taskrun.sweep.bodies import Body
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings, Scalar
from taskrun.sweep.schema import SweepFile
from taskrun.sweep.steps import StepPlan


def totals(file: SweepFile) -> dict[str, Fraction]:
    """The amounts under `pools`; what is wrong with one has been noted where it was read."""
    found = {}
    for pool, entry in file.pools.items():
        try:
            found[pool] = parse_total(pool, entry.value.text if isinstance(entry.value, Scalar) else "")
        except ValueError:
            continue
    return found


def places_of(plan: StepPlan) -> Iterator[tuple[tuple[str, str], Place]]:
    """Where a step asks for which pool."""
    for key in (CORES, MEMORY, GPUS, "tokens"):
        for item in plan.items(key):
            yield (plan.name, item.part or key), item.text.place


def note_shortages(
    expansions: Sequence[Expansion],
    bodies: Mapping[str, Body],
    pools: Mapping[str, Fraction],
    file: SweepFile,
    findings: Findings,
) -> None:
    """Note what asks for more than there is; nothing is said of a pool whose own amount, or name, is wrong."""
    for expansion in expansions:
        body = bodies.get(expansion.plan.name)
        if body is None:
            continue
        places = dict(places_of(expansion.plan))
        step = expansion.plan.name
        tasks = ((name, step, traits) for name, traits in zip(expansion.names, body.traits, strict=True))
        for each in shortages(tasks, pools):
            place = places.get((step, each.pool))
            if place is not None and (each.pool in pools or each.pool not in file.pools):
                _note(each, place, pools, findings)


def _note(short: Shortage, place: Place, pools: Mapping[str, Fraction], findings: Findings) -> None:
    findings.mistake(place, short.what, short.hint([*pools, *OF_THE_MACHINE]))


def hint_at_amounts(expansions: Sequence[Expansion], file: SweepFile, findings: Findings) -> None:
    """A pool that nobody asks for."""
    asked = set(OF_THE_MACHINE)
    for expansion in expansions:
        asked.update(item.part for item in expansion.plan.items("tokens"))
    for pool, entry in file.pools.items():
        if pool not in asked:
            findings.hint(entry.key.place, f"no step asks for the pool {pool!r}", f"`tokens: {{{pool}: 1}}` does")
