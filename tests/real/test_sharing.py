"""Pools on real processes: gpus that nvidia-smi knows, cores to be bound to, niceness, and what stands before."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from studies import Folder, read_until, wait_until

pytestmark = pytest.mark.real

NVIDIA = {
    "works": "echo '0, GPU-11111111-aa'; echo '1, GPU-22222222-bb'",
    "complains": 'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
    "knows none": "echo 'No devices were found'",
    "hangs": "trap '' TERM; echo $$ > asked; sleep 600 & wait",
}
GPUS = """
sweep: {g: [1, 1/2], n: [1, 2, 3, 4]}
let: {share: "{g}"}
steps:
  sim:
    run: echo "$CUDA_VISIBLE_DEVICES" "$HIP_VISIBLE_DEVICES" "$TASKRUN_GPUS" > {outputs}; sleep 0.05
    outputs: "out/{g}-{n}"
    cores: 0
    gpus: "{share}"
"""
SSH = """#!/bin/sh
shift
exec sh -c "$*"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.close()


def program(folder: Folder, name: str, text: str) -> dict[str, str]:
    """A program of that name in a directory of its own, and an environment that has it in its PATH."""
    path = folder.write(f"bin/{name}", text)
    path.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.endswith("VISIBLE_DEVICES")}
    return {**environment, "PATH": f"{path.parent}:{os.environ['PATH']}"}


def smi(folder: Folder, manner: str) -> dict[str, str]:
    return program(folder, "nvidia-smi", f"#!/bin/sh\n{NVIDIA[manner]}\n")


def gpus(folder: Folder) -> Counter[str]:
    """How often which gpus were written down; every variable says the same."""
    found: Counter[str] = Counter()
    for path in (folder.path / "out").iterdir():
        ids = path.read_text().split()
        assert len(ids) == 3
        assert len(set(ids)) == 1
        found[ids[0]] += 1
    return found


# --- gpus


def with_gpus(folder: Folder) -> None:
    folder.write("sweep.yaml", GPUS.replace("1/2", "0.5"))


def test_tasks_get_the_gpus_that_nvidia_smi_knows(folder: Folder) -> None:
    with_gpus(folder)
    run = folder.taskrun("run", env=smi(folder, "works"))
    assert run.returncode == 0, run.stderr
    assert "bottleneck: 2 gpus, shared by 8 tasks" in run.stderr
    assert gpus(folder).keys() == {"0", "1"}
    starts = [json.loads(line) for line in folder.read(".taskrun/sweep/journal.jsonl").splitlines()]
    assert {tuple(each["gpus"]) for each in starts if each["kind"] == "start"} == {("0",), ("1",)}


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("complains", "nvidia-smi says \"NVIDIA-SMI has failed because it couldn't communicate with"),
        ("hangs", "nvidia-smi said nothing for 5 seconds"),
    ],
)
def test_where_nvidia_smi_cannot_say_nothing_is_started(folder: Folder, manner: str, said: str) -> None:
    with_gpus(folder)
    run = folder.taskrun("run", env=smi(folder, manner))
    assert run.returncode == 2
    assert f"taskrun: nobody knows which gpus there are: {said}" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (folder.path / ".taskrun").exists()
    if manner == "hangs":
        asked = int(folder.read("asked"))
        wait_until(lambda: not os.path.exists(f"/proc/{asked}"))


def test_without_a_gpu_who_asks_for_one_is_refused_at_its_place(folder: Folder) -> None:
    with_gpus(folder)
    run = folder.taskrun("run", env=smi(folder, "knows none"))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("sweep.yaml:9:11: sim/g=1/n=1 asks for 1 gpu, and there are 0; ask for less")


def test_nvidia_smi_is_not_asked_where_nobody_wants_a_gpu_or_it_is_said_how_many_there_are(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: 'true'}\n")
    hangs = smi(folder, "hangs")
    assert folder.taskrun("run", env=hangs).returncode == 0
    with_gpus(folder)
    assert folder.taskrun("run", "--pool", "gpus=2", env=hangs).returncode == 0
    assert gpus(folder).keys() == {"0", "1"}
    assert not (folder.path / "asked").exists()


def test_a_list_of_gpus_wins_and_is_checked_where_that_is_possible(folder: Folder) -> None:
    with_gpus(folder)
    works = smi(folder, "works")
    wrong = folder.taskrun("run", env={**works, "CUDA_VISIBLE_DEVICES": "0,7"})
    assert (wrong.returncode, wrong.stderr) == (
        2, "taskrun: CUDA_VISIBLE_DEVICES=0,7: there is no gpu '7'; nvidia-smi knows 0, 1\n",
    )  # fmt: skip
    run = folder.taskrun("run", env={**works, "CUDA_VISIBLE_DEVICES": "GPU-2222,1"})
    assert run.returncode == 0, run.stderr
    assert gpus(folder).keys() == {"GPU-2222", "1"}


