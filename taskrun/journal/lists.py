"""Long lists of inputs stand in the journal once, and other records name them by a digest; that is done here.

Tasks share their tuples, so a list is known by its identity: 10,000 tasks over 10,000 files cost one look at each.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

import msgspec
from msgspec import structs

from taskrun.digests import blake2b
from taskrun.model import AnyRecord, ConfirmRecord, Figure, ListRecord, StartRecord

LONG = 64  # from so many items on a list stands on its own
_REMEMBERED = 4096
_LISTING = (StartRecord, ConfirmRecord)  # those that hold lists

_encoder = msgspec.json.Encoder()
Items = tuple[str, ...] | tuple[Figure, ...]


class Lists:
    """Which lists the file already holds, by digest."""

    def __init__(self) -> None:
        self._digests: dict[int, tuple[Items, str]] = {}  # by identity; holding the list keeps its id taken
        self._written: set[str] = set()

    @property
    def written(self) -> Set[str]:
        """The digests of the lists that the file holds."""
        return self._written

    def know(self, digest: str, items: Items) -> None:
        """The file holds this list."""
        self._digests[id(items)] = (items, digest)
        self._written.add(digest)

    def pack_all(self, records: Iterable[AnyRecord]) -> list[AnyRecord]:
        """Each of the records as it stands in the file."""
        packed: list[AnyRecord] = []
        for record in records:
            if record.__class__ in _LISTING:
                packed += self.pack(record)
            else:
                packed.append(record)
        return packed

    def pack(self, record: AnyRecord) -> list[AnyRecord]:
        """The record as it stands in the file, after the lists that it is the first to name."""
        if isinstance(record, StartRecord) and len(record.signature.inputs) >= LONG:
            return self._pack_start(record)
        if isinstance(record, ConfirmRecord) and record.inputs is not None and len(record.inputs) >= LONG:
            return self._pack_confirmation(record, record.inputs)
        return [record]

    def _pack_start(self, start: StartRecord) -> list[AnyRecord]:
        paths, figures = start.signature.inputs, start.inputs
        by_path, by_figure = self._digest(paths), self._digest(figures)
        records: list[AnyRecord] = []
        if self._is_new(by_path):
            records.append(ListRecord(digest=by_path, paths=paths))
        if self._is_new(by_figure):
            records.append(ListRecord(digest=by_figure, figures=figures))
        signature = structs.replace(start.signature, inputs=())
        records.append(structs.replace(start, signature=signature, inputs=(), paths=by_path, figures=by_figure))
        return records

    def _pack_confirmation(self, record: ConfirmRecord, figures: tuple[Figure, ...]) -> list[AnyRecord]:
        digest = self._digest(figures)
        bare = structs.replace(record, inputs=None, seen=digest)
        return [ListRecord(digest=digest, figures=figures), bare] if self._is_new(digest) else [bare]

    def _is_new(self, digest: str) -> bool:
        if digest in self._written:
            return False
        self._written.add(digest)
        return True

    def _digest(self, items: Items) -> str:
        known = self._digests.get(id(items))
        if known is not None:
            return known[1]
        try:
            text = _encoder.encode(items)
        except UnicodeEncodeError:
            text = repr(items).encode("ascii", "backslashreplace")
        digest = blake2b(text, digest_size=16).hexdigest()
        if len(self._digests) >= _REMEMBERED:
            self._digests.clear()
        self._digests[id(items)] = (items, digest)
        return digest
