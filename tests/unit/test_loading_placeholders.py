"""What placeholders come to in each key: values, files, facts, attributes, formats, lists and marks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from loaded import mistake, mistakes, study

from taskrun.model import STRICT_BASH, Argv, Shell


def test_braces_in_a_command(tmp_path: Path) -> None:
    text = r"""
        sweep: {x: [7]}
        steps:
          s:
            run: |
              {x} {{x}} {{{x}}} ${x} ${HOME} {a,b} {} {{.ID}} HEAD@{1} $1 '{print $1}' '{id: .id}' {{word}}
    """
    made = study(tmp_path, text)
    assert made.run("s/x=7") == (
        "7 {x} {7} ${x} ${HOME} {a,b} {} {{.ID}} HEAD@{1} $1 '{print $1}' '{id: .id}' {word}\n"
    )


def test_attributes_of_a_value_taken_for_a_path(tmp_path: Path) -> None:
    text = """
        sweep: {f: [data/in/a.tar.gz, /b, c., .rc, d/]}
        let: {up: "{f.parent}"}
        steps: {s: ["{f}", "{f.name}", "{f.stem}", "{f.suffix}", "{f.parent}", "{f.parent.name}", "{up}"]}
    """
    text = text.replace("s: [", "s: {run: [").replace('"{up}"]', '"{up}"]}')
    assert [line.split("|") for line in study(tmp_path, text).runs("s")] == [
        ["data/in/a.tar.gz", "a.tar.gz", "a.tar", ".gz", "data/in", "in", "data/in"],
        ["/b", "b", "b", "", "/", "", "/"],
        ["c.", "c.", "c.", "", ".", ".", "."],
        [".rc", ".rc", ".rc", "", ".", ".", "."],
        ["d/", "d", "d", "", ".", ".", "."],
    ]


def test_formats(tmp_path: Path) -> None:
    text = """
        sweep: {n: [7, 0.10, abc]}
        steps: {s: {run: ["{n:>5}", "{n:s}", "{n.stem:_<4}"]}}
    """
    assert study(tmp_path, text).runs("s") == ["    7|7|7___", " 0.10|0.10|0___", "  abc|abc|abc_"]


def test_a_format_that_does_not_fit_is_reported_once_with_a_task(tmp_path: Path) -> None:
    text = """\
        sweep: {n: [7, mesh, torus]}
        steps:
          s: echo {n:03d}
    """
    line = mistake(tmp_path, text)
    assert line == "sweep.yaml:3:6: {n:03d}: '03d' is no format of the text 'mesh' (in s/n=mesh)"


def test_files_of_the_task_itself(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1]}
        steps:
          s:
            run: go {inputs} -- {inputs.b} {outputs} {outputs.csv} {outputs.name} {stdout} {stderr} {stdout.stem} {x}
            inputs: {a: [a1, a2], b: b1}
            outputs: {csv: "out/{x}.csv", name: n.txt}
            stdout: log/o.txt
            stderr: "{outputs.csv}.err"
    """
    made = study(tmp_path, text)
    assert made.run("s/x=1") == (
        "go a1 a2 b1 -- b1 out/1.csv n.txt out/1.csv n.txt log/o.txt out/1.csv.err o 1"
    )
    assert made["s/x=1"].stderr == "out/1.csv.err"


def test_inputs_are_what_the_key_names(tmp_path: Path) -> None:
    text = """
        steps:
          a: {run: x, outputs: [f, g]}
          b: {run: "cat {inputs} {a.outputs}", inputs: h}
    """
    made = study(tmp_path, text)
    assert made.run("b") == "cat h f g"
    assert made["b"].inputs == ("h", "f", "g")


