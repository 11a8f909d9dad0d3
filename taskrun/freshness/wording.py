"""How two commands differ, in a few words: each place that differs as `old → new`.

Asked of every task whose command changed, so nothing here takes long, however long the commands are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_PLACES = 4  # so many places are shown
_LONGEST = 60  # characters of one side
_BEFORE = 8  # characters that are kept before the first that differs, where a side is too long
_COMPARABLE = 10_000  # pairs of words: more of them are not looked through for what is the same in between

Place = tuple[int, int, int, int]  # from and to in the one, from and to in the other


def changed_words(old: str | Sequence[str], new: str | Sequence[str]) -> str:
    """`1000 → 2000`, or `-s 1 → -s 2; -t mesh → -t torus`. A command is a text, or a list of words."""
    for units in (_words, _lines):
        before, after = units(old), units(new)
        places = _places(before, after)
        if len(places) != 1 or not _is_long(places[0]):
            break
    if not places:
        return "white space" if isinstance(old, str) is isinstance(new, str) else f"{_kind(old)} → {_kind(new)}"
    shown = [_said(place, before, after, is_only=len(places) == 1) for place in places[:_PLACES]]
    more = len(places) - _PLACES
    return "; ".join([*shown, f"and {more} more {'place' if more == 1 else 'places'}"] if more > 0 else shown)


def _words(command: str | Sequence[str]) -> Sequence[str]:
    return command.split() if isinstance(command, str) else command


def _lines(command: str | Sequence[str]) -> Sequence[str]:
    return [line.strip() for line in command.splitlines()] if isinstance(command, str) else command


def _kind(command: str | Sequence[str]) -> str:
    return "a line" if isinstance(command, str) else "a list of words"


def _places(old: Sequence[str], new: Sequence[str]) -> Sequence[Place]:
    """The places that differ; one that holds them all where looking closer would take long."""
    shorter = min(len(old), len(new))
    first = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    last = next((place for place in range(shorter - first) if old[-1 - place] != new[-1 - place]), shorter - first)
    end, new_end = len(old) - last, len(new) - last
    whole = first, end, first, new_end
    if end == new_end == first:
        return []
    if end - first <= 1 or new_end - first <= 1:
        return [whole]
    if _is_long(whole):
        return list(_in_their_places(old, new, first, end)) if end == new_end else [whole]
    from difflib import SequenceMatcher  # only where there is something to look through

    found = SequenceMatcher(None, old[first:end], new[first:new_end], autojunk=False).get_opcodes()
    return [(first + a, first + b, first + c, first + d) for tag, a, b, c, d in found if tag != "equal"]


def _in_their_places(old: Sequence[str], new: Sequence[str], first: int, end: int) -> Iterator[Place]:
    """Words that differ from those at the same place."""
    begin: int | None = None
    for place in range(first, end + 1):
        differs = place < end and old[place] != new[place]
        if differs and begin is None:
            begin = place
        elif not differs and begin is not None:
            yield begin, place, begin, place
            begin = None


def _is_long(place: Place) -> bool:
    begin, end, new_begin, new_end = place
    return (end - begin) * (new_end - new_begin) > _COMPARABLE


def _said(place: Place, old: Sequence[str], new: Sequence[str], *, is_only: bool) -> str:
    """One place; where there are several, with the option that a value belongs to."""
    begin, end, new_begin, new_end = place
    if not is_only and begin and new_begin and old[begin - 1].startswith("-"):
        begin, new_begin = begin - 1, new_begin - 1
    gone, came = " ".join(old[begin:end]), " ".join(new[new_begin:new_end])
    if max(len(gone), len(came)) > _LONGEST:
        skipped = _common(gone, came) - _BEFORE
        gone, came = _shortened(gone, skipped), _shortened(came, skipped)
    return f"{gone or 'nothing'} → {came or 'nothing'}"


def _shortened(text: str, skipped: int) -> str:
    if skipped > 0:
        text = f"…{text[skipped:]}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)
