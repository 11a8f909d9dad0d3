"""What paths and variables take from outside the study: `~/` and `${NAME}` in the texts of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.paths import ExpansionError, expand
from taskrun.sweep.cells import RowMistake
from taskrun.sweep.nodes import Findings
from taskrun.sweep.steps import LISTS, PARAM, PATHS, StepPlan


def note_surroundings(plans: Iterable[StepPlan], names: Iterable[str], findings: Findings) -> None:
    """Note what the environment does not have, or nobody would expand; the step is broken then.

    `names` are those of the sweep and of `let`, whose variables exist only for the command.
    """
    variables = {name.upper(): name for name in names}
    for plan in plans:
        paths = (item.text for key in (*LISTS, *PATHS) for item in plan.items(key))
        for text in (*paths, *plan.env.values()):
            try:
                _expanded(text.template.pieces)
            except ExpansionError as error:
                match = PARAM.match(error.rest.lstrip("${"))
                if match and match[1] in variables:
                    what = f"the variable TASKRUN_PARAM_{match[1]} is set for the command only"
                    findings.mistake(text.place, what, f"write {{{variables[match[1]]}}}")
                else:
                    findings.mistake(text.place, str(error))
                plan.is_broken = True


def expand_pieces(pieces: Sequence[str]) -> list[str]:
    """The literal pieces with `~/` and `${NAME}` expanded; raises RowMistake for what cannot be."""
    try:
        return _expanded(pieces)
    except ExpansionError as error:
        raise RowMistake(None, str(error)) from None


def _expanded(pieces: Sequence[str]) -> list[str]:
    return [expand(pieces[0]), *(expand(piece, at_start=False) for piece in pieces[1:])]
