"""`why`, the question before much is done again, what is gone, the check of the journal: on studies that really ran."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import Answer, answer
from msgspec.structs import replace
from records import started, this_run
from studies import Folder, Json, command, wait_until
from test_terminal import OnTerminal

import taskrun
from taskrun.journal import Journal

pytestmark = pytest.mark.real

SWEEP = """
sweep: {n: [1, 2]}
steps:
  sim: {run: "echo {n} > {outputs}", outputs: "sims/{n}"}
  all: {run: "cat {sim.outputs} data > {outputs}", inputs: [data], outputs: all}
  note: {run: "true", after: all}
"""
WAITING = """
sweep: {n: [1, 2]}
steps:
  sim: {run: "until test -e go; do sleep 0.02; done # {n}"}
  all: {run: "true", after: sim}
"""
WOULD, MIGHT, COULD_NOT = (f"a run now {what} execute it" for what in ("would", "might", "could not"))


class Here(Folder):
    """The current directory with a study, where `taskrun` is answered within this process."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(path)
        self._capsys = capsys

    @property
    def journal(self) -> Path:
        return self.path / ".taskrun/sweep/journal.jsonl"

    def answer(self, *words: str) -> Answer:
        return answer(self._capsys, *words)

    def why(self, *words: str) -> str:
        """What it says, its times left out."""
        found = self.answer("why", *words)
        assert (found.status, found.err) == (0, "")
        return re.sub(r"it succeeded [-\d]+ [:\d]+", "it succeeded THEN", found.out)

    def whys(self, *words: str) -> list[Json]:
        """What it says to programs."""
        return [json.loads(line) for line in self.answer("why", "--json", *words).out.splitlines()]

    def run(self) -> list[str]:
        """Run it; what was executed."""
        events = taskrun.load("sweep.yaml").stream()
        return [event.task for event in events if isinstance(event, taskrun.Started)]

    def replace(self, old: str, new: str) -> None:
        """Edit the sweep file."""
        assert old in self.read("sweep.yaml")
        self.write("sweep.yaml", self.read("sweep.yaml").replace(old, new))

    def take(self, seconds: float) -> None:
        """Put on record that each attempt took so long."""
        journal = Journal.open(os.fspath(self.journal.parent), source="sweep.yaml", run=this_run(command="test"))
        journal.amend([replace(past.end, seconds=seconds) for past in journal.records.pasts() if past.end])
        journal.close()


