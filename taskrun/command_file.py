"""A text with one command a line becomes a study: no placeholders, nothing expanded, each command run as it is.

Only bytes come in here: who read them from where is known elsewhere. A task's name hangs on its command alone, never
on where it stands or on what other commands there are.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

from taskrun.errors import Mistake, Place, SweepError
from taskrun.graph import Draft, Study
from taskrun.model import Shell, Step, Task

STEP = Step("line")
MOST_COMMANDS = 2_000_000
_DIGITS = 10  # of a hash: among 10,000 commands two have the same one in one of 20,000 files
_ALL_DIGITS = 32
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff")


def study_of(text: bytes, *, name: str, root: str, source: str, shown: str) -> Study:
    """The study of a text, which messages call `shown`; raises SweepError for what no command can be.

    Blank lines and those whose first character is a `#` are skipped; a carriage return at the end of a line and a byte
    order mark are no part of it. Bytes that are no UTF-8 come through as they are.
    """
    _check(text, shown)
    commands = list(_commands(text))
    if len(commands) > MOST_COMMANDS:
        what = f"{len(commands):,} commands are too many; at most {MOST_COMMANDS:,} are taken"
        raise SweepError([Mistake(Place(shown), what)])
    draft = Draft()
    for index, (task, command) in enumerate(zip(_names(commands), commands, strict=True)):
        draft.add(Task(index, task, STEP, Shell(os.fsdecode(command))))
    hints = () if commands else (f"{shown}: there are no commands here",)
    return Study(name=name, root=root, source=source, graph=draft.build(), hints=hints)


def short_hash(text: bytes, digits: int = _DIGITS) -> str:
    """What stands for a text in a name: so many hexadecimal digits."""
    return hashlib.blake2b(text, digest_size=digits // 2).hexdigest()


def _check(text: bytes, shown: str) -> None:
    if text.startswith(_OTHER_UNICODE):
        raise SweepError([Mistake(Place(shown), "this is UTF-16", "save it as UTF-8")])
    zero = text.find(b"\0")
    if zero >= 0:
        _refuse_zero(text, zero, shown)


def _refuse_zero(text: bytes, zero: int, shown: str) -> NoReturn:
    start = text.rfind(b"\n", 0, zero) + 1
    place = Place(shown, text.count(b"\n", 0, zero) + 1, zero - start + 1)
    raise SweepError([Mistake(place, "a NUL character can stand in no command", "is this a text file?")])


def _commands(text: bytes) -> Iterator[bytes]:
    for line in text.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
        stripped = line.lstrip()
        if stripped and not stripped.startswith(b"#"):
            yield line.removesuffix(b"\r")


def _names(commands: list[bytes]) -> Iterator[str]:
    """`line/HASH`, the second time `line/HASH-2`. Commands whose short hashes are alike all get long ones."""
    alike = _alike(commands)
    seen: Counter[bytes] = Counter()
    for command in commands:
        digest = short_hash(command)
        if digest in alike:
            digest = short_hash(command, _ALL_DIGITS)
        seen[command] += 1
        times = seen[command]
        yield f"line/{digest}" if times == 1 else f"line/{digest}-{times}"


def _alike(commands: Iterable[bytes]) -> set[str]:
    """The short hashes that different commands share."""
    return {digest for digest, times in Counter(map(short_hash, set(commands))).items() if times > 1}
