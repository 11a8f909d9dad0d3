"""What the standard streams do with characters that they cannot encode: no command dies of one."""

from __future__ import annotations

import sys
from typing import TextIO

BYTES_OR_ESCAPES = "taskrun.bytes_or_escapes"
_ERROR_OUTPUT = "backslashreplace"


def set_up() -> None:
    """Commands and paths may hold any bytes, and whatever is said may hold characters that the locale lacks."""
    import codecs

    codecs.register_error(BYTES_OR_ESCAPES, _bytes_or_escapes)
    for stream, errors in ((sys.stdout, BYTES_OR_ESCAPES), (sys.stderr, _ERROR_OUTPUT)):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=errors)


def write_as_names(stream: TextIO) -> None:
    """Have all text encoded as a program is given it (`os.fsencode`), whatever the stream was opened for."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding=sys.getfilesystemencoding(), errors=BYTES_OR_ESCAPES)


def _bytes_or_escapes(error: UnicodeError) -> tuple[bytes, int]:
    """What stands for a byte becomes that byte, as with "surrogateescape"; anything else an escape."""
    assert isinstance(error, UnicodeEncodeError)
    return b"".join(map(_encoded, error.object[error.start : error.end])), error.end


def _encoded(char: str) -> bytes:
    return char.encode("ascii", "surrogateescape" if "\udc80" <= char <= "\udcff" else _ERROR_OUTPUT)
