"""A Python file as FILE of every command: one study and one state with the same file run as a program."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from studies import read_until, wait_until

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

SIMS = """\
import taskrun
from sims_to_do import sizes

print("loading", __name__)
manager = taskrun.Manager("sims")
total = manager.task_new("total of all", "cat out/* > total; test ! -e broken", outputs="total")
for size in sizes:
    total.dependency_is(manager.task_new(f"sim {size}", ["sh", "-c", f"echo {size}"], stdout=f"out/{size}"))

if __name__ == "__main__":
    summary = manager.run()
    print(summary.succeeded, summary.failed, summary.fresh)
"""


@pytest.fixture
def sims(folder: Folder) -> Folder:
    folder.write("sims.py", SIMS)
    folder.write("sims_to_do.py", "sizes = [1, 2]\n")
    return folder


def python(folder: Folder, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder.path, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_program_and_the_command_share_a_state_and_resume_each_other(sims: Folder) -> None:
    sims.write("broken", "")
    assert python(sims, "sims.py").stdout == "loading __main__\n2 1 0\n"
    assert sims.taskrun("status", "sims.py", "--json").returncode == 0
    (sims.path / "broken").unlink()
    resumed = sims.taskrun("run", "sims.py")
    assert resumed.returncode == 0
    assert "3 tasks in" in resumed.stderr
    assert "1 succeeded, 2 fresh" in resumed.stderr
    assert python(sims, "sims.py").stdout == "loading __main__\n0 0 3\n"
    assert sims.read("total") == "1\n2\n"


def test_it_is_opened_from_anywhere(sims: Folder) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "taskrun", "run", str(sims.path / "sims.py")],
        cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert python(sims, "sims.py").stdout.endswith("0 0 3\n")


def test_every_command_takes_it_and_standard_output_holds_results_alone(sims: Folder) -> None:
    events = sims.events("sims.py")
    assert events[-1]["exit_status"] == 0
    status = json.loads(sims.taskrun("status", "sims.py", "--json").stdout)
    assert {task["name"]: task["status"] for task in status["tasks"]} == {
        "total of all": "succeeded", "sim 1": "succeeded", "sim 2": "succeeded",
    }  # fmt: skip
    (total,) = json.loads(sims.taskrun("list", "sims.py", "total of all", "--json").stdout)
    assert total["needs"] == ["sim 1", "sim 2"]
    assert sims.taskrun("check", "sims.py").stdout.endswith("sims.py: no mistakes, 3 tasks\n")
    assert sims.taskrun("run", "-n", "sims.py").stdout == ""
    forced = sims.taskrun("run", "-n", "-f", "sims.py", "sim 1").stdout
    assert "echo 1" in forced
    assert "echo 2" not in forced
    assert sims.taskrun("logs", "sims.py", "sim 1").stdout == "1\n"


def test_a_command_that_only_looks_leaves_nothing(sims: Folder) -> None:
    for words in (["check"], ["list"], ["status"], ["run", "-n"]):
        assert sims.taskrun(*words, "sims.py").returncode == 0
    assert sorted(path.name for path in sims.path.iterdir()) == ["sims.py", "sims_to_do.py"]


def test_the_line_to_paste_runs_what_failed_again(sims: Folder) -> None:
    sims.write("broken", "")
    failed = sims.taskrun("run", "sims.py", "--name", "other")
    assert failed.returncode == 1
    (line,) = {line.strip() for line in failed.stderr.splitlines() if line.strip().startswith("taskrun run ")}
    assert line == "taskrun run sims.py --name other 'total of all'"
    (sims.path / "broken").unlink()
    again = sims.taskrun(*shlex.split(line)[1:])
    assert "1 succeeded, 2 fresh" in again.stderr


def test_a_manager_without_a_name_is_called_after_its_file(folder: Folder) -> None:
    folder.write("nameless.py", "import taskrun\nmanager = taskrun.Manager()\nmanager.task_new('a', 'echo a >> a')\n")
    for _ in range(2):
        assert folder.taskrun("run", "nameless.py").returncode == 0
    assert folder.read("a") == "a\n"
    assert (folder.path / ".taskrun/nameless/journal.jsonl").exists()
    assert folder.taskrun("run", "nameless.py", "--name", "other").returncode == 0
    assert folder.taskrun("run", "nameless.py", "--state-dir", "elsewhere").returncode == 0
    assert (folder.path / ".taskrun/other/journal.jsonl").exists()
    assert (folder.path / "elsewhere/nameless/journal.jsonl").exists()


def test_its_state_is_below_the_root_that_the_manager_was_given(folder: Folder) -> None:
    (folder.path / "data").mkdir()
    folder.write(
        "sims.py", "import taskrun\nmanager = taskrun.Manager('sims', root='data')\nmanager.task_new('a', 'touch a')\n"
    )
    assert folder.taskrun("run", "sims.py").returncode == 0
    assert (folder.path / "data/a").exists()
    assert (folder.path / "data/.taskrun/sims").is_dir()
    assert not (folder.path / ".taskrun").exists()


def test_jobs_on_the_command_line_win_over_the_managers(folder: Folder) -> None:
    meet = "touch {}; until [ -e {} ]; do sleep 0.01; done"
    folder.write(
        "sims.py",
        "import taskrun\nmanager = taskrun.Manager('sims', jobs=1)\n"
        f"manager.task_new('x', {meet.format('x', 'y')!r})\nmanager.task_new('y', {meet.format('y', 'x')!r})\n",
    )
    assert folder.taskrun("run", "-j", "2", "sims.py").returncode == 0


def test_a_mistake_is_one_line_and_nothing_is_written(folder: Folder) -> None:
    folder.write("sims.py", "import taskrun\nmanager = taskrun.Manager('sims')\nmanager.task_new('a', 'true')\n1 / 0\n")
    for command in ("run", "status", "list", "check"):
        wrong = folder.taskrun(command, "sims.py")
        said = "sims.py:4: ZeroDivisionError: division by zero\n"
        assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", said)
    assert not (folder.path / ".taskrun").exists()
    both = "manager.task_new('a', 'true', outputs='x')\nmanager.task_new('b', 'true', outputs='x')\n"
    folder.write("sims.py", "import taskrun\nmanager = taskrun.Manager('sims')\n" + both)
    wrong = folder.taskrun("check", "sims.py")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("sims.py:4: ")


def test_ctrl_c_while_it_is_loaded(folder: Folder) -> None:
    folder.write("sims.py", "import signal\nopen('begun', 'w').close()\nsignal.pause()\n")
    loading = folder.start("run", "sims.py")
    wait_until((folder.path / "begun").exists)
    loading.send_signal(signal.SIGINT)
    assert "Traceback" not in loading.communicate(timeout=30)[1]
    assert loading.returncode == 130


THREADED = """\
import threading, taskrun
threads = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
manager = taskrun.Manager("sims", jobs=2)
for number in range(200):
    manager.task_new(f"t{number}", "true")
