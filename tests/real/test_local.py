"""Commands as real processes: streams, environment, ends, what cannot start; in each way that there is to wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import RUN, STATE, Place, in_thread, place, task

from taskrun.errors import UsageError
from taskrun.machine import group_members
from taskrun.model import Cause, Interrupted, Shell, Spawned, Step, Task, Tick, mark

pytestmark = pytest.mark.real


@pytest.fixture(params=["our own process", "a host's main thread", "a host's other thread", "elsewhere"])
def ways(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Place], object]], None]:
    """Runs a test's body with an executor that waits in one of the ways."""
    if "host" in request.param:
        monkeypatch.chdir(tmp_path)

    def run(body: Callable[[Place], object]) -> None:
        def work() -> None:
            with place(tmp_path, owns_process=request.param == "our own process", grace=0.3) as here:
                body(here)

        in_thread(work) if "other" in request.param else work()

    return run


OF_GLIBC = 0b11 << 31  # two signals of its own, which glibc's posix_spawn ignores and nobody can name

Ways = Callable[[Callable[[Place], object]], None]


def test_a_task_ends_with_its_exit_code_or_its_signal(ways: Ways) -> None:
    def body(here: Place) -> None:
        zero, three, killed, gone = here.run(
            task(0, "true"), task(1, "exit 3"), task(2, "kill -9 $$"), task(3, "no-such-program --flag")
        )
        assert (zero.exit_code, zero.signal, zero.cause) == (0, None, None)
        assert (three.exit_code, three.signal, three.cause) == (3, None, None)
        assert (killed.exit_code, killed.signal, killed.cause) == (None, "SIGKILL", None)
        assert gone.exit_code == 127

    ways(body)


def test_many_that_end_together_are_all_seen(ways: Ways) -> None:
    def body(here: Place) -> None:
        ends = here.run(*(task(index, ["sleep", "0.05"]) for index in range(40)))
        assert [end.exit_code for end in ends] == [0] * 40

    ways(body)


def test_an_end_says_how_long_and_how_much(ways: Ways) -> None:
    big = "x = bytearray(150_000_000)\nimport time, os\nwhile os.times().user < 0.1: pass"

    def body(here: Place) -> None:
        (end,) = here.run(task(0, [sys.executable, "-c", big]))
        assert end.user is not None
        assert end.user >= 0.099  # a sum of binary fractions
        assert end.max_rss is not None
        assert end.max_rss > 150_000_000
        assert end.end - end.start == pytest.approx(end.seconds, abs=0.2)

    ways(body)


