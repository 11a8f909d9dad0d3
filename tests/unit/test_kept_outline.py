"""An outline that is kept tells what the file tells, as long as nothing has changed, and no longer."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sweeps import as_written, clauses, members

from taskrun.digests import blake2b
from taskrun.errors import SweepError
from taskrun.manager.changing import Change
from taskrun.sweep import kept_outline as kept_outline_module
from taskrun.sweep import unchanged, witness
from taskrun.sweep.kept_outline import OUTLINE, keep_outline, kept_outline
from taskrun.sweep.loading import load
from taskrun.sweep.outline import Outline
from taskrun.sweep.outlining import read_outline

SWEEP = """
sweep:
  csv: sizes.csv
  data: {glob: "data/*"}
  of: [ä b, "100%", "x,y"]
let: {seed: "{n}1"}
steps:
  cut: {run: "cut {data} {n} {seed}", inputs: "${THERE}/x", desc: "cuts\\nall"}
  mix: {run: "mix {of} {data}"}
  all: {run: "cat {n}"}
  one: echo
"""


def kept(root: Path) -> Outline | None:
    return kept_outline(str(root / "sweep.yaml"), str(root))


def keep(root: Path) -> None:
    """As a run does, but the state is in the study's own directory here."""
    keep_outline(load(str(root / "sweep.yaml")), str(root))


def told(outline: Outline) -> dict[str, object]:
    """All that it has to say."""
    begun = [f"{step}/" for step in outline.steps]
    found: dict[str, object] = {}
    while begun:
        text = begun.pop()
        found[text] = outline.task_names(text)
        begun += [name for name, is_whole in outline.task_names(text) if not is_whole]
    return {
        "steps": list(outline.steps.items()),
        "names": (outline.names, outline.lets, outline.replaceable),
        "values": {name: list(outline.values(name)) for name in (*outline.names, "none")},
        "tasks": found,
    }


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THERE", "there")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").touch()
    (tmp_path / "sizes.csv").write_text("n,why\n1,so\n2,so\n")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    keep(tmp_path)
    return tmp_path


def test_what_is_kept_is_told_as_the_file_tells_it(study: Path) -> None:
    found = kept(study)
    assert found is not None
    assert told(found) == told(read_outline("sweep.yaml", sets={}))
    assert found.values("data") == ["data/a"]
    assert found.task_names("mix/data=data%2Fa/of=x") == [("mix/data=data%2Fa/of=x%2Cy", True)]
    assert found.task_names("mix/data=data%2Fa/of=%C3") == [("mix/data=data%2Fa/of=%C3%A4%20b", True)]


@settings(max_examples=150, deadline=None)
@given(st.lists(members(), min_size=1, max_size=2), st.lists(clauses, max_size=3), st.data())
def test_that_is_so_of_any_sweep(
    sweep: list[dict[str, list[list[str]]]], exclude: list[dict[str, list[str]]], data: st.DataObject
) -> None:
    names = list(dict.fromkeys(name for member in sweep for key in member for name in key.split(", ")))
    some = data.draw(st.lists(st.sets(st.sampled_from(names)), max_size=3))
    steps = {f"s{i}": "echo " + " ".join(f"{{{name}}}" for name in sorted(own)) for i, own in enumerate(some)}
    each = {f"each_{name}": f"echo {{{name}}}" for name in names}  # a name that nobody uses would be a mistake
    exclude = [clause for clause in exclude if clause.keys() <= set(names)]
    excluding = {"exclude": exclude} if exclude else {}
    text = {"sweep": list(map(as_written, sweep)), "steps": {**steps, **each}, **excluding}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "sweep.yaml").write_text(json.dumps(text))
        try:
            keep(root)
        except SweepError:
            assume(False)
        found = kept(root)
        assert found is not None
        assert told(found) == told(read_outline(str(root / "sweep.yaml"), sets={}))


def signed(packed: bytes) -> bytes:
    """What another version of taskrun may have left."""
    return blake2b(packed, digest_size=16).hexdigest().encode() + b"\n" + packed