@pytest.fixture
def here(folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    monkeypatch.chdir(folder.path)
    found = Here(folder.path, capsys)
    found.write("sweep.yaml", SWEEP)
    found.write("data", "d\n")
    yield found
    found.close()


# --- why --------------------------------------------------------------------------------------------------------------


def test_what_was_never_run_is_new_and_nothing_is_written(here: Here) -> None:
    assert here.why("sim", "note") == f"sim/n=1: {WOULD}\n    new\nsim/n=2: {WOULD}\n    new\nnote: {WOULD}\n    new\n"
    assert not (here.path / ".taskrun").exists()


def test_what_is_done_is_fresh(here: Here) -> None:
    here.run()
    before = here.journal.read_bytes()
    assert here.why("all") == "all: fresh, it succeeded THEN (attempt 1); a run now would leave it alone\n"
    assert here.whys("all") == [
        {"task": "all", "would_run": False, "reasons": [], "status": "succeeded", "since": None}
    ]
    assert here.journal.read_bytes() == before


def test_all_reasons_are_given_and_what_hangs_on_others_is_perhaps(here: Here) -> None:
    here.run()
    here.replace("echo {n}", "echo -n {n}")
    assert here.why("sim", "n=1") == f"sim/n=1: {WOULD}\n    command changed: nothing → -n\n"
    assert here.why("all", "note") == (
        f"all: {MIGHT}\n    perhaps needs ran: sim/n=1, sim/n=2\nnote: {MIGHT}\n    perhaps needs ran: all\n"
    )
    here.write("data", "more\n")
    assert here.why("all") == f"all: {WOULD}\n    perhaps needs ran: sim/n=1, sim/n=2\n    input changed: data (size)\n"
    assert [each["would_run"] for each in here.whys("sim", "all", "note")] == [True, True, True, True]
    assert here.whys("all")[0]["reasons"] == [
        {"kind": "needs ran", "detail": "sim/n=1, sim/n=2", "certain": False},
        {"kind": "input changed", "detail": "data (size)", "certain": True},
    ]


def test_what_cannot_run_says_what_is_missing_and_who_needs_it(here: Here) -> None:
    (here.path / "data").unlink()
    assert here.why("all", "note") == (
        f"all: {COULD_NOT}\n    input missing: data is not there\n"
        f"note: {COULD_NOT}\n    input missing: data is not there; all needs it\n"
    )
    assert [(each["would_run"], each["reasons"][0]["kind"]) for each in here.whys("all", "note")] == [  # type: ignore[index]
        (False, "input missing"),
        (False, "input missing"),
    ]


def test_what_a_run_executes_is_among_what_was_shown_and_what_was_certain_is_executed(here: Here) -> None:
    here.run()
    here.replace("echo {n}", "echo $(({n} + {n} - {n}))")  # which comes out the same
    shown = dict(re.findall(r"^# (.*?): (.*)$", here.answer("run", "-n", "-v").out, re.MULTILINE))
    assert {task: said.startswith("perhaps") for task, said in shown.items()} == {
        "sim/n=1": False,
        "sim/n=2": False,
        "all": True,
        "note": True,
    }
    assert sorted(here.run()) == ["sim/n=1", "sim/n=2"]
    assert "fresh" in here.why("note")


def test_a_failure_and_an_interruption_are_reasons(here: Here) -> None:
    here.write("sweep.yaml", "steps:\n  bad: exit 3\n  next: {run: 'true', after: bad}\n  dies: sleep 60\n")
    here.taskrun("run", "bad", "next")
    skipped = "    when it was last to run it was skipped: 'bad' failed\n"
    assert here.why("bad", "next") == f"bad: {WOULD}\n    failed before: exit 3\nnext: {WOULD}\n    new\n{skipped}"
    journal = Journal.open(os.fspath(here.journal.parent), source="sweep.yaml", run=this_run("r0", boot="another"))
    journal.append([started("dies")])
    journal.close()
    assert here.why("dies") == f"dies: {WOULD}\n    interrupted\n"


def test_during_a_run_it_says_who_runs_and_what_the_others_wait_for(here: Here) -> None:
    here.write("sweep.yaml", WAITING)
    run = here.start("run", "-j", "1")
    wait_until(lambda: here.whys("sim")[0]["status"] == "running")
    lines = here.why("sim", "all").splitlines()
    assert re.fullmatch(r"sim/n=1: running for \d+\.\ds, attempt 1", lines[0])
    assert lines[1:] == [
        "sim/n=2: waits for a core: 0 of 1 free, in use by sim/n=1",
        "    new",
        "all: waits for sim/n=1 (running), sim/n=2",
        "    new",
    ]
    first, second, last = here.whys("sim", "all")
    assert (first["would_run"], first["reasons"]) == (True, [])
    assert isinstance(first["since"], float)
    assert second["reasons"][0]["kind"] == last["reasons"][0]["kind"] == "waits"  # type: ignore[index]
    here.write("go", "")
    assert run.wait(30) == 0
    assert "fresh" in here.why("all")


def test_a_task_that_outlives_its_runner_is_running(here: Here) -> None:
    here.write("sweep.yaml", "steps:\n  lives: \"touch up; until test -e go; do sleep 0.02; done\"\n")
    run = here.start("run")
    wait_until((here.path / "up").exists)  # it is on record as running before its process is there
    run.kill()
    run.wait(30)
    assert here.why("lives").endswith("attempt 1; its runner is gone, and the next run will wait for it\n")
    assert here.whys("lives")[0]["would_run"] is None
    here.write("go", "")


def test_a_study_without_a_file_is_told_of_as_far_as_it_is_known(here: Here) -> None:
    (here.path / "sweep.yaml").unlink()
    here.taskrun("each", "test {x} = 1", "x=1,2", "--name", "tests")
    assert here.why("--name", "tests", "test") == (
        "test/x=1: it succeeded THEN (attempt 1); only what started it knows whether it would be executed again\n"
        f"test/x=2: {WOULD}\n    failed before: exit 1\n"
    )
    assert [each["would_run"] for each in here.whys("--name", "tests", "test")] == [None, True]
    assert here.answer("why").err.startswith("taskrun: there is no sweep.yaml here; name a FILE, or with --name NAME")
    assert here.answer("why", "--name", "tests").err == "taskrun: which task? taskrun why --name tests TASK\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which task? taskrun why [FILE] TASK (taskrun list shows their names)"),
        (("simm",), "no step or task is called 'simm'; did you mean 'sim'?"),
        (("sim", "n=3"), "no task has n=3; the values are '1', '2'"),
    ],
)
def test_it_wants_to_know_of_which_task(here: Here, words: tuple[str, ...], said: str) -> None:
    assert here.answer("why", *words) == (2, "", f"taskrun: {said}\n")


def test_temporary_outputs_are_wanted_by_who_uses_them(here: Here) -> None:
    here.write(
        "sweep.yaml",
        "steps:\n  sim: {run: echo 1 > part, outputs: part, temp: true}\n"
        "  all: {run: cp part all, inputs: [part], outputs: all}\n",
    )
    here.run()
    (here.path / "part").unlink()
    assert "fresh" in here.why("sim")
    here.replace("cp part all", "cp -p part all")
    assert here.why("sim") == f"sim: {WOULD}\n    output missing: part\n"


# --- the question -----------------------------------------------------------------------------------------------------

QUESTION = "2 tasks that took 10m40s would run again because their commands changed; -n -v shows how"


