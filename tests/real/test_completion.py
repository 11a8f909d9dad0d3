"""Completion in real shells: TAB on a terminal, and what each shell says when it is asked."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from studies import Folder, command, wait_until

from taskrun.cli.completing.scripts import SCRIPTS

pytestmark = pytest.mark.real

ROOT = Path(__file__).parent.parent.parent
COMMITTED = {"bash": "taskrun.bash", "zsh": "_taskrun", "fish": "taskrun.fish"}
SWEEP = """
sweep:
  topology: [fat_tree, mesh, torus]
  at: ["12:30", "18:45", "100%", "me@home"]
steps:
  sim: {run: "echo {topology} {at}", desc: simulates}
  graph: echo {topology}
  lint: echo
"""
# What each shell reads first. Ctrl-G shows the line as it is, Ctrl-U empties it.
STARTS = {
    "bash": r"""
PS1='ready> '
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
bind -x '"\C-g": printf "\nLINE<%s>END\n" "$READLINE_LINE"'
eval "$(taskrun completion bash)"
""",
    "zsh": r"""
PS1='ready> '
autoload -U compinit
compinit -D -u
show() { print -r -- "LINE<$BUFFER>END" }
zle -N show
bindkey '^G' show
bindkey '^U' kill-whole-line
eval "$(taskrun completion zsh)"
""",
    "fish": r"""
set fish_greeting
function fish_prompt; echo 'ready> '; end
function show; printf 'LINE<%s>END' (commandline); end
bind \cg show
bind \cu 'commandline ""'
taskrun completion fish | source
""",
}
SHELLS = [
    pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed"))
    for shell in STARTS
]


@pytest.fixture
def home(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anybody's settings, and `taskrun` on the PATH."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "taskrun"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m taskrun "$@"\n')
    program.chmod(0o755)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ZDOTDIR", str(home))
    monkeypatch.setenv("INPUTRC", os.devnull)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    folder.write("sweep.yaml", SWEEP)
    folder.write("my dir/own sweep.yaml", "steps: {alone: echo}\n")
    folder.write("notes.md", "")
    return home


class Prompt:
    """An interactive shell on a terminal of its own, in the study's directory."""

    def __init__(self, shell: str, directory: Path, home: Path) -> None:
        start = home / {"zsh": ".zshrc"}.get(shell, "start")
        start.write_text(STARTS[shell])
        words = {
            "bash": ["bash", "--noprofile", "--rcfile", str(start), "-i"],
            "zsh": ["zsh", "-d", "-i"],
            "fish": ["fish", "--no-config", "--init-command", f"source {start}", "--interactive"],
        }[shell]
        self.shown = ""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvp(words[0], words)
        self._until(lambda: "ready> " in self.shown)

    def completed(self, typed: str) -> str:
        """The line that TAB makes of what is typed, and `|` at its end, where the cursor is."""
        self.shown = ""
        self._press(typed + "\t\a")
        self._until(lambda: re.search("LINE<.*?>END", self.shown, re.DOTALL))
        found = re.search("LINE<(.*?)>END", self.shown, re.DOTALL)
        assert found
        self._press("\x15")
        return found[1] + "|"

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def _press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.shown
            if select.select([self._terminal], [], [], 0.1)[0]:
                self.shown += os.read(self._terminal, 65536).decode(errors="replace")


@pytest.fixture
def prompt(request: pytest.FixtureRequest, folder: Folder, home: Path) -> Iterator[Prompt]:
    prompt = Prompt(request.param, folder.path, home)
    yield prompt
    prompt.close()


