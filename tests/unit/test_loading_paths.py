"""Paths of a study: spelling, what a task sees, edges by path, redirect files, and who may write where."""

from __future__ import annotations

from pathlib import Path

import pytest
from loaded import mistake, mistakes, study

from taskrun.graph import Edge
from taskrun.model import Gathering
from taskrun.paths import Paths, attribute, expand

# --- spelling


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("a", "a"),
        ("./a", "a"),
        ("a//b", "a/b"),
        ("a/./b/", "a/b"),
        ("a/../b", "b"),
        ("a/..", "."),
        ("./", "."),
        ("../a", "../a"),
        ("../../a/../b", "../../b"),
        ("../study/a", "a"),
        ("../study", "."),
        ("/home/me/study/a/b", "a/b"),
        ("/home/me/study", "."),
        ("/home/me/study2/a", "/home/me/study2/a"),
        ("//usr//lib", "/usr/lib"),
        ("..a/b", "..a/b"),
        ("a\nb", "a\nb"),
        (".hidden", ".hidden"),
    ],
)
def test_paths_are_normalised_by_their_letters(path: str, normal: str) -> None:
    paths = Paths("/home/me/study")
    assert paths.normal(path) == normal
    assert paths.normal_all([path, "x"]) == [normal, "x"]


def test_two_spellings_of_a_place_outside_have_one_key() -> None:
    paths = Paths("/home/me/study")
    assert paths.key(paths.normal("../data/x")) == paths.key(paths.normal("/home/me/data/x")) == "/home/me/data/x"


@pytest.mark.parametrize(
    ("path", "cwd", "seen"),
    [
        ("a/b", "", "a/b"),
        ("a/b", "a", "b"),
        ("a/b", "c", "../a/b"),
        ("a/b", "a/c/d", "../../b"),
        ("a", "a", "."),
        ("a", "a/b", ".."),
        (".", "a/b", "../.."),
        ("ab/c", "a", "../ab/c"),
        ("../x", "a", "../../x"),
        ("/usr/x", "a", "/usr/x"),
        ("a", "..", "/study/of/mine/a"),
        ("../x", "../y", "/study/of/x"),
        ("a", "/tmp", "/study/of/mine/a"),
    ],
)
def test_paths_are_seen_from_the_cwd(path: str, cwd: str, seen: str) -> None:
    assert Paths("/study/of/mine").seen_from(path, cwd) == seen


def test_paths_are_absolute_where_the_cwd_goes_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    paths = Paths(str(tmp_path))
    assert paths.seen_from("a", "link") == paths.seen_from("a", "link/sub") == f"{tmp_path}/a"
    assert paths.seen_from("a", "real/sub") == "../../a"


def test_a_tilde_that_a_variable_brings_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E", "~/z")
    assert expand("${E}") == "~/z"


def test_expansion_of_home_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "/data")
    assert expand("~/x") == "/home/me/x"
    assert expand("~") == "/home/me"
    assert expand("${DATA}/x-${DATA}") == "/data/x-/data"
    assert expand("a~/b") == "a~/b"
    assert expand("~you/b") == "~you/b"
    assert expand("~/x", at_start=False) == "~/x"
    assert expand("$(ls) $1 $$ 5$") == "$(ls) $1 $$ 5$"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$DATA/x", "'$DATA' is not expanded here; write '${DATA}'"),
        ("${NOT_SET_ANYWHERE}", "the environment has no 'NOT_SET_ANYWHERE'"),
        ("${DATA:-x}", "none of the shell's other"),
    ],
)
def test_what_cannot_be_expanded(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("$", r"\$").replace("{", r"\{")):
        expand(text)


def test_attributes_go_by_letters() -> None:
    assert [attribute("data/a.tar.gz", name) for name in ("name", "stem", "suffix", "parent")] == [
        "a.tar.gz",
        "a.tar",
        ".gz",
        "data",
    ]
    assert (attribute("/", "parent"), attribute("/a", "parent"), attribute("a", "parent")) == ("/", "/", ".")


# --- in a study


