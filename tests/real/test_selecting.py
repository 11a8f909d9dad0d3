"""Which tasks a command takes: steps, names, globs, `name=value`; `--only`, `--force`, and `--set` beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from networks import NET

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real


@pytest.fixture
def net(folder: Folder) -> Folder:
    folder.write("sweep.yaml", NET)
    return folder


def started(folder: Folder, *words: str) -> list[str]:
    return sorted(str(event["task"]) for event in folder.events(*words) if event["event"] == "started")


def listed(folder: Folder, *words: str) -> list[str]:
    return [task["name"] for task in json.loads(folder.taskrun("list", "--json", *words).stdout)]


def test_every_command_takes_exactly_what_is_selected(net: Folder) -> None:
    assert net.taskrun("run").returncode == 0
    words = ("sim", "topology=mesh", "buffer=1")
    name = "sim/topology=mesh/buffer=1"
    status = json.loads(net.taskrun("status", "--json", *words).stdout)
    assert [task["name"] for task in status["tasks"]] == listed(net, *words) == [name]
    assert net.taskrun("logs", *words).stdout == "said\n"
    assert "1 task" in net.taskrun("check", *words).stdout


def test_a_run_and_its_dry_run_bring_what_is_needed(net: Folder) -> None:
    needed = [f"{step}/topology=mesh/buffer={n}" for step in ("parse", "sim") for n in (1, 2, 4)]
    dry = net.taskrun("run", "-n", "graph", "topology=mesh").stdout
    assert dry.count("exec env") == 7
    assert started(net, "graph", "topology=mesh") == sorted(["graph/topology=mesh", *needed])
    assert len(started(net, "graph")) == 7


def test_force_takes_the_selected_tasks_alone(net: Folder) -> None:
    net.taskrun("run")
    assert started(net, "-f", "graph", "topology=mesh") == ["graph/topology=mesh"]
    (net.path / "sims/torus/1/sim.dat").unlink()
    again = started(net, "--force", "parse", "topology=torus", "buffer=1")
    assert again == ["parse/topology=torus/buffer=1", "sim/topology=torus/buffer=1"]
    assert len(started(net, "-f")) == 15


def test_only_leaves_out_what_is_needed_and_skips_what_needs_it(net: Folder) -> None:
    result = net.taskrun("run", "--only", "sim/topology=mesh/buffer=1", "parse")
    assert result.returncode == 1
    statuses = net.statuses()
    assert statuses["sim/topology=mesh/buffer=1"] == "succeeded"
    assert statuses["parse/topology=mesh/buffer=1"] == "succeeded"
    skipped = [name for name, status in statuses.items() if status == "skipped"]
    assert len(skipped) == 5
    assert "parse/topology=torus/buffer=2" in skipped
    assert "sim/topology=torus/buffer=2" in result.stderr, "what is missing is named"
    assert statuses["sim/topology=torus/buffer=2"] == "waiting"


def test_only_takes_what_is_on_record_for_granted(net: Folder) -> None:
    net.taskrun("run", "parse", "topology=mesh")
    assert started(net, "--only", "graph", "topology=mesh") == ["graph/topology=mesh"]
    assert net.taskrun("run", "--only", "graph", "topology=torus").returncode == 1
    dry = net.taskrun("run", "-n", "--only", "graph", "topology=torus")
    assert (dry.returncode, dry.stdout) == (1, "")
    assert "graph/topology=torus: skipped" in dry.stderr


# --set


def test_set_replaces_values_and_hints_where_selecting_was_meant(net: Folder) -> None:
    result = net.taskrun("run", "--set", "buffer=2")
    assert result.returncode == 0
    hint = (
        "hint: --set buffer=2: this makes each graph gather 1 of 3 parse and all gather 2 of 6 parse; "
        "to run only some tasks, select: taskrun run sweep.yaml buffer=2\n"
    )
    assert hint in result.stderr
    assert net.read("all") == "mesh 2\ntorus 2\nmesh 2\ntorus 2\n"
    assert hint[6:] in net.taskrun("run", "-n", "--set", "buffer=2").stderr


def test_the_line_to_paste_has_what_was_set(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {a: [1]}\nsteps: {s: 'exit {a}'}")
    result = folder.taskrun("run", "--set", "a=3..4", "-j", "1")
    assert "taskrun run sweep.yaml --set a=3..4 s/a=3\n" in result.stderr
