"""What paths and variables take from outside the study: `~/` and `${NAME}` in the texts of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.paths import expand
from taskrun.sweep.cells import RowMistake
from taskrun.sweep.nodes import Findings
from taskrun.sweep.steps import StepPlan

LISTS = ("inputs", "outputs")
PATHS = ("stdout", "stderr", "cwd")


def note_surroundings(plans: Iterable[StepPlan], findings: Findings) -> None:
    """Note what the environment does not have, or nobody would expand; the step is broken then."""
    for plan in plans:
        paths = (item.text for key in (*LISTS, *PATHS) for item in plan.items(key))
        for text in (*paths, *plan.env.values()):
            try:
                expand_pieces(text.template.pieces)
            except RowMistake as mistake:
                findings.mistake(text.place, mistake.what)
                plan.is_broken = True


def expand_pieces(pieces: Sequence[str]) -> list[str]:
    """The literal pieces with `~/` and `${NAME}` expanded; raises RowMistake for what cannot be."""
    try:
        return [expand(pieces[0]), *(expand(piece, at_start=False) for piece in pieces[1:])]
    except ValueError as error:
        raise RowMistake(None, str(error)) from None