def test_files_of_other_steps_become_inputs_each_once_after_the_declared_ones(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2]}
        steps:
          a: {run: "{x}", outputs: {csv: "a{x}.csv", png: "a{x}.png"}, stdout: "a{x}.log"}
          b: {run: "cat {a.outputs.png} {a.outputs}", inputs: [z, "{a.outputs.csv}"], outputs: b}
          c: {run: "true", stdout: "{b.outputs}.log", env: {LOG: "{a.stdout}"}}
    """
    made = study(tmp_path, text)
    assert made["b"].inputs == ("z", "a1.csv", "a2.csv", "a1.png", "a2.png")
    assert made.run("b") == "cat a1.png a2.png a1.csv a1.png a2.csv a2.png"
    assert made["c"].inputs == ("b", "a1.log", "a2.log")
    assert made.env("c") == {"LOG": "a1.log a2.log"}
    assert made.needs("c") == ["b", "a/x=1", "a/x=2"]
    assert made["a/x=1"].outputs == ("a1.csv", "a1.png", "a1.log")


def test_what_a_placeholder_says_of_a_task(tmp_path: Path) -> None:
    text = """
        sweep: {x: ["a b"]}
        steps:
          s:
            run: [echo, "{task.name}", "{task.step}", "{task.cores}", "{task.attempt}", "{task.root}"]
            per: [x]
            cores: 2.50
            stdout: logs/{task.name}.log
            cwd: deep/er
    """
    made = study(tmp_path, text)
    name = "s/x=a%20b"
    assert made.run(name) == "echo|s/x=a%20b|s|2.5|1|../.."
    assert made.signed(name) == "echo|s/x=a%20b|s|{task.cores}|{task.attempt}|."
    assert made[name].stdout == "logs/s/x=a%20b.log"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("outputs: '{task.attempt}'", "{task.attempt} cannot stand in a path: the files of a task do not hang on it"),
        ("cwd: 'a{task.cores}'", "{task.cores} cannot stand in a path: the files of a task do not hang on it"),
        ("cores: '{task.cores}'", "{task.cores} is not known yet where `cores` is read"),
        ("priority: '{task.attempt}'", "{task.attempt} is not known yet where `priority` is read"),
        ("outputs: '{inputs:file}', inputs: a", "{inputs:file} can stand in a command and in `env` only"),
    ],
)
def test_what_is_not_known_where_a_key_is_read(tmp_path: Path, key: str, message: str) -> None:
    assert mistake(tmp_path, f"steps: {{s: {{run: x, {key}}}}}").endswith(f": {message}")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{topolgy}", "nothing is called 'topolgy'; did you mean 'topology'?; braces that are meant as text"),
        ("{topolgy}", "are written {{topolgy}}"),
        ("{zzz}", "nothing is called 'zzz'; there are topology, seed; braces that are meant as text are written {{"),
        ("{smi.outputs}", "did you mean 'sim'?"),
        ("{topology.nme}", "{topology.nme}: a value has no 'nme'; did you mean 'name'?"),
        ("{topology:.id}", "'.id' cannot stand after the colon"),
        ("{topology:.id}", "braces that are meant as text are {{topology:.id}}"),
        ("{topology:file}", "`:file` lists files, and 'topology' names none"),
        ("{topology.parent.parent.name}", "at most two attributes can stand after a name"),
        ("{task}", "{task} says nothing by itself; there are task.name, task.step, task.cores,"),
        ("{task.nam}", "nothing of a task is called 'nam'; did you mean 'name'?"),
        ("{task.attempt:02d}", "the attempt is only known when the task starts, so that it takes no format"),
        ("{s.outputs}", "step 's' cannot wait for itself; its own files are {outputs}"),
        ("{sim}", "{sim} is a step; its files are {sim.outputs} and {sim.stdout}"),
        ("{sim.inputs}", "{sim.inputs}: a step has no 'inputs'"),
        ("{sim.outputs.csw}", "the outputs of step 'sim' have no 'csw'; did you mean 'csv'?"),
        ("{sim.stdout}", "{sim.stdout}: step 'sim' declares no stdout; `after: sim` orders without a file"),
        ("{bare.outputs}", "{bare.outputs}: step 'bare' declares no outputs; `after: bare` orders without a file"),
        ("{outputs}", "{outputs}: step 's' declares no outputs; add `outputs:` to step 's'"),
        ("{inputs}", "{inputs}: step 's' declares no inputs; add `inputs:` to step 's'"),
        ("{stdout}", "{stdout}: step 's' declares no stdout; add `stdout:` to step 's'"),
    ],
)
def test_a_placeholder_that_means_nothing(tmp_path: Path, written: str, message: str) -> None:
    text = f"""\
        sweep: {{topology: [1]}}
        let: {{seed: "{{topology}}1"}}
        steps:
          sim: {{run: "x {{topology}}", outputs: {{csv: a}}}}
          bare: x
          s:
            run: go {{topology}} '{written}'
    """
    line = mistake(tmp_path, text)
    assert line.startswith("sweep.yaml:7:10: ")
    assert message in line


def test_let_takes_values_only(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1]}
        let:
          a: "{sim.outputs}"
          b: "{task.name}"
          c: "{y}"
        steps: {sim: {run: "{x}", outputs: o}}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:6: {sim.outputs} cannot stand here; only names of `sweep` and `let` can",
        "sweep.yaml:4:6: {task.name} cannot stand here; only names of `sweep` and `let` can",
        "sweep.yaml:5:6: nothing is called 'y'; there are x, a, b, c; braces that are meant as text are written {{y}}",
    ]


def test_a_let_in_which_something_is_wrong_is_the_only_mistake(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1]}
        let: {a: "{y}", b: "{a}"}
        steps: {s: "echo {a} {b} {x}", t: "echo {b}"}
    """
    assert mistake(tmp_path, text).startswith("sweep.yaml:2:10: nothing is called 'y'")


