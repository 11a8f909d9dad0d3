"""`run --json`: the objects, their fields in full, one per line."""

from __future__ import annotations

import io
import json

from showing import begin, end, failed, found, sim, skipped, started, succeeded

from taskrun.model import Stopping
from taskrun.printer import JsonEvents


def written(*events: object) -> list[dict[str, object]]:
    stream = io.StringIO()
    shown = JsonEvents(stream)
    shown.show(events)
    shown.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_an_object_with_the_fields_of_the_contract() -> None:
    one, two = sim(0), sim(1)
    killed = failed(two, 2.0, 1.5, code=None, signal="SIGKILL")
    assert written(
        begin(4, 0.5), started(one, 0.5), succeeded(one, 1.5, log="logs/sim.1.log"), killed, found(sim(2), 2.0),
        skipped(sim(3), "sim/n=1", 2.5), Stopping(3.0, 1, "SIGINT", 1), end(3.5, succeeded=1, failed=1),
    ) == [
        {"event": "run_started", "time": 0.5, "total": 4},
        {"event": "started", "time": 0.5, "task": "sim/n=0", "attempt": 1},
        {"event": "finished", "time": 1.5, "task": "sim/n=0", "status": "succeeded", "cause": None, "exit_code": 0,
         "signal": None, "seconds": 1.0, "max_rss": 4096, "attempt": 1, "log": "logs/sim.1.log"},
        {"event": "finished", "time": 2.0, "task": "sim/n=1", "status": "failed", "cause": "signal", "exit_code": None,
         "signal": "SIGKILL", "seconds": 1.5, "max_rss": None, "attempt": 1, "log": None},
        {"event": "fresh", "time": 2.0, "task": "sim/n=2"},
        {"event": "skipped", "time": 2.5, "task": "sim/n=3", "culprit": "sim/n=1", "reason": "sim/n=1 failed"},
        {"event": "run_finished", "time": 3.5, "counts": {"succeeded": 1, "failed": 1}, "exit_status": 1},
    ]  # fmt: skip


def test_what_has_no_culprit_has_null() -> None:
    assert written(skipped(sim(0), reason="stopped"))[0]["culprit"] is None


def test_a_name_that_is_no_text_is_the_one_that_status_prints() -> None:
    assert written(found(sim(0, "a\udcffb")))[0]["task"] == "a\udcffb"


def test_events_are_flushed_as_they_happen_and_nobody_reading_is_no_error() -> None:
    class Pipe(io.StringIO):
        flushes = 0

        def flush(self) -> None:
            self.flushes += 1
            if self.flushes > 1:
                raise BrokenPipeError

    pipe = Pipe()
    events = JsonEvents(pipe)
    events.show([begin(1)])
    assert pipe.flushes == 1
    events.show([started(sim(0))])
    events.show([succeeded(sim(0), 1.0)])
    assert pipe.flushes == 2


def test_the_last_event_waits_until_the_state_is_let_go_and_says_what_became_of_that() -> None:
    stream = io.StringIO()
    events = JsonEvents(stream)
    events.show([end(3.5, succeeded=1)])
    assert stream.getvalue() == ""
    events.break_off(4.0, {"succeeded": 1}, 3)
    events.close()
    last = {"event": "run_finished", "time": 4.0, "counts": {"succeeded": 1}, "exit_status": 3}
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [last]
