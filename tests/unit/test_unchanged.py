"""What the digest of a sweep file hangs on: all that its tasks do; for its names alone no more than its text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskrun.sweep import unchanged
from taskrun.sweep.unchanged import digest_of, text_digest_of

SWEEP = "steps: {a: {run: 'true', inputs: ['${ONE}', '${TWO}', ~/x], outputs: [o, '${ONE}.o']}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONE", "1")
    monkeypatch.setenv("TWO", "2")
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def digest(name: str = "sweep", state: str = ".taskrun/sweep", path: str = "sweep.yaml") -> str:
    return digest_of(path, name=name, state=state, salt="00" * 8)


def test_it_is_the_same_as_long_as_all_is_the_same() -> None:
    assert digest() == digest(path="./sweep.yaml")
    assert text_digest_of("sweep.yaml") == text_digest_of("./sweep.yaml")


def test_it_hangs_on_the_study_s_name_and_place(here: Path) -> None:
    before, text = digest(), text_digest_of("sweep.yaml")
    assert digest(name="other") != before
    assert digest(state="elsewhere") != before
    (here / "sub").mkdir()
    (here / "sub/sweep.yaml").write_text(SWEEP)
    assert digest(path="sub/sweep.yaml") != before
    assert text_digest_of("sub/sweep.yaml") == text


@pytest.mark.parametrize(
    "changed",
    [{"ONE": "3"}, {"TWO": "3"}, {"HOME": "/home/you"}, {"ONE": "2", "TWO": "1"}, {"ONE": "12", "TWO": ""}],
)
def test_it_hangs_on_the_variables_that_the_file_names(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    before, text = digest(), text_digest_of("sweep.yaml")
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    assert digest() != before
    assert text_digest_of("sweep.yaml") == text


def test_a_variable_that_is_not_set_is_another_than_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWO", "")
    empty = digest()
    monkeypatch.delenv("TWO")
    assert digest() != empty


def test_the_values_of_variables_cannot_be_told_from_it() -> None:
    first, second = (digest_of("sweep.yaml", name="sweep", state="s") for _ in range(2))
    assert first != second  # each has a salt of its own


@pytest.mark.parametrize("part", ["", "model", "shell", "sweep"])
def test_it_hangs_on_the_program(here: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    for directory in ("", "model", "shell", "sweep"):
        (here / "package" / directory).mkdir(exist_ok=True)
        (here / "package" / directory / "module.py").write_text("1")
    monkeypatch.setattr(unchanged, "__file__", str(here / "package/sweep/unchanged.py"))
    seen = {(digest(), text_digest_of("sweep.yaml"))}
    module = here / "package" / part / "module.py"
    (module.parent / "notes.txt").write_text("these are no part of it")
    assert {(digest(), text_digest_of("sweep.yaml"))} == seen
    made = module.stat()
    module.write_text("12")
    os.utime(module, ns=(made.st_atime_ns, made.st_mtime_ns))
    seen.add((digest(), text_digest_of("sweep.yaml")))
    os.utime(module, ns=(made.st_atime_ns, made.st_mtime_ns + 1))
    seen.add((digest(), text_digest_of("sweep.yaml")))
    module.rename(module.parent / "other.py")
    seen.add((digest(), text_digest_of("sweep.yaml")))
    assert len({whole for whole, _ in seen}) == len({text for _, text in seen}) == 4


@pytest.mark.parametrize("text", ["cwd: data", "# cwd", r"\x24", r"\u0024", r"\U00000024"])
def test_where_more_counts_there_is_none_but_for_names(here: Path, text: str) -> None:
    (here / "sweep.yaml").write_text(f"{SWEEP}# {text}\n")
    assert digest() == ""
    assert text_digest_of("sweep.yaml")


def test_of_what_is_no_file_there_is_none(here: Path) -> None:
    os.mkfifo(here / "pipe.yaml")
    for path in ("none.yaml", "pipe.yaml", ".", "\0"):
        assert digest(path=path) == text_digest_of(path) == ""
