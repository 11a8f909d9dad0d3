"""Commands under a shim: the same command, the same end, and that end on disk whoever is killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from processes import STATE, Place, ended, place, task
from studies import wait_until

from taskrun.machine import boot_id, group_members, identity
from taskrun.model import Cause, Ended, Handle, Spawned
from taskrun.results import Result, is_held, read_result

pytestmark = pytest.mark.real

FIRST = f"first-run-{os.getpid()}"
WAITS = "touch begun; until [ -e go ]; do sleep 0.02; done; "


@pytest.fixture(params=[True, False], ids=["our own process", "a host"])
def owns_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def result_path(tmp_path: Path, number: int = 1) -> str:
    return os.fspath(tmp_path / STATE / f"results/t0.{number}")


def result(tmp_path: Path, number: int = 1) -> Result | None:
    return read_result(result_path(tmp_path, number))


def command(tmp_path: Path, number: int = 1) -> int:
    """The process under the shim, once it is on disk and its command has begun."""
    wait_until(lambda: (found := result(tmp_path, number)) is not None and found.command is not None)
    wait_until((tmp_path / "begun").exists)
    found = result(tmp_path, number)
    assert found is not None
    assert found.command is not None
    return found.command.pid


# --- what a command sees ---------------------------------------------------------------------------------------------

SHOW = """
import os, resource
out = open(os.environ["SEEN"], "w")
def show(name, value): print(name, value, file=out)
own = out.fileno()
for name in ("environ", "cmdline", "limits", "oom_score_adj", "cgroup"):
    show(name, open(f"/proc/self/{name}", "rb").read())
wanted = ("Umask", "SigQ", "SigPnd", "SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Cpus_allowed", "Groups", "CapEff")
for line in open("/proc/self/status"):
    if line.split(":")[0] in wanted and not line.startswith("SigQ"): show("status", line)
for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
    if fd < own: show(fd, (os.readlink(f"/proc/self/fd/{fd}"), open(f"/proc/self/fdinfo/{fd}").read().split("ino")[0]))
