"""Ctrl-C, SIGTERM and SIGHUP in a program that runs a Manager: the run stops as `taskrun run` does, then it is the
program's turn.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Host
from studies import read_until, wait_until

pytestmark = pytest.mark.real

MANAGER = """
manager = taskrun.Manager("sims", jobs=1)
slow = manager.task_new("slow", "echo $$ > pid.new; mv pid.new begun; " + UNTIL_GO + "; touch done")
manager.task_new("next", "touch never").dependency_is(slow)
"""
STUBBORN = MANAGER.replace('"echo', '''"trap '' TERM; echo''')

# The handler returns, and says whether the run was over by then.
OWN_HANDLERS = """
calls = []
def note(number, frame):
    calls.append((signal.Signals(number).name, os.path.getsize(".taskrun/sims/lock")))
for number in STOPPING:
    signal.signal(number, note)
"""
RUN = """
summary = manager.run(progress=True)
print(summary.ok, summary.stopped_by, *calls)
assert [signal.getsignal(number) for number in STOPPING] == [note] * 3
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    found = Host(tmp_path)
    yield found
    found.close()


def begin(host: Host, text: str) -> subprocess.Popen[str]:
    running = host.start(text, start_new_session=True)
    wait_until((host.path / "begun").exists)
    return running


def ctrl_c(running: subprocess.Popen[str]) -> None:
    """As a terminal sends it: to the whole process group."""
    os.killpg(running.pid, signal.SIGINT)