def test_every_path_is_normalised(tmp_path: Path) -> None:
    text = """
        steps:
          s:
            run: "go {inputs} {outputs} {stdout} {stderr}"
            inputs: ["./a//b", "c/../d", "{outputs}/../e"]
            outputs: out/./dir/
            stdout: ./log/../o
            stderr: e//x
            cwd: ./here/..
    """
    made = study(tmp_path, text)
    task = made["s"]
    assert (task.inputs, task.outputs) == (("a/b", "d", "out/e"), ("out/dir",))
    assert (task.stdout, task.stderr, task.cwd) == ("o", "e/x", "")
    assert made.run("s") == "go a/b d out/e out/dir o e/x"


def test_home_and_variables_in_path_keys_and_env_but_never_in_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "data")
    text = """
        sweep: {x: ["~/v", "${DATA}"]}
        steps:
          s:
            run: "go ${DATA} ~/x {x}"
            inputs: ["${DATA}/{x}", ~/in]
            outputs: "{x}/o"
            env: {A: "~/bin:${DATA}", B: "{x}", C: "a ~/b"}
    """
    made = study(tmp_path, text)
    task = made.of("s")[1]
    assert task.inputs == ("data/${DATA}", "/home/me/in")
    assert task.outputs == ("${DATA}/o",)
    assert made.env(task.name) == {"A": "/home/me/bin:data", "B": "${DATA}", "C": "a ~/b"}
    assert made.run(task.name) == "go ${DATA} ~/x '${DATA}'"
    assert made.env(made.of("s")[0].name)["B"] == "~/v"


def test_variables_that_are_not_set_or_lack_their_braces(tmp_path: Path) -> None:
    text = """\
        steps:
          a: {run: x, outputs: "${NOT_SET_ANYWHERE}/x"}
          b: {run: x, inputs: $HOME/x}
          c: {run: x, env: {A: $HOME}}
          d: {run: "echo $HOME", outputs: ""}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:2:24: the environment has no 'NOT_SET_ANYWHERE'; set it, or write the path out",
        "sweep.yaml:3:23: '$HOME' is not expanded here; write '${HOME}'",
        "sweep.yaml:4:24: '$HOME' is not expanded here; write '${HOME}'",
        "sweep.yaml:5:35: `outputs` is empty",
    ]


def test_the_variable_of_a_name_is_no_part_of_the_environment(tmp_path: Path) -> None:
    assert mistakes(tmp_path, """\
        sweep: {x: [1]}
        let: {Yz: "{x}"}
        steps:
          a: {run: "echo {Yz}", env: {A: $TASKRUN_PARAM_X, B: "${TASKRUN_PARAM_YZ}", C: $TASKRUN_PARAM_Q}}
    """) == [
        "sweep.yaml:4:34: the variable TASKRUN_PARAM_X is set for the command only; write {x}",
        "sweep.yaml:4:55: the variable TASKRUN_PARAM_YZ is set for the command only; write {Yz}",
        "sweep.yaml:4:81: '$TASKRUN_PARAM_Q' is not expanded here; write '${TASKRUN_PARAM_Q}'",
    ]  # fmt: skip


def test_only_what_cannot_be_expanded_itself_is_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOPE", raising=False)
    assert mistakes(tmp_path, """\
        sweep: {x: [1]}
        steps:
          a: {run: "echo {x}", outputs: "TASKRUN_PARAM_X/${NOPE}/{x}", env: {A: "TASKRUN_PARAM_X is $PATH"}}
          b: {run: "echo {x}", cwd: "${TASKRUN_PARAM_X:-1}"}
    """) == [
        "sweep.yaml:3:33: the environment has no 'NOPE'; set it, or write the path out",
        "sweep.yaml:3:73: '$PATH' is not expanded here; write '${PATH}'",
        "sweep.yaml:4:29: the variable TASKRUN_PARAM_X is set for the command only; write {x}",
    ]  # fmt: skip


def test_all_that_cannot_be_expanded_is_reported_together_beside_other_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOPE", raising=False)
    assert mistakes(tmp_path, """\
        steps:
          a: {run: "true", inputs: "p/$X", cwd: "${NOPE}", env: {A: "$Y"}}
          b: {run: "true", inputs: ["p/$Z", "${"]}
          c: {run: "{nn}"}
    """) == [
        "sweep.yaml:2:28: '$X' is not expanded here; write '${X}'",
        "sweep.yaml:2:41: the environment has no 'NOPE'; set it, or write the path out",
        "sweep.yaml:2:61: '$Y' is not expanded here; write '${Y}'",
        "sweep.yaml:3:29: '$Z' is not expanded here; write '${Z}'",
        "sweep.yaml:3:37: only '${NAME}' is understood here, none of the shell's other '${...}'",
        "sweep.yaml:4:12: nothing is called 'nn'; braces that are meant as text are written {{nn}}",
    ]  # fmt: skip


def test_a_mistake_in_one_key_of_files_hides_none_in_another(tmp_path: Path) -> None:
    assert mistakes(tmp_path, """\
        sweep: {i: [1, 2]}
        steps:
          a: {run: "true {i}", outputs: "o{i}"}
          b: {run: "true", outputs: "x{a.outputs}", stdout: "y{a.outputs}", stderr: "{outputs}.err"}
    """) == [
        f"sweep.yaml:4:{column}: {{a.outputs}} has 2 values here, where one is wanted; add `per: a`"
        for column in (29, 53)
    ]  # fmt: skip


def test_an_empty_path_of_a_value(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [a, ""]}
        steps:
          s: {run: x, outputs: "{x}"}
    """
    assert mistake(tmp_path, text) == "sweep.yaml:3:24: an empty path (in s/x=)"


