"""A run in a program that has children, handlers, threads and descriptors of its own: neither disturbs the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import PRELUDE, Host, environment

pytestmark = pytest.mark.real


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    found = Host(tmp_path)
    yield found
    found.close()


# --- children --------------------------------------------------------------------------------------------------------


def test_children_of_the_host_are_neither_reaped_nor_killed(host: Host) -> None:
    host.run("""
        import subprocess
        over = subprocess.Popen(["sh", "-c", "exit 5"])
        os.waitid(os.P_PID, over.pid, os.WEXITED | os.WNOWAIT)
        forked = os.fork() or os._exit(6)
        beside, apart = (subprocess.Popen(["sleep", "1000"], start_new_session=new) for new in (False, True))
        manager = taskrun.Manager("sims", jobs=4)
        for number in range(20):
            manager.task_new(f"t{number}", "exit 0")
        assert manager.run().succeeded == 20
        assert over.wait() == 5
        assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 6
        for child in (beside, apart):
            assert child.poll() is None
            child.kill()
            assert child.wait() == -signal.SIGKILL
    """)


def test_a_handler_that_reaps_every_child_gets_the_hosts_and_none_of_ours(host: Host) -> None:
    host.run("""
        reaped = {}
        def reap(number, frame):
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if not pid:
                    return
                reaped[pid] = os.waitstatus_to_exitcode(status)
                touch("reaped")
        signal.signal(signal.SIGCHLD, reap)
        manager = taskrun.Manager("sims", jobs=4)
        quick = [manager.task_new(f"t{number}", "true") for number in range(100)]
        last = manager.task_new("last", "touch alone; until [ -e reaped ]; do sleep 0.01; done")
        last.dependency_is(*quick)
        mine = os.fork() or os.execlp("sh", "sh", "-c", "until [ -e alone ]; do sleep 0.01; done; exit 6")
        summary = manager.run()
        assert summary.succeeded == 101, summary
        assert reaped == {mine: 6}, reaped
        assert signal.getsignal(signal.SIGCHLD) is reap
    """)


def test_where_the_host_ignores_sigchld_results_are_had_in_the_main_thread_and_refused_elsewhere(host: Host) -> None:
    host.run("""
        from concurrent.futures import ThreadPoolExecutor
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        manager = taskrun.Manager("sims")
        manager.task_new("a", "exit 7")
        assert manager.run().failures[0].exit_code == 7
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(manager.run).exception()
        assert isinstance(error, taskrun.UsageError), error
        assert "SIGCHLD" in str(error), error
    """)


def test_threads_that_start_and_wait_for_children_meanwhile_miss_none(host: Host) -> None:
    host.run("""
        import subprocess
        from concurrent.futures import ThreadPoolExecutor
        def work(number):
            codes = []
            while not os.path.exists("over"):
                codes.append(subprocess.run(["sh", "-c", f"exit {number}"]).returncode)
                forked = os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {number}"], os.environ)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
            return codes
        manager = taskrun.Manager("sims", jobs=2)
        for number in range(40):
            manager.task_new(f"t{number}", "exit 3")
        with ThreadPoolExecutor(2) as pool:
            found = [pool.submit(work, number) for number in (4, 5)]
            summary = manager.run()
            touch("over")
        assert {failure.exit_code for failure in summary.failures} == {3}, summary
        assert [set(future.result()) for future in found] == [{4}, {5}]
    """)


# --- handlers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["manager.run()", "pool.submit(manager.run).result()"])
def test_handlers_masks_descriptors_and_threads_are_as_they_were(host: Host, where: str) -> None:
    host.run(f"""
        from concurrent.futures import ThreadPoolExecutor
        for number in (*STOPPING, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, lambda number, frame: None)
        def state():
            wakeup = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(wakeup)
            handlers = [signal.getsignal(number) for number in signal.valid_signals()]
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            return handlers, mask, wakeup, os.getcwd(), sorted(os.listdir("/dev/fd")), threading.enumerate()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            manager = taskrun.Manager("sims")
            manager.task_new("a", "exit 0")
            manager.task_new("b", "exit 1")
            before = state()
            assert not {where}.ok
            assert state() == before
    """)


def test_outside_the_main_thread_no_handler_is_touched(host: Host) -> None:
    host.run("""
        from concurrent.futures import ThreadPoolExecutor
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        manager = taskrun.Manager("sims")
        manager.task_new("a", "touch begun; " + UNTIL_GO)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(manager.run)
            wait_until(lambda: os.path.exists("begun"))
            assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
            assert signal.set_wakeup_fd(-1) == -1
            try:
                os.kill(os.getpid(), signal.SIGINT)
                wait_until(lambda: False)
            except KeyboardInterrupt:
                pass  # the host's affair, and none of the run's
            touch("go")
            assert running.result().ok
    """)


def test_other_signals_reach_the_hosts_handlers_and_its_wakeup_descriptor_meanwhile(host: Host) -> None:
    host.run("""
        import socket
        reading, writing = socket.socketpair()
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno())
        handled = []
        signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
        def listen():
            while signal.SIGUSR1 not in reading.recv(100):
                pass
            touch("heard")
        listener = threading.Thread(target=listen)
        listener.start()
        manager = taskrun.Manager("sims")
        manager.task_new("a", f"kill -USR1 {os.getpid()}; until [ -e heard ]; do sleep 0.01; done")
        assert manager.run().ok
        listener.join()
        assert handled == [signal.SIGUSR1]
        assert signal.set_wakeup_fd(-1) == writing.fileno()
        reading.close()
        writing.close()
    """)


def test_a_handler_that_raises_ends_the_run_and_what_it_started(host: Host) -> None:
    host.run("""
        def too_late(number, frame):
            raise TimeoutError
        signal.signal(signal.SIGALRM, too_late)
        manager = taskrun.Manager("sims")
        manager.task_new("a", f"echo $$ > pid; kill -ALRM {os.getpid()}; exec sleep 1000")
        try:
            manager.run()
        except TimeoutError:
            pass
        else:
            raise AssertionError
        try:
            os.kill(int(open("pid").read()), 0)
        except ProcessLookupError:
            pass
        else:
            raise AssertionError
        assert not os.path.getsize(".taskrun/sims/lock"), "the state is released"
        assert [signal.getsignal(number) for number in STOPPING] == [
            signal.default_int_handler, signal.SIG_DFL, signal.SIG_DFL
        ]
    """.replace("open(\"pid\").read()", "__import__('pathlib').Path('pid').read_text()"))


# --- places and streams ----------------------------------------------------------------------------------------------


def test_a_thread_that_changes_the_directory_leads_no_path_astray(host: Host) -> None:
    host.run("""
        root = os.getcwd()
        os.mkdir("sub")
        over = threading.Event()
        def wander():
            while not over.is_set():
                for place in ("/", root, "/tmp"):
                    os.chdir(place)
        manager = taskrun.Manager("sims", jobs=4)
        for number in range(60):
            manager.task_new(f"t{number}", "pwd -P; pwd -P > $TASKRUN_TASK.out", stdout=f"out/{number}.txt",
                             outputs=[f"t{number}.out"])
        wanderer = threading.Thread(target=wander)
        wanderer.start()
        assert manager.run().succeeded == 60
        assert manager.run().fresh == 60
        over.set()
        wanderer.join()
        os.chdir(root)
        for number in range(60):
            for name in (f"out/{number}.txt", f"t{number}.out"):
                with open(name) as file:
                    assert file.read() == os.path.realpath(root) + "\\n", name
        assert sorted(os.listdir(root)) == sorted(
            [".taskrun", "host.py", "out", "sub", *(f"t{number}.out" for number in range(60))]
        )
    """)


def test_the_environment_is_that_of_the_run_whatever_threads_do_to_it(host: Host) -> None:
    host.run("""
        os.environ["EARLY"] = "at construction"
        manager = taskrun.Manager("sims")
        manager.task_new("a", 'test "$EARLY,$LATE" = "at run,too"')
        os.environ.update(EARLY="at run", LATE="too")
        over = threading.Event()
        def stir():
            while not over.is_set():
                for number in range(50):
                    os.environ[f"NAME_{number}"] = "x"
                for number in range(50):
                    del os.environ[f"NAME_{number}"]
        stirrer = threading.Thread(target=stir)
        stirrer.start()
        for _ in range(20):
            summary = taskrun.Manager().run() and manager.run()
            assert summary.ok, summary
        over.set()
        stirrer.join()
    """)


@pytest.mark.parametrize("runs", ["manager.run()", "ThreadPoolExecutor(1).submit(manager.run).result()"])
def test_with_its_streams_closed_nothing_that_is_written_to_them_gets_into_the_state(tmp_path: Path, runs: str) -> None:
    (tmp_path / "host.py").write_text(
        PRELUDE
        + """
