"""`reset`, `mark-done` and `clean` on studies that really ran: what goes, what stays, what the next run does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import answer
from studies import Folder, command, wait_until
from test_terminal import OnTerminal

import taskrun

pytestmark = pytest.mark.real

SWEEP = """
sweep: {n: [1, 2, 3]}
steps:
  sim:
    run: echo {n} | tee {outputs}
    outputs: sims/{n}
  all:
    run: cat {sim.outputs} > {outputs}
    outputs: all
  note: {run: echo noted, after: all}
"""


class Here(Folder):
    """The current directory, where commands are answered within this process: they are many."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(path)
        self._capsys = capsys

    def study(self, sweep: str = SWEEP) -> None:
        """Write a study and run it."""
        self.write("sweep.yaml", sweep)
        assert taskrun.load("sweep.yaml").run().ok

    def run(self, *select: str, force: bool = False) -> list[str]:
        """Run it; what was executed."""
        events = taskrun.load("sweep.yaml").stream(*select, force=force)
        return [event.task for event in events if isinstance(event, taskrun.Started)]

    def printed(self, *words: str) -> list[str]:
        """The lines that a command prints."""
        found = answer(self._capsys, *words)
        assert found.status == 0, found.err
        return found.out.splitlines()

    def said(self, *words: str, status: int = 0) -> str:
        """What a command says on standard error."""
        found = answer(self._capsys, *words)
        assert found.status == status, found.err
        return found.err

    def statuses(self) -> dict[str, str]:
        return {task["name"]: task["status"] for task in json.loads("".join(self.printed("status", "--json")))["tasks"]}

    def state(self) -> set[str]:
        """The files in the state but those that are always there."""
        base = self.path / ".taskrun/sweep"
        found = {os.fspath(path.relative_to(base)) for path in base.rglob("*") if not path.is_dir()}
        return found - {"journal.jsonl", "lock", "outline", ".gitignore"}


@pytest.fixture
def here(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Here]:
    monkeypatch.chdir(folder.path)
    found = Here(folder.path, capsys)
    yield found
    found.close()


# --- reset


def test_reset_tasks_run_again_and_what_comes_out_the_same_spares_the_rest(here: Here) -> None:
    here.study()
    before = here.files()
    assert here.said("reset", "sim", "n=2,3") == "2 tasks reset\n"
    assert here.files() == before
    assert here.statuses() == {
        "sim/n=1": "succeeded", "sim/n=2": "waiting", "sim/n=3": "waiting", "all": "succeeded", "note": "succeeded",
    }  # fmt: skip
    assert sorted(here.run()) == ["sim/n=2", "sim/n=3"]
    assert {"logs/sim/n=2.1.log", "logs/sim/n=2.2.log"} < here.state()  # attempts go on being counted
    assert here.run() == []


def test_without_a_selection_everything_is_reset(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("2, 3", "2"))
    assert here.said("reset") == "5 tasks reset\n"  # also the one that the sweep has no more
    assert "ended after" in here.printed("status")[-1]  # the run did, not what reset it
    assert len(here.run()) == 4


def test_a_renamed_step_that_is_reset_runs(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("sim", "simulate").replace("simulates/", "sims/"))
    assert here.said("reset", "simulate", "n=1") == "1 task reset\n"
    assert "simulate/n=1" in here.run()


def test_a_study_without_a_file_is_reset_by_its_name(here: Here) -> None:
    assert here.taskrun("each", "--name", "it", "echo {n}", "n=1,2").returncode == 0
    assert here.said("reset", "--name", "it", "n=2") == "1 task reset\n"
    again = here.taskrun("each", "--name", "it", "echo {n}", "n=1,2")
    assert "1 succeeded, 1 fresh" in again.stderr
    assert "it ("  in here.said("reset", "--name", "that", status=2)


