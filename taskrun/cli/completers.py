"""What an option or argument of a command can be completed to, for click's `shell_complete`; loaded when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


def complete_selection(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """FILE and SELECT."""
    from taskrun.cli.completing.commands import as_items, typed_in
    from taskrun.cli.completing.studies import selecting

    return as_items(selecting(typed_in(ctx), text))


def complete_assignment(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """NAME=VALUES of `each`."""
    from taskrun.cli.completing.commands import as_items
    from taskrun.cli.completing.each import assigning

    return as_items(assigning(ctx.params.get("words") or (), text))


def complete_set(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """NAME=VALUES."""
    from taskrun.cli.completing.commands import as_items, typed_in
    from taskrun.cli.completing.studies import replacing

    return as_items(replacing(typed_in(ctx), text))


def complete_on_failure(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """What to do after a failure."""
    from taskrun.cli.completing.commands import as_items
    from taskrun.cli.completing.offers import Offer
    from taskrun.policy import OnFailure

    return as_items([Offer(each.value) for each in OnFailure if each.value.startswith(text)])


def complete_study(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """The name of a study."""
    from taskrun.cli.completing.commands import as_items, typed_in
    from taskrun.cli.completing.studies import studies

    return as_items(studies(typed_in(ctx), text))


def complete_file(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """Any file."""
    from taskrun.cli.completing.commands import as_items
    from taskrun.cli.completing.offers import FILE, Offer

    return as_items([Offer("", FILE)])


def complete_directory(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem[str]]:
    """Any directory."""
    from taskrun.cli.completing.commands import as_items
    from taskrun.cli.completing.offers import DIRECTORY, Offer

    return as_items([Offer("", DIRECTORY)])
