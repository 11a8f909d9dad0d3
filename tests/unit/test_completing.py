"""What is offered for a line that is being typed, and how bash's lines are taken apart."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.cli.app import COMMANDS, app
from taskrun.cli.completing import offered
from taskrun.cli.completing.lines import read_line
from taskrun.cli.completing.offers import FILE, PART, PLAIN, STUDY
from taskrun.cli.completing.paths import paths
from taskrun.cli.completing.typed import FLAGS, STUDY_COMMANDS, VALUED, Typed, read_typed
from taskrun.sweep.kept_outline import keep_outline
from taskrun.sweep.loading import load

BREAKS = " \t\n\"'@><=;|&(:"
SWEEP = """
sweep:
  topology: [fat_tree, mesh, torus]
  buffer: {from: 1024, to: 8192, times: 2}
let: {seed: "{buffer}1"}
exclude: [{topology: torus, buffer: 1024}]
steps:
  sim: {run: "echo {topology} {buffer}", desc: simulates}
  sum: {run: "echo {seed}"}
  graph: echo {topology}
  lint: echo
"""


@pytest.fixture(autouse=True, params=["as the file says", "as a run has left it"])
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    if request.param == "as a run has left it":
        (tmp_path / ".taskrun/sweep").mkdir(parents=True)
        keep_outline(load("sweep.yaml"), ".taskrun/sweep")
    return tmp_path


def values(*words: str) -> list[str]:
    """What is offered, files aside."""
    return [offer.value for offer in offered(words) if offer.kind in (PLAIN, PART)]


def kinds(*words: str) -> dict[str, str]:
    return {offer.value: offer.kind for offer in offered(words)}


# --- commands and options


def test_commands_are_offered_with_what_they_do() -> None:
    offers = {offer.value: offer.help for offer in offered([""])}
    assert offers == {name: line for name, (_, line) in COMMANDS.items()}
    assert values("sta") == ["status"]
    assert "--version" in values("--")


def test_options_are_offered_with_what_they_do_and_each_once() -> None:
    assert [(offer.value, offer.help[:5]) for offer in offered(["run", "--dry"])] == [("--dry-run", "Print")]
    assert values("run", "--dry-run", "--dry") == []
    assert values("run", "--set", "buffer=1", "--se") == ["--set"]  # it may stand again


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "--output", ""], ["failures", "grouped", "live", "none"]),
        (["run", "--on-failure", ""], ["continue", "drain", "kill", "ignore"]),
        (["each", "x", "--on-failure=d"], ["--on-failure=drain"]),
        (["run", "--output=l"], ["--output=live"]),
        (["run", "--color", "a"], ["auto", "always"]),
        (["run", "-j", ""], []),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_choices_of_options_and_arguments_are_offered(words: list[str], expected: list[str]) -> None:
    assert values(*words) == expected


# --- steps, names of tasks


def test_steps_are_offered_and_where_their_tasks_begin_and_the_names_of_the_sweep() -> None:
    assert kinds("run", "") == {
        "sim": PLAIN,
        "sim/": PART,
        "sum": PLAIN,
        "sum/": PART,
        "graph": PLAIN,
        "graph/": PART,
        "lint": PLAIN,
        "topology=": PART,
        "buffer=": PART,
        "seed=": PART,
        "": STUDY,
    }
    assert [offer.help for offer in offered(["run", "si"])][:2] == ["simulates", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sim/", ["sim/topology=fat_tree/", "sim/topology=mesh/", "sim/topology=torus/"]),
        ("sim/topology=m", ["sim/topology=mesh/"]),
        ("sim/topology=mesh/buffer=1", ["sim/topology=mesh/buffer=1024"]),
        ("sim/topology=torus/", [f"sim/topology=torus/buffer={size}" for size in (2048, 4096, 8192)]),
        ("sim/topology=mesh/bu", [f"sim/topology=mesh/buffer={size}" for size in (1024, 2048, 4096, 8192)]),
        ("sim/buffer=8", ["sim/buffer=8192/"]),
        ("sim/buffer=1024/", ["sim/buffer=1024/topology=fat_tree", "sim/buffer=1024/topology=mesh"]),
        ("graph/topology=m", ["graph/topology=mesh"]),
        ("sum/", [f"sum/buffer={size}" for size in (1024, 2048, 4096, 8192)]),  # seed is made of it
        ("sim/topology=mesh/buffer=1024/", []),
        ("sim/topology=mesh/topology=", []),
        ("sim/topology=none/", []),
        ("sim/nothing=1/", []),
        ("sim/mesh/", []),
        ("lint/", []),
        ("none/", []),
    ],
)
def test_a_task_s_name_is_offered_component_by_component_in_any_order(text: str, expected: list[str]) -> None:
    assert values("logs", text) == expected


def test_a_description_of_several_lines_is_one(here: Path) -> None:
    (here / "sweep.yaml").write_text("steps: {sim: {run: echo, desc: \"first\\n second\\tthird\\n\"}}")
    assert {offer.value: offer.help for offer in offered(["run", "s"])}["sim"] == "first second third"


def test_what_is_a_whole_name_and_what_goes_on_is_told() -> None:
    assert kinds("list", "sim/topology=mesh")["sim/topology=mesh/"] == PART
    assert kinds("list", "sim/topology=mesh/buffer=1024")["sim/topology=mesh/buffer=1024"] == PLAIN


def test_values_stay_encoded_in_names_and_selections(here: Path) -> None:
    (here / "sweep.yaml").write_text("sweep: {rate: ['100%', a b, 'x,y', é]}\nsteps: {go: 'echo {rate}'}\n")
    assert values("run", "go/rate=1") == ["go/rate=100%25"]
    assert values("run", "rate=a") == ["rate=a%20b"]
    assert values("run", "rate=100%25,x") == ["rate=100%25,x%2Cy"]
    assert values("run", "--set", "rate=") == []  # there they would not be decoded


# --- selections and --set


def test_values_are_offered_one_after_the_other_each_once() -> None:
    assert values("run", "topology=") == ["topology=fat_tree", "topology=mesh", "topology=torus"]
    assert values("run", "topology=mesh,") == ["topology=mesh,fat_tree", "topology=mesh,torus"]
    assert values("run", "topology=mesh,torus,f") == ["topology=mesh,torus,fat_tree"]
    assert values("run", "nothing=") == []


def test_set_offers_names_that_it_can_replace_and_what_they_are_now(here: Path) -> None:
    assert values("run", "--set", "") == ["topology=", "buffer="]
    assert values("run", "--set=topology=mesh,t") == ["--set=topology=mesh,torus"]
    (here / "sweep.yaml").write_text("sweep: {'a, b': [[1, 2]], c: [1..3, x]}\nsteps: {go: 'echo {a} {b} {c}'}\n")
    assert values("run", "--set", "") == ["c="]
    assert values("run", "--set", "c=") == ["c=x"]  # 1..3 would be a range there


def test_what_set_says_counts_for_names_and_values() -> None:
    assert values("run", "--set", "topology=ring,star", "sim/topology=") == ["sim/topology=ring/", "sim/topology=star/"]
    assert values("run", "--set", "topology=v1..", "graph/topology=v") == ["graph/topology=v1.."]
    assert values("run", "--set", "nonsense", "--set", "nothing=1", "--set", "buffer=@none", "graph/topology=m")


def test_of_more_tasks_than_any_sweep_may_have_none_is_made(here: Path) -> None:
    names = ("a", "b", "c")
    sweep = ", ".join(f"{name}: {{from: 1, to: 200}}" for name in names)
    (here / "sweep.yaml").write_text(f"sweep: {{{sweep}}}\nsteps: {{go: 'echo {{a}} {{b}} {{c}}'}}\n")
    assert values("run", "go/a=7/b=20") == ["go/a=7/b=20/", "go/a=7/b=200/"]
    assert values("run", "go/a=7/b=20/c=20") == []


# --- files


def test_file_is_the_first_word_only_and_says_whose_steps_are_offered(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "other.yaml").write_text("steps: {alone: echo}\n")
    (here / "named").write_text("steps: {alone: echo}\n")
    assert STUDY in kinds("run", "-n", "").values()
    assert kinds("run", "sub/other.yaml", "") == {"alone": PLAIN}
    assert kinds("run", "-F", "named", "") == {"alone": PLAIN}
    assert kinds("run", "--file=named", "-j", "2", "") == {"alone": PLAIN}
    assert kinds("run", "-j2", "-F", "named", "") == {"alone": PLAIN}  # which click is asked about
    assert STUDY not in kinds("run", "sim", "").values()
    assert values("run", "--", "-") == []


@pytest.mark.parametrize("word", ["study.py", "-", "none.yaml", "none.txt"])
def test_what_is_no_sweep_file_offers_nothing(word: str) -> None:
    assert values("run", word, "") == []


@pytest.mark.parametrize(
    "text", ["steps: {sim: [}", "", "- a", "\0", "steps:\n\ta: b", "sweep: {a: [1]}\nsteps: 3\n", "sweep: 7"]
)
def test_a_file_that_cannot_be_read_offers_no_steps_and_no_complaint(here: Path, text: str) -> None:
    (here / "sweep.yaml").write_text(text)
    assert [value for value in values("run", "") if value != "a="] == []
    assert values("run", "sim/") == []


def test_what_is_right_in_a_file_with_mistakes_is_offered(here: Path) -> None:
    (here / "sweep.yaml").write_text(
        "sweep: {a: [1, 2], b: {from: 1}}\nsteps: {one: 'echo {a}', two: {run: 'echo {none}', outpts: x}}\n"
    )
    assert values("run", "") == ["one", "two", "a=", "b="]  # of what, nobody can say
    assert values("run", "a=") == []
    (here / "sweep.yaml").write_text("sweep: {a: [1, 2]}\nsteps: {one: 'echo {a}', two: 'echo {a} {none}'}\n")
    assert values("run", "") == ["one", "one/", "two", "a="]
    assert values("run", "one/") == ["one/a=1", "one/a=2"]


def test_a_pipe_in_place_of_a_file_is_not_waited_for(here: Path) -> None:
    import os

    (here / "sweep.yaml").unlink()
    os.mkfifo(here / "sweep.yaml")
    os.mkfifo(here / "lines")
    assert values("run", "") == []
    (here / "table.yaml").write_text("sweep: {csv: lines}\nsteps: {go: 'echo {a}'}\n")
    assert values("run", "table.yaml", "") == ["go"]
    (here / "other.yaml").write_text(SWEEP)
    assert values("run", "other.yaml", "--set", "topology=@lines", "graph/topology=m") == ["graph/topology=mesh"]


def test_paths_are_those_of_a_kind_and_directories_on_the_way(here: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.txt", "d.py", "notes.md", ".hidden.yaml", "x=1.yaml", "line\nbreak.txt"):
        (here / name).touch()
    (here / "dir").mkdir()
    (here / "dir" / "in.yaml").touch()
    assert [path.value for path in paths(STUDY, "")] == ["a.yaml", "b.yml", "c.txt", "d.py", "dir/", "sweep.yaml"]
    assert [path.value for path in paths(STUDY, ".h")] == [".hidden.yaml"]
    assert [path.value for path in paths(STUDY, "dir/")] == ["dir/in.yaml"]
    assert [path.value for path in paths(FILE, "n")] == ["notes.md"]
    assert [path.value for path in paths(STUDY, f"{here}/dir/i")] == [f"{here}/dir/in.yaml"]
    assert list(paths(FILE, "none/")) == []
    assert list(paths(FILE, "\0/")) == []


def test_options_that_name_paths_say_so() -> None:
    assert kinds("run", "-F", "x") == {"": FILE}
    assert kinds("run", "--file=x") == {"--file=": FILE}
    assert set(kinds("run", "--state-dir", "").values()) == {"directory"}


def test_each_offers_the_names_in_its_command_and_files_for_their_values() -> None:
    assert values("each", "wc {f.stem} ${HOME} {n:03d} {task.name}", "") == ["f=", "n="]
    assert values("each", "wc {f} {n}", "f=a", "") == ["n="]
    assert kinds("each", "wc {f}", "f=a,b") == {"f=a,": FILE}
    assert kinds("each", "wc {f}", "f=@b") == {"f=@": FILE}
    assert values("each", "") == []


# --- what is known without asking the commands


def test_the_tables_say_of_options_what_the_commands_say() -> None:
    context = click.Context(app)
    for name in COMMANDS:
        command = app.get_command(context, name)
        assert command is not None
        takes_study = any(param.make_metavar(context) == "[FILE] [SELECT]..." for param in command.params)
        assert takes_study == (name in STUDY_COMMANDS), name
        for param in command.params if takes_study else ():
            for option in param.opts if isinstance(param, click.Option) else ():
                assert isinstance(param, click.Option)
                assert option not in FLAGS or param.is_flag, (name, option)
                assert option not in VALUED or not param.is_flag, (name, option)


def test_what_stands_on_the_line_is_read_or_left_to_the_commands() -> None:
    assert read_typed(["a.yaml", "-n", "-F", "b", "--set", "x=1", "--set=y=2", "--", "-n"]) == Typed(
        words=("a.yaml", "-n"), file="b", sets=("x=1", "y=2")
    )
    assert read_typed(["--state-dir", "d", "--name=n"]) == Typed(state_dir="d", name="n")
    assert read_typed(["--file"]) is None
    assert read_typed(["--unknown"]) is None
    assert read_typed(["-nq"]) is None


# --- lines of bash


@pytest.mark.parametrize(
    ("line", "words", "rest"),
    [
        ("taskrun run sim", ["taskrun", "run", "sim"], "sim"),
        ("taskrun run ", ["taskrun", "run", ""], ""),
        ("taskrun run sim/topology=me", ["taskrun", "run", "sim/topology=me"], "me"),
        ("taskrun run at=12:3", ["taskrun", "run", "at=12:3"], "3"),
        ("taskrun each x f=@li", ["taskrun", "each", "x", "f=@li"], "@li"),
        (r"taskrun run my\ di", ["taskrun", "run", "my di"], r"my\ di"),
        (r"taskrun run a\=b", ["taskrun", "run", "a=b"], r"a\=b"),
        ("taskrun run 'my di", ["taskrun", "run", "my di"], "my di"),
        ('taskrun run "a \\"b', ["taskrun", "run", 'a "b'], 'a \\"b'),
        ("taskrun run 'a b'/c", ["taskrun", "run", "a b/c"], "'a b'/c"),
        ("taskrun run x='a b'/c", ["taskrun", "run", "x=a b/c"], "'a b'/c"),
        ("taskrun run 'x=1'", ["taskrun", "run", "x=1"], "'x=1'"),
        ("taskrun run >out 2>>err sim", ["taskrun", "run", "sim"], "sim"),
        ("taskrun run ''", ["taskrun", "run", ""], "''"),
        ("taskrun run \\", ["taskrun", "run", "\\"], "\\"),
    ],
)
def test_a_line_is_taken_apart_as_bash_does_it(line: str, words: list[str], rest: str) -> None:
    found = read_line(line, BREAKS)
    assert found.words == words
    assert found.written[found.start :] == rest
    assert not found.is_redirect


@pytest.mark.parametrize("line", ["taskrun list > ", "taskrun list >o", "taskrun list 2>>o", "taskrun list <o"])
def test_the_file_of_a_redirection_is_no_word_of_the_command(line: str) -> None:
    found = read_line(line, BREAKS)
    assert found.is_redirect
    assert found.words[:-1] == ["taskrun", "list"]


@pytest.mark.parametrize(
    ("line", "value", "reply"),
    [
        ("taskrun run sim/topology=me", "sim/topology=mesh", "mesh "),
        ("taskrun run my", "my dir", r"my\ dir "),
        ("taskrun run 'my", "my dir", "my dir"),
        ("taskrun run 'it", "it's", r"it'\''s"),
        ('taskrun run "a', "a$b", r"a\$b"),
        ("taskrun run ", "#a", r"\#a "),
        ("taskrun run ~/s", "~/s&t", r"~/s\&t "),
    ],
)
def test_a_reply_is_written_as_the_line_was_begun(line: str, value: str, reply: str) -> None:
    assert read_line(line, BREAKS).reply(value, is_whole=True) == reply


@given(st.text(alphabet="ab=:@'\"\\$/ <>&", max_size=12), st.text(min_size=1, max_size=8))
def test_a_reply_makes_the_word_that_it_offers(typed: str, more: str) -> None:
    line = read_line(f"x {typed}", BREAKS)
    if typed.endswith("\\") or not more.isprintable():
        return
    value = line.words[-1] + more
    before = line.written[: line.start]
    whole = read_line("x " + before + line.reply(value, is_whole=False) + line.quote, BREAKS)
    assert whole.words[-1] == value
