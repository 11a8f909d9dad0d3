"""What the commands themselves know: their names, options and choices, asked by way of click's completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

from taskrun.cli.completing.offers import DIRECTORY, FILE, PLAIN, Offer
from taskrun.cli.completing.typed import Typed

_ITS_OWN_PATHS = {"file": FILE, "dir": DIRECTORY}  # of click's own types


def asked(before: Sequence[str], text: str) -> Iterable[Offer]:
    """What can stand after the words `before` for a word that begins with `text`."""
    from taskrun.cli.app import COMMANDS, app

    if not text.startswith("-") and all(word.startswith("-") for word in before):
        return [Offer(name, PLAIN, line) for name, (_, line) in COMMANDS.items() if name.startswith(text)]
    items = ShellComplete(app, {}, "taskrun", "").get_completions(list(before), text)
    return [_offer(item) for item in items]


def as_items(offers: Iterable[Offer]) -> list[CompletionItem[str]]:
    """Offers as click takes them from the `shell_complete` of an option or argument."""
    return [CompletionItem(offer.value, type=offer.kind, help=offer.help) for offer in offers]


def typed_in(ctx: click.Context) -> Typed:
    """What click has read so far of a command's arguments."""
    given = ctx.params
    return Typed(
        words=given.get("words") or (),
        file=given.get("file"),
        state_dir=given.get("state_dir"),
        name=given.get("name"),
        sets=given.get("sets") or (),
    )


def _offer(item: CompletionItem[str]) -> Offer:
    if item.type in _ITS_OWN_PATHS:
        return Offer("", _ITS_OWN_PATHS[item.type])
    return Offer(item.value, item.type, " ".join((item.help or "").split()))