def test_paths_in_run_and_env_are_seen_from_the_cwd_and_signed_as_seen_from_the_study(tmp_path: Path) -> None:
    text = """
        sweep: {x: [a, "b c"]}
        steps:
          sim: {run: "sim {x}", outputs: "sims/{x}.dat"}
          parse:
            run: "parse {sim.outputs} > {outputs} {sim.outputs.stem} {sim.outputs.parent} {task.root} {x}"
            outputs: "work/{x}/out.csv"
            cwd: "work/{x}"
            env: {IN: "{sim.outputs}", NAME: "{x}"}
    """
    made = study(tmp_path, text)
    assert made.runs("parse") == [
        "parse ../../sims/a.dat > out.csv a ../../sims ../.. a",
        "parse '../../sims/b c.dat' > out.csv 'b c' ../../sims ../.. 'b c'",
    ]
    assert made.signed("parse/x=b%20c") == "parse 'sims/b c.dat' > 'work/b c/out.csv' 'b c' sims . 'b c'"
    assert made.env("parse/x=a") == {"IN": "../../sims/a.dat", "NAME": "a"}
    assert made["parse/x=a"].inputs == ("sims/a.dat",)


def test_paths_are_absolute_where_the_cwd_is_outside(tmp_path: Path) -> None:
    made = study(tmp_path, "steps: {s: {run: 'go {inputs} {task.root}', inputs: a, cwd: /tmp}}")
    assert made.run("s") == f"go {tmp_path}/a {tmp_path}"
    assert made.signed("s") == "go a ."


def test_values_of_the_sweep_are_always_as_written(tmp_path: Path) -> None:
    text = """
        sweep: {f: ["./data//a.csv"]}
        steps: {s: {run: "wc {f} {inputs}", inputs: "{f}", cwd: sub}}
    """
    assert study(tmp_path, text).runs("s") == ["wc ./data//a.csv ../data/a.csv"]


# --- edges by path