show("cwd", os.getcwd())
show("leads", os.getpid() == os.getsid(0) == os.getpgrp())
show("nice", os.nice(0))
show("fsize", resource.getrlimit(resource.RLIMIT_CORE))
"""
ODD = {
    "LD_LIBRARY_PATH": "/no/such/place", "LC_CTYPE": "C", "PYTHONSTARTUP": "/no/such/file", "PYTHONINSPECT": "1",
    "PYTHONPATH": "/no/such/path", "MINE": "a=b\nc \udcff", "TASKRUN_PARAM_X": "", "LANG": "POSIX",
}  # fmt: skip


@pytest.mark.parametrize("env", [{}, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("streams", [{}, {"stdout": "out", "stderr": "err"}], ids=["log", "redirected"])
def test_a_command_sees_nothing_of_its_shim(
    tmp_path: Path, owns_process: bool, env: dict[str, str], streams: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "below").mkdir()
    (tmp_path / "show.py").write_text(SHOW)
    words = [sys.executable, "-I", "../show.py", "\udcff ä", "", "-x"]
    asked = task(0, words, cwd="below", env={**env, "SEEN": os.fspath(tmp_path / "seen")}, **streams)
    seen = []
    for shims in (False, True):
        with place(tmp_path, owns_process=owns_process, shims=shims, is_recorded=lambda *_: False) as here:
            assert here.run(asked)[0].exit_code == 0, here.log(asked)
        seen.append((tmp_path / "seen").read_text())
    assert result(tmp_path) is not None, "there was a shim"
    assert seen[0].splitlines() == seen[1].splitlines()


def test_a_string_sees_nothing_of_its_shim(tmp_path: Path) -> None:
    show = "env | grep -v ^_=; pwd; trap; ulimit -a; umask; readlink /proc/$$/exe"
    seen = []
    for shims in (False, True):
        with place(tmp_path, shims=shims) as here:
            for text in (show, "env"):
                asked = task(0, text, stderr="out", stdout="out")
                assert here.run(asked)[0].exit_code == 0
                seen.append((tmp_path / "out").read_text())
    assert [text.splitlines() for text in seen[:2]] == [text.splitlines() for text in seen[2:]]


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_ends_are_the_same(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        ends = here.run(
            task(0, "true"),
            task(1, "exit 3"),
            task(2, "kill -9 $$"),
            task(3, "kill -SEGV $$"),
            task(4, "no-such-program --flag"),
            task(5, ["no-such-program"]),
            task(6, ["./directory"]),
            task(7, "exit 125"),
        )
        assert [end.exit_code for end in ends] == [0, 3, None, None, 127, None, None, 125]
        assert [end.signal for end in ends] == [None, None, "SIGKILL", "SIGSEGV", None, None, None, None]
        assert {end.cause for end in ends[:5]} == {None}
        assert [end.message for end in ends[5:7]] == [
            "no-such-program: No such file or directory",
            "./directory: No such file or directory",
        ]


def test_a_result_is_kept_until_the_end_is_on_record(tmp_path: Path) -> None:
    recorded: set[tuple[str, int]] = set()
    with place(tmp_path, shims=True, is_recorded=lambda *end: end in recorded) as here:
        here.run(task(0, "exit 3"))
        here.run(task(1, "true"))
        found = result(tmp_path)
        assert found is not None
        assert found.end is not None
        assert os.waitstatus_to_exitcode(found.end.status) == 3
        recorded.add(("t0", 1))
        here.run(task(2, "true"))
        assert result(tmp_path) is None
        recorded.update({("t1", 1), ("t2", 1)})
    assert [path for path in (tmp_path / STATE / "results").rglob("*") if path.is_file()] == []


def test_peak_memory_is_the_commands_own(tmp_path: Path) -> None:
    with place(tmp_path, shims=True) as here:
        small, big = here.run(
            task(0, "true"), task(1, [sys.executable, "-S", "-c", "x = bytearray(300_000_000); print(len(x))"])
        )
        assert small.max_rss is None
        assert big.max_rss is not None
        assert 300_000_000 < big.max_rss < 330_000_000


def test_where_no_result_can_be_written_the_command_runs_once_all_the_same(tmp_path: Path) -> None:
    (tmp_path / STATE).mkdir(parents=True)
    (tmp_path / STATE / "results").write_text("in the way")
    with place(tmp_path, shims=True) as here:
        assert here.run(task(0, "echo x >> ran; exit 4"))[0].exit_code == 4
    assert (tmp_path / "ran").read_text() == "x\n"


@pytest.mark.parametrize("lost", [".taskrun", STATE + "/results/t0.1"], ids=["state", "result"])
def test_a_state_or_a_result_deleted_meanwhile_runs_nothing_twice(tmp_path: Path, lost: str) -> None:
    with place(tmp_path, shims=True) as here:
        asked = task(0, f"echo x >> ran; {WAITS} exit 4")
        here.start(asked)
        command(tmp_path)
        subprocess.run(["rm", "-r", os.fspath(tmp_path / lost)], check=True)
        (tmp_path / "go").touch()
        assert ended(here.until(lambda happened: len(happened) == 2))[0].exit_code == 4
    assert (tmp_path / "ran").read_text() == "x\n"


def test_what_a_command_leaves_in_its_group_is_ended(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        (end,) = here.run(task(0, "sleep 60 & echo $$ > group"))
        assert end.exit_code == 0
        group = int((tmp_path / "group").read_text())
        wait_until(lambda: not group_members(group))


# --- who is killed ---------------------------------------------------------------------------------------------------


def test_a_kill_leaves_nothing(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        asked = task(0, f"sleep 60 | sleep 60 & {WAITS}")
        here.start(asked)
        shim, group = here.spawned(asked).pid or 0, command(tmp_path)
        here.executor.kill(asked, force=False)
        (end,) = ended(here.until(lambda happened: len(ended(happened)) == 1))
        assert end.signal == "SIGTERM"
        wait_until(lambda: not group_members(group))
        assert identity(shim) is None


@pytest.mark.parametrize("force", [True, False])
def test_a_kill_before_there_is_a_command_reaches_it(tmp_path: Path, owns_process: bool, force: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        asked = task(0, ["sleep", "60"])
        here.start(asked)
        here.executor.kill(asked, force=force)
        (end,) = ended(here.until(lambda happened: len(ended(happened)) == 1))
        assert end.signal == ("SIGKILL" if force else "SIGTERM")


def test_stop_leaves_nothing(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True, grace=0.3) as here:
        asked = task(0, f"trap '' TERM; {WAITS}")
        here.start(asked, task(1, ["sleep", "60"]))
        shim, group = here.spawned(asked).pid or 0, command(tmp_path)
    assert group_members(group) == []
    assert identity(shim) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def test_a_signal_to_the_shim_loses_no_result(tmp_path: Path, number: int) -> None:
    with place(tmp_path, shims=True) as here:
        asked = task(0, f"{WAITS} exit 3")
        here.start(asked)
        shim = here.spawned(asked).pid or 0
        command(tmp_path)
        os.kill(shim, number)
        (tmp_path / "go").touch()
        assert ended(here.until(lambda happened: len(happened) == 2))[0].exit_code == 3


def test_a_shim_killed_is_lost_alone_and_its_command_waited_for(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        asked = task(0, f"echo begun; {WAITS} touch done")
        here.start(asked)
        shim = here.spawned(asked).pid or 0
        pid = command(tmp_path)
        os.kill(shim, signal.SIGKILL)
        wait_until(lambda: not is_held(result_path(tmp_path)))
        here.happened.extend(here.executor.wait(0.3))
        assert ended(here.happened) == []
        assert identity(pid) is not None
        (tmp_path / "go").touch()
        (end,) = ended(here.until(lambda happened: len(ended(happened)) == 1))
        assert (end.cause, end.exit_code) == (Cause.LOST, None)
        assert end.message.startswith("its shim (the process of taskrun above it) was killed")
        assert end.seconds == pytest.approx(end.end - end.start)
        assert end.seconds > 0.3
        assert (tmp_path / "done").exists()
        assert here.log(asked) == "begun\n"


def test_a_command_whose_shim_was_killed_can_be_killed(tmp_path: Path, owns_process: bool) -> None:
    with place(tmp_path, owns_process=owns_process, shims=True) as here:
        asked = task(0, WAITS)
        here.start(asked)
        shim, group = here.spawned(asked).pid or 0, command(tmp_path)
        os.kill(shim, signal.SIGKILL)
        wait_until(lambda: identity(shim) is None)
        here.happened.extend(here.executor.wait(0.05))
        here.executor.kill(asked, force=False)
        (end,) = ended(here.until(lambda happened: len(ended(happened)) == 1))
        assert end.cause is Cause.LOST
        wait_until(lambda: not group_members(group))


# --- the runner is killed --------------------------------------------------------------------------------------------

RUNNER = f"""
import sys
sys.path.insert(0, {os.fspath(Path(__file__).parent.parent)!r})
from pathlib import Path
from processes import Place, task
here = Place(Path(sys.argv[1]), owns_process=True, shims=True, run={FIRST!r})
asked = task(0, sys.argv[2])
here.start(asked, number=4, round=2)
handle = here.spawned(asked)
print(handle.pid, handle.ticks, handle.namespace, flush=True)
here.until(lambda happened: False)
"""


@contextmanager
def orphan(tmp_path: Path, text: str) -> Iterator[Handle]:
    """A task under a shim, its command begun, whose runner was killed; nothing is left of it afterwards."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, os.fspath(tmp_path), text], stdout=subprocess.PIPE, text=True
    )
    with runner:
        assert runner.stdout is not None
        pid, ticks, namespace = (int(word) for word in runner.stdout.readline().split())
        group = command(tmp_path, 4)
        runner.kill()
    try:
        yield Handle(FIRST, 4, 2, pid, ticks, namespace)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def adopt(here: Place, handle: Handle) -> Ended | Spawned:
    here.start(task(0, "never executed > executed"), number=4, handle=handle)
    found = here.until(lambda happened: len(happened) > 0)[0]
    assert isinstance(found, Ended | Spawned)
    return found