CHANGES: dict[str, Callable[[Path], object]] = {
    "a value": lambda root: (root / "sweep.yaml").write_text(SWEEP.replace("x,y", "x,z")),
    "a comment": lambda root: (root / "sweep.yaml").write_text(SWEEP + "# so\n"),
    "a mistake": lambda root: (root / "sweep.yaml").write_text("steps: {"),
    "no file": lambda root: (root / "sweep.yaml").unlink(),
    "a row of the table": lambda root: (root / "sizes.csv").write_text("n,why\n1,so\n3,so\n"),
    "no table": lambda root: (root / "sizes.csv").unlink(),
    "a file that the glob finds": lambda root: (root / "data/b").touch(),
    "no file that the glob finds": lambda root: (root / "data/a").unlink(),
    "no outline": lambda root: (root / OUTLINE).unlink(),
    "an empty one": lambda root: (root / OUTLINE).write_text(""),
    "one of nothing": lambda root: (root / OUTLINE).write_bytes(signed(b"[]\n[]\n[]")),
    "one of fewer lines": lambda root: (root / OUTLINE).write_bytes(signed(b"[]\n[]")),
    "another text": lambda root: (root / OUTLINE).write_bytes(signed(b"\xff\n\xff\n\xff")),
    "a directory": lambda root: (root / OUTLINE).unlink() or (root / OUTLINE).mkdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_a_change_nothing_is_kept(study: Path, change: Callable[[Path], object]) -> None:
    change(study)
    assert kept(study) is None


def test_another_taskrun_reads_the_file(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("", "model", "shell", "sweep"):
        (study / "newer" / part).mkdir(exist_ok=True)
    monkeypatch.setattr(unchanged, "__file__", str(study / "newer/sweep/unchanged.py"))
    assert kept(study) is None


def test_names_hang_neither_on_where_the_study_lies_nor_on_variables(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERE", "elsewhere")
    moved = study.rename(study.with_name(f"{study.name}-moved"))
    monkeypatch.chdir("/")
    found = kept(moved)
    assert found is not None
    assert told(found) == told(read_outline(str(moved / "sweep.yaml"), sets={}))
    (moved / "data/b").touch()
    assert kept(moved) is None


def test_a_cwd_and_an_escape_hide_no_name(study: Path) -> None:
    (study / "sweep.yaml").write_text(SWEEP + '  two: {run: "echo \\u0061 {n}", cwd: data}\n')
    keep(study)
    assert kept(study) is not None
    assert load("sweep.yaml").provenance is None


def test_a_table_that_is_too_large_to_be_compared_is_read_each_time(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / OUTLINE).unlink()
    (study / "sizes.csv").write_text("n,why\n" + "".join(f"{n},so\n" for n in range(1000)))
    monkeypatch.setattr(witness, "LARGEST", 5000)
    keep(study)
    assert not (study / OUTLINE).exists()
    monkeypatch.setattr(witness, "LARGEST", 50_000)
    keep(study)
    assert kept(study) is not None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_found_wherever_it_is(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "sweep.yaml").write_text("sweep: {a: [1, 2]}\nsteps: {go: 'echo {a}'}\n")
        keep(root)
        before = kept(root)
        assert before is not None
        whole = (root / OUTLINE).read_bytes()
        place = data.draw(st.integers(0, len(whole) - 1))
        damaged = data.draw(st.sampled_from([whole[:place], whole[:place] + b"7" + whole[place + 1 :]]))
        (root / OUTLINE).write_bytes(damaged)
        found = kept(root)
        assert found is None or (damaged == whole and told(found) == told(before))


def test_where_there_is_no_room_nothing_is_kept_and_nobody_minds(study: Path) -> None:
    (study / f"{OUTLINE}.new").mkdir()
    keep(study)
    assert not (study / OUTLINE).exists()


def test_what_cannot_be_put_in_its_place_is_not_left_beside_it(study: Path) -> None:
    (study / OUTLINE).unlink()
    (study / OUTLINE).mkdir()
    keep(study)
    assert not (study / f"{OUTLINE}.new").exists()


def test_nothing_is_waited_for_and_nothing_else_is_written_to(study: Path) -> None:
    (study / OUTLINE).unlink()
    os.mkfifo(study / OUTLINE)
    assert kept(study) is None
    (study / "another").write_text("mine")
    (study / f"{OUTLINE}.new").symlink_to("another")
    keep(study)
    assert kept(study) is not None
    assert (study / "another").read_text() == "mine"


def test_one_that_is_too_large_is_neither_kept_nor_read(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (study / OUTLINE).stat().st_size
    monkeypatch.setattr(kept_outline_module, "LARGEST", size - 1)
    keep(study)
    assert not (study / OUTLINE).exists()
    monkeypatch.undo()
    monkeypatch.setenv("THERE", "there")
    keep(study)
    with (study / OUTLINE).open("ab") as file:
        file.truncate(3 << 30)
    assert kept(study) is None


def test_what_many_members_of_a_union_exclude_is_kept_once(tmp_path: Path) -> None:
    members = ", ".join(f"{{a: [{i}, 100], b: [1, 2]}}" for i in range(60))
    clauses = ", ".join(f"{{a: [{i}, {i + 1}], b: [1]}}" for i in range(60))
    text = f"sweep: [{members}]\nexclude: [{clauses}]\nsteps: {{go: 'echo {{a}} {{b}}'}}\n"
    (tmp_path / "sweep.yaml").write_text(text)
    keep(tmp_path)
    found = kept(tmp_path)
    assert found is not None
    assert found.task_names("go/b=1/a=") == [("go/b=1/a=100", True)]
    assert told(found) == told(read_outline(str(tmp_path / "sweep.yaml"), sets={}))
    assert (tmp_path / OUTLINE).stat().st_size < 2 * len(text)


def test_what_nobody_could_tell_from_its_file_is_not_kept(study: Path) -> None:
    before = (study / OUTLINE).read_bytes()
    keep_outline(load("sweep.yaml", sets={"of": "1,2"}), str(study))
    assert (study / OUTLINE).read_bytes() == before


def test_who_changes_what_is_on_record_leaves_an_outline(study: Path) -> None:
    (study / "there").mkdir()
    (study / "there/x").touch()
    with Change(load("sweep.yaml"), str(study / ".taskrun/sweep"), command="mark-done"):
        pass
    assert kept_outline("sweep.yaml", ".taskrun/sweep") is not None
