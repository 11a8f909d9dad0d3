"""A run on a real terminal: what stands on it at the end, and after Ctrl-C."""

from __future__ import annotations

import re

import pytest
from studies import Folder, command
from terminals import OnTerminal

pytestmark = pytest.mark.real


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+\.\ds", "TIME", line) for line in lines]


def test_the_bar_ends_at_100_percent_above_the_summary_and_in_colour(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: [1, 2]}\nsteps:\n  sim: echo {n}\n")
    terminal = OnTerminal(folder.path, command("run", "-j", "1"))
    assert terminal.end() == 0
    assert without_times(terminal.shown) == [
        "sim ×2 (n)",
        "2 tasks",
        "bottleneck: 1 core, shared by 2 tasks",
        "succeeded  sim/n=1  TIME",
        "succeeded  sim/n=2  TIME",
        "███████████████████  100%  2/2  in TIME",
        "2 tasks in TIME: 2 succeeded",
    ]
    assert "\x1b[32msucceeded\x1b[0m" in terminal.text
    assert "\x1b[35m█" in terminal.text


def test_no_color_is_obeyed_on_a_terminal(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    folder.write("sweep.yaml", "steps:\n  sim: echo\n")
    terminal = OnTerminal(folder.path, command("run"))
    assert terminal.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)


def test_ctrl_c_says_what_it_does_and_leaves_a_clean_terminal(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps:\n  wait: sleep 60\n  never: {run: echo, after: wait}\n")
    terminal = OnTerminal(folder.path, command("run", "-j", "1"))
    terminal.until(lambda: "1 running: wait" in terminal.text)
    terminal.press(b"\x03")
    terminal.until(lambda: "Ctrl-C again to terminate" in terminal.text)
    terminal.press(b"\x03")
    assert terminal.end() == 130
    shown = [re.sub(r"\^C|(?<=never)  .*", "", line) for line in without_times(terminal.shown)]
    assert shown == [
        "wait ×1   never ×1",
        "2 tasks",
        "bottleneck: 1 core, shared by 2 tasks",
        "stopping: waiting for 1 running task; Ctrl-C again to terminate them",
        "stopping: terminating 1 running task; Ctrl-C again to kill them",
        "cancelled  wait  after TIME",
        "skipped    never",
        "stopped by SIGINT: 2 tasks in TIME: 1 cancelled, 1 skipped",
    ]
