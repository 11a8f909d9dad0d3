"""What each task of a step executes, and in which environment: its action and its declared variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from taskrun.model import NO_ENV, STRICT_BASH, Action, Argv, Shell
from taskrun.shell import QuoteError, Quoter, Raw, plan_quoting, wrapped
from taskrun.sweep.cells import Column, List, RowMistake, at, filled
from taskrun.sweep.checks import split_words
from taskrun.sweep.expansion import Expansion
from taskrun.sweep.references import Files, Reference, Value
from taskrun.sweep.surroundings import expand_pieces
from taskrun.sweep.templates import Template
from taskrun.sweep.texts import Text
from taskrun.sweep.views import Viewer, marked


def actions(expansion: Expansion, viewer: Viewer) -> list[Action]:
    """The action of each task, with what stands before it."""
    found = _plain_actions(expansion, viewer)
    items = expansion.plan.items("wrap")
    if not items:
        return found
    texts = [item.text for item in items]
    words = texts if "wrap" in expansion.plan.listings else _split_text(texts[0])
    wraps = _with_program(_argvs(words, expansion, viewer), texts[0])
    shared: dict[List, List] = {}
    return [_sharing(wrapped(action, wrap), shared) for action, wrap in zip(found, wraps, strict=True)]


def _sharing(action: Action, shared: dict[List, List]) -> Action:
    """The same, with words that are one tuple wherever they are equal."""
    if isinstance(action, Argv):
        return action
    return Shell(action.text, shared.setdefault(action.words, action.words))


def _split_text(text: Text) -> list[Text]:
    """The words of a text: what a placeholder brings never becomes more than the text has."""
    template = text.template
    with at(text.place):
        words = _split("\0".join(template.pieces), None, f"`{text.key}`")
        if not words:
            raise RowMistake(None, f"`{text.key}` is empty")
    found, used = [], 0
    for word in words:
        pieces = tuple(word.split("\0"))
        end = used + len(pieces) - 1
        part = Template(word, pieces, template.slots[used:end])
        found.append(Text(text.key, text.place, part, text.references[used:end], text.is_own))
        used = end
    return found


def _plain_actions(expansion: Expansion, viewer: Viewer) -> list[Action]:
    items = expansion.plan.items("run")
    if "run" in expansion.plan.listings:
        found = _argvs([item.text for item in items], expansion, viewer)
        return [Argv(words) for words in _with_program(found, items[0].text)]
    text = items[0].text
    shells = _shells(expansion)
    with at(text.place):
        if len(set(shells)) == 1:
            return [Shell(line, shells[0]) for line in _lines(text, expansion, viewer, shells[0])]
        lines = {words: _lines(text, expansion, viewer, words) for words in set(shells)}
        return [Shell(lines[words][row], words) for row, words in enumerate(shells)]


def _shells(expansion: Expansion) -> list[tuple[str, ...]]:
    """The words before the command."""
    items = expansion.plan.items("shell")
    if not items:
        return [STRICT_BASH] * len(expansion)
    columns = [expansion.fill(item.text) for item in items]
    if "shell" in expansion.plan.listings:
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        found = [shared.setdefault(words, words) for words in zip(*columns, strict=True)]
        return _with_program(found, items[0].text)
    known: dict[str, tuple[str, ...]] = {}
    with at(items[0].text.place):
        for row, text in enumerate(columns[0]):
            if text not in known:
                known[text] = _split(text, row, "`shell`")
    return _with_program([known[text] for text in columns[0]], items[0].text)


def _with_program(rows: list[List], text: Text) -> list[List]:
    """The same, where each row begins with the name of a program."""
    with at(text.place):
        for row, words in enumerate(rows):
            if not words or not words[0]:
                raise RowMistake(row, f"`{text.key}` names no program: its first word is empty")
    return rows


def _split(text: str, row: int | None, what: str) -> tuple[str, ...]:
    try:
        return split_words(text)
    except ValueError as error:
        raise RowMistake(row, f"{what}: {error}") from None


# --- a line for a shell


def _lines(text: Text, expansion: Expansion, viewer: Viewer, words: tuple[str, ...]) -> list[str]:
    """The command of each task for the shell `words`, every value quoted for where it stands."""
    if not text.references:
        return [text.template.pieces[0]] * len(expansion)
    quoter = plan_quoting(text.template.pieces, words)
    views = [viewer.view(reference) for reference in text.references]
    forms = [reference.form for reference in text.references]
    runs = [_values(view.runs, form) for view, form in zip(views, forms, strict=True)]
    if all(view.written is view.runs and not view.kept for view in views) and quoter.takes_as_they_are(runs):
        return filled(text.template.pieces, runs, len(expansion))
    quoted = _quoted(quoter, runs, text)
    if all(view.written is view.runs and not view.kept for view in views):
        return list(map(quoter.join, quoted))
    written = [_values(view.written, form) for view, form in zip(views, forms, strict=True)]
    signed = _quoted(quoter, written, text)
    kept = [view.kept for view in views]
    return [quoter.join(list(map(_both, kept, *pair))) for pair in zip(signed, quoted, strict=True)]


def _both(kept: str, written: str, runs: str) -> str:
    return marked(kept or written, runs)


def _values(column: Column, form: str | None) -> Sequence[str | List]:
    """What goes to the quoter: lists as lists, what is to go in as it is as Raw."""
    if form != "raw":
        return column.lists if column.singles is None else column.singles
    return list(map(Raw, column.singles if column.singles is not None else map(" ".join, column.lists)))


def _quoted(quoter: Quoter, columns: Sequence[Sequence[str | List]], text: Text) -> Iterator[list[str]]:
    """What goes in for the placeholders, row by row."""
    for row, values in enumerate(zip(*columns, strict=True)):
        try:
            yield quoter.quote(values)
        except QuoteError as error:
            raise _unquotable(error, row, text.references[error.slot]) from None


def _unquotable(error: QuoteError, row: int, reference: Reference) -> RowMistake:
    name = reference.written.strip("{}").partition(":")[0]
    is_value = isinstance(reference.target, Value) and not reference.attributes
    hint = error.hint_for(name, f"TASKRUN_PARAM_{name.upper()}" if is_value else None)
    return RowMistake(row, f"{reference.written}: {error.what}", hint)


# --- words without a shell


def _argvs(texts: Sequence[Text], expansion: Expansion, viewer: Viewer) -> list[List]:
    columns: list[Sequence[List]] = []
    for text in texts:
        with at(text.place):
            only = text.only
            if only is not None and isinstance(only.target, Files):
                columns.append(viewer.view(only).marked().as_lists())
            else:
                columns.append(list(zip(_unquoted(text, text.template.pieces, viewer, len(expansion)), strict=True)))
    return [tuple(word for part in row for word in part) for row in zip(*columns, strict=True)]


def _unquoted(text: Text, pieces: Sequence[str], viewer: Viewer, rows: int, *, glue: bool = False) -> list[str]:
    """One text a task; a list is joined by spaces where `glue` says so, else a mistake."""
    columns: list[Sequence[str]] = []
    for reference in text.references:
        column = viewer.view(reference).marked()
        if column.singles is not None:
            columns.append(column.singles)
        elif glue:
            columns.append([" ".join(some) for some in column.lists])
        else:
            row, some = next((row, some) for row, some in enumerate(column.lists) if len(some) != 1)
            what = f"{reference.written} has {len(some)} values here, where one is wanted"
            raise RowMistake(row, what, "as a word of its own it becomes one word for each")
    return filled(pieces, columns, rows)


# --- the environment


def environments(expansion: Expansion, viewer: Viewer) -> list[Mapping[str, str]]:
    """The declared variables of each task, equal ones one mapping."""
    texts = expansion.plan.env
    if not texts:
        return [NO_ENV] * len(expansion)
    columns = []
    for text in texts.values():
        with at(text.place):
            columns.append(_unquoted(text, expand_pieces(text.template.pieces), viewer, len(expansion), glue=True))
    shared: dict[List, Mapping[str, str]] = {}
    result = []
    for values in zip(*columns, strict=True):
        found = shared.get(values)
        if found is None:
            found = shared[values] = dict(zip(texts, values, strict=True))
        result.append(found)
    return result