def test_nothing_is_changed_during_a_run(here: Here) -> None:
    here.write("sweep.yaml", "steps:\n  wait: sleep 60\n")
    run = here.start("run")
    wait_until(lambda: here.statuses() == {"wait": "running"})
    for words in (["reset"], ["mark-done"], ["clean", "--outputs"], ["clean", "--logs", "-y"]):
        assert f"is held by another run: pid {run.pid} on " in here.said(*words, status=3)
    assert here.printed("clean")  # which only looks
    run.terminate()
    assert run.wait() == 143


# --- mark-done


def test_results_that_exist_are_accepted(here: Here) -> None:
    here.write("sweep.yaml", SWEEP)
    for name in ("sims/1", "sims/2", "sims/3", "all"):
        here.write(name, "made by hand")
    assert here.said("mark-done") == "5 tasks count as done\n"
    assert set(here.statuses().values()) == {"succeeded"}
    assert here.run() == []
    here.write("sims/2", "made by another hand")
    assert here.run() == ["sim/n=2", "all", "note"]
    assert "logs/sim/n=2.1.log" in here.state()


def test_a_command_that_is_only_spelt_otherwise_need_not_run(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("echo {n}", "echo  {n}"))
    assert here.said("mark-done", "sim") == "3 tasks count as done\n"
    assert here.run() == []
    assert here.printed("logs", "--path", "sim/n=2") == [".taskrun/sweep/logs/sim/n=2.1.log"]
    here.run("sim", "n=2", force=True)
    assert {"logs/sim/n=2.1.log", "logs/sim/n=2.2.log"} < here.state()


def test_tasks_whose_files_are_missing_are_refused_and_the_others_are_not(here: Here) -> None:
    here.write("sweep.yaml", SWEEP + "  plot: {run: 'true', inputs: raw, outputs: [plot.png, plot.pdf]}\n")
    here.write("sims/1", "1")
    here.write("sims/3", "3")
    found = here.said("mark-done", "sim", "plot", status=1)
    assert found.splitlines() == [
        "taskrun: sim/n=2: its output sims/2 is not there",
        "taskrun: plot: its outputs plot.png, plot.pdf are not there; its input raw is not there",
        "2 tasks count as done",
        "2 tasks not marked; --force marks these too",
    ]
    assert list(here.statuses().values()) == ["succeeded", "waiting", "succeeded", "waiting", "waiting", "waiting"]
    assert here.said("mark-done", "sim", "plot", "--force") == "4 tasks count as done\n"
    assert list(here.statuses().values()) == ["succeeded"] * 3 + ["waiting"] * 2 + ["succeeded"]


def test_what_is_marked_by_force_stays_done_as_long_as_nobody_makes_its_files(here: Here) -> None:
    here.write("sweep.yaml", "steps:\n  a: {run: echo > x, outputs: x}\n  b: {run: echo > y, outputs: y, after: a}\n")
    assert here.said("mark-done", "a", "--force") == "1 task counts as done\n"
    assert here.run() == ["b"]
    here.write("x", "somebody made it")
    assert here.run() == ["a", "b"]


def test_what_is_marked_by_force_without_its_inputs_stays_done_until_something_else_differs(here: Here) -> None:
    here.write(
        "sweep.yaml",
        "steps:\n  a: {run: echo > x, outputs: x}\n  b: {run: 'cp {a.outputs} y', outputs: y}\n"
        "  c: {run: cp in z, inputs: in, outputs: z}\n",
    )
    assert here.said("mark-done", "--force") == "3 tasks count as done\n"
    assert here.run() == []
    assert here.statuses() == dict.fromkeys("abc", "succeeded")
    assert "fresh" in here.printed("why", "c")[0]
    here.write("sweep.yaml", here.read("sweep.yaml").replace("cp in z", "cp ./in z"))
    assert here.printed("why", "c") == ["c: a run now could not execute it", "    input missing: in is not there"]
    assert here.run() == []
    assert here.statuses() == {"a": "succeeded", "b": "succeeded", "c": "failed"}
    here.write("in", "")
    assert here.run() == ["c"]


