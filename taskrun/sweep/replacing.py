"""`--set`: values from the command line in the place of a sweep's, and what is gathered less because of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from taskrun.errors import Place, SweepError, UsageError
from taskrun.shell import quote_word
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.nodes import Findings
from taskrun.sweep.points import Points
from taskrun.sweep.ranges import ValuesError
from taskrun.sweep.values import parse_values, selecting


def replacements(sets: Mapping[str, str], directory: str) -> dict[str, Sequence[str]]:
    """The values that the command line gives by name; raises UsageError for those that mean nothing."""
    found = {}
    for name, text in sets.items():
        try:
            found[name] = parse_values(text, directory)
        except ValuesError as error:
            raise UsageError(f"--set {name}={text}: {error}") from None
    return found


def hint_at_gathers(
    expansions: Sequence[Expansion],
    original: Points,
    sets: Mapping[str, Sequence[str]],
    *,
    shown: str,
    findings: Findings,
) -> None:
    """Where values of the file are left out, what gathers over them has other results: selecting was meant, perhaps.

    `original` are the points without `sets`; `shown` is what the sweep file is called.
    """
    for name, values in sets.items():
        before = {value for (value,) in original.project((name,))}
        fewer = list(_fewer(name, expansions, original)) if before.issuperset(values) else []
        if fewer:
            chosen = selecting(name, values)
            findings.hint(
                Place(f"--set {chosen}"),
                f"this makes {' and '.join(fewer)}",
                f"to run only some tasks, select: taskrun run {quote_word(shown)} {chosen}",
            )


def _fewer(name: str, expansions: Iterable[Expansion], original: Points) -> Iterator[str]:
    """`each graph gather 1 of 4 parse`, for each gather over `name` that has lost some of its members."""
    for expansion in expansions:
        consumer = expansion.plan.names
        for step, groups in expansion.groups.items():
            producer = expansion.other(step).plan.names
            if name in consumer or name not in producer:
                continue
            try:
                whole = max(map(len, original.join(consumer, producer)))
            except SweepError:  # too many to be joined: there is nothing to compare with
                continue
            kept = max(map(len, groups))
            if kept < whole:
                each = "each " if len(expansion) > 1 else ""
                yield f"{each}{expansion.plan.name} gather {kept} of {whole} {step}"
