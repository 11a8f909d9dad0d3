"""How commands that change a study speak: so many of something, and a few of many sentences."""

from __future__ import annotations

from collections.abc import Sequence

import click

from taskrun.printer.width import printable

_MOST_SENTENCES = 10


def counted(count: int, noun: str) -> str:
    """`1 task`, `12 tasks`."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def say_some(sentences: Sequence[str], *, more: str = "more") -> None:
    """Say the first of these on standard error, and how many `more` there are."""
    for sentence in sentences[:_MOST_SENTENCES]:
        click.echo(f"taskrun: {printable(sentence)}", err=True)
    if len(sentences) > _MOST_SENTENCES:
        click.echo(f"taskrun: and {len(sentences) - _MOST_SENTENCES:,} {more}", err=True)
