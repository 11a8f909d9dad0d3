"""Where in a shell's text a placeholder stands: what the scanner finds out and the quoting goes by."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Kind(Enum):
    """What a placeholder stands in; the words of those that refuse read behind "it stands in"."""

    BARE = "a bare word"
    DOUBLE = "double quotes"
    SINGLE = "single quotes"
    EXPANDED = "a here-document"
    VERBATIM = "a here-document with a quoted delimiter"
    ARITHMETIC = "arithmetic"
    SUBSCRIPT = "the subscript of an array"
    PARAMETER = "a ${...} expansion"
    BACKTICKS = "backticks"
    COMMENT = "a comment"
    ESCAPES = "$'...'"
    UNCLEAR = "a part of the command whose quoting is not clear"
    FOREIGN = "a command for a shell whose quoting is not known"


class Document(Struct):
    """A here-document that holds placeholders: the texts around them, and which one comes first."""

    delimiter: str
    quoted: bool
    strips_tabs: bool
    substituted: bool
    texts: list[str]
    first: int


class Spot(Struct):
    """One placeholder's place.

    `after`: a backslash, a lone `$` or a parameter such as `$x` that ends right before it (as `\\`, `$` or `x`).
    `role`: "target" of a redirection, "pattern" of a case, or "element" of an array. `document`: the index of the
    here-document it stands in, or -1. `joins_lines`: a backslash takes a newline with it even in single quotes, as in
    a `$(...)` of a here-document. `since` says where an unclear part begins, as a piece of a sentence.
    """

    kind: Kind = Kind.UNCLEAR
    after: str = ""
    glued: bool = False
    role: str = ""
    in_braces: bool = False
    meets_dot: bool = False
    before_redirect: bool = False
    before_paren: bool = False
    joins_lines: bool = False
    document: int = -1
    since: str = ""
