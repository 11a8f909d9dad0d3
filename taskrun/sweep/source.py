"""YAML text becomes nodes with places, and nothing in it is taken for more than text.

What YAML can read but a sweep file must not hold (a tag, a second document, a key given twice, braces that became a
mapping) is found here; what the keys mean is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from taskrun.errors import Mistake, Place, SweepError
from taskrun.sweep.collecting import without_collector
from taskrun.sweep.content import read_text
from taskrun.sweep.nodes import MOST_SHOWN, Entry, Findings, Listing, Node, Scalar, Table

_DEEPEST = 50  # levels of nesting: far more than any key wants, far less than what breaks a recursion
_MERGE = "<<"


def read_source(path: str, shown: str, findings: Findings | None = None) -> Table:
    """The mapping that a sweep file is. `shown` is its name in messages.

    Raises SweepError for what YAML cannot read. Other mistakes are noted in `findings`; without it they are raised.
    """
    return parse_source(read_text(path, shown), shown, findings)


def parse_source(text: str, shown: str, findings: Findings | None = None) -> Table:
    """As `read_source`, of a text."""
    notes = Findings() if findings is None else findings
    with without_collector():
        root = _Builder(text, shown, notes).build()
    start = Place(shown, 1, 1)
    if root is None:
        raise SweepError([Mistake(start, "the file is empty", "a sweep file holds at least `steps:`")])
    if not isinstance(root, Table):
        notes.mistake(start, "the file is no mapping of keys such as `sweep:` and `steps:`", _meant(root), is_last=True)
        notes.check()
        raise SweepError(notes.mistakes)
    if findings is None:
        notes.check()
    return root


def _meant(root: Node) -> str:
    """The hint for a file that is one text or one list."""
    if isinstance(root, Scalar) and ":" in root.text:
        return "a space belongs after the colon of `key: value`"
    return "`- ` makes it a list" if isinstance(root, Listing) else ""


class _Mark(Protocol):
    """A place as YAML counts, from 0."""

    index: int
    line: int
    column: int


class _Event(Protocol):
    """What YAML tells; which of these it has depends on its kind."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None
    flow_style: bool | None


def _parser(text: str) -> Callable[[], _Event]:
    """What gives the next event: libyaml, or where PyYAML came without it, the same in Python."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    next_event: Callable[[], _Event] = loader(text).get_event
    return next_event


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8: an escape can name half of a surrogate pair."""
    return text.isascii() or text.encode("utf-8", "ignore").decode() == text


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


class _Frame(Struct):
    """A sequence or mapping that is still open; keys and values of a mapping alternate in `items`."""

    is_mapping: bool
    is_flow: bool
    start: int
    place: Place
    anchor: str | None
    items: list[Node]
    bare: set[int]  # positions in `items` of values that were not even announced by a colon: `{x}`


