"""Changing what is on record: what holds the state for it is no run, and what may still run is left alone."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answer, answer
from msgspec import structs
from records import this_run

from taskrun.journal import Journal, Records, read_journal
from taskrun.journal.compacting import compact
from taskrun.machine import start_ticks
from taskrun.manager.changing import Change
from taskrun.model import AnyRecord, EndRecord, Figure, RunRecord, Signature, SpawnRecord, StartRecord
from taskrun.sweep.loading import load

SWEEP = """
sweep: {n: [1, 2]}
steps:
  sim: {run: "echo {n} > {outputs}", outputs: "sims/{n}"}
"""
FIRST = "sim/n=1"
Typed = Callable[..., Answer]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


@pytest.fixture
def typed(here: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    return lambda *words: answer(capsys, *words)


def begun(task: str = FIRST, output: str = "sims/1", run: str = "r1", **before: Figure) -> StartRecord:
    signature = Signature(f"make {output}", outputs=(output,))
    return StartRecord(run=run, task=task, attempt=1, round=1, time=1000.0, signature=signature, before=before)


def ended(task: str = FIRST) -> EndRecord:
    return EndRecord(task=task, attempt=1, time=1001.0, status="succeeded", outputs=((2, 5),))


def on_record(here: Path, *records: AnyRecord, run: RunRecord | None = None) -> None:
    """A run that wrote these and was killed."""
    journal = Journal.open(str(here / ".taskrun/sweep"), source="sweep.yaml", run=run or this_run())
    journal.amend(records)
    journal.close()


def read(here: Path) -> Records:
    found = read_journal(str(here / ".taskrun/sweep"))
    assert found is not None
    return found


def elsewhere(run: str = "r1", host: str = "node17") -> RunRecord:
    return structs.replace(this_run(run), host=host, boot=f"boot of {host}")


# --- what holds the state


def test_what_only_changes_records_is_no_run_to_who_asks_for_the_last_one(here: Path) -> None:
    on_record(here, begun(), ended())
    with Change(load("sweep.yaml"), str(here / ".taskrun/sweep"), command="reset"):
        pass
    records = read(here)
    assert records.last_run is not None
    assert records.last_run.run == "r1"
    assert list(records.unended()) == ["r1"]  # what changed the records has come to its end
    assert [run.command for run in records.runs.values()] == [None, "reset"]


def test_the_last_run_outlives_a_compaction_after_a_change(here: Path) -> None:
    on_record(here, begun(), ended())
    on_record(here, run=this_run("r2"))  # which found all fresh
    with Change(load("sweep.yaml"), str(here / ".taskrun/sweep"), command="clean"):
        pass
    assert compact(str(here / ".taskrun/sweep/journal.jsonl"), read(here)) is not None
    records = read(here)
    assert records.last_run is not None
    assert records.last_run.run == "r2"
    assert set(records.runs) == {"r1", "r2"}


def test_the_state_is_held_meanwhile(here: Path, typed: Typed) -> None:
    on_record(here, begun(), ended())
    with Change(load("sweep.yaml"), str(here / ".taskrun/sweep"), command="reset"):
        for words in (["reset"], ["mark-done"], ["clean", "--logs", "-y"], ["clean", "--logs"]):
            found = typed(*words)
            assert found.status == 3, words
            assert f"is held by `taskrun reset`: pid {os.getpid()} on " in found.err
        assert "\n`taskrun reset` is at work since " in typed("status").out
        assert json.loads(typed("status", "--json").out)["running"]["pid"] == os.getpid()


# --- reset


def test_a_reset_without_a_state_makes_none(here: Path, typed: Typed) -> None:
    for words in (["reset"], ["clean"], ["clean", "--outputs", "-y"], ["reset", "--assume-dead", "node17"]):
        assert typed(*words) == (0, "", "nothing is on record of sweep\n")
    assert not (here / ".taskrun").exists()


def test_a_reset_forgets_everything_but_the_count_of_attempts(here: Path, typed: Typed) -> None:
    on_record(here, begun(), ended(), begun("old/n=1", "old"), ended("old/n=1"))
    assert typed("reset").err == "2 tasks reset\n"
    past = read(here).past(FIRST)
    assert past is not None
    assert (past.start, past.end, past.attempts) == (None, None, 1)
    assert typed("reset").err == "nothing is on record of these tasks\n"
    assert '"attempts":1' in (here / ".taskrun/sweep/journal.jsonl").read_text()


def test_a_selection_that_matches_nothing_resets_nothing(here: Path, typed: Typed) -> None:
    on_record(here, begun(), ended())
    before = (here / ".taskrun/sweep/journal.jsonl").read_bytes()
    for words in (["reset", "sin"], ["mark-done", "sin"], ["clean", "--logs", "-y", "sin"]):
        found = typed(*words)
        assert (found.status, found.err) == (2, "taskrun: no step or task is called 'sin'; did you mean 'sim'?\n")
    after = (here / ".taskrun/sweep/journal.jsonl").read_bytes()
    assert b'"task"' not in after[len(before) :]


def test_what_an_interrupted_attempt_left_half_done_is_moved_away_before_it_is_forgotten(
    here: Path, typed: Typed
) -> None:
    on_record(here, begun())
    (here / "sims").mkdir()
    (here / "sims/1").write_text("half")
    assert typed("reset").status == 0
    assert not (here / "sims/1").exists()
    assert (here / ".taskrun/sweep/failed/sim/n=1/sims/1").read_text() == "half"


def test_what_a_task_left_half_done_that_is_gone_may_be_the_good_result_of_another(here: Path, typed: Typed) -> None:
    on_record(here, begun("old", "sims/1"), begun(), ended())
    (here / "sims").mkdir()
    (here / "sims/1").write_text("good")
    assert typed("reset").err == "2 tasks reset\n"
    assert (here / "sims/1").read_text() == "good"


@pytest.mark.parametrize("words", [["reset"], ["reset", "sim", "n=1"], ["mark-done"]])
def test_what_still_runs_is_not_touched(here: Path, typed: Typed, words: list[str]) -> None:
    me = SpawnRecord(task=FIRST, attempt=1, pid=os.getpid(), ticks=start_ticks(os.getpid()), namespace=None)
    me = structs.replace(me, namespace=this_run().namespace)
    on_record(here, begun("sim/n=2", "sims/2"), ended("sim/n=2"), begun(), me)
    found = typed(*words)
    assert found.status == 3
    assert found.err == (
        f"taskrun: 'sim/n=1' still runs (pid {os.getpid()}), though its runner is gone; wait for its end or kill it\n"
    )
    assert {past.name: past.start is not None for past in read(here).pasts()} == {"sim/n=2": True, FIRST: True}
    assert typed("reset", "sim", "n=2").err == "1 task reset\n"


# --- machines that are gone


def test_what_may_run_on_another_machine_is_given_up_for_dead_by_its_name(here: Path, typed: Typed) -> None:
    on_record(here, begun("sim/n=2", "sims/2"), ended("sim/n=2"), begun(), run=elsewhere())
    found = typed("reset", FIRST)
    assert found.status == 3
    assert "'sim/n=1' may still run on node17" in found.err
    assert "`taskrun reset --assume-dead node17`" in found.err

    found = typed("reset", "--assume-dead", "node18")
    assert found.status == 2
    assert found.err == (
        "taskrun: nothing is on record as running on 'node18'; on record as running: 1 on node17; "
        "did you mean 'node17'?\n"
    )

    assert typed("reset", "--assume-dead", "node17") == (0, "", "1 task on node17 counts as interrupted\n")
    tasks = {task["name"]: task for task in json.loads(typed("status", "--json").out)["tasks"]}
    assert {name: (task["status"], task["cause"]) for name, task in tasks.items()} == {
        "sim/n=1": ("failed", "interrupted"),
        "sim/n=2": ("succeeded", None),
    }
    again = typed("reset", "--assume-dead", "node17")
    assert (again.status, again.err) == (
        2,
        "taskrun: nothing is on record as running on 'node17', nor on any other machine\n",
    )


def test_only_what_is_selected_is_given_up_for_dead(here: Path, typed: Typed) -> None:
    on_record(here, begun(), begun("sim/n=2", "sims/2"), run=elsewhere())
    assert typed("reset", "--assume-dead", "node17", "n=2").err == "1 task on node17 counts as interrupted\n"
    assert read(here).open_starts() == [FIRST]


def test_what_lives_on_this_machine_is_not_given_up_for_dead(here: Path, typed: Typed) -> None:
    run = this_run()
    me = SpawnRecord(task=FIRST, attempt=1, pid=os.getpid(), ticks=run.ticks, namespace=run.namespace)
    on_record(here, begun(), me, run=run)
    found = typed("reset", "--assume-dead", run.host)
    assert found.status == 3
    assert "still runs" in found.err
    assert read(here).open_starts() == [FIRST]


def test_what_this_machine_ran_before_its_restart_may_be_given_up_for_dead(here: Path, typed: Typed) -> None:
    run = structs.replace(this_run(), boot="the boot before")
    on_record(here, begun(), run=run)
    assert typed("reset", "--assume-dead", run.host).status == 0
    assert read(here).open_starts() == []


def test_nothing_is_cleaned_that_may_still_run_elsewhere(here: Path, typed: Typed) -> None:
    on_record(here, begun("old", "old.dat"), run=elsewhere())
    (here / "old.dat").write_text("half")
    found = typed("clean", "--gone", "-y")
    assert found.status == 0
    assert "taskrun: old may still run on node17" in found.err
    assert (here / "old.dat").exists()
    assert read(here).open_starts() == ["old"]


# --- how long things take


def test_what_is_only_marked_as_done_says_nothing_about_how_long_tasks_take(here: Path, typed: Typed) -> None:
    on_record(here, begun(), structs.replace(ended(), seconds=600.0))
    (here / "sims").mkdir()
    (here / "sims/1").write_text("1")
    (here / "sims/2").write_text("2")
    assert typed("mark-done").err == "2 tasks count as done\n"
    pasts = {past.name: past for past in read(here).pasts()}
    assert (pasts[FIRST].took, pasts["sim/n=2"].took) == (600.0, None)
    typed("reset", "n=2")
    assert "about 10m to go" in typed("status").out


# --- what is said where there is nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("select", [["sim"], [FIRST], ["sim/*"], ["n=1"]])
def test_what_is_in_the_sweep_is_not_gone_and_is_not_unknown(here: Path, typed: Typed, select: list[str]) -> None:
    on_record(here, begun(), ended())
    said = f"nothing that is gone from the sweep belongs to {select[0]!r}\n"
    assert typed("clean", "--gone", *select) == (0, "", f"{said}there is nothing to delete\n")
    assert typed("clean", "--gone", "sum") == (2, "", "taskrun: no step or task is called 'sum'\n")


def test_a_state_directory_that_is_not_there_is_named(here: Path, typed: Typed) -> None:
    on_record(here, begun(), ended())
    said = "; there is no directory 'nono'\n"
    for words in (["status"], ["status", "--json"], ["why", "sim"], ["logs", FIRST]):
        assert typed(*words, "--state-dir", "nono").err.splitlines()[0] == f"taskrun: nothing is on record{said}"[:-1]
        assert "nono" not in typed(*words).err
    for words in (["reset"], ["clean"]):
        assert typed(*words, "--state-dir", "nono") == (0, "", f"nothing is on record of sweep{said}")
    path = "nono/sweep/journal.jsonl"
    assert typed("check", "--state", "--state-dir", "nono") == (0, f"{path}: nothing is on record yet{said}", "")
    assert not (here / "nono").exists()


def test_a_journal_without_a_header_is_spoken_of_in_one_sentence(here: Path, typed: Typed) -> None:
    on_record(here, begun(), ended())
    journal = here / ".taskrun/sweep/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"header", b"heeder"))
    sentence = "journal.jsonl is no journal of taskrun: its first line is no header"
    hint = "`taskrun check --state --repair` saves what can be read\n"
    assert typed("check", "--state") == (
        3, f".taskrun/sweep/{sentence}\n", f"taskrun: .taskrun/sweep/journal.jsonl: {hint}"
    )  # fmt: skip
    assert typed("status") == typed("run") == (3, "", f"taskrun: {here}/.taskrun/sweep/{sentence}; {hint}")
    (here / "sweep.yaml").rename(here / "a b.yaml")
    (here / ".taskrun").rename(here / "state")
    (here / "state/sweep").rename(here / "state/x")
    words = ("-F", "a b.yaml", "--state-dir", "state", "--name", "x")
    hint = "`taskrun check 'a b.yaml' --state-dir state --name x --state --repair` saves what can be read\n"
    assert typed("check", "--state", *words).err == f"taskrun: state/x/journal.jsonl: {hint}"
    paste = f"taskrun check --state-dir {here}/state --name x --state --repair"
    assert typed("status", *words).err.endswith(f"; `{paste}` saves what can be read\n")
    assert typed(*shlex.split(paste)[1:]).status == 0


def test_what_never_was_a_journal_is_to_be_moved_away(here: Path, typed: Typed) -> None:
    journal = here / ".taskrun/sweep/journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("hi\n")
    advice = "move it away, or keep the state elsewhere with `--state-dir DIR`\n"
    sentence = f"taskrun: {journal} is no journal of taskrun: its first line is no header; {advice}"
    for words in (["run"], ["status"], ["reset"], ["mark-done"]):
        assert typed(*words) == (3, "", sentence)
    assert typed("check", "--state").err == f"taskrun: .taskrun/sweep/journal.jsonl: {advice}"
    assert typed("check", "--state", "--repair").err.endswith(f"; it was left as it is; {advice}")
