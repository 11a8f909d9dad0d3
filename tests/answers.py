"""`taskrun` as a user types it, answered within this process: for what only looks, for dry runs and for mistakes."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from taskrun.cli import main


class Answer(NamedTuple):
    """What came of a command."""

    status: int
    out: str
    err: str


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """Run a command in the current directory."""
    with pytest.raises(SystemExit) as leaving:
        main(list(words))
    out, err = capsys.readouterr()
    assert isinstance(leaving.value.code, int)
    return Answer(leaving.value.code, out, err)