def test_what_a_child_uses_no_more_of_than_we_did_is_not_known(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        assert [end.max_rss for end in here.run(task(0, "true"), task(1, ": || true"))] == [None, None]


def test_a_task_leads_a_session_with_nothing_ignored_or_blocked(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    show = ["grep", "-E", "^Sig(Ign|Blk)|^NSpgid|^NSsid|^Pid", "/proc/self/status"]

    def body(here: Place) -> None:
        tasks = [task(0, show), task(1, show, cwd="elsewhere")]
        here.run(*tasks)
        for each in tasks:
            found = dict(line.split(":\t") for line in (here.log(each) or "").splitlines())
            assert found["Pid"] == found["NSpgid"] == found["NSsid"]
            assert int(found["SigBlk"], 16) == 0
            assert int(found["SigIgn"], 16) & ~OF_GLIBC == 0

    ways(body)


def test_standard_input_is_empty(ways: Ways) -> None:
    def body(here: Place) -> None:
        asks = task(0, "readlink /proc/$$/fd/0; wc -c")
        here.run(asks)
        assert here.log(asks) == "/dev/null\n0\n"

    ways(body)


def test_no_descriptor_of_the_host_reaches_a_task(ways: Ways, tmp_path: Path) -> None:
    kept = os.open(tmp_path / "kept", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(kept, True)
    (tmp_path / "elsewhere").mkdir()

    def body(here: Place) -> None:
        show = [task(0, "ls -l /proc/$$/fd"), task(1, "ls -l /proc/$$/fd", cwd="elsewhere")]
        here.run(*show)
        for each in show:
            assert "kept" not in (here.log(each) or "kept")

    try:
        ways(body)
    finally:
        os.close(kept)


def test_a_task_runs_in_its_directory_with_its_pwd(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/tool").write_text("#!/bin/sh\npwd -P; printenv PWD\n")
    (tmp_path / "a/b/tool").chmod(0o755)

    def body(here: Place) -> None:
        tools = [task(0, "./tool", cwd="a/b"), task(1, ["./tool"], cwd="a/b"), task(2, "a/b/tool; :")]
        assert [end.exit_code for end in here.run(*tools)] == [0, 0, 0]
        where = os.fspath(tmp_path)
        assert [here.log(each) for each in tools] == [f"{where}/a/b\n{where}/a/b\n"] * 2 + [f"{where}\n{where}\n"]

    cwd = os.getcwd()
    ways(body)
    assert os.getcwd() == cwd


def test_streams_go_where_they_are_told(tmp_path: Path) -> None:
    text = "echo out; echo err >&2"
    with place(tmp_path) as here:
        log, out, err, apart, same = tasks = [
            task(0, text),
            task(1, text, stdout="out"),
            task(2, text, stderr="err"),
            task(3, text, stdout="apart", stderr="stdout"),
            task(4, text, stdout="same", stderr="same"),
        ]
        here.run(*tasks)
        assert here.log(log) == "out\nerr\n"
        assert ((tmp_path / "out").read_text(), here.log(out)) == ("out\n", "err\n")
        assert ((tmp_path / "err").read_text(), here.log(err)) == ("err\n", "out\n")
        assert ((tmp_path / "apart").read_text(), here.log(apart)) == ("out\n", None)
        assert (tmp_path / "stdout").read_text() == "err\n"
        assert ((tmp_path / "same").read_text(), here.log(same)) == ("out\nerr\n", None)


def test_a_redirect_is_emptied_at_each_attempt_and_a_log_is_of_one_attempt(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        noisy = task(0, "echo $TASKRUN_ATTEMPT; echo log >&2", stdout="out")
        here.run(noisy)
        here.run(noisy, number=7, round=2)
        assert (tmp_path / "out").read_text() == "2\n"
        assert [here.log(noisy, number) for number in (1, 7)] == ["log\n", "log\n"]


def test_an_empty_log_is_not_kept(ways: Ways, tmp_path: Path) -> None:
    def body(here: Place) -> None:
        here.run(task(0, "true"), task(1, ["no-such-program"]), task(2, "exit 1"))
        assert [path for path in (tmp_path / STATE).rglob("*") if path.is_file()] == []

    ways(body)


def test_a_task_knows_who_it_is(tmp_path: Path) -> None:
    step = Step("sim", ("load",), ("seed",))
    env = {"MINE": mark("{task.attempt}", None) + " times"}
    show = Shell('echo "$TASKRUN_TASK|$TASKRUN_STEP|$TASKRUN_ATTEMPT|$TASKRUN_CORES|$TASKRUN_RUN|$MINE"; '
                 'echo "$TASKRUN_PARAM_LOAD|$TASKRUN_PARAM_SEED"')  # fmt: skip
    with place(tmp_path) as here:
        asked = Task(0, "sim", step, show, values=("0.5 %",), lets=("\udcff",), env=env)
        here.start(asked, number=9, round=3)
        here.until(lambda happened: len(happened) == 2)
        log = (tmp_path / STATE / "logs/sim.9.log").read_bytes()
        assert log == b"sim|sim|3|1|%b|3 times\n0.5 %%|\xff\n" % RUN.encode()


def test_what_cannot_start_is_an_end_with_the_systems_words(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "closed").write_text("")
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "script").chmod(0o755)

    def body(here: Place) -> None:
        ends = here.run(
            task(0, ["no-such-program"]),
            task(1, ["./directory"]),
            task(2, ["./closed"]),
            task(3, ["./script"]),
            task(4, "true", cwd="nowhere"),
            task(5, ["true"], cwd="closed"),
            task(6, "true", stdout="directory"),
            task(7, "echo x", stderr="nowhere/err"),
            task(8, ["true", "x" * 3_000_000]),
            task(9, ["true", "a\0b"]),
            task(10, ["true", "\ud800"]),
        )
        assert {end.cause for end in ends} == {Cause.COULD_NOT_START}
        words = [end.message for end in ends]
        assert words[:9] == [
            "no-such-program: No such file or directory",
            "./directory: Permission denied",
            "./closed: Permission denied",
            "./script: bad interpreter: No such file or directory",
            "its working directory nowhere: No such file or directory",
            "its working directory closed: Not a directory",
            "directory: Is a directory",
            "nowhere/err: No such file or directory",
            "true: Argument list too long",
        ]
        assert all(word.startswith("no program can be given this: ") for word in words[9:])
        assert here.run(task(11, "true"))[0].exit_code == 0

    ways(body)


def test_a_string_longer_than_one_argument_runs_from_a_file(tmp_path: Path) -> None:
    long = "x=" + "y" * 200_000 + "; echo ${#x}"
    with place(tmp_path) as here:
        bash, sh, python = tasks = [
            task(0, long + "; false; echo never"),
            Task(1, "t1", Step("step"), Shell(long, ("sh", "-ec"))),
            Task(2, "t2", Step("step"), Shell("x='" + "y" * 200_000 + "'\nprint(len(x))", (sys.executable, "-c"))),
        ]
        assert [end.exit_code for end in here.run(*tasks)] == [1, 0, 0]
        assert [here.log(each) for each in (bash, sh, python)] == ["200000\n"] * 3
        assert [path for path in (tmp_path / STATE / "scripts").rglob("*") if path.is_file()] == []


def test_a_redirect_to_a_named_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with place(tmp_path) as here:
        (end,) = here.run(task(0, "true", stdout="pipe"))
        assert (end.cause, end.message) == (Cause.COULD_NOT_START, "pipe: it is a named pipe")


def test_the_state_directory_may_vanish_during_a_run(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(task(0, "echo x"))
        subprocess.run(["rm", "-r", os.fspath(tmp_path / ".taskrun")], check=True)
        again = task(1, "echo x; :")
        assert here.run(again)[0].exit_code == 0
        assert here.log(again) == "x\n"


def test_the_wait_is_over_at_its_time(ways: Ways) -> None:
    def body(here: Place) -> None:
        sleeper = task(0, ["sleep", "60"])
        here.start(sleeper)
        assert isinstance(here.executor.wait(0)[0], Spawned)
        assert list(here.executor.wait(0)) == [Tick()]
        assert list(here.executor.wait(0.02)) == [Tick()]

    ways(body)


def test_to_wait_for_nothing_is_a_bug(ways: Ways) -> None:
    def body(here: Place) -> None:
        with pytest.raises(AssertionError, match="for nothing"):
            here.executor.wait(None)

    ways(body)


def test_stop_leaves_nothing_running(ways: Ways) -> None:
    pids: list[int] = []

    def body(here: Place) -> None:
        tasks = [task(0, ["sleep", "60"]), task(1, "trap '' TERM; echo ready; while :; do sleep 60; done")]
        here.start(*tasks)
        pids.extend(pid for each in tasks if (pid := here.spawned(each).pid))

    ways(body)
    assert [group_members(pid) for pid in pids] == [[], []]


def test_a_hosts_own_children_are_left_alone(tmp_path: Path) -> None:
    mine = subprocess.Popen(["sh", "-c", "exit 5"])
    with place(tmp_path) as here:
        here.run(task(0, "sleep 0.1"))
    assert mine.wait() == 5


@pytest.mark.parametrize("owns_process", [True, False])
def test_where_children_are_ignored_their_results_are_had_all_the_same(tmp_path: Path, owns_process: bool) -> None:
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with place(tmp_path, owns_process=owns_process) as here:
            assert here.run(task(0, "exit 7"))[0].exit_code == 7
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_outside_the_main_thread_ignored_children_are_refused(tmp_path: Path) -> None:
    def work() -> None:
        with pytest.raises(UsageError, match="ignores SIGCHLD"):
            Place(tmp_path)

    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        in_thread(work)
    finally:
        signal.signal(signal.SIGCHLD, old)


@pytest.mark.parametrize("owns_process", [True, False])
def test_signals_arrive_as_levels_and_the_old_handlers_come_back(tmp_path: Path, owns_process: bool) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with place(tmp_path, owns_process=owns_process) as here:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGINT):
            os.kill(os.getpid(), number)
            here.until(lambda happened: isinstance(happened[-1], Interrupted) if happened else False)
            here.happened.append(Tick())
        assert [found for found in here.happened if isinstance(found, Interrupted)] == [
            Interrupted(1, "SIGINT"),
            Interrupted(2, "SIGHUP"),
            Interrupted(3, "SIGINT"),
        ]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        for owns_process in (True, False):
            with place(tmp_path, owns_process=owns_process) as here:
                os.kill(os.getpid(), signal.SIGHUP)
                assert list(here.executor.wait(0)) == [Tick()]
    finally:
        signal.signal(signal.SIGHUP, old)


def test_two_executors_in_one_process_do_not_disturb_each_other(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    first, second = Place(tmp_path), Place(tmp_path)
    first.start(task(0, "exit 1"))
    second.start(task(1, "exit 2"))
    assert second.until(lambda happened: len(happened) == 2)[1].exit_code == 2  # type: ignore[union-attr]
    assert first.until(lambda happened: len(happened) == 2)[1].exit_code == 1  # type: ignore[union-attr]
    first.executor.stop()  # not in the order in which they came
    os.kill(os.getpid(), signal.SIGINT)
    assert second.executor.wait(1) == [Interrupted(1, "SIGINT")]
    second.executor.stop()
    assert signal.getsignal(signal.SIGINT) is before
    assert threading.active_count() == 1


TOGETHER = """
import os, signal, sys
from pathlib import Path
from processes import place, task
with place(Path(sys.argv[1]), owns_process=True, jobs=3) as here:
    here.start(*(task(index, "true") for index in range(3)))
    for spawned in here.executor.wait(0):
        os.waitid(os.P_PID, spawned.handle.pid, os.WEXITED | os.WNOWAIT)  # all are over before one is told of
    told = []
    while told.count("Ended") < 3:
        told += [type(happening).__name__ for happening in here.executor.wait(5)]
        print(*told)
        if len(told) == 1:
            os.kill(os.getpid(), signal.SIGINT)
"""


def test_children_that_end_together_are_told_of_one_by_one_and_a_signal_before_the_rest(tmp_path: Path) -> None:
    around = {**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parent.parent)}
    command = [sys.executable, "-c", TOGETHER, os.fspath(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=around)
    told = done.stdout.splitlines()
    assert told == ["Ended", "Ended Interrupted", "Ended Interrupted Ended", "Ended Interrupted Ended Ended"]
