"""Text for shells: how a value is quoted where it stands, and what needs no shell at all."""

from taskrun.shell.mistakes import QuoteError
from taskrun.shell.quoting import Quoter, Raw, command_word, plan_quoting
from taskrun.shell.simple import quote_visible, quote_word, simple_words
from taskrun.shell.wrapping import rereads, wrapped

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
