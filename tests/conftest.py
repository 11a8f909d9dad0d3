"""Random examples for developers, the same ones each time where a failure would only say that somebody was unlucky.

Programs under test have the signals that a terminal gives them, also where the tests themselves run under nohup. Where
they run side by side, the thread in each process that speaks with the first one takes no signal from the tests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

if "PYTEST_XDIST_WORKER" in os.environ:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart() -> Generator[None, None, None]:
    """Processes that are started now, and their threads, are born with all signals blocked."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        return (yield)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