def test_a_task_that_failed_can_be_taken_as_done(here: Here) -> None:
    here.write("sweep.yaml", "steps:\n  a: {run: 'echo tried; test -e ok', stdout: said}\n")
    here.run()
    assert here.statuses() == {"a": "failed"}
    assert here.said("mark-done") == "1 task counts as done\n"
    assert here.run() == []
    (here.path / "said").unlink()
    assert here.said("mark-done", status=1).startswith("taskrun: a: its output said is not there\n")


def test_outputs_that_may_be_gone_are_not_missed(here: Here) -> None:
    sweep = (
        "steps:\n  a: {run: echo > x, outputs: x, temp: true}\n"
        "  b: {run: cat x > y, inputs: x, outputs: y}\n"
    )
    here.study(sweep)
    (here.path / "x").unlink()
    here.write("sweep.yaml", sweep.replace("cat x", "cat  x"))
    assert here.said("mark-done") == "2 tasks count as done\n"
    assert here.run() == []


def test_what_check_hash_and_directories_look_at_is_accepted_too(here: Here) -> None:
    here.write(
        "sweep.yaml",
        "steps:\n  a: {run: mkdir -p d, outputs: d, check: hash}\n  b: {run: ls d > y, inputs: d, outputs: y}\n",
    )
    here.write("d/1", "one")
    here.write("d/2", "two")
    here.write("y", "1 2")
    assert here.said("mark-done") == "2 tasks count as done\n"
    assert here.run() == []


# --- clean


def test_without_options_clean_says_what_each_would_free_and_deletes_nothing(here: Here) -> None:
    here.study()
    before, kept = here.files(), here.state()
    assert here.printed("clean") == [
        "           files  size",
        "--outputs      4   12B",
        "--logs         4   12B",
        "--failed       0    0B",
        "--gone         0    0B",
    ]
    assert (here.files(), here.state()) == (before, kept)


def test_nothing_is_deleted_without_a_terminal_or_a_yes(here: Here) -> None:
    here.study()
    before = here.files()
    found = here.taskrun("clean", "--outputs", "sim")
    assert found.returncode == 2
    assert found.stdout == "     2B  sims/1\n     2B  sims/2\n     2B  sims/3\n"
    assert "nothing is deleted: there is no terminal here to ask on; -y deletes without asking" in found.stderr
    assert here.files() == before


@pytest.mark.parametrize(
    ("key", "status", "end"),
    [(b"\n", 1, "nothing is deleted"), (b"\x04", 1, "nothing is deleted"), (b"\x03", 130, "[y/N] ")],
)
def test_on_a_terminal_it_asks_and_takes_little_for_a_yes(here: Here, key: bytes, status: int, end: str) -> None:
    here.study()
    before = here.files()
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
    terminal = OnTerminal(here.path, command("clean", "--outputs", "sim"))
    signal.signal(signal.SIGINT, heeded)
    terminal.until(lambda: "delete 3 files, 6B? [y/N]" in terminal.text)
    terminal.press(key)
    assert terminal.end() == status
    assert end in terminal.text
    assert here.files() == before


def test_what_changes_while_it_asks_stays(here: Here) -> None:
    here.study()
    terminal = OnTerminal(here.path, command("clean", "--outputs", "sim"))
    terminal.until(lambda: "[y/N]" in terminal.text)
    here.write("sims/2", "a better result")
    terminal.press(b"y\n")
    assert terminal.end() == 0
    assert terminal.shown[:3] == ["     2B  sims/1", "     2B  sims/2", "     2B  sims/3"]
    assert terminal.shown[-1] == "2 files deleted, 4B"
    assert set(here.files()) == {"sweep.yaml", "all", "sims/2"}


def test_a_list_is_cut_to_the_screen(here: Here) -> None:
    here.write("sweep.yaml", "sweep: {n: {from: 1, to: 100}}\nsteps:\n  a: {run: 'false', outputs: 'a/{n}'}\n")
    for number in range(1, 101):
        here.write(f"a/{number}", "made by hand")
    here.said("mark-done")
    terminal = OnTerminal(here.path, command("clean", "--outputs"))
    terminal.until(lambda: "[y/N]" in terminal.text)
    terminal.press(b"n\n")
    assert terminal.end() == 1
    assert "... and 67 more" in terminal.text
    assert len(terminal.shown) < 40
    assert here.said("clean", "--outputs", "-y") == "100 files deleted, 1.2K\n"


