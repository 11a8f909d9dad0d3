"""A Manager without a name: nothing is left below its root, and what failed can be looked at as long as it lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Host

pytestmark = pytest.mark.real


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "study").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    found = Host(tmp_path / "study")
    yield found
    found.close()
    assert list((tmp_path / "tmp").iterdir()) == [], "left in the temporary directory"


def test_nothing_is_left_below_the_root_and_everything_runs_each_time(host: Host) -> None:
    host.run("""
        manager = taskrun.Manager(jobs=2)
        manager.task_new("a", "echo said; echo a >> a.txt", outputs="a.txt")
        manager.task_new("b", "exit 1")
        for count in (1, 2, 3):
            summary = manager.run()
            assert (summary.succeeded, summary.failed, summary.fresh) == (1, 1, 0), summary
            with open("a.txt") as file:
                assert file.read() == "a\\n" * count
            assert sorted(os.listdir()) == ["a.txt", "host.py"]
    """)


def test_logs_can_be_read_as_long_as_the_manager_lives_each_run_having_its_own(host: Host) -> None:
    host.run("""
        import gc
        def text(path):
            with open(path) as file:
                return file.read()
        manager = taskrun.Manager()
        manager.task_new("a", "cat count; exit 1")
        logs = []
        for count in ("one", "two"):
            with open("count", "w") as file:
                file.write(count)
            logs.append(manager.run().failures[0].log)
        assert [text(log) for log in logs] == ["one", "two"]
        del manager
        gc.collect()
        assert not any(map(os.path.exists, logs))
        assert os.listdir(os.environ["TMPDIR"]) == []
    """)


def test_what_a_failed_attempt_left_stays_beside_itself(host: Host) -> None:
    host.run("""
        manager = taskrun.Manager()
        manager.task_new("a", "mkdir out; echo half > out/a; echo half > b; exit 1", outputs=["out", "b"])
        manager.run()
        del manager
        assert sorted(os.listdir()) == ["b.failed", "host.py", "out.failed"]
        assert os.listdir("out.failed") == ["a"]
    """)


def test_two_of_them_run_at_once_in_one_directory(host: Host) -> None:
    host.run("""
        from concurrent.futures import ThreadPoolExecutor
        def work(mine, other):
            manager = taskrun.Manager()
            manager.task_new("a", f"touch {mine}; until [ -e {other} ]; do sleep 0.01; done")
            return manager.run().ok
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(work, ["x", "y"], ["y", "x"])) == [True, True]
    """)


def test_a_forked_child_does_not_take_the_logs_away(host: Host) -> None:
    host.run("""
        manager = taskrun.Manager()
        manager.task_new("a", "echo said; exit 1")
        log = manager.run().failures[0].log
        if not (child := os.fork()):
            sys.exit(0)
        os.waitpid(child, 0)
        with open(log) as file:
            assert file.read() == "said\\n"
    """)


def test_a_command_too_long_for_an_argument_has_its_script_there(host: Host) -> None:
    host.run("""
        manager = taskrun.Manager()
        manager.task_new("a", "x=" + "y" * 200_000 + "; echo ${#x}", stdout="out")
        assert manager.run().ok
        with open("out") as file:
            assert file.read() == "200000\\n"
    """)


def test_a_stream_keeps_the_place_of_its_logs_when_nothing_else_knows_the_manager(host: Host) -> None:
    host.run("""
        import gc
        def begun():
            manager = taskrun.Manager()
            manager.task_new("a", "echo said; exit 1")
            return manager.stream()
        events = begun()
        gc.collect()
        (log,) = [event.log for event in events if isinstance(event, taskrun.Finished)]
        with open(log) as file:
            assert file.read() == "said\\n"
        del events
        gc.collect()
        assert os.listdir(os.environ["TMPDIR"]) == []
    """)