@pytest.mark.parametrize(("key", "status"), [(b"\n", 1), (b"n\n", 1), (b"\x04", 1), (b"\x03", 130)])
def test_on_a_terminal_it_asks_before_much_is_done_again(here: Here, key: bytes, status: int) -> None:
    here.run()
    here.take(320)
    here.replace("echo {n}", "echo -n {n}")
    before = here.journal.read_bytes()
    terminal = OnTerminal(here.path, command("run"), columns=120)
    terminal.until(lambda: "go on? [y/N] " in terminal.text)
    assert terminal.shown == [QUESTION, "go on? [y/N]"]
    terminal.press(key)
    assert terminal.end() == status
    assert ("taskrun: nothing was run" in terminal.text) is (status == 1)
    assert here.journal.read_bytes() == before
    assert here.read("sims/1") == "1\n"


def test_after_a_yes_it_goes_on(here: Here) -> None:
    here.run()
    here.take(320)
    here.replace("echo {n}", "echo -n {n}")
    terminal = OnTerminal(here.path, command("run"), columns=120)
    terminal.until(lambda: "go on? [y/N] " in terminal.text)
    terminal.press(b"y\n")
    assert terminal.end() == 0
    assert here.read("sims/1") == "1"


@pytest.mark.parametrize("words", [["-y"], ["--json"], ["--force"], ["--only", "all"], ["-n"]])
def test_nobody_is_asked_who_said_so_or_takes_something_else(here: Here, words: list[str]) -> None:
    here.run()
    here.take(320)
    here.replace("echo {n}", "echo -n {n}")
    terminal = OnTerminal(here.path, command("run", *words))
    assert terminal.end() == 0
    assert "[y/N]" not in terminal.text


def test_without_a_terminal_it_goes_on(here: Here) -> None:
    here.run()
    here.take(320)
    here.replace("echo {n}", "echo -n {n}")
    assert here.taskrun("run").returncode == 0
    assert here.read("sims/1") == "1"


# --- what is gone -----------------------------------------------------------------------------------------------------


def test_tasks_that_the_sweep_has_no_more_are_listed_as_gone(here: Here) -> None:
    here.run()
    assert "gone" not in here.answer("status").out
    here.replace("[1, 2]", "[2, 3]")
    assert "\n1 task on record is gone from the study: sim/n=1\n" in here.answer("status").out
    assert "gone" not in here.answer("status", "sim").out
    status = json.loads(here.answer("status", "--json").out)
    assert status["gone"] == ["sim/n=1"]
    assert {task["name"]: task["reason"] for task in status["tasks"]}["all"] == (
        "inputs changed: came: sims/3; went: sims/1; command changed: sims/1 → nothing; nothing → sims/3; "
        "perhaps needs ran: sim/n=3"
    )
    here.replace("[2, 3]", "[2, 3, 1]")
    assert "gone" not in here.answer("status").out


# --- the journal ------------------------------------------------------------------------------------------------------


def test_a_journal_that_is_whole_is_said_to_be_and_so_is_a_torn_tail(here: Here) -> None:
    assert here.answer("check", "--state").out == ".taskrun/sweep/journal.jsonl: nothing is on record yet\n"
    here.run()
    found = here.answer("check", "--state")
    assert re.fullmatch(r"\.taskrun/sweep/journal\.jsonl: no damage, \d+ records, [\d,]+ bytes, format 2\n", found.out)
    with open(here.journal, "ab") as file:
        file.write(b'{"kind":"sta')
    found = here.answer("check", "--state")
    assert found.status == 0
    assert found.out.endswith("format 2; 12 bytes of a torn tail, which the next run cuts\n")


def test_a_damaged_line_is_named_and_the_rest_saved(here: Here) -> None:
    here.run()
    lines = here.journal.read_bytes().split(b"\n")
    lines[3] = b"x" * len(lines[3])
    here.journal.write_bytes(b"\n".join(lines))
    here.write("sweep.yaml", "not a sweep")  # which does not matter here
    found = here.answer("check", "--state")
    assert found.status == 3
    assert found.out.startswith(".taskrun/sweep/journal.jsonl: line 4: ")
    hint = "`taskrun check --state --repair` saves what can be read"
    assert found.err == f"taskrun: .taskrun/sweep/journal.jsonl: {hint}\n"
    assert here.answer("why", "--name", "other", "x").status == 2
    here.write("sweep.yaml", SWEEP)
    assert here.answer("why", "sim").status == 3
    repaired = here.answer("check", "--state", "--repair", "-F", "sweep.yaml")
    assert repaired.status == 0
    assert repaired.out.endswith("the damaged journal is kept as .taskrun/sweep/journal.jsonl.damaged-1\n")
    assert here.answer("check", "--state").status == 0
    assert here.answer("status").status == 0
    assert len(here.run()) in (1, 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repair"], "--repair goes with --state: it is for what is on record"),
        (["--state", "sim"], "--state is about all that is on record; leave out 'sim'"),
        (["--state", "--name", "nobody"], "there is no study 'nobody' in .taskrun: there is none at all"),
    ],
)
def test_what_makes_no_sense_to_check_is_said(here: Here, words: list[str], said: str) -> None:
    assert here.answer("check", *words) == (2, "", f"taskrun: {said}\n")