def test_an_input_equal_to_inside_or_above_an_output_makes_the_dependency(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4]}
        steps:
          a: {run: "{x} {y}", outputs: "out/{x}/{y}/"}
          same: {run: "x", inputs: ./out//1/3}
          inside: {run: "{x}", inputs: "out/{x}/3/deep/er"}
          above: {run: "{x}", inputs: "out/{x}"}
          all: {run: x, inputs: out}
          none: {run: x, inputs: [ou, out/1/33, outer]}
    """
    made = study(tmp_path, text)
    assert made.needs("same") == ["a/x=1/y=3"]
    assert made.needs("inside/x=2") == ["a/x=2/y=3"]
    assert made.needs("above/x=2") == ["a/x=2/y=3", "a/x=2/y=4"]
    assert made.needs("all") == made.names[:4]
    assert made.needs("none") == []
    assert made.edges("all") == made.edges("same") == {Edge.FILE}
    shapes = {shape.step: shape.gathers for shape in made.study.shapes}
    assert shapes["above"] == (Gathering("a", 2, 2, False),)
    assert shapes["all"] == (Gathering("a", 4, 4, True),)
    assert shapes["inside"] == shapes["same"] == ()


def test_tasks_that_are_needed_by_several_paths_count_once(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2, 3]}
        steps:
          a: {run: "a {x}", outputs: "d/{x}"}
          b: {run: "b", outputs: [e/1, e/2]}
          c: {run: "c {x}", inputs: [d, "d/{x}", e/2, e/1]}
    """
    shape = study(tmp_path, text).study.shapes[2]
    assert [(each.step, each.fewest, each.most, each.everything) for each in shape.gathers] == [("a", 3, 3, True)]


def test_a_path_joins_whatever_the_points_are(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2]}
        steps:
          a: {run: "{x}", outputs: "{x}.dat"}
          next: {run: "{x}", inputs: "1.dat"}
    """
    made = study(tmp_path, text)
    assert made.needs("next/x=2") == ["a/x=1"]


def test_paths_outside_the_study_match_in_every_spelling(tmp_path: Path) -> None:
    text = f"""
        steps:
          a: {{run: x, outputs: ../shared/f}}
          b: {{run: x, inputs: "{tmp_path.parent}/shared/f"}}
          c: {{run: x, inputs: "{tmp_path.parent}/shared"}}
          d: {{run: x, outputs: "{tmp_path}/own"}}
          e: {{run: x, inputs: own/file}}
    """
    made = study(tmp_path, text)
    assert made.needs("b") == made.needs("c") == ["a"]
    assert made["d"].outputs == ("own",)
    assert made.needs("e") == ["d"]


@pytest.mark.parametrize("path", [".", "..", "${PARENT}"])
def test_an_input_that_holds_the_whole_study_is_above_every_output(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARENT", str(tmp_path.parent.parent))
    made = study(tmp_path, f"steps: {{a: {{run: x, outputs: o/x}}, b: {{run: x, inputs: '{path}', outputs: y}}}}")
    assert made.needs("b") == ["a"]


def test_a_task_does_not_need_itself(tmp_path: Path) -> None:
    text = """
        steps:
          a: {run: x, inputs: out, outputs: [out/a]}
          b: {run: x, outputs: out/b}
    """
    made = study(tmp_path, text)
    assert made.needs("a") == ["b"]


def test_a_file_that_is_read_and_made_by_one_task(tmp_path: Path) -> None:
    text = """\
        steps:
          a: {run: x, inputs: [f, g], outputs: ./f}
    """
    assert mistake(tmp_path, text).startswith("sweep.yaml:2:24: step 'a' reads 'f' and makes it too")


def test_a_cycle_by_paths(tmp_path: Path) -> None:
    text = """\
        steps:
          a: {run: x, inputs: c, outputs: a}
          b: {run: x, inputs: a, outputs: b}
          c: {run: x, inputs: b, outputs: c}
    """
    assert mistake(tmp_path, text) == "sweep.yaml:2:23: a cycle: a -> c -> b -> a"


# --- redirect files


def test_a_redirect_file_is_an_output_where_it_is_listed_or_read(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2]}
        steps:
          log: {run: "{x}", stdout: "l{x}"}
          listed: {run: "{x}", outputs: ["a{x}", "b{x}"], stdout: "./b{x}"}
          named: {run: "{x}", stdout: "c{x}", stderr: "d{x}"}
          by_path: {run: "{x}", stdout: "e{x}"}
          in_directory: {run: "{x}", stderr: "f/{x}"}
          reader: {run: "cat {named.stderr} {stdout}", inputs: [e1, f], stdout: out}
    """
    made = study(tmp_path, text)
    assert made["log/x=1"].outputs == ()
    assert made["listed/x=1"].outputs == ("a1", "b1")
    assert made["named/x=1"].outputs == ("d1",)
    assert made["by_path/x=1"].outputs == ("e1",)
    assert made["by_path/x=2"].outputs == ()
    assert made["in_directory/x=2"].outputs == ("f/2",)
    assert made["reader"].outputs == ()
    assert made["reader"].inputs == ("e1", "f", "d1", "d2")
    assert made.needs("reader") == ["named/x=1", "named/x=2", "by_path/x=1", "in_directory/x=1", "in_directory/x=2"]


