"""Where the output of a task is read, while the task goes on."""

from __future__ import annotations

import threading
from pathlib import Path

from taskrun.cli.outputs import output_of
from taskrun.model import Past, Shell, Signature, StartRecord, Status, Step, Task
from taskrun.standing import Standing

TASK = Task(0, "sim", Step("sim"), Shell("echo"))


def standing(status: Status, **redirects: str) -> Standing:
    start = StartRecord(run="r", task="sim", attempt=1, round=1, time=0.0, signature=Signature("echo"), **redirects)
    return Standing(Past("sim", start), status)


def test_it_is_the_log_then_standard_error_then_standard_output_the_first_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log, out, err = tmp_path / "logs/sim.1.log", tmp_path / "out", tmp_path / "err"
    both = {"stdout": "out", "stderr": "err"}

    def found(status: Status, **redirects: str) -> str | None:
        return output_of(TASK, standing(status, **redirects), root=str(tmp_path), state=str(tmp_path))

    assert found(Status.SUCCEEDED, **both) is None
    assert found(Status.RUNNING, **both) == str(out)
    assert found(Status.RUNNING) == str(log)
    err.touch()
    out.touch()
    assert found(Status.SUCCEEDED, **both) == str(out)
    out.write_text("said")
    assert found(Status.SUCCEEDED, **both) == str(out)
    err.write_text("complained")
    assert found(Status.SUCCEEDED, **both) == str(err)
    log.write_text("both")
    assert found(Status.SUCCEEDED, **both) == str(log)
    assert output_of(TASK, Standing(Past("sim"), Status.WAITING), root=str(tmp_path), state=str(tmp_path)) is None


def test_a_log_that_comes_and_goes_meanwhile_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs/sim.1.log"
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            log.touch()
            log.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(20_000):
            found = output_of(TASK, standing(Status.SUCCEEDED), root=str(tmp_path), state=str(tmp_path))
            assert found in (None, str(log))
    finally:
        is_over.set()
        other.join()