def test_an_empty_list_of_gpus_is_none(folder: Folder) -> None:
    with_gpus(folder)
    run = folder.taskrun("run", env={**smi(folder, "works"), "CUDA_VISIBLE_DEVICES": ""})
    assert run.returncode == 2
    assert "asks for 1 gpu, and there are 0" in run.stderr


def test_what_a_task_of_a_killed_run_has_is_given_to_nobody_else(folder: Folder) -> None:
    folder.write("sweep.yaml", """
pools: {gpus: 2, licence: 1}
steps:
  long: {run: "while [ ! -e end ]; do sleep 0.02; done; echo $TASKRUN_GPUS > long.out", gpus: 1, cores: 0, priority: 1}
  short: {run: "echo $TASKRUN_GPUS > short.out", gpus: 1, cores: 0, after: gate}
  gate: {run: "touch begun; while [ ! -e go ]; do sleep 0.02; done", cores: 0}
""")  # fmt: skip
    environment = smi(folder, "works")
    first = folder.start("run", env=environment)
    wait_until((folder.path / "begun").exists)
    wait_until(lambda: sum('"spawn"' in line for line in folder.read(".taskrun/sweep/journal.jsonl").splitlines()) == 2)
    first.kill()
    first.wait()
    second = folder.start("run", env=environment)
    read_until(second, "still running since an earlier run")
    folder.write("go", "")
    wait_until((folder.path / "short.out").exists)
    folder.write("end", "")
    assert second.wait(30) == 0
    assert (folder.read("long.out"), folder.read("short.out")) == ("0\n", "1\n")


# --- cores, niceness, threads


def test_a_pinned_task_and_all_its_children_run_on_cores_of_its_own(folder: Folder) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only")
    look = "import os; print(*sorted(os.sched_getaffinity(0)))"
    folder.write("look.py", look)
    folder.write("sweep.yaml", """
sweep: {n: [1, 2]}
steps:
  own: {run: "(python3 look.py; while [ $(ls out | wc -l) -lt 2 ]; do sleep 0.02; done) > {outputs}",
        outputs: "out/{n}", pin: yes}
  any: {run: "python3 look.py > {outputs}", outputs: any}
""")  # fmt: skip
    before = os.sched_getaffinity(0)
    assert folder.taskrun("run", "-j", "2").returncode == 0
    first, second = (set(map(int, folder.read(f"out/{n}").split())) for n in (1, 2))
    assert len(first) == len(second) == 1
    assert first | second <= before
    assert not first & second
    assert set(map(int, folder.read("any").split())) == before == os.sched_getaffinity(0)


def test_niceness_comes_on_top_of_ours_and_reaches_all_children(folder: Folder) -> None:
    folder.write("sweep.yaml", """
steps:
  line: {run: "nice > line; (nice >> line)", nice: 5}
  direct: {run: "sh -c 'nice > direct'", nice: 3}
  words: {run: [sh, -c, "nice > words"], nice: 7}
  none: {run: "nice > none"}
""")  # fmt: skip
    assert folder.taskrun("run").returncode == 0
    own = int(folder.read("none"))
    assert [folder.read(name).split() for name in ("line", "direct", "words")] == [
        [str(own + 5)] * 2, [str(own + 3)], [str(own + 7)],
    ]  # fmt: skip


def test_a_niced_program_that_is_not_there_could_not_start(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: {run: [no-such-program], nice: 3}}\n")
    run = folder.taskrun("run")
    assert run.returncode == 1
    assert "could not start: no-such-program: No such file or directory" in run.stderr


def test_libraries_are_told_how_many_threads_to_start_where_a_task_states_its_cores(folder: Folder) -> None:
    folder.write("sweep.yaml", """
steps:
  two: {run: "echo $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $MKL_NUM_THREADS > two", cores: 2}
  half: {run: "echo $OMP_NUM_THREADS > half", cores: 0.5}
  own: {run: "echo $OMP_NUM_THREADS $MKL_NUM_THREADS > own", cores: 2, env: {OMP_NUM_THREADS: 7}}
  unsaid: {run: "echo ${OMP_NUM_THREADS-none} > unsaid"}
""")  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    assert folder.taskrun("run", "-j", "2", env={**environment, "MKL_NUM_THREADS": "5"}).returncode == 0
    assert [folder.read(name).split() for name in ("two", "half", "own", "unsaid")] == [
        ["2", "2", "5"], ["1"], ["7", "5"], ["none"],
    ]  # fmt: skip


# --- wrap


def wrapped(folder: Folder) -> dict[str, str]:
    folder.write("sweep.yaml", """
sweep: {v: [plain, "a  b", "it's", '$HOME "x" *']}
steps:
  line:
    run: printf '%s|' {v} "a  b" $((1 + 1)) > {outputs}; echo "$TASKRUN_PARAM_V" >> {outputs}
    wrap: [ssh, host, nice]
    outputs: "line/{v}"
  words:
    run: [cp, in, "{outputs}"]
    wrap: ssh host
    inputs: in
    outputs: "words/{v}"
  local:
    run: echo "$X" {v} > {outputs}
    wrap: nice -n 1 env "X={v}"
    outputs: "local/{v}"
""")  # fmt: skip
    folder.write("in", "text\n")
    return program(folder, "ssh", SSH)


