"""A seal holds as long as nothing that it speaks of has changed, and no longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from taskrun.journal import Records, read_journal
from taskrun.manager.accepting import mark_done
from taskrun.manager.changing import Change
from taskrun.manager.sealing import Sealed, sealed_now
from taskrun.seal import read_seal, sealed, write_seal
from taskrun.sweep.loading import load

SWEEP = """
sweep:
  size: {csv: sizes.csv}
  data: {glob: "data/*"}
steps:
  cut: {run: "cut {data} -{n} > {outputs}", inputs: ["{data}", "${THERE}/x"], outputs: "out/{data.name}-{n}"}
  all: {run: "cat {cut.outputs} > {outputs}", outputs: all}
"""
SWEEP = SWEEP.replace("  size: {csv: sizes.csv}\n", "  csv: sizes.csv\n")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything of it is there and on record, and it is sealed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THERE", "there")
    for name in ("data/a", "data/b", "there/x", "elsewhere/x", "all", *(f"out/{d}-{n}" for d in "ab" for n in "12")):
        write(tmp_path / name, "some text\n")
    write(tmp_path / "sizes.csv", "n\n1\n2\n")
    write(tmp_path / "sweep.yaml", SWEEP)
    accept(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def accept(root: Path) -> None:
    found = load("sweep.yaml")
    state = str(root / ".taskrun/sweep")
    with Change(found, state, command="mark-done") as change:
        assert not mark_done(change, range(len(found.graph))).refused
        records = change.records
    seal = sealed(found, records)
    assert seal is not None
    write_seal(state, seal)


def now(root: Path) -> Sealed | None:
    state = str(root / ".taskrun/sweep")
    return sealed_now("sweep.yaml", root=str(root), name="sweep", state=state, seen=".taskrun/sweep")


def is_whole(root: Path) -> bool:
    found = now(root)
    return found is not None and found.seal.holds(str(root))


def test_what_is_done_is_whole_until_something_changes(study: Path) -> None:
    assert is_whole(study)
    found = now(study)
    assert found is not None
    assert found.seal.names == [f"cut/n={n}/data=data%2F{d}" for n in "12" for d in "ab"] + ["all"]
    assert all(found.seal.holds_for(index, str(study)) for index in range(5))


def change_text(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: write(root / name, text)


def pipe(root: Path) -> None:
    (root / ".taskrun/sweep/seal").unlink()
    os.mkfifo(root / ".taskrun/sweep/seal")


CHANGES: dict[str, Callable[[Path], None]] = {
    "an input": change_text("data/a", "another text\n"),
    "an input by its variable": change_text("there/x", "another text\n"),
    "an output": change_text("out/a-1", "another text\n"),
    "the last output": change_text("all", "another text\n"),
    "a new file that the glob finds": change_text("data/c", "some text\n"),
    "a row of the table": change_text("sizes.csv", "n\n1\n2\n3\n"),
    "the command": change_text("sweep.yaml", SWEEP.replace("cat", "tac")),
    "a comment": change_text("sweep.yaml", SWEEP + "# so\n"),
    "an input that is gone": lambda root: (root / "data/a").unlink(),
    "an output that is gone": lambda root: (root / "out/b-2").unlink(),
    "a table that is gone": lambda root: (root / "sizes.csv").unlink(),
    "an output that is older": lambda root: os.utime(root / "all", (1, 1)),
    "the journal": lambda root: os.utime(root / ".taskrun/sweep/journal.jsonl"),
    "the journal that is gone": lambda root: (root / ".taskrun/sweep/journal.jsonl").unlink(),
    "the variable": lambda root: os.environ.__setitem__("THERE", "elsewhere"),
    "the seal": lambda root: os.truncate(root / ".taskrun/sweep/seal", 200),
    "a pipe in place of the seal": pipe,
    "no seal": lambda root: (root / ".taskrun/sweep/seal").unlink(),
    "a seal of nothing": lambda root: (root / ".taskrun/sweep/seal").write_bytes(b"") and None,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_a_change_it_is_not_whole(study: Path, change: Callable[[Path], None]) -> None:
    change(study)
    assert not is_whole(study)


def test_a_task_is_spared_where_only_what_it_does_not_need_has_changed(study: Path) -> None:
    write(study / "data/a", "another text\n")
    found = now(study)
    assert found is not None
    spared = [name for index, name in enumerate(found.seal.names) if found.seal.holds_for(index, str(study))]
    assert spared == ["cut/n=1/data=data%2Fb", "cut/n=2/data=data%2Fb"]


@pytest.mark.parametrize(
    "more",
    ["always: yes", "check: mtime", "temp: yes", "cwd: there", "after: all"],
)
def test_what_files_alone_do_not_tell_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    write(tmp_path / "a", "a")
    write(tmp_path / "all", "a")
    text = f"steps:\n  one: {{run: make, outputs: a, {more}}}\n  all: {{run: make, outputs: all}}\n"
    write(tmp_path / "sweep.yaml", text)
    found = load("sweep.yaml")
    write(tmp_path / "there/a", "a")
    with Change(found, str(tmp_path / "state"), command="mark-done") as change:
        mark_done(change, [1])
        mark_done(change, [0])
        if more == "after: all":
            mark_done(change, [1])  # ran since
        seal = sealed(found, change.records)
    assert seal is None


def test_what_failed_or_never_ran_is_not_sealed(study: Path) -> None:
    assert sealed(load("sweep.yaml"), Records()) is None
    records = read_journal(str(study / ".taskrun/sweep"))
    assert records is not None
    assert sealed(load("sweep.yaml"), records) is not None


def test_what_a_run_has_begun_itself_needs_no_second_look_at_its_words(study: Path) -> None:
    records = read_journal(str(study / ".taskrun/sweep"))
    assert records is not None
    (run,) = records.runs
    found = load("sweep.yaml")
    assert sealed(found, records, run=run) == sealed(found, records)
    for old, new in (("cut {data}", "cut -f {data}"), ("outputs: all}", "outputs: all, stdout: text}")):
        write(study / "sweep.yaml", SWEEP.replace(old, new))
        assert sealed(load("sweep.yaml"), records, run="another run") is None


def test_what_was_done_before_the_study_was_changed_is_not_sealed_with_what_is_done_now(study: Path) -> None:
    for old, new in (("cut {data}", "cut -f {data}"), ("outputs: all}", "outputs: all, stdout: text}")):
        write(study / "sweep.yaml", SWEEP.replace(old, new))
        found = load("sweep.yaml")
        with Change(found, str(study / ".taskrun/sweep"), command="mark-done") as change:
            mark_done(change, [0])
        with Change(found, str(study / ".taskrun/sweep"), command="mark-done") as change:
            assert sealed(found, change.records) is None


def test_nothing_is_sealed_that_may_have_gone_down_with_the_machine(study: Path) -> None:
    records = read_journal(str(study / ".taskrun/sweep"))
    assert records is not None
    last = records.last_run
    assert last is None
    (name, run), *_ = records.runs.items()
    records.runs[name] = structs.replace(run, boot="another")
    assert sealed(load("sweep.yaml"), records) is not None
    del records.run_ends[name]
    assert sealed(load("sweep.yaml"), records) is None


def test_a_study_that_was_moved_is_read_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = study.with_name(f"{study.name}-moved")
    study.rename(moved)
    monkeypatch.chdir(moved)
    assert not is_whole(moved)


BREAKS = ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"]  # which YAML knows
SPLIT = ["$|{THERE}/x", "${|THERE}/x", "${THE|RE}/x", "${THERE|}/x"]


@pytest.mark.parametrize(
    "hidden", [r"\x24{THERE}/x", *(text.replace("|", f"\\{end}  ") for text in SPLIT for end in BREAKS)]
)
def test_a_variable_that_is_hidden_by_an_escape_leaves_no_seal(study: Path, hidden: str) -> None:
    (study / "sweep.yaml").write_text(SWEEP.replace("${THERE}/x", hidden), newline="")
    found = load("sweep.yaml")
    assert "there/x" in found.graph.tasks[0].inputs
    assert found.provenance is None


def test_a_journal_that_only_grows_is_read_again_once_it_has_doubled(study: Path) -> None:
    found = now(study)
    assert found is not None
    state = study / ".taskrun/sweep"
    before = (state / "journal.jsonl").stat().st_size
    runs = 0
    while (found := now(study)) is not None and (run := found.take(None)) is not None:
        for _ in run.stream():
            pass
        run.close()
        runs += 1
    assert runs > 20
    assert 0 < (state / "journal.jsonl").stat().st_size - 2 * before - (1 << 16) < 1000


def test_a_time_that_is_too_far_away_leaves_no_seal(study: Path) -> None:
    seal = read_seal(str(study / ".taskrun/sweep"))
    assert seal is not None
    seal.figures[0] = 1, 253_370_764_800_000_000_000
    write_seal(str(study / ".taskrun/sweep"), seal)
    assert not (study / ".taskrun/sweep/seal").exists()


def test_names_that_are_no_text_leave_no_seal(study: Path) -> None:
    write(study / "data/a", "some text\n")
    seal = read_seal(str(study / ".taskrun/sweep"))
    assert seal is not None
    seal.names[0] = "\udcff"
    write_seal(str(study / ".taskrun/sweep"), seal)
    assert not (study / ".taskrun/sweep/seal").exists()
