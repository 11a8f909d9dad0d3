"""What tests of real studies share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from studies import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    for name in ("FORCE_COLOR", "NO_COLOR", "BASH_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.fspath(Path(__file__).parent.parent.parent))
    (tmp_path / "study").mkdir()
    study = Folder(tmp_path / "study")
    yield study
    study.close()