def expected(value: str) -> dict[str, bytes]:
    return {
        f"line/{value}": f"{value}|a  b|2|{value}\n".encode(),
        f"words/{value}": b"text\n",
        f"local/{value}": f"{value} {value}\n".encode(),
    }


@pytest.mark.parametrize("dry", [False, True])
def test_a_wrapped_command_arrives_as_it_was_meant(folder: Folder, *, dry: bool) -> None:
    environment = wrapped(folder)
    run = folder.taskrun("run", *(["-n"] if dry else []), env=environment)
    assert run.returncode == 0, run.stderr
    if dry:
        folder.write("script", run.stdout)
        subprocess.run(["bash", "script"], cwd=folder.path, env=environment, check=True, timeout=60)
    made = {name: text for name, text in folder.files().items() if "/" in name and not name.startswith("bin/")}
    values = ["plain", "a  b", "it's", '$HOME "x" *']
    assert made == {name: text for value in values for name, text in expected(value).items()}


def test_what_stands_before_a_command_is_part_of_it(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: {run: 'echo $X > out', wrap: env X=1, outputs: out}}\n")
    assert folder.taskrun("run").returncode == 0
    folder.write("sweep.yaml", "steps: {a: {run: 'echo $X > out', wrap: env X=2, outputs: out, nice: 1}}\n")
    assert "shell changed" in folder.taskrun("why", "a").stdout
    assert folder.taskrun("run").returncode == 0
    assert folder.read("out") == "2\n"
    folder.write("sweep.yaml", "steps: {a: {run: 'echo $X > out', wrap: env X=2, outputs: out, nice: 2, memory: 1M}}\n")
    assert "fresh" in folder.taskrun("why", "a").stdout


def test_a_command_that_is_too_long_for_a_word_goes_through_a_wrap_as_a_script(folder: Folder) -> None:
    long = "x" * 140_000
    folder.write("sweep.yaml", f"steps: {{a: {{run: 'echo $X {long} | wc -c', wrap: env X=1, stdout: out}}}}\n")
    run = folder.taskrun("run")
    assert run.returncode == 0, run.stderr
    assert folder.read("out").strip() == str(len(long) + 3)


# --- what is said


def test_why_names_the_pool_and_who_holds_it(folder: Folder) -> None:
    folder.write("sweep.yaml", """
pools: {licence: 2, memory: 4G}
steps:
  first: {run: "while [ ! -e end ]; do sleep 0.02; done", tokens: {licence: 1}, memory: 3G, cores: 0, priority: 1}
  licensed: {run: "true", tokens: {licence: 2}, cores: 0}
  large: {run: "true", memory: 2G, cores: 0}
""")  # fmt: skip
    run = folder.start("run")
    wait_until(lambda: folder.statuses().get("first") == "running")
    assert folder.taskrun("why", "licensed").stdout.splitlines()[0] == (
        "licensed: waits for 2 licence: 1 of 2 free, in use by first"
    )
    assert folder.taskrun("why", "large").stdout.splitlines()[0] == (
        "large: waits for 2G of memory: 1G of 4G free, in use by first"
    )
    folder.write("end", "")
    assert run.wait(30) == 0


def test_after_a_run_it_says_what_memory_would_do(folder: Folder) -> None:
    folder.write("eat.py", "x = bytearray(400 << 20); x[::4096] = b'x' * len(x[::4096])")
    folder.write("sweep.yaml", """
sweep: {n: {from: 1, to: 6}}
pools: {memory: 4G}
steps: {sim: {run: "python3 eat.py # {n}", memory: 2G, cores: 0}}
""")  # fmt: skip
    run = folder.taskrun("run")
    assert run.returncode == 0, run.stderr
    (hint,) = [line for line in run.stderr.splitlines() if line.startswith("hint: sim asks")]
    assert hint.startswith("hint: sim asks 2G, used at most 4")
    assert "in 6 tasks: with " in hint
    assert hint.endswith("would fit at once instead of 2")
    assert "bottleneck: 4G of memory, shared by 6 tasks" in run.stderr


def test_a_pool_that_is_mistyped_is_a_mistake(folder: Folder) -> None:
    folder.write("sweep.yaml", "pools: {licence: 2}\nsteps:\n  a: {run: 'true', tokens: {licence: 1}}\n")
    wrong = folder.taskrun("run", "--pool", "licens=1")
    assert wrong.returncode == 2
    assert wrong.stderr == "taskrun: --pool licens: no task asks for that; did you mean 'licence'?\n"
    assert folder.taskrun("run", "--pool", "licence=1").returncode == 0