def last(here: Place) -> Ended:
    return ended(here.until(lambda happened: len(ended(happened)) == 1))[0]


def nameless(handle: Handle) -> Handle:
    """As if the runner had died between the start's record and that of the process."""
    return Handle(handle.run, handle.attempt, handle.round)


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("knows_pid", [True, False])
def test_the_result_of_what_outlives_its_runner_is_honoured(
    tmp_path: Path, owns_process: bool, code: int, knows_pid: bool
) -> None:
    with orphan(tmp_path, f"{WAITS} exit {code}") as handle, place(tmp_path, owns_process=owns_process) as here:
        assert adopt(here, handle if knows_pid else nameless(handle)) == Spawned(0, handle)
        (tmp_path / "go").touch()
        end = last(here)
        assert (end.attempt, end.cause, end.exit_code, end.signal) == (4, None, code, None)
        assert end.seconds > 0
        assert end.end - end.start == pytest.approx(end.seconds, abs=0.001)
        assert end.user is not None
        assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("knows_pid", [True, False])
def test_what_ended_while_nobody_ran_is_honoured(tmp_path: Path, code: int, knows_pid: bool) -> None:
    with orphan(tmp_path, f"{WAITS} exit {code}") as handle:
        (tmp_path / "go").touch()
        wait_until(lambda: is_held(result_path(tmp_path, 4)) is False)
        with place(tmp_path) as here:
            end = adopt(here, handle if knows_pid else nameless(handle))
            assert isinstance(end, Ended)
            assert (end.cause, end.exit_code) == (None, code)
            here.executor.wait(0)
            assert result(tmp_path, 4) is None


