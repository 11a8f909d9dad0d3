"""Records to lines of JSON and back; nothing else knows what a line looks like.

A name or a path may hold bytes that are no UTF-8 (as lone surrogates). msgspec refuses these, JSON does not: such a
line is written in ASCII with escapes, which any JSON reader gives back as they were.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from taskrun.model import AnyRecord

OLDEST = 1  # what was written then is read as it is, and written anew by the first run
FORMAT = 2  # a kind of record that an older version would have to know is a new format

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyRecord)
_SURROGATE = b"\\ud"


class Damaged(Exception):
    """A line that is no record of this format; `str` says what the reader found."""


def to_line(record: AnyRecord) -> bytes:
    """The record as one line, its newline included."""
    try:
        return _encoder.encode(record) + b"\n"
    except UnicodeEncodeError:
        return _escaped(record)


def to_lines(records: Iterable[AnyRecord]) -> bytes:
    """The records one after another."""
    try:
        return _encoder.encode_lines(list(records))
    except UnicodeEncodeError:
        return b"".join([to_line(record) for record in records])


def from_line(line: bytes) -> AnyRecord:
    """The record of a line without its newline; raises Damaged for anything else."""
    try:
        record: AnyRecord = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if _SURROGATE in line.lower():
            return _from_escaped(line)
        raise Damaged(str(error)) from None
    return record


def from_lines(lines: bytes) -> list[AnyRecord] | None:
    """The records of lines between which newlines stand, all at once; None where one needs a look of its own."""
    try:
        records: list[AnyRecord] = _decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return records if len(records) == lines.count(b"\n") + 1 else None


def _escaped(record: AnyRecord) -> bytes:
    import json  # only for names that are no UTF-8

    return json.dumps(msgspec.to_builtins(record), separators=(",", ":")).encode("ascii") + b"\n"


def _from_escaped(line: bytes) -> AnyRecord:
    import json

    try:
        record: AnyRecord = msgspec.convert(json.loads(line), AnyRecord)
    except (ValueError, RecursionError) as error:
        raise Damaged(str(error)) from None
    return record


class _Head(msgspec.Struct, tag_field="kind", tag="header"):
    format: int


_head_decoder = msgspec.json.Decoder(_Head)


def read_format(line: bytes) -> int | None:
    """The format that a header's line names, also one from the future; None where the line is no header."""
    try:
        number = _head_decoder.decode(line).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if _SURROGATE not in line.lower():
            return None
        return _format_of_escaped(line)
    return number if number >= OLDEST else None


def _format_of_escaped(line: bytes) -> int | None:
    """As `read_format`, where the source has a name that is no UTF-8."""
    import json

    try:
        number = msgspec.convert(json.loads(line), _Head).format
    except (ValueError, RecursionError):
        return None
    return number if number >= OLDEST else None
