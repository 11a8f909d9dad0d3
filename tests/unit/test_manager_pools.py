"""Pools in a program: how much there is, what tasks ask for, and what is refused."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest

import taskrun
from taskrun import Manager, UsageError
from taskrun.manager.execution import rehearse
from taskrun.manager.running import Options
from taskrun.model import STRICT_BASH, Argv, Shell, Task, Traits


def made(manager: Manager, **keys: object) -> Task:
    manager.task_new("a", keys.pop("command", "x"), **keys)  # type: ignore[arg-type]
    return manager.study().graph.tasks[0]


def test_a_task_asks_for_what_its_keys_say(tmp_path: Path) -> None:
    manager = Manager("m", root=tmp_path, pools={"licence": 2, "memory": "32G", "cores": 4, "half": 0.5})
    task = made(manager, memory="2G", gpus=0.5, tokens={"licence": 1}, nice=3, pin=True, cores=2)
    asks = {"cores": 2, "memory": 2 * 1024**3, "gpus": Fraction(1, 2), "licence": 1}
    assert task.traits == Traits(
        tuple((pool, Fraction(amount)) for pool, amount in asks.items()), is_pinned=True, nice=3, states_cores=True
    )
    assert manager.study().pools == {"licence": 2, "memory": 32 * 1024**3, "cores": 4, "half": Fraction(1, 2)}


@pytest.mark.parametrize("wrap", ["nice -n 5", ["nice", "-n", 5]])
def test_a_wrap_stands_before_the_command(tmp_path: Path, wrap: object) -> None:
    assert made(Manager(root=tmp_path), wrap=wrap).action == Shell("x", ("nice", "-n", "5", *STRICT_BASH))
    task = made(Manager(root=tmp_path), command=["echo", "a b"], wrap="ssh host")
    assert task.action == Argv(("ssh", "host", "echo", "'a b'"))


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"gpus": 1.5}, "`gpus`: 1.5 is neither a whole number nor a share of one gpu"),
        ({"gpus": float("nan")}, "`gpus`: 'nan' is not a number"),
        ({"memory": "2X"}, "`memory`: '2X' is not a size; write it as 512M or 2G"),
        ({"memory": -1}, "`memory`: '-1' is not a size; write it as 512M or 2G"),
        ({"tokens": {"memory": 1}}, "`tokens`: 'memory' is no token but a key of the step; write `memory: ...`"),
        ({"tokens": {"licence": -1}}, "`tokens.licence`: -1 is negative"),
        ({"tokens": 1}, "`tokens` must be a mapping, not a text"),
        ({"pin": True, "cores": 0.5}, "`pin` binds a task to whole cores, and it asks for 0.5"),
        ({"wrap": "nice '"}, "`wrap`: \"nice '\" is no list of words: no closing quotation"),
        ({"wrap": []}, "`wrap` is an empty list"),
        ({"nice": 20}, "`nice`: 20 is not a whole number from -20 to 19"),
    ],
)
def test_a_wrong_key_is_an_error_at_the_call(tmp_path: Path, keys: dict[str, object], wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        Manager(root=tmp_path).task_new("a", "x", **keys)
    assert str(caught.value).startswith(f"task 'a': {wrong}")


@pytest.mark.parametrize(
    ("pools", "wrong"),
    [
        (["licence"], "pools=['licence']: a dict is expected, such as {'licence': 2, 'memory': '32G'}"),
        ({1: 1}, "pools: 1 is no name of a pool"),
        ({"a b": 1}, "pools: 'a b' is no name of a pool"),
        ({"licence": True}, "pools: licence=True: a number or a size is expected"),
        ({"licence": None}, "pools: licence=None: a number or a size is expected"),
        ({"licence": "2G"}, "pools: licence=2G: '2G' is not a number"),
        ({"licence": float("nan")}, "pools: licence=nan: 'nan' is not a number"),
        ({"memory": "lots"}, "pools: memory=lots: 'lots' is not a size; write it as 512M or 2G"),
        ({"cores": 0}, "pools: cores=0: 0 is not a whole number of cores, at least 1"),
    ],
)
def test_wrong_pools_are_an_error_at_the_call(pools: object, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        Manager(pools=pools)  # type: ignore[arg-type]
    assert str(caught.value) == wrong


def test_what_can_never_be_had_is_refused_when_a_run_begins(tmp_path: Path) -> None:
    manager = Manager("m", root=tmp_path, pools={"licence": 1})
    manager.task_new("a", "true", tokens={"licence": 2})
    manager.task_new("b", "true", tokens={"seat": 1}, step="other")
    wrong = (
        "a asks for 2 of the pool 'licence', and there is 1; "
        "ask for less, or say how much there is to share, as pools={'licence': 2}\n"
        "b asks for 1 of the pool 'seat', and nobody says how much of that there is; "
        "say it, as pools={'seat': 1}"
    )
    for dry_run in (False, True):
        with pytest.raises(UsageError) as caught:
            manager.run(dry_run=dry_run)
        assert str(caught.value) == wrong
    assert not (tmp_path / ".taskrun").exists()


def test_a_dry_run_writes_out_what_stands_before_and_what_libraries_are_told(tmp_path: Path) -> None:
    manager = Manager(root=tmp_path)
    manager.task_new("a", "x", cores=1, nice=3, wrap="srun -n 1", gpus=2, env={"MKL_NUM_THREADS": 9})
    stream = io.StringIO()
    rehearse(manager.study(), Options(state="", jobs=Fraction(1)), stream)
    (*_, said) = stream.getvalue().split("TASKRUN_RUN=dry-run ")
    assert said == (
        'MKL_NUM_THREADS=9 OMP_NUM_THREADS="${OMP_NUM_THREADS-1}" OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS-1}" '
        'TASKRUN_GPUS="${CUDA_VISIBLE_DEVICES-0,1}" CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES-0,1}" '
        'HIP_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES-0,1}" \\\n'
        "  nice -n 3 srun -n 1 bash -euo pipefail -c x ) || exit\n"
    )


def test_a_loaded_file_keeps_its_pools_beside_tasks_that_are_added(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("pools: {licence: 1}\nsteps: {a: {run: x, tokens: {licence: 1}}}\n")
    manager = taskrun.load(tmp_path / "s.yaml")
    manager.task_new("b", "x", tokens={"licence": 1})
    assert manager.study().pools == {"licence": 1}
