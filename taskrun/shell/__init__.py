"""Text for shells: how a value is quoted where it stands, and what needs no shell at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskrun.shell.mistakes import QuoteError
from taskrun.shell.simple import quote_visible, quote_word, simple_words
from taskrun.shell.wrapping import command_word, rereads, wrapped

if TYPE_CHECKING:
    from taskrun.shell.quoting import Quoter, Raw, plan_quoting

__all__ = [
    "QuoteError",
    "Quoter",
    "Raw",
    "command_word",
    "plan_quoting",
    "quote_visible",
    "quote_word",
    "rereads",
    "simple_words",
    "wrapped",
]


def __getattr__(name: str) -> object:
    """Who only quotes a word for a message need not wait for all that knows the grammar of a shell (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from taskrun.shell import quoting

    return getattr(quoting, name)
