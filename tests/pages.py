"""Pages of documentation played through as a reader would: files are written, commands typed, all in their order.

What a reader does not see stands in comments before a block: `study: NAME` (a directory of its own for what follows),
`file: NAME` (the block is a file), `needs: PROGRAM` (left out where that is not installed), `not run: WHY`. After a
block, `then: COMMANDS` are typed behind it, to wait for something or to see whether it is as the page says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
_ITEM = re.compile(
    r"^<!-- (?P<key>study|file|needs|not run|then): (?P<value>.*?) -->$"
    r"|^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


class Block(Struct):
    """A block of a page, in the directory `study`: a file where `file` is not "", else something to type."""

    language: str
    text: str
    study: str = "."
    file: str = ""
    needs: str = ""
    is_left_out: bool = False
    then: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in their order."""
    study, about, block = ".", {}, None
    for match in _ITEM.finditer(page):
        key, value = match["key"], match["value"]
        if key == "then":
            assert block is not None, "`then` stands behind a block"
            block.then += f"\n{value}\n"
        elif key == "study":
            study = value
        elif key:
            about[key] = value
        else:
            if block is not None:
                yield block
            block = Block(
                match["language"], match["text"], study,
                about.get("file", ""), about.get("needs", ""), "not run" in about,
            )  # fmt: skip
            about = {}
    if block is not None:
        yield block


def play(page: Path, folder: Path) -> None:
    """Do in `folder` what the page says."""
    for block in blocks(page.read_text()):
        here = folder / block.study
        here.mkdir(parents=True, exist_ok=True)
        if block.file:
            (here / block.file).parent.mkdir(parents=True, exist_ok=True)
            (here / block.file).write_text(block.text)
        elif not block.is_left_out and (not block.needs or shutil.which(block.needs)):
            _type(block, here)
        elif block.then:
            typed(block.then, here)


def typed(script: str, here: Path) -> str:
    """Type lines into a shell in the directory `here`; what they print. Each of them must succeed."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMUX_TMPDIR": os.fspath(here),
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=here, env=environment, capture_output=True, text=True,
        check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\nexit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _type(block: Block, here: Path) -> None:
    if block.language == "sh":
        typed(block.text + block.then, here)
    elif block.language == "yaml":
        (here / "shown.yaml").write_text(block.text)
        typed("taskrun check shown.yaml" + block.then, here)
    elif block.language == "python":
        (here / "shown.py").write_text(block.text)
        typed("python shown.py" + block.then, here)
    else:
        assert block.language in ("text", "console"), f"who runs {block.language}?"
