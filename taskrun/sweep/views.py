"""What a task's command and environment get of a placeholder: paths as seen from its cwd, and what is known later.

Where that differs from what stands in the task's signature both are kept, and put together as a mark.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from taskrun.model import FileList, mark
from taskrun.sweep.cells import Column, List, RowMistake
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.formats import is_format
from taskrun.sweep.references import Fact, Files, Reference

_MOST_WORDS = 20_000_000  # in the commands of one step, by one placeholder


class View(Struct, frozen=True):
    """A placeholder in each task of a step: as `written` in the signature, and as it `runs`.

    Where it stands in the signature just as it is written in the file, `kept` is that.
    """

    written: Column
    runs: Column
    kept: str = ""

    def marked(self) -> Column:
        """Both in one, for texts that are not quoted."""
        if self.kept:
            return self.runs.map(lambda text: marked(self.kept, text))
        if self.written is self.runs:
            return self.runs
        if self.written.singles is not None and self.runs.singles is not None:
            return Column(list(map(marked, self.written.singles, self.runs.singles)))
        pairs = zip(self.written.lists, self.runs.lists, strict=True)
        return Column(None, [tuple(map(marked, *pair)) for pair in pairs])


def marked(written: str, runs: str) -> str:
    """What runs, with what is written where that differs. (A path with the mark's own characters goes unmarked.)"""
    return runs if written == runs or "\1" in written + runs else mark(written, runs)


class Viewer:
    """Makes the views of one step, and the lists of files that its tasks want written."""

    def __init__(self, expansion: Expansion, state: str) -> None:
        self._expansion = expansion
        self._state = state
        self._is_at_home = not any(expansion.cwds)
        self._known: dict[Reference, View] = {}
        self.lists: list[list[FileList]] = []

    def view(self, reference: Reference) -> View:
        """The view of one placeholder."""
        found = self._known.get(reference)
        if found is None:
            found = self._known[reference] = self._find(reference)
        return found

    def _find(self, reference: Reference) -> View:
        target = reference.target
        column = self._expansion.column(reference) if target != Fact("attempt") else None
        if column is None:
            attempt = Column([mark(reference.written, None)] * len(self._expansion))
            return View(attempt, attempt)
        if target == Fact("cores"):
            return View(column, column, reference.written)
        if isinstance(target, Files) and reference.form == "file":
            paths = self._list(reference, target, column)
            return View(paths, paths, reference.written)
        _check_length(reference, column)
        if self._is_at_home or not reference.is_path or (reference.form and is_format(reference.form)):
            return View(column, column)
        return View(column, self._seen(column))

    def _seen(self, column: Column) -> Column:
        """Paths as seen from each task's cwd."""
        cwds, seen_from = self._expansion.cwds, self._expansion.paths.seen_from
        if self._is_at_home:
            return column
        if column.singles is not None:
            return Column(list(map(seen_from, column.singles, cwds)))
        known: dict[tuple[int, str], List] = {}
        result = []
        for some, cwd in zip(column.lists, cwds, strict=True):
            key = id(some), cwd
            if key not in known:
                known[key] = tuple([seen_from(path, cwd) for path in some])
            result.append(known[key])
        return Column(None, result)

    def _list(self, reference: Reference, target: Files, column: Column) -> Column:
        """The paths of files that list the paths of `column`, as the task sees them."""
        files: list[FileList] = []
        known: dict[int, FileList] = {}
        lines = self._seen(Column(None, column.as_lists())).lists
        for row, some in enumerate(lines):
            found = known.get(id(some))
            if found is None:
                _check_lines(reference, row, some)
                found = known[id(some)] = _file_list(self._state, target, some)
            files.append(found)
        self.lists.append(files)
        return self._seen(Column([each.path for each in files]))


def _check_length(reference: Reference, column: Column) -> None:
    words = sum(map(len, column.lists))
    if words > _MOST_WORDS:
        what = f"{reference.written} puts {words:,} values into the commands of {len(column.lists):,} tasks"
        hint = "{" + reference.written[1:-1].partition(":")[0] + ":file}"
        raise RowMistake(None, what, f"{hint} is the path of a file that lists them")


def _check_lines(reference: Reference, row: int, paths: Sequence[str]) -> None:
    for path in paths:
        if "\n" in path:
            what = f"{reference.written} lists one path a line, and {path!r} holds a newline"
            raise RowMistake(row, what, "{" + reference.written[1:-1].partition(":")[0] + "} puts in each path quoted")


def _file_list(state: str, target: Files, lines: Sequence[str]) -> FileList:
    """Named after what it lists, so that equal lists are one file and a changed one is another."""
    from taskrun.digests import blake2b

    digest = blake2b("\n".join(lines).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    name = ".".join(word for word in (target.step, target.key, target.part) if word)
    return FileList(f"{state}/lists/{name}-{digest}", tuple(lines))


