"""Which gpus there are: those that CUDA_VISIBLE_DEVICES lists, else all that nvidia-smi knows.

nvidia-smi is another program, and one that hangs where a driver is broken: it gets a few seconds, and is asked only
where a task wants a gpu.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from taskrun.errors import UsageError

if TYPE_CHECKING:
    from subprocess import Popen

VARIABLE = "CUDA_VISIBLE_DEVICES"
_NONE = frozenset({"", "-1", "NoDevFiles"})  # as CUDA and Slurm write "none"
_QUESTION = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
_PATIENCE = 5.0
_LONGEST = 200


class Answer(Struct, frozen=True):
    """What nvidia-smi said: the gpus by number and by UUID; or what is the `trouble` with it."""

    numbers: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    trouble: str = ""


def gpu_ids(
    environment: Mapping[str, str], *, patience: float = _PATIENCE, saying: str = "--pool gpus=2"
) -> tuple[str, ...]:
    """The ids of the gpus that tasks may use, as they are to be written into CUDA_VISIBLE_DEVICES. `saying`: how
    somebody who knows their number says it.

    Raises UsageError for a list that names one twice, or one that is not there, and where nvidia-smi cannot say.
    """
    listed = environment.get(VARIABLE)
    if listed is None:
        answer = ask_nvidia_smi(environment, patience)
        if answer.trouble:
            raise UsageError(
                f"nobody knows which gpus there are: {answer.trouble}; say it, as {VARIABLE}=0,1 or {saying}"
            )
        return answer.numbers
    ids = visible(listed)
    if ids:
        _check_there(ids, ask_nvidia_smi(environment, patience))
    return ids


def visible(listed: str) -> tuple[str, ...]:
    """The ids in the text of CUDA_VISIBLE_DEVICES; UsageError where one stands twice or is none."""
    if listed.strip() in _NONE:
        return ()
    ids = tuple(each.strip() for each in listed.split(","))
    for index, each in enumerate(ids):
        if not each or each in _NONE or not each.isprintable():
            raise UsageError(f"{VARIABLE}={listed}: {each!r} is no gpu; numbers or UUIDs are listed there, as in 0,1")
        if each in ids[:index]:
            raise UsageError(f"{VARIABLE}={listed}: {each!r} stands there twice")
    return ids


def ask_nvidia_smi(environment: Mapping[str, str], patience: float) -> Answer:
    """What it says in `patience` seconds; a machine without it has no gpus."""
    from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

    hidden = {name: value for name, value in environment.items() if name != VARIABLE}
    try:
        process = Popen(
            _QUESTION, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, text=True, errors="replace", env=hidden,
            start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        return Answer()
    except OSError as error:
        return Answer(trouble=f"nvidia-smi: {error.strerror}")
    try:
        said, complaint = process.communicate(timeout=patience)
    except TimeoutExpired:
        _give_up(process)
        return Answer(trouble=f"nvidia-smi said nothing for {patience:g} seconds")
    return _understood(said, complaint, process.returncode)


def _give_up(process: Popen[str]) -> None:
    """What hangs in the driver does not even die of a SIGKILL, so nobody waits for that."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    if process.poll() is None:
        process.returncode = -signal.SIGKILL  # or Python complains that it still runs


def _understood(said: str, complaint: str, code: int) -> Answer:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if code == 0 and lines == ["No devices were found"]:
        return Answer()
    rows = [tuple(map(str.strip, line.split(","))) for line in lines]
    if code == 0 and all(len(row) == 2 and row[0].isdecimal() for row in rows):
        return Answer(tuple(row[0] for row in rows), tuple(row[1] for row in rows))
    words = next((line.strip() for line in (complaint + "\n" + said).splitlines() if line.strip()), "")
    return Answer(trouble=f"nvidia-smi says {words[:_LONGEST]!r}" if words else f"nvidia-smi failed (exit code {code})")


def _check_there(ids: Sequence[str], answer: Answer) -> None:
    """A list is believed where nvidia-smi is not there or cannot say, and so is what names a part of a gpu (MIG)."""
    if not answer.numbers:
        return
    for each in ids:
        is_part = each.startswith("MIG")
        is_known = each in answer.numbers or any(uuid.startswith(each) for uuid in answer.uuids if len(each) > 4)
        if not is_part and not is_known:
            raise UsageError(
                f"{VARIABLE}={','.join(ids)}: there is no gpu {each!r}; nvidia-smi knows {', '.join(answer.numbers)}"
            )