def is_alive(host: Host) -> bool:
    try:
        os.kill(int((host.path / "begun").read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_waits_for_what_runs_and_then_raises_keyboard_interrupt(host: Host) -> None:
    running = begin(host, MANAGER + "try:\n    manager.run(progress=True)\nfinally:\n    print('over')")
    ctrl_c(running)
    read_until(running, "waiting for 1 running")
    (host.path / "go").touch()
    printed, shown = running.communicate(timeout=30)
    assert running.returncode == -signal.SIGINT, "as Python ends of it"
    assert printed == "over\n"
    assert shown.endswith("KeyboardInterrupt\n")
    assert (host.path / "done").exists()
    assert not (host.path / "never").exists()
    assert host.run(MANAGER + "summary = manager.run()\nprint(summary.fresh, summary.succeeded)") == "1 1\n"


def test_a_handler_of_the_hosts_that_returns_is_called_once_when_the_run_is_over(host: Host) -> None:
    running = begin(host, OWN_HANDLERS + MANAGER + RUN)
    ctrl_c(running)
    read_until(running, "waiting for 1 running")
    (host.path / "go").touch()
    assert running.communicate(timeout=30)[0] == "False SIGINT ('SIGINT', 0)\n"
    assert running.returncode == 0


def test_a_run_in_which_nothing_was_left_to_start_is_well_and_the_host_is_told_all_the_same(host: Host) -> None:
    running = begin(host, OWN_HANDLERS + "\n".join(MANAGER.splitlines()[:-1]) + RUN)
    ctrl_c(running)
    read_until(running, "waiting for 1 running")
    (host.path / "go").touch()
    assert running.communicate(timeout=30)[0] == "True None ('SIGINT', 0)\n"


def test_ctrl_c_twice_terminates(host: Host) -> None:
    running = begin(host, OWN_HANDLERS + MANAGER + RUN)
    for answer in ("waiting for 1 running", "terminating 1 running"):
        ctrl_c(running)
        read_until(running, answer)
    assert running.communicate(timeout=8)[0] == "False SIGINT ('SIGINT', 0)\n"
    assert not is_alive(host)


def test_ctrl_c_three_times_kills_what_does_not_listen(host: Host) -> None:
    running = begin(host, OWN_HANDLERS + STUBBORN + RUN)
    for answer in ("waiting for 1 running", "terminating 1 running", "killing 1 running"):
        ctrl_c(running)
        read_until(running, answer)
    assert running.communicate(timeout=8)[0] == "False SIGINT ('SIGINT', 0)\n"
    assert not is_alive(host)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_host_by_default_ends_the_tasks_first(host: Host, number: signal.Signals) -> None:
    running = begin(host, MANAGER + "manager.run(progress=True)\nprint('never')")
    running.send_signal(number)
    printed, shown = running.communicate(timeout=30)
    assert (running.returncode, printed) == (-number, "")
    assert "terminating 1 running" in shown
    assert not is_alive(host)
    (host.path / "go").touch()
    assert host.run(MANAGER + "print(manager.run().succeeded)") == "2\n", "the state was released in good order"


def test_a_handler_that_exits_does_so_after_the_run(host: Host) -> None:
    running = begin(
        host, "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))" + MANAGER + "manager.run()"
    )
    running.terminate()
    assert running.communicate(timeout=30) == ("", "")
    assert running.returncode == 5
    assert not is_alive(host)


def test_a_ctrl_c_before_a_termination_does_not_keep_the_host_alive(host: Host) -> None:
    running = begin(host, MANAGER + "try:\n    manager.run(progress=True)\nexcept KeyboardInterrupt:\n    pass")
    ctrl_c(running)
    read_until(running, "waiting for 1 running")
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == -signal.SIGTERM
    assert not is_alive(host)


def test_what_the_host_ignores_stays_ignored(host: Host) -> None:
    running = begin(
        host,
        "for number in STOPPING:\n    signal.signal(number, signal.SIG_IGN)" + MANAGER + "assert manager.run().ok",
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        running.send_signal(number)
    (host.path / "go").touch()
    assert running.communicate(timeout=30) == ("", "")
    assert running.returncode == 0


def test_ctrl_c_while_the_host_looks_at_an_event_stops_the_run_and_not_the_host(host: Host) -> None:
    host.run("""
        manager = taskrun.Manager("sims", jobs=1)
        manager.task_new("quick", "exit 0")
        manager.task_new("next", "touch never")
        events = manager.stream()
        until_quick_has_finished(events)
        os.kill(os.getpid(), signal.SIGINT)
        try:
            *_, last = events
            raise AssertionError(last)
        except KeyboardInterrupt:
            pass
        assert not os.path.getsize(".taskrun/sims/lock")
    """)


@pytest.mark.parametrize("name", ["'sims'", ""])
def test_a_stream_that_is_left_early_ends_what_runs_and_takes_half_of_an_output_away(host: Host, name: str) -> None:
    host.run(f"""
        manager = taskrun.Manager({name})
        manager.task_new("slow", "echo $$ > pid; echo half > out; touch begun; exec sleep 1000", outputs="out")
        manager.task_new("quick", "until [ -e begun ]; do sleep 0.01; done")
        for event in manager.stream():
            if isinstance(event, taskrun.Finished):
                break
        with open("pid") as file:
            pid = int(file.read())
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            pass
        else:
            raise AssertionError("it still runs")
        assert not os.path.exists("out")
        assert os.path.exists(".taskrun/sims/failed/slow/out" if manager.name else "out.failed")
        assert manager.name is None or not os.path.getsize(".taskrun/sims/lock")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    """)


@pytest.mark.parametrize("name", ["'sims'", ""])
def test_a_stream_that_is_left_open_is_closed_when_the_program_ends(host: Host, name: str) -> None:
    host.run(f"""
        manager = taskrun.Manager({name})
        manager.task_new("slow", "echo $$ > pid; echo half > out; touch begun; exec sleep 1000", outputs="out")
        manager.task_new("quick", "until [ -e begun ]; do sleep 0.01; done")
        events = manager.stream()
        until_quick_has_finished(events)
        circle = [events]  # found by the garbage collector only when the modules are gone
        circle.append(circle)
    """)
    with pytest.raises(ProcessLookupError):
        os.kill(int((host.path / "pid").read_text()), 0)
    assert not (host.path / "out").exists()


def test_ctrl_c_while_a_run_is_ended_by_an_error_of_the_hosts_is_not_lost(host: Host) -> None:
    host.run("""
        class Broken:
            def write(self, text):
                if "second" in text:
                    raise ValueError(text)
            def flush(self):
                pass
        manager = taskrun.Manager(jobs=2)
        manager.task_new("first", f"trap 'kill -INT {os.getpid()}; exit' TERM; touch up; while :; do sleep 0.01; done")
        quick = manager.task_new("quick", "until [ -e up ]; do sleep 0.01; done")
        manager.task_new("second", "echo second", after=quick)
        sys.stdout = Broken()
        try:
            manager.run(commands=True)
            raise AssertionError("nothing was raised")
        except KeyboardInterrupt:
            pass
    """)


@pytest.mark.parametrize("module", ["catch.py", "running.py"])
def test_wherever_a_handler_raises_all_is_as_it_was(host: Host, module: str) -> None:
    host.run(f"""
        class Enough(Exception):
            pass
        def enough(number, frame):
            raise Enough
        def everything():
            handlers = [signal.getsignal(number) for number in signal.valid_signals()]
            return handlers, sorted(os.listdir("/dev/fd")), signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, enough)
        manager = taskrun.Manager("sims")
        manager.task_new("quick", ["true"])
        manager.run()
        before, calls, left = everything(), 0, 0
        def profile(frame, event, argument):
            global left
            # not "return": what is raised there ends a generator as no signal can
            if event != "return" and frame.f_code.co_filename.endswith({module!r}):
                left -= 1
                if not left:
                    signal.raise_signal(signal.SIGUSR1)
        while left <= 0:
            calls += 1
            left = calls
            raised = False
            sys.setprofile(profile)
            try:
                manager.run(force=True)
            except Enough:
                raised = True
            finally:
                sys.setprofile(None)
            assert raised == (left <= 0), calls
            assert everything() == before, calls
            assert not os.path.getsize(".taskrun/sims/lock"), calls
        assert calls > 50
    """)


def test_a_handler_comes_at_once_while_another_thread_goes_on_with_a_stream(host: Host) -> None:
    host.run("""
        came = []
        signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
        manager = taskrun.Manager()
        manager.task_new("a", UNTIL_GO)
        events = manager.stream()
        next(events)
        thread = threading.Thread(target=lambda: list(events))
        thread.start()
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_until(lambda: came)
        touch("go")
        thread.join()
    """)
