"""A command that is executed without its bash cannot be told from one that bash ran."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from processes import STATE, place, task
from studies import Folder

from taskrun.model import Argv

pytestmark = pytest.mark.real

COMMANDS = [
    "env -0",
    "true",
    "  false\n",
    "ls -l no-such-file",
    "missing --flag",
    "./script a=b c:d",
    "script from/path",
    "./without-shebang x",
    "./bad-interpreter",
    "./folder",
    "folder",
    "./closed",
    "closed",
    "cat /proc/self/cmdline",
    "readlink /proc/self/cwd",
    "printenv TASKRUN_TASK",
    "sh ./dies",
]

# As bash treats them: it sets, drops, reads, obeys or complains about some of them.
VARIABLES = [
    {},
    {"a.b": "1", "1x": "2", "with space": "3", "_x": "", "NL": "a\nb"},
    {"IFS": "/"},
    {"PS1": "$ ", "PS4": "+++ "},
    {"OPTIND": "7"},
    {"LINENO": "12"},
    {"RANDOM": "1"},
    {"SECONDS": "100"},
    {"PPID": "1"},
    {"BASH": "/bin/other"},
    {"BASHOPTS": "nullglob"},
    {"BASH_VERSION": "1"},
    {"BASH_COMPAT": "nonsense"},
    {"BASH_XTRACEFD": "9"},
    {"BASH_ENV": "./says-something"},
    {"ENV": "./says-something"},
    {"POSIXLY_CORRECT": "1", "ENV": "./says-something"},
    {"SHELLOPTS": "xtrace:noglob"},
    {"EXECIGNORE": "*"},
    {"BASH_FUNC_env%%": "() {  echo a function\n}"},
    {"BASH_FUNC_other%%": "() {  echo a function\n}"},
    {"LC_ALL": "xx_YY.UTF-8"},
    {"LC_ALL": "C.UTF-8", "LANG": "xx_YY"},
    {"LC_ALL": "C"},
    {"SSH_CLIENT": "1.2.3.4 5 6", "SHLVL": "0", "HOME": "{root}/home"},
    {"SSH_CLIENT": "1.2.3.4 5 6", "SHLVL": "1", "HOME": "{root}/home"},
    {"SHLVL": "1000"},
    {"SHLVL": "nonsense"},
    {"PWD": "/tmp"},
    {"PWD": "{root}/../link"},
    {"PWD": "{root}/."},
    {"PWD": "."},
    {"OLDPWD": "/tmp"},
    {"OLDPWD": "/no/such/directory"},
    {"PATH": "folder:{root}:/usr/bin:/bin"},
    {"PATH": "/no/such:{root}/:/usr/bin:/bin"},
    {"PATH": ":/usr/bin:/bin"},
    {"PATH": "~:/usr/bin:/bin", "HOME": "{root}"},
    {"UID": "5", "EUID": "6", "GROUPS": "7"},
    {"TMOUT": "1", "COLUMNS": "40", "LINES": "2", "TERM": "dumb"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with programs of all kinds, and beside it a symlink to it."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "home").mkdir()
    (root / "home/.bashrc").write_text("echo read at the start\n")
    (root / "says-something").write_text("echo something\n")
    (root / "dies").write_text("kill -SEGV $$\n")
    (root / "closed").write_text("")
    for name, text in {
        "script": '#!/bin/sh\necho "$0" "$@"\n',
        "without-shebang": 'echo "$0" "$@"\n',
        "bad-interpreter": "#!/no/such/interpreter\n",
    }.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    (tmp_path / "link").symlink_to(root)
    return root


def sorted_variables(text: bytes) -> list[bytes]:
    """What `env -0` printed, less the two that may differ; anything else as it is."""
    return sorted(line for line in text.split(b"\0") if not line.startswith((b"_=", b"SHLVL=")))


@pytest.mark.parametrize("variables", VARIABLES, ids=lambda variables: " ".join(variables) or "nothing")
def test_bash_makes_no_difference(root: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("LC_ALL", "SSH_CLIENT", "SSH_CONNECTION", "BASH_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHLVL", "1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{root}", os.fspath(root)))
    compare(root, {})


@pytest.mark.parametrize(
    "declared",
    [{"PWD": "/tmp"}, {"OLDPWD": "/tmp"}, {"PATH": "/usr/bin:/bin"}, {"SHLVL": "5"}, {"_": "x"}, {"TASKRUN_STEP": "x"}],
    ids=str,
)
def test_nor_with_what_the_study_declares(root: Path, declared: dict[str, str]) -> None:
    compare(root, declared)


def compare(root: Path, declared: dict[str, str]) -> None:
    with place(root, owns_process=True, jobs=8) as here:
        strict = ("bash", "-euo", "pipefail", "-c")
        bare = [task(index, text, env=declared) for index, text in enumerate(COMMANDS)]
        shelled = [task(index, Argv((*strict, text)).words, env=declared) for index, text in enumerate(COMMANDS)]
        runs = [here.run(*tasks, number=number) for number, tasks in enumerate((shelled, bare, bare), 1)]
        for index, text in enumerate(COMMANDS):
            by_bash, *others = [(end.exit_code, end.signal, end.cause) for end in (ends[index] for ends in runs)]
            assert others == [by_bash, by_bash], text
            logs = [root / STATE / "logs" / f"t{index}.{number}.log" for number in (1, 2, 3)]
            wrote, *others = [sorted_variables(log.read_bytes()) if log.exists() else None for log in logs]
            assert others == [wrote, wrote], text


def test_a_program_that_comes_first_in_path_meanwhile_is_the_one(folder: Folder) -> None:
    folder.write("second/tool", "#!/bin/sh\necho old\n").chmod(0o755)
    (folder.path / "first").mkdir()
    folder.write("sweep.yaml", """
sweep: {i: {from: 1, to: 30}}
steps:
  before: {run: tool, per: i, stdout: "before/{i}"}
  build: {run: "printf '#!/bin/sh\\necho new\\n' > first/tool && chmod +x first/tool", after: before}
  after: {run: tool, per: i, stdout: "after/{i}", after: build}
""")  # fmt: skip
    path = f"{folder.path}/first:{folder.path}/second:{os.environ['PATH']}"
    run = folder.taskrun("run", env=os.environ | {"PATH": path})
    assert run.returncode == 0, run.stderr
    assert {folder.read(f"before/{i}") for i in range(1, 31)} == {"old\n"}
    assert {folder.read(f"after/{i}") for i in range(1, 31)} == {"new\n"}


def test_under_a_shim_too_it_is_the_one_that_is_in_path(tmp_path: Path) -> None:
    (tmp_path / "seq").write_text("#!/bin/sh\necho wrong\n")
    (tmp_path / "seq").chmod(0o755)
    with place(tmp_path, owns_process=True, shims=("t1",)) as here:
        tasks = [task(index, "seq 1") for index in range(3)]
        for each in (tasks[0], tasks[2], tasks[1]):
            assert here.run(each)[0].exit_code == 0
        assert [here.log(each) for each in tasks] == ["1\n"] * 3
