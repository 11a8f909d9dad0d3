"""What is executed for an action: which program, with which words, from which script file.

Programs are looked up in the task's own PATH, seen from its own directory, never in the runner's.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from taskrun.executors.local.environment import Surroundings
from taskrun.model import STRICT_BASH, Action, Argv, Shell, as_run
from taskrun.shell import command_word, rereads, simple_words

LONGEST_WORD = 131_071  # bytes; Linux takes no longer one, whatever the total (MAX_ARG_STRLEN less its NUL)


Command = tuple[str, tuple[str, ...]]  # the program as handed to the system; the words that it sees


def direct_command(action: Action, around: Surroundings, attempt: int, *, may_search: bool = False) -> Command | None:
    """A string for strict bash without the bash, where that makes no difference; None where it might.

    A program without a slash is one that the system's own search in PATH has been seen to find as bash does; only where
    it `may_search`: what starts the command for us does not.
    """
    if not isinstance(action, Shell) or action.words != STRICT_BASH or not around.is_plain:
        return None
    words = simple_words(as_run(action.text, attempt))
    if not words or words[0] in around.functions:
        return None
    program = words[0]
    if "/" not in program and not (may_search and program in around.searched):
        found = _as_bash_finds(program, around.path)
        if found is None:
            return None
        program = found
    return program, words


def plain_command(
    action: Action, around: Surroundings, attempt: int, directory: str, script: str, *, may_search: bool = False
) -> Command:
    """The action as it stands; `script` is where a string too long for a word has been written (see `long_text`).

    `may_search` as in `direct_command`. OSError names what cannot be executed.
    """
    if isinstance(action, Argv):
        words: tuple[str, ...] = tuple(as_run(word, attempt) for word in action.words)
    elif script:
        words = (*_without_command_option(_as_run(action.words, attempt)), script)
    else:
        words = (*_as_run(action.words, attempt), command_word(as_run(action.text, attempt), action.words))
    is_searched = may_search and words[0] in around.searched
    return words[0] if is_searched else find_program(words[0], around.path, directory), words


def niced(command: Command, by: int, path: Sequence[str] | None, directory: str) -> Command:
    """The command as `nice` starts it: a process that has begun already may have children that it would not reach."""
    _, words = command
    try:
        program = find_program("nice", path, directory)
    except OSError:
        program = find_program("nice", None, directory)
    return program, ("nice", "-n", str(by), *words)


def long_text(action: Action, attempt: int) -> str | None:
    """The text of a string that is too long for one word of a command line, but for what another machine is to read."""
    if not isinstance(action, Shell) or len(action.text) * 4 <= LONGEST_WORD or rereads(action.words):
        return None
    text = as_run(action.text, attempt)
    takes_a_file = _without_command_option(action.words) != action.words
    return text if takes_a_file and len(os.fsencode(text)) > LONGEST_WORD else None


def _as_run(words: tuple[str, ...], attempt: int) -> tuple[str, ...]:
    return words if words is STRICT_BASH else tuple([as_run(word, attempt) for word in words])


def _without_command_option(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words before a script's name for what is `-c` (or `-euc`) before its text; as they are for anything else."""
    last = words[-1] if len(words) > 1 else ""
    if not (last.startswith("-") and last.endswith("c") and last[1:].isalpha()):
        return words
    return words[:-1] if last == "-c" else (*words[:-1], last[:-1])


def find_program(name: str, path: Sequence[str] | None, directory: str) -> str:
    """What the system's own lookup would execute for `name` in `directory`: OSError where there is nothing."""
    if "/" in name:
        return name
    problem = errno.ENOENT
    for entry in os.defpath.split(":") if path is None else path:
        candidate = os.path.join(entry or ".", name)
        seen = os.path.join(directory, candidate)
        if os.path.isfile(seen):
            if os.access(seen, os.X_OK):
                return candidate
            problem = errno.EACCES
    raise OSError(problem, os.strerror(problem), name)


def _as_bash_finds(name: str, path: Sequence[str] | None) -> str | None:
    """What bash would find without doubt: None from the first entry on that is not absolute (`~` it would expand)."""
    for entry in path or ():
        candidate = f"{entry}/{name}" if entry[-1:] != "/" else entry + name
        if candidate[0] != "/" or not entry:
            return None
        if os.access(candidate, os.X_OK):
            return candidate  # a directory of that name: the start fails, and bash goes on looking
    return None