"""


def test_threads_that_it_leaves_take_no_signal_from_the_run(folder: Folder) -> None:
    folder.write("sims.py", THREADED)
    assert folder.taskrun("run", "sims.py").returncode == 0
    slow = "manager.task_new('slow', 'touch begun; until [ -e go ]; do sleep 0.01; done')\n"
    folder.write("sims.py", THREADED + slow)
    run = folder.start("run", "sims.py")
    wait_until((folder.path / "begun").exists)
    for answer in ("waiting for 1 running", "terminating 1 running"):
        run.send_signal(signal.SIGINT)
        read_until(run, answer)
    run.communicate(timeout=30)
    assert run.returncode == 130


def test_a_stop_that_was_heeded_leaves_who_reads_slowly_all_that_there_is_to_say(folder: Folder) -> None:
    slow = "manager.task_new('slow', 'touch begun; until [ -e go ]; do sleep 0.01; done', priority=1)\n"
    folder.write("sims.py", THREADED.replace("range(200)", "range(1500)") + slow)
    run = folder.start("run", "sims.py", "-v")  # its standard error is a pipe of 64 KiB
    wait_until((folder.path / "begun").exists)
    wait_until(lambda: folder.read(".taskrun/sims/journal.jsonl").count('"end"') == 1500, seconds=60)
    run.send_signal(signal.SIGINT)
    folder.write("go", "")
    wait_until(lambda: '"run_end"' in folder.read(".taskrun/sims/journal.jsonl"))
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(timeout=0.5)
    assert run.communicate(timeout=30)[1].splitlines()[-1].startswith("1501 tasks in ")
    assert run.returncode == 0


CLASSIC = """\
import taskrun

