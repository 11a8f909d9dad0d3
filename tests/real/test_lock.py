"""Who holds a state directory: across processes, crashes, hosts, and file systems without `flock`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest
from records import SOURCE, finished, started, this_run
from studies import wait_until

from taskrun.errors import StateError, StateHeldError
from taskrun.journal import Holder, Journal, read_holder, read_journal
from taskrun.model import RunRecord

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

HOLD = """
import sys, time
sys.path[:0] = sys.argv[2:]
from records import SOURCE, this_run, started
from taskrun.journal import Journal
journal = Journal.open(sys.argv[1], source=SOURCE, run=this_run("holder"))
journal.append([started("a")])
print("held", flush=True)
time.sleep(600)
"""
TESTS = str(Path(__file__).parent.parent)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `tmp_path`."""
    words = [sys.executable, "-c", HOLD, str(tmp_path), TESTS, str(Path(TESTS).parent)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def open_state(directory: Path, run: str = "mine", **changes: object) -> Journal:
    return Journal.open(str(directory), source=SOURCE, run=this_run(run, **changes))


def leave(directory: Path, run: RunRecord, *, touched: float = 0.0) -> None:
    """A lock file as `run` would have left it, last touched so many seconds ago."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "lock").write_bytes(msgspec.json.encode(run) + b"\n")
    then = time.time() - touched
    os.utime(directory / "lock", (then, then))


def test_a_second_run_is_told_who_holds_the_state(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    content = unmarked(tmp_path)
    with pytest.raises(StateHeldError) as caught:
        open_state(tmp_path)
    assert (caught.value.host, caught.value.pid) == (os.uname().nodename, holder.pid)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1000))
    whose = f"pid {holder.pid} on {os.uname().nodename}, since {since}"
    assert str(caught.value) == f"{tmp_path} is held by another run: {whose}"
    assert caught.value.exit_status == 3
    assert unmarked(tmp_path) == content


def test_a_reader_sees_holder_and_records_during_a_run(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert read_holder(str(tmp_path)) == Holder(os.uname().nodename, holder.pid, 1000.0, "holder")
    records = read_journal(str(tmp_path))
    assert records is not None
    assert records.open_starts() == ["a"]


def test_a_killed_holder_holds_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert read_holder(str(tmp_path)) is None
    journal = open_state(tmp_path)
    assert journal.records.open_starts() == ["a"]
    journal.close()


def test_a_stopped_holder_still_holds(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGSTOP)
    with pytest.raises(StateHeldError):
        open_state(tmp_path)


def test_a_process_holds_a_state_once_and_again_after_it_let_go(tmp_path: Path) -> None:
    first = open_state(tmp_path)
    with pytest.raises(StateHeldError):
        open_state(tmp_path)
    first.close()
    assert read_holder(str(tmp_path)) is None
    open_state(tmp_path).close()


def test_the_lock_file_is_never_deleted(tmp_path: Path) -> None:
    open_state(tmp_path).close()
    inode = (tmp_path / "lock").stat().st_ino
    open_state(tmp_path).close()
    assert (tmp_path / "lock").stat().st_ino == inode


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on: this process has a thread, yes
def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    journal = open_state(tmp_path)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    try:
        journal.close()
        open_state(tmp_path).close()
    finally:
        os.close(write_end)
        os.close(read_end)
        os.waitpid(child, 0)


# --- facts, where flock says nothing ---------------------------------------------------------------------------------


def test_a_pid_that_lives_with_another_start_is_not_the_holder(tmp_path: Path) -> None:
    leave(tmp_path, this_run("old", ticks=1))
    assert read_holder(str(tmp_path)) is None
    open_state(tmp_path).close()


def test_a_live_holder_on_this_machine_counts_even_where_flock_succeeds(tmp_path: Path) -> None:
    other = this_run("old", pid=os.getppid(), ticks=ticks_of(os.getppid()))
    leave(tmp_path, other, touched=3600)
    assert read_holder(str(tmp_path)) is not None
    with pytest.raises(StateHeldError):
        open_state(tmp_path)


def ticks_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_another_host_counts_as_alive_within_a_minute_of_its_last_touch(tmp_path: Path) -> None:
    elsewhere = this_run("old", host="elsewhere", boot="another")
    leave(tmp_path, elsewhere, touched=30)
    found = read_holder(str(tmp_path))
    assert found is not None
    assert found.host == "elsewhere"
    with pytest.raises(StateHeldError, match="on elsewhere"):
        open_state(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "lock"]
    leave(tmp_path, elsewhere, touched=61)
    assert read_holder(str(tmp_path)) is None
    open_state(tmp_path).close()


def test_this_machine_before_its_restart_holds_nothing(tmp_path: Path) -> None:
    leave(tmp_path, this_run("old", boot="another"))
    assert read_holder(str(tmp_path)) is None
    open_state(tmp_path).close()


def test_a_lock_file_with_nonsense_in_it_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff{")
    assert read_holder(str(tmp_path)) is None
    open_state(tmp_path).close()


def test_a_lock_that_cannot_be_opened_is_named_with_the_systems_words(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StateError, match=r"cannot lock .*lock: Is a directory"):
        open_state(tmp_path)


# --- a holder that lost it -------------------------------------------------------------------------------------------


@pytest.fixture
def overdue(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As after a suspended laptop: when called, the last touch was long ago."""
    later = SimpleNamespace(time=lambda: time.time() + 3600)
    return lambda: monkeypatch.setattr("taskrun.journal.syncing.time", later)


def test_a_holder_that_finds_another_run_in_its_lock_writes_nothing_more(
    tmp_path: Path, overdue: Callable[[], None]
) -> None:
    journal = open_state(tmp_path)
    leave(tmp_path, this_run("thief", host="elsewhere"))
    overdue()
    before = (tmp_path / "journal.jsonl").read_bytes()
    for _ in range(2):
        with pytest.raises(StateError, match=r"taken over by another run .*on elsewhere.*writes nothing more"):
            journal.append([started("a")])
    with pytest.raises(StateError):
        journal.close()
    assert unmarked(tmp_path) == unmarked_text(before)
    assert read_holder(str(tmp_path)) is not None  # the other's words stand


def unmarked(directory: Path) -> list[bytes]:
    return unmarked_text((directory / "journal.jsonl").read_bytes())


def unmarked_text(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines() if b'"synced"' not in line]


def test_a_journal_that_was_deleted_or_replaced_is_noticed(tmp_path: Path, overdue: Callable[[], None]) -> None:
    journal = open_state(tmp_path)
    (tmp_path / "journal.jsonl").rename(tmp_path / "away")
    overdue()
    with pytest.raises(StateError, match=r"journal\.jsonl was deleted or moved during the run"):
        journal.append([started("a")])
    with pytest.raises(StateError):
        journal.close()


def test_where_the_lock_was_deleted_only_the_last_to_come_goes_on(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {a: 'touch begun; until [ -e go ]; do sleep 0.02; done', b: 'true'}\n")
    first = folder.start("run", "-j", "1", "--json")
    wait_until((folder.path / "begun").exists)
    (folder.path / ".taskrun/sweep/lock").unlink()
    assert folder.taskrun("run", "b").returncode == 0
    folder.write("go", "")
    events, said = first.communicate(timeout=60)
    assert first.returncode == 3
    last = json.loads(events.splitlines()[-1])
    assert (last["event"], last["exit_status"]) == ("run_finished", 3)
    assert set(last["counts"].values()) == {0}, "nothing that is not on record is counted"
    assert "was written to by another run meanwhile (was its lock deleted?); this one writes nothing more" in said
    assert folder.taskrun("run").returncode == 0
    assert folder.statuses() == {"a": "succeeded", "b": "succeeded"}
    assert folder.taskrun("check", "--state").returncode == 0


@pytest.mark.parametrize("words", [("status",), ("run",), ("run", "-n")])
def test_a_pipe_in_place_of_the_journal_is_one_sentence_and_no_wait(folder: Folder, words: tuple[str, ...]) -> None:
    folder.write("sweep.yaml", "steps:\n  a: 'true'\n")
    state = folder.path / ".taskrun/sweep"
    state.mkdir(parents=True)
    os.mkfifo(state / "journal.jsonl")
    done = folder.taskrun(*words)
    assert done.returncode == 3
    assert done.stderr.endswith("journal.jsonl: it is no regular file\n")
    assert done.stderr.count("\n") == 1


def test_a_holder_touches_its_lock(tmp_path: Path, overdue: Callable[[], None]) -> None:
    journal = open_state(tmp_path)
    os.utime(tmp_path / "lock", (1, 1))
    overdue()
    journal.append([started("a")])
    assert time.time() - (tmp_path / "lock").stat().st_mtime < 60
    journal.close()


# --- sync ------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_synced_and_marked_within_a_second_or_so(tmp_path: Path) -> None:
    journal = open_state(tmp_path)
    journal.append([started("a"), finished("a")])
    size = (tmp_path / "journal.jsonl").stat().st_size

    def is_marked() -> bool:
        lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
        marks = [msgspec.json.decode(line)["upto"] for line in lines if b'"synced"' in line]
        return max(marks, default=0) >= size

    wait_until(is_marked)
    journal.close()


def test_the_thread_takes_no_signal_and_keeps_no_process_alive(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    journal = open_state(tmp_path)
    (thread,) = set(threading.enumerate()) - others
    assert thread.daemon
    status = Path(f"/proc/self/task/{thread.native_id}/status")
    if status.exists():
        blocked = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk"))
        assert int(blocked, 16) & 1 << (signal.SIGINT - 1)
        assert int(blocked, 16) & 1 << (signal.SIGCHLD - 1)
    journal.close()
    assert not thread.is_alive()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
