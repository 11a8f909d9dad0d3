"""A study from its sweep file to its results, as a user sees it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from studies import Folder, command

pytestmark = pytest.mark.real

NET = """
sweep:
  topology: [tree, mesh]
  buffer: [1, 2, 4]
steps:
  sim:
    run: echo {topology} {buffer} > {outputs}; echo simulated
    outputs: sims/{topology}/{buffer}/sim.dat
    stdout: sims/{topology}/{buffer}/sim.out
  parse:
    run: ./parse.sh {sim.outputs} > {outputs}
    outputs: sims/{topology}/{buffer}/parsed
  graph:
    run: cat {parse.outputs} > {outputs}
    outputs: sims/{topology}/graph
"""


def net(folder: Folder) -> None:
    folder.write("sweep.yaml", NET)
    breaks = '[ "$1" = sims/mesh/2/sim.dat ] && [ -e broken ] && exit 3'
    folder.write("parse.sh", f'#!/bin/sh\n{breaks}\ncat "$1"\n').chmod(0o755)


def test_a_study_is_run_once_and_then_fresh(folder: Folder) -> None:
    net(folder)
    first = folder.taskrun("run")
    assert first.returncode == 0, first.stderr
    assert folder.read("sims/mesh/graph") == "mesh 1\nmesh 2\nmesh 4\n"
    assert folder.read("sims/tree/2/sim.out") == "simulated\n"
    before = folder.files()
    again = folder.events()
    assert [event["event"] for event in again].count("fresh") == 14
    assert "started" not in {event["event"] for event in again}
    assert folder.files() == before


def test_the_first_lines_say_what_the_sweep_became(folder: Folder) -> None:
    net(folder)
    shown = folder.taskrun("run").stderr
    assert "sim ×6 (topology, buffer)" in shown
    assert "graph ×2 (topology) ← 3 parse each" in shown


def test_a_failure_stops_only_what_hangs_on_it_and_the_mended_rest_follows(folder: Folder) -> None:
    net(folder)
    folder.write("broken", "")
    failed = folder.taskrun("run")
    assert failed.returncode == 1
    statuses = folder.statuses()
    assert statuses["parse/topology=mesh/buffer=2"] == "failed"
    assert statuses["graph/topology=mesh"] == "skipped"
    assert statuses["graph/topology=tree"] == "succeeded"
    assert "parse/topology=mesh/buffer=2" in failed.stderr
    assert "exit code 3" in failed.stderr
    assert "1 skipped" in failed.stderr
    assert not (folder.path / "sims/mesh/2/parsed").exists(), "a half-made output stays in its place"
    (folder.path / "broken").unlink()
    started = [event["task"] for event in folder.events() if event["event"] == "started"]
    assert started == ["parse/topology=mesh/buffer=2", "graph/topology=mesh"]
    assert folder.read("sims/mesh/graph") == "mesh 1\nmesh 2\nmesh 4\n"


def test_a_dry_run_through_bash_makes_the_same_files(folder: Folder, tmp_path: Folder) -> None:
    net(folder)
    dry = folder.taskrun("run", "-n")
    assert dry.returncode == 0, dry.stderr
    assert folder.files().keys() == {"sweep.yaml", "parse.sh"}, "a dry run makes nothing"
    assert not (folder.path / ".taskrun").exists()
    made = subprocess.run(["bash"], input=dry.stdout, cwd=folder.path, text=True, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    by_hand = folder.files()
    for name in set(by_hand) - {"sweep.yaml", "parse.sh"}:
        (folder.path / name).unlink()
    assert folder.taskrun("run").returncode == 0
    assert folder.files() == by_hand
    assert folder.taskrun("run", "-n").stdout == "", "nothing to print when all is fresh"


def test_a_selection_brings_what_it_needs(folder: Folder) -> None:
    net(folder)
    assert folder.taskrun("run", "graph", "topology=mesh").returncode == 0
    done = {name for name, status in folder.statuses().items() if status == "succeeded"}
    assert len(done) == 7
    assert all("mesh" in name for name in done)


def test_only_does_not_run_what_a_task_needs(folder: Folder) -> None:
    net(folder)
    result = folder.taskrun("run", "--only", "graph/topology=mesh")
    assert result.returncode == 1
    assert folder.statuses()["graph/topology=mesh"] == "skipped"
    assert "parse/topology=mesh/buffer=1" in result.stderr


def test_force_runs_what_is_selected_again(folder: Folder) -> None:
    net(folder)
    folder.taskrun("run")
    started = [e["task"] for e in folder.events("-f", "parse/topology=mesh/buffer=4") if e["event"] == "started"]
    assert started == ["parse/topology=mesh/buffer=4"]


def test_logs_print_what_a_task_said(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  a: printf 'x\\n\\377y'; echo oops >&2\n  b: 'true'\n")
    folder.taskrun("run")
    raw = subprocess.run(command("logs", "a"), cwd=folder.path, capture_output=True, check=False)
    assert raw.stdout == b"x\n\xffyoops\n"
    assert folder.taskrun("logs", "b").returncode == 1


def test_list_describes_every_task(folder: Folder) -> None:
    net(folder)
    tasks = {task["name"]: task for task in json.loads(folder.taskrun("list", "--json").stdout)}
    assert len(tasks) == 14
    assert tasks["graph/topology=mesh"]["needs"] == [f"parse/topology=mesh/buffer={n}" for n in (1, 2, 4)]
    assert tasks["parse/topology=mesh/buffer=2"]["inputs"] == ["sims/mesh/2/sim.dat"]
    assert tasks["sim/topology=mesh/buffer=2"]["cores"] == 1


def test_a_mistake_is_reported_with_its_place_and_nothing_is_written(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep:\n  a: [1]\nsteps:\n  s:\n    rum: echo {a}\n    outputs: {b}\n")
    result = folder.taskrun("run")
    assert result.returncode == 2
    assert "sweep.yaml:5:5: " in result.stderr
    assert "'run'" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder.path / ".taskrun").exists()


def test_the_state_of_another_source_is_nobody_elses(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  a: 'true'\n")
    assert folder.taskrun("run").returncode == 0
    folder.write("sweep.yml", "steps:\n  a: 'true'\n")
    for words in (("run",), ("run", "-n"), ("status",), ("logs", "a")):
        refused = folder.taskrun(words[0], "sweep.yml", *words[1:])
        assert refused.returncode == 3, words
        assert "another study, made from 'sweep.yaml'" in refused.stderr


def test_json_tells_of_a_start_when_there_is_a_process_and_it_is_on_record(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  a:\n    run: until [ -e go ]; do sleep 0.01; done\n")
    run = folder.start("run", "--json")
    assert run.stdout is not None
    told = (json.loads(line) for line in run.stdout)
    assert next(event for event in told if event["event"] == "started")["task"] == "a"
    records = [json.loads(line) for line in folder.read(".taskrun/sweep/journal.jsonl").splitlines()]
    pid = next(record["pid"] for record in records if record["kind"] == "spawn")
    os.kill(pid, 0)
    folder.write("go", "")
    run.communicate(timeout=30)
    assert run.returncode == 0


def test_studies_that_share_a_state_directory_elsewhere_are_not_taken_for_each_other(folder: Folder) -> None:
    states = ("--state-dir", "../states")
    for name in ("one", "two"):
        folder.write(f"{name}/sweep.yaml", "steps: {a: 'pwd > made'}\n")

    def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return Folder(folder.path / name).taskrun(*words, *states)

    assert run("one", "run").returncode == 0
    refused = run("two", "run")
    assert refused.returncode == 3
    assert "is the state of another study, made from" in refused.stderr
    assert "`--name NAME`" in refused.stderr
    assert not (folder.path / "two/made").exists()
    assert run("two", "status").returncode == 3
    assert run("two", "run", "--name", "other").returncode == 0
    (folder.path / "one").rename(folder.path / "moved")
    moved = run("moved", "run")
    assert (moved.returncode, moved.stderr.splitlines()[-1].partition(": ")[2]) == (0, "1 fresh")
    assert run("two", "each", "pwd").returncode == 0
    assert run("moved", "each", "pwd").returncode == 3
