"""The checksum that a mark holds over all bytes before it: a damaged byte inside a text shows nowhere else.

It is carried along as bytes are written, so that no mark costs more than its own line.
"""

from __future__ import annotations

import os
from zlib import crc32

from msgspec import Struct

_BLOCK = 1 << 20


class Tail(Struct, frozen=True):
    """Where the next record goes: at byte `size`, behind bytes whose CRC-32 is `crc`."""

    size: int = 0
    crc: int = 0

    def after(self, lines: bytes) -> Tail:
        """The tail when these have been written."""
        return Tail(self.size + len(lines), crc32(lines, self.crc))


def tail_at(descriptor: int, size: int, begin: Tail) -> Tail:
    """The tail of the first `size` bytes of a file, as far as there are so many; those before `begin` are known."""
    tail = begin
    while tail.size < size and (block := os.pread(descriptor, min(_BLOCK, size - tail.size), tail.size)):
        tail = tail.after(block)
    return tail
