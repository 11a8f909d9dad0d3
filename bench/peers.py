"""The other runners: where they are, which versions, and our own floor, compiled. What is not to be had is left out.

What pip can install goes into `bench/.peers`, which git ignores; everything else is the system's or is not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"
US = "taskrun"
FLOOR = "floor"
OF_THE_SYSTEM = ("make", "ninja", "samu", "parallel")
BY_PIP = ("doit", "snakemake")
_FIRST = {"make": "GNU Make", "parallel": "GNU parallel"}  # several programs have these names


class Tool(NamedTuple):
    """A runner that is there."""

    name: str
    words: tuple[str, ...]  # the command without its arguments
    version: str


class Tools(NamedTuple):
    """The runners by name, and a word about each that is left out."""

    found: dict[str, Tool]
    left_out: list[str]


def tools(*, install: bool) -> Tools:
    """Us, the floor, and the peers; those of pip only where they may be installed."""
    kept: dict[str, Tool] = {US: Tool(US, ours(), _version(ours()))}
    left_out = []
    for tool in _peers(install=install):
        if isinstance(tool, Tool):
            kept[tool.name] = tool
        else:
            left_out.append(tool)
    return Tools(kept, left_out)


def ours() -> tuple[str, ...]:
    """As a user types it, where we are installed; from the source otherwise."""
    script = Path(sys.executable).with_name(US)
    return (str(script),) if script.exists() else (sys.executable, "-m", US)


def _peers(*, install: bool) -> Iterator[Tool | str]:
    yield _floor()
    for name in OF_THE_SYSTEM:
        yield _of_the_system(name)
    for name in BY_PIP:
        yield _by_pip(name, install=install)


def _of_the_system(name: str) -> Tool | str:
    path = shutil.which(name)
    if path is None:
        return f"{name}: not installed"
    if _FIRST.get(name, "") not in _first_line((path,)):
        return f"{name}: {path} is another program"
    return Tool(name, (path,), _version((path,)))


def _by_pip(name: str, *, install: bool) -> Tool | str:
    path = PEERS / "bin" / name
    if not install:
        return f"{name}: not in the small form"
    if not path.exists():
        print(f"bench: pip installs {name} into {PEERS.relative_to(HERE.parent)}", file=sys.stderr)
        if complaint := _install(name):
            return f"{name}: pip cannot install it: {complaint}"
    return Tool(name, (str(path),), _version((str(path),)))


def _install(name: str) -> str:
    """Empty, or the last thing that was said."""
    commands = [[str(PEERS / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", name]]
    if not (PEERS / "bin" / "pip").exists():
        commands.insert(0, [sys.executable, "-m", "venv", str(PEERS)])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return ((done.stderr or done.stdout).strip().splitlines() or ["no word"])[-1]
    return ""


def _floor() -> Tool | str:
    """Compiled anew where its source is younger."""
    compiler = shutil.which("cc")
    source, program = HERE / "floor.c", PEERS / FLOOR
    if compiler is None:
        return "floor: no C compiler (cc)"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        PEERS.mkdir(exist_ok=True)
        fresh = PEERS / f"{FLOOR}.{os.getpid()}"
        subprocess.run([compiler, "-O2", "-o", str(fresh), str(source)], check=True)
        os.replace(fresh, program)  # somebody else may be running it
    return Tool(FLOOR, (str(program),), f"cc {_version((compiler,))}")


def _version(words: Sequence[str]) -> str:
    """The first thing that looks like one, a date too."""
    found = re.search(r"\d+(\.\d+)+|\d{8}", _first_line(words))
    return found[0] if found else "?"


def _first_line(words: Sequence[str]) -> str:
    """Of what a program says of its version."""
    command = [*words, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (done.stdout or done.stderr).partition("\n")[0]