class _Builder:
    """One pass over YAML's events; anchors share their nodes, so that no alias multiplies anything."""

    def __init__(self, text: str, shown: str, findings: Findings) -> None:
        self._text = text
        self._shown = shown
        self._findings = findings
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Node | None] = {}  # None: not closed yet
        self._root: Node | None = None
        self._last: _Event | None = None  # the last scalar

    def build(self) -> Node | None:
        """The document's node; None for an empty file."""
        from yaml import YAMLError

        try:
            self._run()
        except YAMLError as error:
            raise SweepError([self._diagnosis(error)]) from error
        return self._root

    def _diagnosis(self, error: Exception) -> Mistake:
        from yaml import MarkedYAMLError

        from taskrun.sweep.diagnosis import Before, diagnose, diagnose_character

        if not isinstance(error, MarkedYAMLError):
            return diagnose_character(self._text, self._shown)
        last = self._last
        quoted = None
        if last is not None and last.style in ("'", '"'):
            quoted = last.start_mark.line, last.start_mark.column, last.end_mark.line
        opened = self._frames[-1].place if self._frames and self._frames[-1].is_flow else None
        before = Before(quoted, (opened.line - 1, opened.column - 1) if opened else None)
        return diagnose(error, self._text, self._shown, before)

    def _run(self) -> None:
        """Take the events until the document ends."""
        from yaml import events

        takers: dict[type, Callable[[_Event], None]] = {
            events.ScalarEvent: self._scalar,
            events.AliasEvent: self._alias,
            events.MappingStartEvent: lambda event: self._open(event, is_mapping=True),
            events.SequenceStartEvent: lambda event: self._open(event, is_mapping=False),
            events.MappingEndEvent: self._close,
            events.SequenceEndEvent: self._close,
        }
        next_event = _parser(self._text)
        while True:
            event = next_event()
            kind: type = type(event)
            if kind in takers:
                takers[kind](event)
            elif kind is events.DocumentStartEvent and self._root is not None:
                place = self._place(event)
                self._note(place, "a second document begins here", "a sweep file is one document")
                return
            elif kind is events.StreamEndEvent:
                return

    def _note(self, place: Place, what: str, hint: str = "", *, is_last: bool = False) -> None:
        """Note a mistake; after too many of them reading ends."""
        self._findings.mistake(place, what, hint, is_last=is_last)
        if len(self._findings.mistakes) > MOST_SHOWN:
            self._findings.check()

    def _place(self, event: _Event) -> Place:
        mark = event.start_mark
        return Place(self._shown, mark.line + 1, mark.column + 1)

    def _add(self, node: Node) -> None:
        if self._frames:
            self._frames[-1].items.append(node)
        else:
            self._root = node

    def _scalar(self, event: _Event) -> None:
        self._last = event
        text = event.value
        mark = event.start_mark
        node = Scalar(text, Place(self._shown, mark.line + 1, mark.column + 1), not event.style)
        if event.tag is not None:
            self._tag(event, node.place)
        if node.plain:
            if not text:
                self._note_bare(event)
            elif "'" in text or '"' in text:
                self._check_cut(event, node)
        elif "\0" in text or not _is_unicode(text):
            what = "a NUL or half a character can stand in no command and in no path"
            self._note(node.place, what, is_last=True)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node)

    def _tag(self, event: _Event, place: Place) -> None:
        tag = (event.tag or "").replace("tag:yaml.org,2002:", "!!")
        what = f"tags such as {tag!r} are not supported" if tag != "!" else "a value cannot start with '!'"
        self._note(place, what, "quote the value if the `!` belongs to it; values keep their text anyway")

    def _note_bare(self, event: _Event) -> None:
        """An empty value in braces without a colon before it: `{x}`."""
        frame = self._frames[-1] if self._frames else None
        if frame and frame.is_mapping and frame.is_flow and len(frame.items) % 2:
            at = event.start_mark.index - 1
            while self._text[at].isspace():
                at -= 1
            if self._text[at] != ":":
                frame.bare.add(len(frame.items))

    def _check_cut(self, event: _Event, node: Scalar) -> None:
        """A plain value that YAML ended at ` #` although a quote is open there."""
        end = event.end_mark.index
        if self._text[end : end + 1] not in (" ", "\t"):
            return
        from taskrun.sweep.diagnosis import cut_at_comment

        key = self._frames[-1].items[-1] if self._frames and self._frames[-1].items else None
        is_prose = isinstance(key, Scalar) and key.text == "desc"  # an apostrophe and then a comment
        cut = "" if is_prose else cut_at_comment(self._text, event.value, end)
        if cut:
            what = f"YAML takes everything from ` #` on for a comment, so that the quote {cut} stays open"
            self._note(node.place, what, "quote the whole value, or write it below `|`", is_last=True)

    def _open(self, event: _Event, *, is_mapping: bool) -> None:
        place = self._place(event)
        if len(self._frames) >= _DEEPEST:
            raise SweepError([Mistake(place, f"this is nested more than {_DEEPEST} levels deep")])
        if event.tag is not None:
            self._tag(event, place)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        is_flow = bool(event.flow_style)
        self._frames.append(_Frame(is_mapping, is_flow, event.start_mark.index, place, event.anchor, [], set()))

    def _close(self, event: _Event) -> None:
        frame = self._frames.pop()
        node: Node
        if frame.is_mapping:
            node = self._mapping(frame, event.end_mark.index)
        else:
            node = Listing(tuple(frame.items), frame.place)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = node
        self._add(node)

    def _alias(self, event: _Event) -> None:
        place = self._place(event)
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            if name in self._anchors:
                self._note(place, f"the anchor {name!r} stands inside itself", is_last=True)
            else:
                what = f"there is no anchor `&{name}` above that `*{name}` could stand for"
                self._note(place, what, "quote a value that starts with `*`", is_last=True)
            node = Scalar(f"*{name}", place)
        self._add(node)

    def _mapping(self, frame: _Frame, end: int) -> Node:
        """The mapping; or the text that it would have been, where braces made it one (noted as a mistake)."""
        if self._is_at_key():
            return Table({}, frame.place)  # whatever it holds, it is no key
        if frame.bare and 2 * len(frame.bare) == len(frame.items):
            return self._braced(self._text[frame.start : end], frame.place)
        note = self._note
        entries: dict[str, Entry] = {}
        merged: set[str] = set()
        for position in range(0, len(frame.items), 2):
            key, value = frame.items[position : position + 2]
            if not isinstance(key, Scalar):
                note(key.place, "a key must be a text", "quote a key that starts with `{` or `[`")
            elif position + 1 in frame.bare:
                note(key.place, f"{_short(key.text)} has no value", "quote a value that starts with `{`")
            elif key.text == _MERGE and key.plain:
                self._merge(Entry(key, value), entries, merged)
            elif key.text in merged or key.text not in entries:
                entries[key.text] = Entry(key, value)
                merged.discard(key.text)
            else:
                first = entries[key.text].key.place.line
                note(key.place, f"duplicate key {_short(key.text)}", f"the first one is in line {first}")
        return Table(entries, frame.place)

    def _is_at_key(self) -> bool:
        """Whether what comes next is the key of a mapping."""
        return bool(self._frames) and self._frames[-1].is_mapping and len(self._frames[-1].items) % 2 == 0

    def _braced(self, written: str, place: Place) -> Scalar:
        hint = f'quote it: "{written}"' if len(written) <= 60 and not set(written) & set('"\n\\') else "quote it"
        self._note(place, f"YAML takes {_short(written)} for a mapping", hint, is_last=True)
        return Scalar(written, place, plain=False)

    def _merge(self, merge: Entry, entries: dict[str, Entry], merged: set[str]) -> None:
        """Take over the entries of a merge key: the mapping's own win, and of several mappings the first."""
        if _MERGE in merged:
            self._note(merge.key.place, "duplicate key '<<'", "write `<<: [*a, *b]`")
        merged.add(_MERGE)
        value = merge.value
        for table in value.items if isinstance(value, Listing) else (value,):
            if not isinstance(table, Table):
                self._note(merge.key.place, "`<<` takes over mappings only", "write `<<: *name`")
                continue
            for name, entry in table.entries.items():
                if name not in entries:
                    entries[name] = entry
                    merged.add(name)
