"""Words that mean the same with and without a shell, and how to write a word so that they do.

Whatever is in doubt needs the shell: a command that is started directly must not be told from one that bash ran.
"""

from __future__ import annotations

import re

# What may stand anywhere in a shell's text as it is.
SAFE = "A-Za-z0-9_@%+=:,./-"

is_safe = re.compile(f"[{SAFE}]+").fullmatch

# No option, assignment or job number comes first; a path may.
_SIMPLE = re.compile(rf"[ \t\n]*[A-Za-z0-9_./][A-Za-z0-9_@+:,./-]*(?:[ \t]+[{SAFE}]+)*[ \t\n]*").fullmatch

# Everything that bash 5 does itself or reads as grammar; `true` and `false` are looked at apart.
_OF_BASH = frozenset(
    re.findall(
        r"\S+",
        """
        . : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo
        enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd
        printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type
        typeset ulimit umask unalias unset wait
        ! [[ ]] { } case coproc do done elif else esac fi for function if in select then time until while
        """,
    )
)


def quote_word(text: str) -> str:
    """The text as one word for any of the shells, to be pasted or read."""
    return text if is_safe(text) else single_quoted(text)


def quote_visible(text: str) -> str:
    """As `quote_word`, but all that a terminal cannot show is written as escapes, which bash, zsh and ksh know."""
    if text.isprintable():
        return quote_word(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", errors))


def single_quoted(text: str) -> str:
    """The text in single quotes, whatever it holds."""
    return "'" + text.replace("'", "'\\''") + "'"


def simple_words(text: str) -> tuple[str, ...] | None:
    """The words of a command that strict bash would execute just like this; None where it needs bash to read it."""
    if not _SIMPLE(text):
        return None
    words = tuple(text.split())
    if words[0] in _OF_BASH and words not in (("true",), ("false",)):
        return None
    return words
