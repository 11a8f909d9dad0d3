"""What a task sees as its environment: what we inherited, then what the study declares, then what names the task.

The same whether bash stands between or not (but for SHLVL and `_`); where bash would change more, it is not `is_plain`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction

from taskrun.model import Step, Task, Traits, as_run
from taskrun.pools import GPU_VARIABLES, THREADS, threads
from taskrun.quantity import show_number

Variables = dict[bytes, bytes]

# What bash sets, drops, obeys or complains about, found by running it with each of its documented variables set.
_BASH_MINDS = frozenset(
    b"""IFS OPTIND OPTERR OPTARG PS1 PS2 PS4 RANDOM SRANDOM SECONDS LINENO EPOCHSECONDS EPOCHREALTIME PPID UID EUID
    GROUPS DIRSTACK FUNCNAME FUNCNEST HISTCMD COMP_WORDBREAKS SHELLOPTS POSIXLY_CORRECT POSIX_PEDANTIC EXECIGNORE
    """.split()
)
_FUNCTION = b"BASH_FUNC_"
_OURS = frozenset(
    {b"TASKRUN_TASK", b"TASKRUN_STEP", b"TASKRUN_ATTEMPT", b"TASKRUN_CORES", b"TASKRUN_RUN", b"TASKRUN_GPUS"}
)
_PARAM = b"TASKRUN_PARAM_"
_DEEPEST = 900  # of 1,000 shells in each other bash complains
_MOST_KEPT = 256
_CODING = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class Surroundings:
    """What the tasks of one step, directory, declared environment and traits share.

    `path`: the entries of their PATH; `functions`: the names of those that a bash would import; `is_plain`: whether
    bash would hand the variables on as they are, and stay silent. `is_our_path`: the entries are this process's own,
    and absolute, so that the system's search in it finds what bash finds; `searched`: the programs for which it did.
    """

    __slots__ = (
        "_declared", "_marked", "_names", "_variables", "functions", "is_our_path", "is_plain", "path", "searched",
    )  # fmt: skip

    def __init__(self, variables: Variables, declared: Mapping[str, str], names: tuple[bytes, ...]) -> None:
        self._variables = variables
        self._declared = declared
        self._names = names
        self._marked = [(os.fsencode(name), text) for name, text in declared.items() if "\0" in text]
        path = variables.get(b"PATH")
        self.path = None if path is None else tuple(dict.fromkeys(os.fsdecode(path).split(":")))
        is_plain_path = all(entry[:1] == "/" and entry[-1:] != "/" for entry in self.path or ())
        self.is_our_path = is_plain_path and path == os.environb.get(b"PATH")
        self.searched: set[str] = set()
        self.functions = _functions(variables)
        is_fixed = not any(name in (b"PATH", b"LC_ALL", b"SHLVL") for name, _ in self._marked)
        self.is_plain = is_fixed and not {"PWD", "OLDPWD"} & declared.keys() and _is_plain(variables)

    def of(self, task: Task, attempt: int, gpus: Sequence[str] = ()) -> Variables:
        """The whole environment of a task's `attempt`-th execution in this run, which has these `gpus`."""
        variables = self._variables.copy()
        for name, text in self._marked:
            variables[name] = os.fsencode(as_run(text, attempt))
        for name, value in zip(self._names, (*task.values, *task.lets), strict=True):
            variables[name] = value.encode(*_CODING)  # a call less than fsencode
        variables[b"TASKRUN_TASK"] = task.name.encode(*_CODING)
        variables[b"TASKRUN_ATTEMPT"] = b"%d" % attempt
        if gpus:
            ids = os.fsencode(",".join(gpus))
            variables[b"TASKRUN_GPUS"] = ids
            variables.update((name.encode(), ids) for name in GPU_VARIABLES if name not in self._declared)
        return variables


class Environments:
    """Makes environments cheaply: all that tasks share is put together once."""

    def __init__(self, inherited: Mapping[bytes, bytes], run: str, most_cores: Fraction) -> None:
        self._base = {
            name: value
            for name, value in _snapshot(inherited).items()
            if name not in _OURS and not name.startswith(_PARAM)
        }
        if not os.path.isdir(self._base.get(b"OLDPWD", b"/")):
            del self._base[b"OLDPWD"]  # as bash does
        self._run = os.fsencode(run)
        self._most_cores = most_cores
        # The objects stand in the values too, so that no other one can come to have the id in the key.
        self._shared: dict[tuple[str, int, int, int], tuple[Surroundings, Step, Traits]] = {}

    def around(self, task: Task, directory: str) -> Surroundings:
        """For a task that runs in `directory`."""
        key = directory, id(task.step), id(task.traits), id(task.env) if task.env else 0
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) >= _MOST_KEPT:
                self._shared.clear()
            found = self._shared[key] = self._surround(task, directory), task.step, task.traits
        return found[0]

    def _surround(self, task: Task, directory: str) -> Surroundings:
        step = task.step
        variables = self._base.copy()
        variables[b"PWD"] = _pwd(variables.get(b"PWD", b""), os.fsencode(directory))
        for name, value in task.env.items():
            variables[os.fsencode(name)] = os.fsencode(value)
        variables[b"TASKRUN_RUN"] = self._run
        variables[b"TASKRUN_STEP"] = os.fsencode(step.name)
        cores = min(task.traits.cores, self._most_cores)
        variables[b"TASKRUN_CORES"] = show_number(cores).encode()
        if task.traits.states_cores:
            for name in THREADS:
                variables.setdefault(name.encode(), b"%d" % threads(cores))
        names = tuple(_PARAM + os.fsencode(name.upper()) for name in (*step.names, *step.lets))
        return Surroundings(variables, task.env, names)


def _snapshot(variables: Mapping[bytes, bytes]) -> Variables:
    """A copy of os.environb, whatever another thread of a host program does to it meanwhile."""
    while True:
        try:
            return dict(variables)
        except (KeyError, RuntimeError):
            continue


def _pwd(inherited: bytes, directory: bytes) -> bytes:
    """The way to the directory that we inherited where it is one (a symlink stays in it), else the directory itself."""
    try:
        is_right = os.path.normpath(inherited) == inherited and os.path.samefile(inherited, directory)
    except (OSError, ValueError):
        is_right = False
    return inherited if is_right and inherited.startswith(b"/") else directory


def _functions(variables: Variables) -> frozenset[str]:
    """Names of the functions that a bash exported."""
    names = [name for name in variables if name.startswith(_FUNCTION)]
    return frozenset(os.fsdecode(name.removeprefix(_FUNCTION).removesuffix(b"%%")) for name in names)


def _is_plain(variables: Variables) -> bool:
    """Whether bash would hand these on as they are, reading no file of the user's and saying nothing."""
    if not _BASH_MINDS.isdisjoint(variables):
        return False
    if any(name.startswith(b"BASH") and not name.startswith(_FUNCTION) for name in variables):
        return False
    level = variables.get(b"SHLVL", b"0")
    if not level.isdigit() or int(level) > _DEEPEST:
        return False
    # A bash that sshd started reads ~/.bashrc, unless SHLVL says that another shell stands between.
    if (b"SSH_CLIENT" in variables or b"SSH2_CLIENT" in variables) and int(level) == 0:
        return False
    return _is_known_locale(os.fsdecode(variables.get(b"LC_ALL", b"")))


def _is_known_locale(name: str) -> bool:
    """Whether bash would be silent about LC_ALL: it warns of one that is not installed. Python's own start tried it."""
    if name in ("", "C", "POSIX"):
        return True
    from locale import LC_CTYPE, setlocale

    return setlocale(LC_CTYPE, None) == name
