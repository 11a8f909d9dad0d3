"""How much room a text takes on a terminal, and how it is cut to what there is."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with what would move the cursor, or is no character, written as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def width(text: str) -> int:
    """Columns that a printable text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, room: int, *, unicode: bool = True) -> str:
    """The text in no more than `room` columns; what is too long ends in an ellipsis."""
    if width(text) <= room:
        return text
    ellipsis = "…" if unicode else "..."
    if room <= len(ellipsis):
        return ellipsis[: max(room, 0)]
    kept, taken = [], len(ellipsis)
    for char in text:
        taken += _columns(char)
        if taken > room:
            break
        kept.append(char)
    return "".join(kept) + ellipsis


def _columns(char: str) -> int:
    import unicodedata  # only for names beyond ASCII

    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