def test_outputs_are_deleted_and_made_again(here: Here) -> None:
    here.study()
    assert here.said("clean", "--outputs", "-y", "sim", "all") == "4 files deleted, 12B\n"
    assert set(here.files()) == {"sweep.yaml"}
    assert here.run()[-2:] == ["all", "note"]
    assert set(here.files()) == {"sweep.yaml", "all", "sims/1", "sims/2", "sims/3"}


def test_what_somebody_else_made_or_changed_stays_and_is_named(here: Here) -> None:
    here.study()
    here.write("sims/2", "better")
    here.write("sweep.yaml", SWEEP + "  more: {run: echo > more, outputs: more}\n")
    here.write("more", "mine")
    assert here.said("clean", "--outputs", "-y").splitlines() == [
        "taskrun: sims/2 stays: it has changed since it was made",
        "taskrun: more stays: no attempt that succeeded is on record to have made it",
        "3 files deleted, 10B",
    ]
    assert set(here.files()) == {"sweep.yaml", "sims/2", "more"}


def test_links_are_deleted_and_not_what_they_lead_to(here: Here) -> None:
    (here.path.parent / "far").mkdir()
    (here.path / "linked").symlink_to(here.path.parent / "far")
    here.study(
        "steps:\n  a: {run: 'echo kept > source; ln -s source link', outputs: link}\n"
        "  b: {run: 'mkdir dir; ln -s ../source dir/link; echo > dir/file', after: a, outputs: dir}\n"
        "  c: {run: echo > linked/x, outputs: linked/x}\n",
    )
    assert here.said("clean", "--outputs", "-y").splitlines() == [
        "taskrun: linked/x stays: a symbolic link leads out of the study there",
        "3 files deleted, 16B",
    ]
    assert here.read("source") == "kept\n"
    assert not os.path.lexists(here.path / "link")
    assert not (here.path / "dir").exists()
    assert (here.path / "linked/x").exists()


def test_a_directory_that_holds_more_than_was_made_stays(here: Here) -> None:
    here.study("steps:\n  a: {run: 'mkdir d; echo > d/a', outputs: d}\n")
    here.write("d/notes.txt", "mine")
    assert "taskrun: d stays: it has changed since it was made" in here.said("clean", "--outputs", "-y")
    assert here.read("d/notes.txt") == "mine"


def test_logs_of_all_attempts_are_deleted(here: Here) -> None:
    here.study()
    here.run("sim", force=True)
    assert len(here.state()) == 7
    assert here.said("clean", "--logs", "-y", "sim", "n=2") == "2 files deleted, 4B\n"
    assert here.said("clean", "--logs", "-y") == "5 files deleted, 14B\n"
    assert here.state() == set()
    assert os.listdir(here.path / ".taskrun/sweep/logs") == []
    assert here.run() == []


def test_what_was_kept_of_failures_is_deleted(here: Here) -> None:
    here.write(
        "sweep.yaml", "sweep: {n: [1, 2]}\nsteps:\n  a: {run: 'echo half > {outputs}; false', outputs: 'a/{n}'}\n"
    )
    here.run()
    assert here.state() == {"failed/a/n=1/a/1", "failed/a/n=2/a/2"}
    assert here.said("clean", "--failed", "-y", "n=2") == "1 file deleted, 5B\n"
    assert here.state() == {"failed/a/n=1/a/1"}