@pytest.mark.parametrize("sweep", ["{csv: nope.csv}", "[{x: 1}, y]", "text", "{csv: bad.csv, x: 1}"])
def test_names_that_could_not_be_read_are_no_further_mistakes(tmp_path: Path, sweep: str) -> None:
    (tmp_path / "bad.csv").write_text("name,name\n1,2\n")
    text = f"""\
        sweep: {sweep}
        exclude: [{{name: 3}}]
        let: {{twice: "{{name}}{{name}}"}}
        steps:
          a: "echo {{name}} {{twice}}"
          b: {{run: "echo {{outputs}}", per: [name]}}
    """
    found = mistakes(tmp_path, text)
    assert len(found) == 2
    assert "nope.csv" in found[0] or "bad.csv:1:6: two columns are called 'name'" in found[0] or "`sweep`" in found[0]
    assert found[1] == "sweep.yaml:6:12: {outputs}: step 'b' declares no outputs; add `outputs:` to step 'b'"


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "echo {y}"}
          b: {run: "{x}", outputs: same}
          c: {run: "{x}", cores: "-{x}"}
          d: {run: "{x}", inputs: "$HOME/x"}
          e: {rum: x}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:12: nothing is called 'y'; there are x; braces that are meant as text are written {{y}}",
        "sweep.yaml:4:28: b/x=1 and b/x=2 both write 'same'; put {x} into the path",
        "sweep.yaml:5:26: `cores`: -1 is negative (in c/x=1)",
        "sweep.yaml:6:27: '$HOME' is not expanded here; write '${HOME}'",
        "sweep.yaml:7:7: unknown key 'rum' in the step 'e'; did you mean 'run'?",
    ]


# --- quoting: what the shell tests prove in every context, here in a whole study


def test_values_are_quoted_in_run_strings_and_nowhere_else(tmp_path: Path) -> None:
    text = """
        sweep: {x: ["a b", "it's"]}
        steps:
          s: {run: "echo {x} '{x}' {x:raw}", env: {A: "{x}"}, stdout: "{x}.log"}
          t: {run: [echo, "{x}"]}
    """.replace("{x:raw}", "")
    made = study(tmp_path, text)
    assert made.runs("s") == ["echo 'a b' 'a b' ", "echo 'it'\\''s' 'it'\\''s' "]
    assert made.env("s/x=it%27s") == {"A": "it's"}
    assert made["s/x=it%27s"].stdout == "it's.log"
    assert made.runs("t") == ["echo|a b", "echo|it's"]


def test_raw_goes_in_as_it_is(tmp_path: Path) -> None:
    made = study(tmp_path, '{sweep: {o: ["-O2 -g", "$X"]}, steps: {s: "cc {o:raw}"}}')
    assert made.runs("s") == ["cc -O2 -g", "cc $X"]


def test_a_value_that_cannot_be_quoted_where_it_stands(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, a b]}
        steps:
          s: echo $(( {x} + 1 ))
    """
    line = mistake(tmp_path, text)
    assert line.startswith("sweep.yaml:3:6: {x}: ")
    assert line.endswith("""(in s/x=a%20b); write {x:raw} to put it in as it is, or "$TASKRUN_PARAM_X\"""")


def test_a_list_glued_to_a_word_in_a_run_string(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "{x}", outputs: "{x}"}
          b: {run: "cat --files={a.outputs}"}
    """
    assert mistake(tmp_path, text).startswith("sweep.yaml:4:12: {a.outputs}: it holds 2 values and is glued to a word")


def test_items_of_a_run_list(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3]}
        steps:
          a: {run: "{x}", outputs: "o {x}"}
          b: {run: [cat, "{a.outputs}", -n, "{inputs}"], inputs: [p, q]}
          c: {run: [cat, "--file={a.outputs}", "{y}"], per: [x, y]}
    """
    made = study(tmp_path, text)
    assert made["b"].action == Argv(("cat", "o 1", "o 2", "-n", "p", "q"))
    assert made.run("c/x=2/y=3") == "cat|--file=o 2|3"


