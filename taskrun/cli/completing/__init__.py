"""Answers a shell that asks how a line can go on.

Nothing is run or written, standard input is not read, and whatever is wrong ends in silence: nobody wants a message in
the middle of the line that is being typed.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from taskrun.cli.completing.lines import read_line
from taskrun.cli.completing.offers import DIRECTORY, FILE, PLAIN, STUDY, Offer
from taskrun.cli.completing.paths import paths
from taskrun.cli.completing.typed import STUDY_COMMANDS, read_typed

_PATHS = (STUDY, FILE, DIRECTORY)


def answer(instruction: str, arguments: Sequence[str]) -> NoReturn:
    """Print what can stand at the cursor, in the form that a shell's script reads, and exit.

    `instruction` is `bash_complete`, with the line up to the cursor and what bash breaks words at as arguments; or
    `zsh_complete` or `fish_complete`, with the words after the command, the last one unfinished.
    """
    gc.disable()  # nothing here lives long enough
    # msgspec looks there first for what it finds in `typing` too; where that is installed, a quarter of all the time.
    sys.modules.setdefault("typing_extensions", None)  # type: ignore[arg-type]
    _silence()
    replies = {"bash_complete": _bash, "zsh_complete": _zsh, "fish_complete": _fish}
    if instruction in replies:
        sys.stdout.write("".join(f"{line}\n" for line in replies[instruction](arguments)))
        sys.stdout.flush()
    os._exit(0)  # there is nothing to clean up, and somebody waits at the keyboard


def offered(words: Sequence[str]) -> Iterable[Offer]:
    """What can stand for the last of the words after `taskrun`; what is there of files is left to whoever asks."""
    *before, text = words
    option, equals, value = text.partition("=")
    if equals and option.startswith("--") and "--" not in before:
        return [offer._replace(value=f"{option}={offer.value}") for offer in offered([*before, option, value])]
    typed = read_typed(before[1:]) if before and before[0] in STUDY_COMMANDS else None
    if typed is not None and (not text.startswith("-") or "--" in before):
        from taskrun.cli.completing.studies import selecting

        return selecting(typed, text)
    from taskrun.cli.completing.commands import asked

    return asked(before, text)


def _told(offers: Iterable[Offer], text: str) -> Iterator[Offer]:
    """The same, with the files themselves that begin as `text` does."""
    for offer in offers:
        if offer.kind in _PATHS:
            for path in paths(offer.kind, text.removeprefix(offer.value)):
                yield path._replace(value=offer.value + path.value)
        else:
            yield offer


def _bash(arguments: Sequence[str]) -> list[str]:
    line = read_line(*arguments)
    _, *words = line.words
    offers = [Offer("", FILE)] if line.is_redirect else offered(words)
    return [line.reply(offer.value, is_whole=offer.kind == PLAIN) for offer in _told(offers, words[-1])]


def _fish(arguments: Sequence[str]) -> list[str]:
    return [f"{offer.value}\t{offer.help}" for offer in _told(offered(arguments), arguments[-1])]


def _zsh(arguments: Sequence[str]) -> list[str]:
    return ["\t".join((offer.kind, offer.value, offer.help)) for offer in offered(arguments)]


def _silence() -> None:
    """Whatever goes wrong from here on is seen by nobody, and there is nothing to be read."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 2)