manager = taskrun.Task.Manager(numProcs=2, showCommands={shows}, runTasks={runs}, showProgress={progress})
for topology in ['fat_tree', 'mesh']:
    graph = manager.task_new(topology + ' graph', 'cat ' + topology + '.*.csv > ' + topology + '.png')
    for buffer in [1024, 2048]:
        base = topology + '.' + str(buffer)
        sim = manager.task_new(base + ' sim', 'echo ' + base, base + '.dat')
        parse = manager.task_new(base + ' parse', 'tr . , < ' + base + '.dat', output=base + '.csv')
        parse.dependency_is(sim)
        graph.dependency_is(parse)
{run}
"""
MADE = {"fat_tree.png": "fat_tree,1024\nfat_tree,2048\n", "mesh.png": "mesh,1024\nmesh,2048\n"}


def classic(*, shows: bool = False, runs: bool = True, progress: bool = False, run: bool = True) -> str:
    return CLASSIC.format(shows=shows, runs=runs, progress=progress, run="manager.run_request_is()" if run else "")


def test_a_script_of_2013(folder: Folder) -> None:
    folder.write("study.py", classic(shows=True))
    ran = python(folder, "study.py")
    assert (ran.returncode, ran.stderr) == (0, "")
    shown = ran.stdout.splitlines()
    assert len(shown) == 10
    order = ["echo mesh.1024", "tr . , < mesh.1024.dat", "cat mesh.*.csv > mesh.png"]
    assert [command for command in shown if command in order] == order
    assert {name: folder.read(name) for name in MADE} == MADE
    assert not (folder.path / ".taskrun").exists()


def test_a_script_of_2013_that_runs_nothing_prints_what_it_would(folder: Folder) -> None:
    folder.write("study.py", classic(runs=False))
    ran = python(folder, "study.py")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(path.name for path in folder.path.iterdir()) == ["study.py"]
    subprocess.run(["bash"], input=ran.stdout, cwd="/", text=True, check=True, timeout=60)
    assert {name: folder.read(name) for name in MADE} == MADE


def test_a_script_of_2013_shows_how_far_it_is_only_where_it_says_so(folder: Folder) -> None:
    folder.write("study.py", classic(progress=True))
    ran = python(folder, "study.py")
    assert ran.stdout == ""
    assert "10 succeeded" in ran.stderr
    folder.write("study.py", classic())
    ran = python(folder, "study.py")
    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_script_of_2013_that_runs_nothing_is_a_dry_run_for_the_command_too(folder: Folder) -> None:
    folder.write(
        "old.py",
        "import taskrun\nmanager = taskrun.Task.Manager(runTasks=False)\nmanager.task_new('a', 'touch made')\n"
        "if __name__ == '__main__':\n    manager.run_request_is()\n",
    )
    done = folder.taskrun("run", "old.py")
    assert done.returncode == 0
    assert "touch made" in done.stdout
    assert not (folder.path / "made").exists()
    assert not (folder.path / ".taskrun").exists()


@pytest.mark.parametrize("key", ["stdout", "outputs"])
def test_no_task_may_overwrite_the_file_that_it_comes_from(folder: Folder, key: str) -> None:
    text = f"import taskrun\nmanager = taskrun.Manager('w')\nmanager.task_new('a', 'echo x', {key}='./w.py')\n"
    folder.write("w.py", text)
    for command in ("check", "run"):
        done = folder.taskrun(command, "w.py")
        assert done.returncode == 2
        assert done.stderr == "w.py: a writes 'w.py', which is this file itself\n"
    assert folder.read("w.py") == text


def test_a_script_of_2013_is_a_file_for_the_command_too(folder: Folder) -> None:
    folder.write("study.py", classic(run=False))
    assert folder.taskrun("run", "study.py").returncode == 0
    assert {name: folder.read(name) for name in MADE} == MADE
    assert json.loads(folder.taskrun("status", "--json", "study.py").stdout)["counts"]["succeeded"] == 10


def test_nor_may_a_sweep_that_it_loads_or_a_task_that_makes_the_directory_in_which_it_lies(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: {run: 'echo x > {outputs}', outputs: w.py}}\n")
    folder.write("w.py", "import taskrun\nmanager = taskrun.load('sweep.yaml')\n")
    done = folder.taskrun("run", "w.py")
    assert (done.returncode, done.stderr) == (2, "w.py: a writes 'w.py', which is this file itself\n")
    (folder.path / "sub").mkdir()
    made = "import taskrun\nmanager = taskrun.Manager({})\nmanager.task_new('a', ':', {})\n"
    folder.write("sub/w.py", made.format("root='..'", "outputs='sub'"))
    done = folder.taskrun("run", "sub/w.py")
    assert (done.returncode, done.stderr) == (2, "sub/w.py: a writes 'sub', which holds this file itself\n")
    (folder.path / "link").symlink_to("sub")
    folder.write("sub/w.py", made.format("", "stdout='w.py'"))
    done = folder.taskrun("run", "link/w.py")
    assert done.returncode == 2
    assert "which is this file itself" in done.stderr
