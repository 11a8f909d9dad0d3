"""A text with one command a line becomes a study: no placeholders, nothing expanded, each command run as it is.

Only bytes come in here: who read them from where is known elsewhere. A task's name hangs on its command alone, never
on where it stands or on what other commands there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import NoReturn

from taskrun.digests import blake2b
from taskrun.errors import Mistake, Place, SweepError
from taskrun.graph import Draft, Study
from taskrun.model import Shell, Step, Task

STEP = Step("line", is_template=False)
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
    commands = list(map(os.fsdecode, _commands(text)))
    if len(commands) > MOST_COMMANDS:
        what = f"{len(commands):,} commands are too many; at most {MOST_COMMANDS:,} are taken"
        raise SweepError([Mistake(Place(shown), what)])
    draft = Draft()
    for index, (task, command) in enumerate(zip(_names(commands), commands, strict=True)):
        draft.add(Task(index, task, STEP, Shell(command)))
    hints = () if commands else (f"{shown}: there are no commands here",)
    return Study(name=name, root=root, source=source, graph=draft.build(), hints=hints)


def short_hash(text: bytes, digits: int = _DIGITS) -> str:
    """What stands for a text in a name: so many hexadecimal digits."""
    return blake2b(text, digest_size=digits // 2).hexdigest()


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
    lines = BytesIO(text)
    if text.startswith(_BYTE_ORDER_MARK):
        lines.seek(len(_BYTE_ORDER_MARK))
    for line in lines:
        stripped = line.lstrip()
        if stripped and not stripped.startswith(b"#"):
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def _names(commands: Sequence[str]) -> Iterable[str]:
    """`line/HASH`, the second time `line/HASH-2`. Different commands whose short hashes are alike get long ones."""
    names = [f"line/{short_hash(os.fsencode(command))}" for command in commands]
    if len(set(names)) == len(names):  # a million different ones are done
        return names
    owner: dict[str, str] = {}
    pairs = zip(names, commands, strict=True)
    alike = {name for name, command in pairs if owner.setdefault(name, command) != command}
    for index, name in enumerate(names) if alike else ():
        if name in alike:
            names[index] = f"line/{short_hash(os.fsencode(commands[index]), _ALL_DIGITS)}"
    return _numbered(names)


def _numbered(names: Iterable[str]) -> Iterator[str]:
    """Each name, from its second time on with a number behind it."""
    times: dict[str, int] = {}
    for name in names:
        count = times[name] = times.get(name, 0) + 1
        yield name if count == 1 else f"{name}-{count}"