def test_an_item_of_a_run_list_that_is_more_than_a_list_takes_one_value(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "{x}", outputs: "{x}"}
          b: {run: [cat, "-f{a.outputs}"]}
    """
    assert mistake(tmp_path, text) == (
        "sweep.yaml:4:18: {a.outputs} has 2 values here, where one is wanted; "
        "as a word of its own it becomes one word for each"
    )


def test_several_values_in_one_path(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          sim: {run: "{x}", outputs: "{x}"}
          b: {run: b, outputs: "{sim.outputs}.gz"}
          c: {run: b, cwd: "{sim.outputs}"}
          d: {run: b, inputs: ["{sim.outputs}", "{sim.outputs.stem}.h"]}
          e: {run: b, inputs: [p, q], stdout: "{inputs}.log"}
    """
    several = "{sim.outputs} has 2 values here, where one is wanted; add `per: sim`"
    assert mistakes(tmp_path, text) == [
        f"sweep.yaml:4:24: {several}",
        f"sweep.yaml:5:20: {several}",
        "sweep.yaml:6:41: {sim.outputs.stem} has 2 values here, where one is wanted; add `per: sim`",
        "sweep.yaml:7:39: {inputs} has 2 values here, where one is wanted; take one of them by its name",
    ]


def test_a_list_of_files_for_more_than_a_command_line_takes(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4]}
        steps:
          a: {run: "{x} {y}", outputs: {csv: "{x}/{y}.csv"}}
          b: {run: "tar -T {a.outputs:file} {x}"}
          c: {run: [tar, "{a.outputs.csv:file}"], cwd: sub, env: {L: "{a.outputs.csv:file}"}}
    """
    made = study(tmp_path, text)
    (list_file,) = made["b/x=1"].lists
    assert list_file.lines == ("1/3.csv", "1/4.csv")
    assert list_file.path.startswith(".taskrun/sweep/lists/a.outputs-")
    assert made.run("b/x=1") == f"tar -T {list_file.path} 1"
    assert made.signed("b/x=1") == "tar -T {a.outputs:file} 1"
    assert made["b/x=1"].inputs == ("1/3.csv", "1/4.csv")
    assert made.needs("b/x=1") == ["a/x=1/y=3", "a/x=1/y=4"]
    listed = made["c"].lists[0]
    assert listed.lines == ("../1/3.csv", "../1/4.csv", "../2/3.csv", "../2/4.csv")
    assert made.run("c") == f"tar|../{listed.path}"
    assert made.env("c") == {"L": f"../{listed.path}"}


def test_the_state_directory_can_be_elsewhere(tmp_path: Path) -> None:
    text = """
        steps:
          a: {run: x, outputs: [o, p]}
          b: {run: "tar -T {a.outputs:file}"}
    """
    made = study(tmp_path, text, state="../state/sweep")
    assert made["b"].lists[0].path.startswith("../state/sweep/lists/a.outputs-")
    made = study(tmp_path, text, state="/var/state/sweep")
    assert made["b"].lists[0].path.startswith("/var/state/sweep/lists/a.outputs-")


def test_a_path_with_a_newline_has_no_line_in_a_list(tmp_path: Path) -> None:
    text = r"""
        sweep: {x: [a, "b\nc"]}
        steps:
          a: {run: x, outputs: "o/{x}"}
          b: {run: "tar -T {a.outputs:file}"}
    """
    assert r"{a.outputs:file} lists one path a line, and 'o/b\nc' holds a newline" in mistake(tmp_path, text)
    assert "{a.outputs} puts in each path quoted" in mistake(tmp_path, text)


# --- the other keys


def test_shells(tmp_path: Path) -> None:
    text = """
        sweep: {x: [a, b]}
        defaults: {shell: [zsh, -c]}
        shell: sh -c
        steps:
          s: "{x}"
          t: {run: x, shell: "/bin/bash -o 'x y' -c"}
          u: {run: "{x}", shell: ["{x}sh", -c]}
    """
    made = study(tmp_path, text)
    assert made["s/x=a"].action == Shell("a", ("zsh", "-c"))
    assert made["t"].action == Shell("x", ("/bin/bash", "-o", "x y", "-c"))
    assert made["u/x=b"].action == Shell("b", ("bsh", "-c"))
    assert study(tmp_path, "{shell: sh -c, steps: {s: x}}")["s"].action == Shell("x", ("sh", "-c"))
    assert study(tmp_path, "{steps: {s: x}}")["s"].action == Shell("x", STRICT_BASH)


def test_a_shell_whose_quote_is_never_closed_is_wrong_at_its_value(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [a, "'"]}
        steps:
          s: {run: "{nope}", shell: 'bash "-c'}
          t:
            run: "echo {x}"
            shell: "bash -o {x} -c"
    """
    found = mistakes(tmp_path, text)
    assert found[0].startswith("sweep.yaml:3:12: nothing is called 'nope'")
    assert found[1:] == [
        "sweep.yaml:3:29: `shell`: 'bash \"-c' is no list of words: no closing quotation",
        "sweep.yaml:6:12: `shell`: \"bash -o ' -c\" is no list of words: no closing quotation (in t/x=%27)",
    ]


