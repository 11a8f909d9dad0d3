"""What the machine allows, and which process is which."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from taskrun.interrupt import Interrupts, heeded
from taskrun.machine import Identity, core_ids, cpu_quota, identity, is_alive, namespace, usable_cores
from taskrun.machine.memory import machine_memory, memory_limit, shared_memory
from taskrun.model import Interrupted


def quota(root: Path, membership: str, files: dict[str, str]) -> float | None:
    (root / "cgroup").write_text(membership)
    for name, text in files.items():
        path = root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return cpu_quota(os.fspath(root / "cgroup"), os.fspath(root / "tree"))


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        ("0::/user/me\n", {"user/me/cpu.max": "max 100000\n"}, None),
        ("0::/user/me\n", {"user/me/cpu.max": "250000 100000\n"}, 2.5),
        ("0::/user/me\n", {"user/me/cpu.max": "max 100000\n", "user/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3.0),
        ("0::/docker/of-the-host\n", {"cpu.max": "300000 100000\n"}, 3.0),
        ("4:cpu,cpuacct:/a\n", {"cpu,cpuacct/a/cpu.cfs_quota_us": "-1", "cpu,cpuacct/a/cpu.cfs_period_us": "9"}, None),
        ("4:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "40000\n", "cpu/a/cpu.cfs_period_us": "20000\n"}, 2.0),
        ("4:memory:/a\n", {"cpu/a/cpu.cfs_quota_us": "40000\n", "cpu/a/cpu.cfs_period_us": "20000\n"}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_smallest_quota_on_the_way_up_counts(
    tmp_path: Path, membership: str, files: dict[str, str], cores: float | None
) -> None:
    assert quota(tmp_path, membership, files) == cores


def test_there_is_at_least_one_whole_core() -> None:
    assert usable_cores() >= 1
    assert usable_cores().denominator == 1


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = identity(os.getpid())
    assert me is not None
    assert is_alive(me)
    assert is_alive(Identity(me.pid, None, me.namespace))
    assert me.ticks is not None
    assert not is_alive(Identity(me.pid, me.ticks + 1, me.namespace))
    assert not is_alive(Identity(me.pid, me.ticks, (namespace() or 0) + 1))


@pytest.mark.parametrize(
    ("signals", "levels"),
    [
        ("INT INT INT INT", [1, 2, 3, 3]),
        ("TERM TERM", [2, 2]),
        ("TERM HUP", [2, 2]),
        ("INT TERM INT", [1, 2, 3]),
        ("INT INT TERM", [1, 2, 2]),
    ],
)
def test_signals_raise_the_level(signals: str, levels: list[int]) -> None:
    interrupts = Interrupts()
    names = [f"SIG{name}" for name in signals.split()]
    received = [interrupts.receive(signal.Signals[name]) for name in names]
    assert received == [Interrupted(level, name) for level, name in zip(levels, names, strict=True)]


def test_only_a_hangup_that_was_ignored_is_not_heeded() -> None:
    assert heeded(lambda number: False) == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    assert heeded(lambda number: True) == (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/user/me\n", {"user/me/memory.max": "max\n"}, None),
        ("0::/user/me\n", {"user/me/memory.max": "1000\n", "user/memory.max": "800\n"}, 800),
        ("0::/docker/of-the-host\n", {"memory.max": "4096\n"}, 4096),
        ("9:memory:/a\n", {"memory/a/memory.limit_in_bytes": "2048\n"}, 2048),
        ("9:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "2048\n"}, None),
        ("", {}, None),
    ],
)
def test_the_smallest_memory_limit_on_the_way_up_counts(
    tmp_path: Path, membership: str, files: dict[str, str], limit: int | None
) -> None:
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_limit(os.fspath(tmp_path / "cgroup"), os.fspath(tmp_path / "tree")) == limit


def test_a_tenth_of_the_memory_is_left_to_others() -> None:
    assert 0 < shared_memory() <= machine_memory() * 9 // 10
    assert shared_memory().denominator == 1


def test_the_cores_that_a_task_can_be_bound_to_are_ours() -> None:
    assert set(core_ids()) == {str(core) for core in os.sched_getaffinity(0)}
