"""What stands before a command: word by word, and quoted once more for what has a shell read it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from loaded import mistake, study

from taskrun.freshness.signatures import signed_shell
from taskrun.model import STRICT_BASH, Action, Argv, Shell


def action(directory: Path, keys: str) -> Action:
    """Of a step at the point where x is `a b`."""
    return study(directory, f'sweep: {{x: ["a b"]}}\nsteps:\n  a: {{{keys}}}\n').graph.tasks[0].action


def test_a_wrap_is_words_before_the_shell_or_before_the_words(tmp_path: Path) -> None:
    niced = ("nice", "-n", "5", *STRICT_BASH)
    assert action(tmp_path, "run: 'echo {x}', wrap: nice -n 5") == Shell("echo 'a b'", niced)
    assert action(tmp_path, "run: 'echo {x}', shell: sh -c, wrap: srun") == Shell("echo 'a b'", ("srun", "sh", "-c"))
    assert action(tmp_path, "run: [echo, '{x}'], wrap: [env, 'A=1']") == Argv(("env", "A=1", "echo", "a b"))


def test_the_words_of_a_wrap_are_those_that_stand_there_whatever_the_values_hold(tmp_path: Path) -> None:
    loaded = study(tmp_path, """
        sweep: {x: ["a b", "it's", '"', '\\']}
        steps:
          a:
            run: echo
            wrap: env 'X={x} y' Z={x} "" \\$A "$B {x}"
    """)  # fmt: skip
    for task, x in zip(loaded.graph.tasks, ("a b", "it's", '"', "\\"), strict=True):
        assert task.action.words[:6] == ("env", f"X={x} y", f"Z={x}", "", "$A", f"$B {x}")


def test_ssh_and_its_likes_get_a_command_that_can_be_read_again(tmp_path: Path) -> None:
    quoted = r"""'echo '\''a b'\'''"""
    for wrap in ("ssh host", "/usr/bin/ssh -p 22 host", "nice -n 3 ssh host", "rsh host", "sshpass -f p ssh host"):
        words = (*wrap.split(), *STRICT_BASH)
        assert action(tmp_path, f"run: 'echo {{x}}', wrap: {wrap}") == Shell(quoted, words)
    again = Argv(("ssh", "host", "echo", "'a b'", "'A=1'", "'*'", "''"))
    assert action(tmp_path, "run: [echo, '{x}', A=1, '*', '{x:raw}'], wrap: [ssh, host]") != again
    assert action(tmp_path, "run: [echo, '{x}', A=1, '*'], wrap: [ssh, host]") == Argv(again.words[:-1])


def test_what_is_only_called_like_ssh_reads_nothing_again(tmp_path: Path) -> None:
    words = ("apptainer", "exec", "ssh", *STRICT_BASH)
    assert action(tmp_path, "run: 'echo {x}', wrap: apptainer exec ssh") == Shell("echo 'a b'", words)


def test_a_command_that_begins_with_a_dash_is_no_option_of_a_wrapped_shell(tmp_path: Path) -> None:
    assert action(tmp_path, "run: '-x {x}', wrap: srun") == Shell(" -x 'a b'", ("srun", *STRICT_BASH))


def test_a_wrap_of_defaults_counts_unless_the_step_has_its_own(tmp_path: Path) -> None:
    loaded = study(tmp_path, """
        defaults: {wrap: nice}
        steps: {a: x, b: {run: x, wrap: srun}}
    """)  # fmt: skip
    assert [loaded[name].action.words[0] for name in "ab"] == ["nice", "srun"]


def test_paths_in_a_wrap_are_seen_from_the_cwd_and_signed_from_the_study(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    loaded = study(tmp_path, """
        steps:
          a: {run: 'true', wrap: "probe {outputs} {task.attempt}", outputs: out.txt, cwd: sub}
          b: {run: 'true', wrap: "cat {a.outputs}"}
    """)  # fmt: skip
    assert signed_shell(loaded["a"])[:3] == ("probe", "out.txt", "{task.attempt}")
    assert loaded["b"].inputs == ("out.txt",)
    assert loaded.needs("b") == ["a"]


@pytest.mark.parametrize("wrap", ["nice '", "'x{x}"])
def test_a_quote_that_is_never_closed_is_a_mistake(tmp_path: Path, wrap: str) -> None:
    text = f"sweep: {{x: [1]}}\nsteps:\n  a:\n    run: echo {{x}}\n    wrap: >\n      {wrap}\n"
    assert mistake(tmp_path, text).startswith("sweep.yaml:5:")
    assert "is no list of words: no" in mistake(tmp_path, text)


def test_a_list_in_a_wrap_becomes_words_only_where_it_stands_alone(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).touch()
    loaded = study(tmp_path, "steps: {a: {run: x, inputs: [a, b], wrap: 'probe {inputs} --'}}\n")
    assert loaded["a"].action.words[:4] == ("probe", "a", "b", "--")
    text = "steps: {a: {run: x, inputs: [a, b], wrap: 'probe x{inputs}'}}\n"
    assert "{inputs} has 2 values here, where one is wanted" in mistake(tmp_path, text)


def test_equal_words_are_one_tuple(tmp_path: Path) -> None:
    loaded = study(tmp_path, "sweep: {n: [1, 2]}\nsteps: {a: {run: 'echo {n}', wrap: srun -n 1}}\n")
    first, second = (task.action for task in loaded.graph.tasks)
    assert first.words is second.words


@pytest.mark.parametrize("key", ["wrap", "shell"])
@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("' '", 8, "`KEY` is empty"),
        ("'{nothing}'", 8, "`KEY` names no program: its first word is empty"),
        ("['{nothing}', x]", 9, "`KEY` names no program: its first word is empty"),
        ("\"'' x\"", 8, "`KEY` names no program: its first word is empty"),
        ("['', x]", 9, "an item of `KEY` is empty"),
    ],
)
def test_what_names_no_program_is_no_wrap_and_no_shell(
    tmp_path: Path, key: str, text: str, column: int, said: str
) -> None:
    found = mistake(tmp_path, f"let: {{nothing: ''}}\nsteps: {{a: {{run: echo,\n {key}: {text}}}}}\n")
    assert found == f"sweep.yaml:3:{column + len(key) - 4}: {said.replace('KEY', key)}"


def test_nor_is_it_for_all_steps(tmp_path: Path) -> None:
    assert mistake(tmp_path, "defaults: {wrap: ''}\nsteps: {a: echo}\n") == "sweep.yaml:1:18: `wrap` is empty"


def test_a_list_of_words_names_a_program(tmp_path: Path) -> None:
    said = "sweep.yaml:2:19: `run` names no program: its first word is empty"
    assert mistake(tmp_path, "let: {nothing: ''}\nsteps: {a: {run: ['{nothing}', x]}}\n") == said