def test_each_unknown_placeholder_of_a_text_has_its_own_escape(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "steps: {s: 'echo {foo.bar} {foo.baz} {foo.bar}'}")
    assert [each.rpartition(" ")[2] for each in found] == ["{{foo.bar}}", "{{foo.baz}}"]


def test_numbers_are_read_per_task(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 0.5]}
        let: {double: "{x}e1"}
        steps: {s: {run: "{x}", cores: "{x}", priority: "-{double}"}, t: {run: x, cores: 0}}
    """
    made = study(tmp_path, text)
    assert [str(task.traits.cores) for task in made.graph.tasks] == ["1", "1/2", "0"]
    assert [str(task.traits.priority) for task in made.graph.tasks] == ["-10", "-5", "0"]


def test_a_wrong_number_names_a_task(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, many]}
        steps:
          s: {run: "{x}", cores: "{x}"}
          t: {run: "{x}", priority: "1{x}"}
    """
    lines = mistakes(tmp_path, text)
    assert lines[0].startswith("sweep.yaml:3:26: `cores`: ")
    assert lines[1].startswith("sweep.yaml:4:29: `priority`: ")
    assert all(line.endswith("x=many)") for line in lines)


def test_equal_things_are_one_object(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2, 3]}
        env: {A: "1"}
        steps: {s: {run: "{x}", cores: 2}, t: {run: "{x}", env: {B: "{x}"}}}
    """
    made = study(tmp_path, text)
    assert len({id(task.env) for task in made.of("s")}) == 1
    assert len({id(task.traits) for task in made.of("s")}) == 1
    assert len({id(task.step) for task in made.of("s")}) == 1
    assert made["s/x=1"].values is made["t/x=1"].values


def test_a_step_has_its_description_and_lets(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3]}
        let: {a: "{x}0", b: "{y}0", c: fixed, d: "{x}{y}"}
        steps: {s: {run: "{x}", desc: What it does}, t: "{x} {y}", u: "true"}
    """
    made = study(tmp_path, text)
    step = made["s/x=2"].step
    assert (step.desc, step.names, step.lets) == ("What it does", ("x",), ("a", "c"))
    assert made["s/x=2"].lets == ("20", "fixed")
    assert made["s/x=2"].variables == {
        "TASKRUN_PARAM_X": "2",
        "TASKRUN_PARAM_A": "20",
        "TASKRUN_PARAM_C": "fixed",
    }
    assert made["t/x=1/y=3"].lets == ("10", "30", "fixed", "13")
    assert made["u"].lets == ("fixed",)


def test_values_keep_their_source_text(tmp_path: Path) -> None:
    text = """
        sweep: {v: [0.10, on, 010, "12:30", 1e3, null, "1", 1.0]}
        steps: {s: {run: [echo, "{v}"]}}
    """
    made = study(tmp_path, text)
    assert [task.values[0] for task in made.of("s")] == ["0.10", "on", "010", "12:30", "1e3", "null", "1", "1.0"]


def test_task_names_are_encoded(tmp_path: Path) -> None:
    made = study(tmp_path, "{sweep: {v: ['a b', 'ü/x', '%']}, steps: {s: 'echo {v}'}}")
    assert made.names == ["s/v=a%20b", "s/v=%C3%BC%2Fx", "s/v=%25"]


def test_commands_arrive_in_a_real_shell_as_they_are(tmp_path: Path) -> None:
    values = ["plain", "a b", "it's", '"', "$HOME", "`ls`", "back\\slash", "*", "ünï", "a\nb", "-n", "~", "#x", "{a,b}"]
    (tmp_path / "values.txt").write_text("")
    listed = ", ".join('"' + v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"' for v in values)
    text = f"sweep: {{v: [{listed}]}}\nsteps: {{s: {{run: 'printf %s {{v}}, \"{{v}}\"'}}}}\n"
    made = study(tmp_path, text)
    assert [task.values[0] for task in made.of("s")] == values
    for line, value in zip(made.runs("s"), values, strict=True):
        shown = subprocess.run(["bash", "-c", line], capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
        assert shown.stdout.decode() == f"{value},{value}"
