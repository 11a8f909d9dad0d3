"""What is wrong with a value where its placeholder stands; the caller knows the place in the file and adds it."""

from __future__ import annotations

OPT_OUT = 'write {name:raw} to put it in as it is, or "$TASKRUN_PARAM_NAME"'


class QuoteError(Exception):
    """A value that cannot be put where its placeholder stands.

    `slot` counts the placeholders from 0. `hint` speaks of `{name:raw}` and `$TASKRUN_PARAM_NAME`; `hint_for` puts in
    what these are.
    """

    def __init__(self, slot: int, what: str, hint: str = OPT_OUT) -> None:
        super().__init__(what)
        self.slot = slot
        self.what = what
        self.hint = hint

    def hint_for(self, name: str, variable: str | None) -> str:
        """The hint for a placeholder written `{name}`, whose value stands in the environment variable, if it does."""
        hint = self.hint if variable or self.hint != OPT_OUT else OPT_OUT.partition(", or ")[0]
        return hint.replace("{name:raw}", f"{{{name}:raw}}").replace("TASKRUN_PARAM_NAME", variable or "")


def shorten(value: str, most: int = 60) -> str:
    """The value as it is shown in a sentence."""
    return repr(value if len(value) <= most else value[: most - 3] + "...")