def test_what_ends_while_nobody_runs_is_made_to_outlive_the_machine_too(tmp_path: Path) -> None:
    with orphan(tmp_path, WAITS):
        (tmp_path / "go").touch()
        wait_until(lambda: (found := result(tmp_path, 4)) is not None and found.is_synced)
    with place(tmp_path, shims=True, is_recorded=lambda *_: False) as here:
        assert here.run(task(0, "true"))[0].exit_code == 0
    found = result(tmp_path)
    assert found is not None
    assert found.end is not None
    assert not found.is_synced, "who waits for it has a journal"


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_signal_after_the_runners_death_is_an_interruption(tmp_path: Path, is_seen: bool) -> None:
    with orphan(tmp_path, WAITS) as handle, place(tmp_path) as here:
        if is_seen:
            adopt(here, handle)
        os.kill(command(tmp_path, 4), signal.SIGTERM)
        if not is_seen:
            wait_until(lambda: is_held(result_path(tmp_path, 4)) is False)
            adopt(here, handle)
        assert (last(here).cause, last(here).exit_code, last(here).signal) == (Cause.INTERRUPTED, None, "SIGTERM")


@pytest.mark.parametrize("knows_pid", [True, False])
def test_runner_and_shim_killed_the_command_is_found_and_lost(tmp_path: Path, knows_pid: bool) -> None:
    with orphan(tmp_path, f"{WAITS} touch done") as handle, place(tmp_path) as here:
        pid = command(tmp_path, 4)
        os.kill(handle.pid or 0, signal.SIGKILL)
        wait_until(lambda: identity(handle.pid or 0) is None)
        found = adopt(here, handle if knows_pid else nameless(handle))
        assert isinstance(found, Spawned)
        assert found.handle.pid == pid
        age = time.time() - (tmp_path / "begun").stat().st_mtime
        (tmp_path / "go").touch()
        assert last(here).cause is Cause.LOST
        assert last(here).seconds > age, "as long as it was there, not as long as it was watched"
        assert (tmp_path / "done").exists()


def test_a_shim_killed_under_the_second_run_is_lost_too(tmp_path: Path) -> None:
    with orphan(tmp_path, f"{WAITS} touch done") as handle, place(tmp_path) as here:
        adopt(here, handle)
        os.kill(handle.pid or 0, signal.SIGKILL)
        here.happened.extend(here.executor.wait(0.3))
        assert ended(here.happened) == []
        (tmp_path / "go").touch()
        assert last(here).cause is Cause.LOST
        assert (tmp_path / "done").exists()