@pytest.mark.skipif(not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev, reason="")
def test_what_was_kept_of_failures_on_another_file_system_is_deleted(here: Here) -> None:
    here.write(
        "sweep.yaml",
        "steps:\n  a: {run: 'echo half > a; false', outputs: a}\n  b: {run: echo > b, outputs: b}\n",
    )
    here.write("b.failed", "mine")
    there = f"/dev/shm/taskrun-test-{os.getpid()}"
    try:
        assert here.taskrun("run", "-q", "--state-dir", there).returncode == 1
        assert here.read("a.failed") == "half\n"
        assert here.said("clean", "--failed", "-y", "--state-dir", there) == "1 file deleted, 5B\n"
    finally:
        shutil.rmtree(there)
    assert set(here.files()) == {"sweep.yaml", "b", "b.failed"}


def test_a_study_without_a_file_is_cleaned_by_its_name(here: Here) -> None:
    assert here.taskrun("each", "--name", "it", "echo {n}", "n=1,2").returncode == 0
    assert here.said("clean", "--name", "it", "--logs", "-y") == "2 files deleted, 4B\n"
    assert "has no file here" in here.said("clean", "--name", "it", "--gone", status=2)
    assert [line.split()[0] for line in here.printed("clean", "--name", "it")[1:]] == [
        "--outputs", "--logs", "--failed",
    ]  # fmt: skip


def test_what_never_ran_and_is_marked_as_done_counts_as_done_before(here: Here) -> None:
    study = "sweep: {{n: [{}]}}\nsteps:\n  s:\n    run: echo {{n}}\n"
    here.write("sweep.yaml", study.format("1, 2"))
    assert here.said("mark-done") == "2 tasks count as done\n"
    assert "(attempt" not in here.taskrun("why", "s").stdout
    assert "s/n=1: fresh, it was marked as done 2" in here.taskrun("why", "s").stdout
    assert here.taskrun("logs", "s/n=1").stderr == "taskrun: s/n=1 has no log: it never ran\n"
    assert "2 of 2 done before" in here.taskrun("run").stderr
    here.write("sweep.yaml", study.format("1, 2, 3"))
    assert "2 of 3 done before" in here.taskrun("run").stderr


# --- what is gone


def test_what_belongs_to_no_point_any_more_is_deleted_and_forgotten(here: Here) -> None:
    here.study(SWEEP.replace("tee {outputs}", "tee {outputs}; test ! -e fail"))
    here.write("fail", "")
    here.run("sim", "n=3", force=True)
    here.write("sweep.yaml", SWEEP.replace("2, 3", "2"))
    here.run()
    before = here.files()
    assert here.printed("clean")[-1].split() == ["--gone", "3", "6B", "of", "1", "task"]
    assert here.said("clean", "--gone", "-y") == "3 files deleted, 6B; 1 task forgotten\n"
    assert here.files() == before  # what the failed attempt made had been moved away
    assert not any("n=3" in path for path in here.state())
    assert here.said("clean", "--gone", "-y") == "0 files deleted, 0B\n"
    assert here.run() == []
    here.write("sweep.yaml", SWEEP)
    (here.path / "fail").unlink()
    assert here.run()[0] == "sim/n=3"
    assert "logs/sim/n=3.3.log" in here.state()


def test_outputs_of_what_is_gone_go_unless_somebody_changed_them(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("1, 2, 3", "1"))
    here.run()
    here.write("sims/3", "mine now")
    assert here.said("clean", "--gone", "-y").splitlines() == [
        "taskrun: sims/3 stays: it has changed since it was made",
        "3 files deleted, 6B; 2 tasks forgotten",
    ]
    assert set(here.files()) == {"sweep.yaml", "all", "sims/1", "sims/3"}


def test_a_renamed_step_is_not_gone(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("sim", "simulate").replace("simulates/", "sims/"))
    assert here.said("clean", "--gone", "-y") == "0 files deleted, 0B\n"
    assert here.run() == []


