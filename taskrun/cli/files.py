"""What can stand for FILE on the command line; light enough for whoever is asked at each keystroke."""

from __future__ import annotations

ENDINGS = (".yaml", ".yml", ".txt", ".py")


def looks_like_file(word: str) -> bool:
    """Whether the first positional argument is FILE; everything else is a selection."""
    return word == "-" or (word.endswith(ENDINGS) and "=" not in word and "*" not in word)


def as_words(file: str) -> list[str]:
    """How FILE is named on a command line, unquoted: no selection is made of it, and no option."""
    safe = file if file == "-" or not file.startswith("-") else f"./{file}"
    return [safe] if looks_like_file(safe) else ["--file", safe]