from concurrent.futures import ThreadPoolExecutor
try:
    manager = taskrun.Manager("sims")
    manager.task_new("a", "echo said; touch begun; " + UNTIL_GO)
    manager.task_new("b", ["sh", "-c", "exit 3"])
    def write_blindly():
        wait_until(lambda: os.path.exists("begun"))
        for descriptor in (0, 1, 2):
            try:
                os.write(descriptor, b"noise")
            except OSError:
                pass
        touch("go")
    thread = threading.Thread(target=write_blindly)
    thread.start()
    first = RUNS
    thread.join()
    second = RUNS
    result = (first.succeeded, first.failed, second.fresh, second.failed)
except BaseException as error:
    result = repr(error)
with open("result", "w") as file:
    file.write(str(result))
""".replace("RUNS", runs)
    )
    command = f"exec {sys.executable} host.py <&- >&- 2>&-"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment(), check=True, timeout=60)
    assert (tmp_path / "result").read_text() == "(1, 1, 1, 1)"
    assert (tmp_path / ".taskrun/sims/logs/a.1.log").read_text() == "said\n"
    assert "noise" not in (tmp_path / ".taskrun/sims/journal.jsonl").read_text()


def test_nothing_is_written_to_the_terminal_unless_asked(host: Host) -> None:
    assert host.run("""
        manager = taskrun.Manager("sims")
        manager.task_new("a", "echo said; echo complained >&2")
        manager.task_new("b", "echo said; exit 1")
        manager.task_new("c", "no-such-program").dependency_is()
        manager.run()
        for event in manager.stream():
            pass
    """) == ""  # fmt: skip


# --- threads, loops and forks ----------------------------------------------------------------------------------------


def test_two_managers_in_two_threads_do_not_disturb_each_other(host: Host) -> None:
    host.run("""
        from concurrent.futures import ThreadPoolExecutor
        def work(name, code):
            manager = taskrun.Manager(name, jobs=2)
            for number in range(30):
                manager.task_new(f"t{number}", f"exit {code}", stdout=f"{name}/{number}.txt")
            return [failure.exit_code for failure in manager.run().failures]
        with ThreadPoolExecutor(2) as pool:
            left, right = pool.submit(work, "left", 3), pool.submit(work, "right", 4)
            assert (left.result(), right.result()) == ([3] * 30, [4] * 30)
    """)


def test_one_study_is_run_by_one_thread_at_a_time(host: Host) -> None:
    host.run("""
        from concurrent.futures import ThreadPoolExecutor
        manager = taskrun.Manager("sims")
        manager.task_new("a", "touch begun; " + UNTIL_GO)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(manager.run)
            wait_until(lambda: os.path.exists("begun"))
            try:
                taskrun.Manager("sims").run()
            except taskrun.TaskrunError as error:
                assert f"pid {os.getpid()}" in str(error), error
            else:
                raise AssertionError
            touch("go")
            assert first.result().ok
    """)


def test_two_streams_in_the_main_thread_share_its_handlers(host: Host) -> None:
    host.run("""
        caught = []
        signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
        before = signal.getsignal(signal.SIGINT)
        streams = []
        for name in ("left", "right"):
            manager = taskrun.Manager(name, jobs=2)
            slow = manager.task_new("slow", UNTIL_GO)
            manager.task_new("quick", "exit 0")
            manager.task_new("next", "touch never").dependency_is(slow)
            streams.append(manager.stream())
            until_quick_has_finished(streams[-1])
        os.kill(os.getpid(), signal.SIGINT)
        touch("go")
        for stream in streams:
            assert caught == [], "the host is told when both are over"
            last = list(stream)[-1]
            assert last.exit_status == 130, last
        assert caught == [signal.SIGINT], caught
        assert signal.getsignal(signal.SIGINT) is before
        assert not os.path.exists("never")
    """)


def test_in_a_thread_of_an_asyncio_program_with_children_and_a_handler_of_its_own(host: Host) -> None:
    host.run("""
        import asyncio
        async def main():
            loop = asyncio.get_running_loop()
            loop.slow_callback_duration = 60  # no complaints of a busy machine
            asked = asyncio.Event()
            loop.add_signal_handler(signal.SIGINT, asked.set)
            manager = taskrun.Manager("sims", jobs=2)
            for number in range(20):
                manager.task_new(f"t{number}", "exit 0")
            manager.task_new("last", "touch begun; " + UNTIL_GO)
            running = asyncio.create_task(asyncio.to_thread(manager.run))
            codes = []
            while not os.path.exists("begun"):
                mine = await asyncio.create_subprocess_exec("sh", "-c", "exit 9")
                codes.append(await mine.wait())
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.wait_for(asked.wait(), 30)
            touch("go")
            assert (await running).succeeded == 21
            assert set(codes) == {9}, codes
            assert loop.remove_signal_handler(signal.SIGINT)
        asyncio.run(main())
    """)


def test_in_a_forked_worker_process(host: Host) -> None:
    host.run("""
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        def work(name):
            manager = taskrun.Manager(name)
            manager.task_new("a", "exit 5")
            return manager.run().failures[0].exit_code
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            assert list(pool.map(work, ["left", "right"])) == [5, 5]
    """)


def test_a_process_forked_off_during_a_run_has_the_hosts_handlers_and_stops_nothing(host: Host) -> None:
    host.run("""
        from multiprocessing import get_context
        context = get_context("fork")
        def live(said):
            said.send([signal.getsignal(number) is old for number, old in handlers.items()])
            signal.pause()
        handlers = {number: signal.getsignal(number) for number in STOPPING}
        def fork_and_kill():
            wait_until(lambda: os.path.exists("begun"))
            hears, says = context.Pipe()
            for end in (signal.SIGTERM, signal.SIGHUP):
                child = context.Process(target=live, args=(says,))
                child.start()
                assert hears.recv() == [True, True, True]
                os.kill(child.pid, end)
                child.join()
                results.append(child.exitcode)
                child.close()
            hears.close()
            says.close()
            touch("go")
        results = []
        manager = taskrun.Manager("sims", jobs=1)
        manager.task_new("a", "touch begun; " + UNTIL_GO)
        manager.task_new("b", "exit 0")
        thread = threading.Thread(target=fork_and_kill)
        thread.start()
        assert manager.run().succeeded == 2
        thread.join()
        assert results == [-signal.SIGTERM, -signal.SIGHUP], results
    """)


@pytest.mark.parametrize("leaves", ["sys.exit(7)", "next(events)"])
def test_a_process_forked_off_within_a_stream_neither_goes_on_with_the_run_nor_ends_it(host: Host, leaves: str) -> None:
    host.run(f"""
        manager = taskrun.Manager("sims", jobs=2)
        slow = manager.task_new("slow", UNTIL_GO + "; echo once >> out.txt", outputs="out.txt")
        manager.task_new("quick", "exit 0")
        manager.task_new("next", "exit 0").dependency_is(slow)
        events = manager.stream()
        until_quick_has_finished(events)
        child = os.fork()
        if not child:
            try:
                {leaves}
            except taskrun.UsageError:
                sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        touch("go")
        *_, last = events
        assert last.counts["succeeded"] == 3, last
        assert manager.run().fresh == 3
        with open("out.txt") as file:
            assert file.read() == "once\\n"
    """)
