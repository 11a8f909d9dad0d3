"""What a run shows of retries, of failures that are allowed, and of steps that were held back."""

from __future__ import annotations

from msgspec.structs import replace
from showing import begin, end, failed, outset, plain, sim, skipped, started, succeeded

from taskrun.model import TRAITS, Retries, Retrying, Started
from taskrun.printer.tally import Tally

A = sim(1, traits=replace(TRAITS, retries=Retries(2, 30.0)))
B = sim(2)


def retrying(time: float, retry: int, wait: float) -> Retrying:
    event = failed(A, time)
    return Retrying(time, A, event.ended, event.settled, retry, time + wait)


def again(time: float, round: int) -> Started:
    return replace(started(A, time, attempt=round), round=round)


def test_a_retry_is_one_line_with_its_moment_and_a_success_counts_as_one() -> None:
    lines = plain([
        begin(1), started(A), retrying(1.0, 1, 30.0), again(31.0, 2), retrying(32.0, 2, 0.0), again(32.0, 3),
        succeeded(A, 33.0), end(33.0, succeeded=1),
    ], of=outset(selected={"sim": 1}, total=1))  # fmt: skip
    assert lines == [
        "1 task",
        "[0/1   0%] retrying   sim/n=1  exit code 3 after 1.0s; retry 1 of 2 in 30s",
        "[0/1   0%] retrying   sim/n=1  exit code 3 after 1.0s; retry 2 of 2 now",
        "[1/1 100% in 33s] succeeded  sim/n=1  1.0s",
        "1 task in 33s: 1 succeeded (1 after a retry)",
    ]


def test_the_time_to_go_is_no_less_than_until_the_last_retry() -> None:
    tally = Tally(outset(selected={"sim": 3}, total=3))
    for event in (begin(3), started(A), started(B), succeeded(B, 1.0), retrying(2.0, 1, 600.0), started(sim(3), 2.0)):
        tally.take(event)
    tally.now = 2.0
    assert tally.time_to_go() == 600.0
    tally.take(again(602.0, 2))
    assert (tally.time_to_go() or 0.0) < 100.0
    tally.take(failed(A, 603.0))
    tally.take(succeeded(sim(3), 604.0))
    assert tally.time_to_go() == 0.0


def test_a_task_that_failed_for_good_is_no_success_after_a_retry() -> None:
    lines = plain([begin(1), started(A), retrying(1.0, 1, 0.0), again(1.0, 2), failed(A, 2.0), end(2.0, failed=1)])
    assert lines[-1] == "1 task in 2.0s: 1 failed"


def test_quiet_says_nothing_of_retries() -> None:
    lines = plain([begin(1), started(A), retrying(1.0, 1, 0.0), succeeded(A), end(succeeded=1)], quiet=True)
    assert not any("retrying" in line for line in lines)


def test_an_allowed_failure_says_so() -> None:
    allowed = sim(1, traits=replace(TRAITS, allow_failure=True))
    lines = plain([begin(1), failed(allowed), end(failed=1)])
    assert any(line.endswith("failed     sim/n=1  exit code 3 after 1.0s (allowed to fail)") for line in lines)


def test_what_was_held_back_tells_how_to_run_it() -> None:
    held = skipped(B, culprit="sim/n=1", reason="held back: all 16 tasks of 'sim' that were tried failed alike")
    lines = plain([begin(2), failed(A), held, end(failed=1, skipped=1)])
    assert "    1 skipped because of it; --no-hold runs them too" in lines
    lines = plain([begin(2), failed(A), skipped(B, culprit="sim/n=1"), end(failed=1, skipped=1)])
    assert "    1 skipped because of it" in lines
