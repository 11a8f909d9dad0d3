"""What stands before a command: it is put there word by word, so that no shell reads anything twice.

But ssh and its likes join the words and hand them to a shell, mostly of another machine, which reads them again: what
is to arrive there as it is has to be quoted once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from taskrun.model import Action, Argv, Shell
from taskrun.shell.simple import is_safe, single_quoted

_SHELLS = ("sh", "bash", "dash", "ksh", "zsh")
_REREADERS = frozenset({"ssh", "rsh", "remsh", "slogin", "autossh"})
_STARTERS = frozenset({"env", "nice", "ionice", "nohup", "setsid", "stdbuf", "time", "timeout", "sshpass", "torsocks"})


def wrapped(action: Action, wrap: tuple[str, ...]) -> Action:
    """The action with these words before it."""
    if not wrap:
        return action
    written = _for_rereading if rereads(wrap) else str
    words = (*wrap, *map(written, action.words))
    return Argv(words) if isinstance(action, Argv) else Shell(written(command_word(action.text, action.words)), words)


def shell_name(words: Sequence[str]) -> str | None:
    """Which of the known shells the words before a command start: `bash -c`, `/bin/sh -c`, `env A=1 zsh -c`."""
    rest = list(words)
    if rest and rest[0].rpartition("/")[2] == "env":
        rest.pop(0)
        while rest and (rest[0] in ("-i", "-") or "=" in rest[0].lstrip("-")):
            rest.pop(0)
    name = rest[0].rpartition("/")[2] if rest else ""
    return name if name in _SHELLS else None


def command_word(text: str, shell: Sequence[str]) -> str:
    """A command as the word behind the words of a shell, `bash -c`: one that begins with `-` or `+` is no option.

    Not all shells know `--` there; all of them skip a blank.
    """
    return f" {text}" if text[:1] in ("-", "+") and shell_name(shell) is not None else text


def rereads(words: Sequence[str]) -> bool:
    """Whether these, before a command, have it read by a shell: `ssh host`, `nice /usr/bin/ssh host`."""
    names = [word.rpartition("/")[2] for word in words]
    if names[:1] and names[0] in _STARTERS:
        return not _REREADERS.isdisjoint(names)
    return bool(names) and names[0] in _REREADERS


def _for_rereading(text: str) -> str:
    """One word as it has to be written for such a shell; what is filled in later (see `mark`) may be anything."""
    return text if is_safe(text) and "=" not in text else single_quoted(text)