def test_what_the_sweep_still_makes_reads_or_names_is_not_gone(here: Here) -> None:
    here.study(
        "sweep: {n: [1, 2]}\nsteps:\n"
        "  old: {run: 'for each in a b c d e; do echo > $each; done; mkdir -p in/f; echo > in/f/g', per: [],"
        " outputs: [a, b, c, d, e, in/f]}\n"
        "  keep: echo {n}\n",
    )
    (here.path / "link").symlink_to("d")
    here.write(
        "sweep.yaml",
        "sweep: {n: [1, 2], name: [e]}\nsteps:\n"
        "  new: {run: 'echo again > a', outputs: a, per: []}\n"
        "  reads: {run: 'cat b', inputs: b}\n"
        "  links: {run: 'cat link', inputs: link}\n"
        "  names: {run: 'cat {name}; ls ./c'}\n"
        "  within: {run: 'ls in', inputs: in}\n"
        "  keep: echo {n}\n",
    )
    assert here.said("clean", "--gone", "-y").splitlines() == [
        "taskrun: a stays: new makes it",
        "taskrun: b stays: reads reads it",
        "taskrun: c stays: the sweep names it",
        "taskrun: d stays: links reads it",
        "taskrun: e stays: the sweep names it",
        "taskrun: in/f stays: within reads it",
        "0 files deleted, 0B; 1 task forgotten",
    ]
    assert {"a", "b", "c", "d", "e", "in/f/g"} < set(here.files())


def test_a_gone_task_without_files_is_shown_by_its_name_before_it_is_forgotten(here: Here) -> None:
    here.write("sweep.yaml", "sweep: {n: [1, 2]}\nsteps:\n  s:\n    run: true {n}\n")
    here.run()
    here.write("sweep.yaml", "sweep: {n: [1]}\nsteps:\n  s:\n    run: true {n}\n")
    found = here.taskrun("clean", "--gone")
    assert (found.returncode, found.stdout) == (2, " record  s/n=2\n")
    assert here.said("clean", "--gone", "-y").endswith("; 1 task forgotten\n")


def test_gone_tasks_can_be_selected(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("1, 2, 3", "1"))
    assert "1 task forgotten" in here.said("clean", "--gone", "-y", "sim/n=2")
    assert "no step or task is called 'sim/n=2'" in here.said("clean", "--gone", "-y", "sim/n=2", status=2)
    assert here.said("clean", "--gone", "--logs", "-y", "all") == "0 files deleted, 0B\n"
    assert set(here.files()) == {"sweep.yaml", "all", "sims/1", "sims/3"}


def test_what_is_kept_of_other_tasks_below_the_name_of_one_that_is_gone_stays(here: Here) -> None:
    failing = "steps:\n  a: {run: 'echo half > x; false', outputs: x}\n"
    here.write("sweep.yaml", failing)
    here.run()
    here.write("sweep.yaml", "sweep: {n: [1]}\nsteps:\n  a: {run: 'echo half > {n}; false', outputs: 'y/{n}'}\n")
    here.write("sweep.yaml", here.read("sweep.yaml").replace("> {n}", "> {outputs}"))
    here.run()
    assert here.state() == {"failed/a/x", "failed/a/n=1/y/1"}
    assert here.said("clean", "--gone", "-y") == "1 file deleted, 5B; 1 task forgotten\n"
    assert here.state() == {"failed/a/n=1/y/1"}


def test_a_broken_sweep_file_makes_nothing_gone(here: Here) -> None:
    here.study()
    here.write("sweep.yaml", SWEEP.replace("echo", "ech {m}"))
    assert "sweep.yaml:" in here.said("clean", "--gone", "-y", status=2)
    assert len(here.files()) == 5


def test_what_failed_may_be_deeper_than_python_calls_itself(folder: Folder) -> None:
    folder.write(
        "deep.py",
        "import os\nos.mkdir('out')\nos.chdir('out')\n"
        "for _ in range(1200):\n    os.mkdir('d')\n    os.chdir('d')\nopen('f', 'w')\n",
    )
    folder.write("sweep.yaml", f"steps:\n  a: {{run: {sys.executable} deep.py; exit 1, outputs: out}}\n")
    assert folder.taskrun("run").returncode == 1
    cleaned = folder.taskrun("clean", "--failed", "-y")
    assert (cleaned.returncode, cleaned.stderr) == (0, "1 file deleted, 0B\n")
    assert not (folder.path / ".taskrun/sweep/failed/a").exists()