def test_standard_error_can_share_the_file_of_standard_output(tmp_path: Path) -> None:
    text = """
        steps:
          a: {run: "x {stderr}", stdout: log, stderr: stdout}
          b: {run: x, stdout: b/log, stderr: ./b//log}
          c: {run: x, stderr: stdout}
          d: {run: "cat {a.stderr}"}
    """
    made = study(tmp_path, text)
    assert (made["a"].stdout, made["a"].stderr, made.run("a")) == ("log", "log", "x log")
    assert (made["b"].stdout, made["b"].stderr) == ("b/log", "b/log")
    assert (made["c"].stdout, made["c"].stderr) == (None, None)
    assert (made["a"].outputs, made["d"].inputs) == (("log",), ("log",))


# --- who may write where


def test_two_tasks_with_one_output_in_two_spellings(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2], y: [1]}
        steps:
          a: {run: "{x}", outputs: [out/same, "out/{x}"]}
          b: {run: "{y}", stdout: ./out/../out//1}
          c: {run: "{y}", stdout: c}
          d: {run: "{y}", stderr: c/}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:29: a/x=1 and a/x=2 both write 'out/same'; put {x} into the path",
        "sweep.yaml:4:27: a/x=1 and b/y=1 both write 'out/1'",
        "sweep.yaml:6:27: c/y=1 and d/y=1 both write 'c'",
    ]


def test_an_output_inside_another_tasks_output(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "x", outputs: [d, d/own], stdout: d/log}
          b: {run: "{x}", outputs: "d/deep/{x}"}
          c: {run: x, stdout: d/c}
    """
    hint = "let one task make both, or part the paths"
    assert mistakes(tmp_path, text) == [
        f"sweep.yaml:4:28: b/x=1 writes 'd/deep/1' inside 'd', which a makes; {hint}",
        f"sweep.yaml:5:23: c writes 'd/c' inside 'd', which a makes; {hint}",
    ]


def test_outputs_of_one_task_may_lie_in_each_other(tmp_path: Path) -> None:
    made = study(tmp_path, "steps: {a: {run: x, outputs: [d, d/x, d/y/z, d, ./d], stdout: d/y/z}}")
    assert made["a"].outputs == ("d", "d/x", "d/y/z")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("outputs: ./sweep.yaml", "s writes 'sweep.yaml', which is the sweep file"),
        ("stdout: a/../sweep.yaml", "s writes 'sweep.yaml', which is the sweep file"),
        ("outputs: .", "s writes '.', which holds the sweep file"),
        ("outputs: ..", "which holds the sweep file"),
        ("outputs: .taskrun/sweep/x", "s writes '.taskrun/sweep/x' into the state of taskrun"),
        ("stderr: .taskrun/x", "s writes '.taskrun/x' into the state of taskrun"),
        ("outputs: .taskrun", "s writes '.taskrun', which is the state of taskrun"),
    ],
)
def test_what_no_task_may_write_to(tmp_path: Path, key: str, message: str) -> None:
    lines = mistakes(tmp_path, f"steps: {{s: {{run: x, {key}}}}}")
    assert message in lines[0]


def test_many_tasks_may_throw_their_output_away(tmp_path: Path) -> None:
    made = study(tmp_path, "{sweep: {x: [1, 2]}, steps: {s: {run: '{x}', stdout: /dev/null, stderr: stdout}}}")
    assert made["s/x=2"].stdout == "/dev/null"