def complete_in_bash(folder: Folder, line: str, words: Sequence[str]) -> list[str]:
    """What the function answers when bash calls it for a line, whose words it breaks so."""
    script = """
        source "$1"
        COMP_LINE=$2 COMP_POINT=${#2}
        shift 2
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _taskrun taskrun "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    source = str(ROOT / "completions" / COMMITTED["bash"])
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", source, line, *words],
        cwd=folder.path, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return [answer for answer in done.stdout.split("\n") if answer]


def complete_in_fish(folder: Folder, line: str) -> list[str]:
    script = f"source {ROOT / 'completions' / COMMITTED['fish']}; complete -C $argv[1]"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, line],
        cwd=folder.path, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def answers(folder: Folder, *words: str, instruction: str = "fish_complete") -> subprocess.CompletedProcess[str]:
    """What the process prints that a shell starts."""
    environment = {**os.environ, "_TASKRUN_COMPLETE": instruction}
    return subprocess.run(
        command(*words), cwd=folder.path, env=environment, input="cat > eaten\n",
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_committed_scripts_are_what_the_command_prints(shell: str, folder: Folder) -> None:
    printed = folder.taskrun("completion", shell)
    assert printed.returncode == 0
    assert printed.stderr == ""
    assert printed.stdout == (ROOT / "completions" / COMMITTED[shell]).read_text(), "make completions"


# --- TAB on a terminal


@pytest.mark.parametrize("prompt", SHELLS, indirect=True)
def test_tab_ends_whole_words_leaves_open_what_goes_on_and_quotes_paths(prompt: Prompt, home: Path) -> None:
    (home / "study.yaml").touch()
    lines = {
        "taskrun run --output=fa": "taskrun run --output=failures |",
        "taskrun run sim/topology=me": "taskrun run sim/topology=mesh/|",
        "taskrun logs sim/topology=mesh/at=12:": "taskrun logs sim/topology=mesh/at=12:30 |",
        "taskrun logs sim/topology=mesh/at=me@": "taskrun logs sim/topology=mesh/at=me@home |",
        "taskrun run topology=mesh,to": "taskrun run topology=mesh,torus |",
        r"taskrun run my\ dir/o": r"taskrun run my\ dir/own\ sweep.yaml |",
        "taskrun run ~/stu": "taskrun run ~/study.yaml |",
        "taskrun run no": "taskrun run no|",  # notes.md is no study
        "taskrun run --file=no": "taskrun run --file=notes.md |",
        "taskrun each 'wc {f}' f=@no": "taskrun each 'wc {f}' f=@notes.md |",
        "taskrun list > no": "taskrun list > notes.md |",
    }
    assert {typed: prompt.completed(typed) for typed in lines} == lines
    assert prompt.completed("taskrun run 'my dir/o").startswith("taskrun run 'my dir/own sweep.yaml'")
    escaped = prompt.completed("taskrun run at=100")  # fish has a meaning for it, and escapes it
    assert escaped.replace("\\", "") == "taskrun run at=100%25 |"


# --- asked without a terminal


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_gets_answers_cut_where_it_breaks_words(folder: Folder, home: Path) -> None:
    assert complete_in_bash(folder, "taskrun run t", ["taskrun", "run", "t"]) == ["topology="]
    words = ["taskrun", "run", "sim/topology", "=", "t"]
    assert complete_in_bash(folder, "taskrun run sim/topology=t", words) == ["torus/"]
    words = ["taskrun", "run", "sim/topology", "=", "mesh/at", "=", "12", ":"]
    assert complete_in_bash(folder, "taskrun run sim/topology=mesh/at=12:", words) == ["30 "]
    words = ["taskrun", "run", "topology", "="]
    assert complete_in_bash(folder, "taskrun run topology=", words) == ["fat_tree ", "mesh ", "torus "]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_gets_whole_words_with_what_they_are_for(folder: Folder, home: Path) -> None:
    assert complete_in_fish(folder, "taskrun run si") == ["sim\tsimulates", "sim/"]
    assert complete_in_fish(folder, "taskrun run topology=mesh,") == ["topology=mesh,fat_tree", "topology=mesh,torus"]
    assert complete_in_fish(folder, "taskrun run --dry")[0].startswith("--dry-run\t")


# --- the process that shells start


def test_a_python_file_is_not_executed_and_standard_input_not_read(folder: Folder) -> None:
    folder.write("study.py", "open('executed', 'w')\n")
    for file in ("study.py", "-"):
        done = answers(folder, "run", file, "")
        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert sorted(folder.files()) == ["study.py"]


def test_whatever_goes_wrong_ends_in_silence_and_leaves_nothing_behind(folder: Folder) -> None:
    folder.write("sweep.yaml", "steps: {sim: [}\n")
    before = sorted(folder.path.rglob("*"))
    for words in (["run", "si"], ["run", "--output", "loud", "sim/n=1/"], ["no-such-command", ""], []):
        done = answers(folder, *words)
        assert (done.stdout, done.stderr) == ("", "")
    assert answers(folder, "run", "", instruction="powershell_complete").stdout == ""
    assert sorted(folder.path.rglob("*")) == before


LOADED = """
import atexit, os, sys, taskrun.cli
os._exit = lambda status: sys.exit(status)
heavy = {"click", "asyncio", "yaml", "msgspec", "taskrun.graph", "taskrun.sweep.loading"}
atexit.register(lambda: print(*sorted(heavy & sys.modules.keys())))
taskrun.cli.main(sys.argv[1:])
"""


def loaded(folder: Folder, *options: str) -> list[str]:
    """What is offered for the name of a task, and which modules it took."""
    environment = {**os.environ, "_TASKRUN_COMPLETE": "fish_complete"}
    asked = [sys.executable, "-c", LOADED, "run", "-n", "-j", "2", *options, "sim/topology=t"]
    done = subprocess.run(asked, cwd=folder.path, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_names_of_tasks_are_found_without_loading_commands(folder: Folder) -> None:
    folder.write("sweep.yaml", SWEEP)
    assert loaded(folder) == ["sim/topology=torus/\t", "msgspec yaml"]


def test_once_a_run_has_begun_not_even_the_file_is_read_while_it_is_as_it_was(folder: Folder) -> None:
    folder.write("sweep.yaml", SWEEP)
    assert folder.taskrun("run", "-n").returncode == 0
    assert loaded(folder) == ["sim/topology=torus/\t", "msgspec yaml"]  # a dry run leaves nothing
    folder.write("wait", "")
    folder.write("sweep.yaml", SWEEP + '  wait: "while [ -e wait ]; do sleep 0.05; done"\n')
    run = folder.start("run")
    wait_until(lambda: folder.statuses().get("wait") == "running")
    assert loaded(folder) == ["sim/topology=torus/\t", ""]
    (folder.path / "wait").unlink()
    assert run.wait(60) == 0
    assert loaded(folder) == ["sim/topology=torus/\t", ""]
    folder.write("sweep.yaml", SWEEP.replace("torus", "tree"))
    assert loaded(folder) == ["sim/topology=tree/\t", "msgspec yaml"]


def test_what_a_run_leaves_is_found_where_its_state_is(folder: Folder) -> None:
    folder.write("sub/sweep.yaml", SWEEP)
    placed = ("-F", "sub/sweep.yaml", "--state-dir", "elsewhere", "--name", "other")
    assert folder.taskrun("run", *placed).returncode == 0
    assert loaded(folder, *placed) == ["sim/topology=torus/\t", ""]
    assert loaded(folder, *placed[:4]) == ["sim/topology=torus/\t", "msgspec yaml"]


def test_studies_that_have_no_file_are_known_by_their_state(folder: Folder) -> None:
    folder.write("jobs.txt", "true\n")
    assert folder.taskrun("run", "jobs.txt", "-q").returncode == 0
    assert folder.taskrun("each", "true {n}", "n=1,2", "--name", "trial", "-q").returncode == 0
    assert answers(folder, "status", "--name", "").stdout.split() == ["jobs", "trial"]
    assert answers(folder, "logs", "jobs.txt", "li").stdout == "line/\t\n"
    assert answers(folder, "logs", "--name", "trial", "tr").stdout == "true/\t\n"
    assert answers(folder, "logs", "--name", "trial", "true/").stdout == "true/n=1\t\ntrue/n=2\t\n"
