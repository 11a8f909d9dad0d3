"""A file's text, or the sentence why it has none.

Whatever the sweep names (the sweep file itself, a CSV file) is read here, so that a directory, a binary file or a
missing one gets the same words everywhere.
"""

from __future__ import annotations

import os
import stat

from taskrun.errors import Mistake, Place, SweepError, did_you_mean

_HANDED_OVER = ("/dev/fd/", "/dev/stdin", "/proc/")
_OTHER_UNICODE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_text(path: str, shown: str) -> str:
    """The file's text, without a byte order mark. `shown` names it in messages; SweepError where there is no text."""
    return _decoded(read_bytes(path, shown), shown)


def read_bytes(path: str, shown: str) -> bytes:
    """All that is in the file, whatever it is; SweepError where that cannot be had."""
    try:
        if may_never_end(path):
            raise _refused(shown, "this is no regular file")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        if os.path.islink(path):
            raise _refused(shown, f"this is a link to {os.readlink(path)!r}, which is not there") from None
        raise _refused(shown, "there is no such file", _neighbour(path)) from None
    except IsADirectoryError:
        raise _refused(shown, "this is a directory, not a file", _inside(path, shown)) from None
    except OSError as error:
        raise _refused(shown, f"cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise _refused(repr(shown), "there is no such file") from None


def may_never_end(path: str) -> bool:
    """Whether it is a FIFO or a device; what a shell hands over (`<(...)`, /dev/stdin) is not meant."""
    mode = os.stat(path).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or path.startswith(_HANDED_OVER))


def _refused(shown: str, what: str, hint: str = "") -> SweepError:
    return SweepError([Mistake(Place(shown), what, hint)])


def _neighbour(path: str) -> str:
    """The hint for a missing file: the one beside it that was most likely meant, or the directory that is missing."""
    directory = os.path.dirname(path) or "."
    try:
        names = [entry.name for entry in os.scandir(directory) if not entry.is_dir()]
    except OSError:
        return "" if os.path.isdir(directory) else f"there is no directory {directory!r} either"
    return did_you_mean(os.path.basename(path), names)


def _inside(path: str, shown: str) -> str:
    """The hint for a directory: the sweep file in it, where there is one."""
    found = sorted(os.listdir(path)) if os.access(path, 5) else []
    sweeps = (name for name in found if name.endswith((".yaml", ".yml")) and os.path.isfile(os.path.join(path, name)))
    return next((f"did you mean {os.path.join(shown, name)!r}?" for name in sweeps), "")


def _decoded(content: bytes, shown: str) -> str:
    other = _OTHER_UNICODE.get(content[:2])
    if other:
        raise _refused(shown, f"this file is {other}", "save it as UTF-8")
    zero = content.find(b"\0")
    if zero >= 0:
        raise SweepError([Mistake(_place(content, zero, shown), "this is a binary file, not text")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"this file is not UTF-8 (byte 0x{content[error.start]:02x})"
        raise SweepError([Mistake(_place(content, error.start, shown), what, "save it as UTF-8")]) from None


def _place(content: bytes, offset: int, shown: str) -> Place:
    """Line and column of a byte; everything before it is UTF-8, or nearly."""
    before = content[:offset]
    start = before.rfind(b"\n") + 1
    return Place(shown, before.count(b"\n") + 1, len(before[start:].decode("utf-8", "replace")) + 1)