def test_runner_shim_and_command_killed_is_an_interruption(tmp_path: Path) -> None:
    with orphan(tmp_path, WAITS) as handle, place(tmp_path) as here:
        os.kill(handle.pid or 0, signal.SIGKILL)
        group = command(tmp_path, 4)
        os.killpg(group, signal.SIGKILL)
        wait_until(lambda: identity(handle.pid or 0) is None and not group_members(group))
        end = adopt(here, handle)
        assert isinstance(end, Ended)
        assert end.cause is Cause.INTERRUPTED


def test_what_was_asked_to_end_has_no_result(tmp_path: Path) -> None:
    """The runner that asked is dead: nobody knows whether what was done by then was all."""
    with orphan(tmp_path, f"trap 'exit 0' TERM; {WAITS}") as handle, place(tmp_path) as here:
        adopt(here, handle)
        here.executor.kill(task(0, ""), force=False)
        assert last(here).cause is Cause.LOST
    with place(tmp_path) as here:
        assert adopt(here, nameless(handle)).cause is Cause.INTERRUPTED  # type: ignore[union-attr]


def test_an_adopted_command_can_be_killed(tmp_path: Path, owns_process: bool) -> None:
    with orphan(tmp_path, f"sleep 60 & {WAITS}") as handle, place(tmp_path, owns_process=owns_process) as here:
        adopt(here, handle)
        group = command(tmp_path, 4)
        here.executor.kill(task(0, ""), force=True)
        assert last(here).exit_code is None
        wait_until(lambda: not group_members(group))
        assert identity(handle.pid or 0) is None


def write_result(tmp_path: Path, boot: str, *lines: str) -> str:
    """A file of a shim that nobody can see: of another pid namespace, or another machine."""
    path = Path(result_path(tmp_path, 4))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in (f"shim {FIRST} {boot} 1 1 1 locked", "started 2 2", *lines)))
    return os.fspath(path)


def test_where_only_the_lock_tells_the_lock_is_waited_for(tmp_path: Path) -> None:
    path = write_result(tmp_path, "another-boot")
    with place(tmp_path) as here, open(path, "a") as shim:
        fcntl.flock(shim, fcntl.LOCK_EX)
        found = adopt(here, Handle(FIRST, 4, 2))
        assert found == Spawned(0, Handle(FIRST, 4, 2, 1, 1, 1, is_reachable=False))
        here.executor.kill(task(0, ""), force=True)
        here.happened.extend(here.executor.wait(0.3))
        assert ended(here.happened) == []
        shim.write("ended 768 2.0 1.0 1.0 - 1700000000.0\n")
        shim.close()
        assert (last(here).exit_code, last(here).cause) == (3, None)


@pytest.mark.parametrize(("boot", "cause"), [(None, None), ("another-boot", Cause.INTERRUPTED)])
def test_a_result_from_before_a_restart_of_the_machine_is_not_trusted(
    tmp_path: Path, boot: str | None, cause: Cause | None
) -> None:
    write_result(tmp_path, boot or boot_id(), "ended 0 2.0 1.0 1.0 - 1700000000.0")
    with place(tmp_path) as here:
        end = adopt(here, Handle(FIRST, 4, 2))
        assert isinstance(end, Ended)
        assert end.cause is cause


def test_a_result_of_another_run_is_none(tmp_path: Path) -> None:
    write_result(tmp_path, boot_id(), "ended 0 2.0 1.0 1.0 - 1700000000.0")
    with place(tmp_path) as here:
        assert adopt(here, Handle("third-run", 4, 2)).cause is Cause.INTERRUPTED  # type: ignore[union-attr]


def test_nothing_of_a_shim_is_started_where_the_python_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/host-program")
    with place(tmp_path, shims=True) as here:
        assert here.run(task(0, "exit 3"))[0].exit_code == 3
    assert not (tmp_path / STATE / "results").exists()
