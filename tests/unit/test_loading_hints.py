"""Warnings of `check` and of a run's first lines: what is only strange."""

from __future__ import annotations

from pathlib import Path

from loaded import hints, mistakes, study


def test_a_file_of_the_study_in_a_command_but_not_among_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("parse.py", "tools/plot.py", "declared.py", "data.csv", "out.txt", "1.cfg"):
        (tmp_path / name).write_text("")
    text = """\
        sweep: {x: [1]}
        steps:
          a: python parse.py {x} > out.txt
          b: {run: "python declared.py --in=data.csv", inputs: declared.py}
          c: {run: [python, ../tools/plot.py, -x, /etc/passwd], cwd: sub}
          d: {run: "cat tools/plot.py", inputs: tools}
          e: "sim -c {x}.cfg"
    """
    advice = "only a file under `inputs` makes the step run again when it changes"
    assert list(hints(tmp_path, text)) == [
        f"sweep.yaml:3:6: the file 'parse.py' stands in the command of 'a' but not in its inputs; {advice}",
        f"sweep.yaml:4:12: the file 'data.csv' stands in the command of 'b' but not in its inputs; {advice}",
        f"sweep.yaml:5:13: the file 'tools/plot.py' stands in the command of 'c' but not in its inputs; {advice}",
        f"sweep.yaml:7:6: the file '1.cfg' stands in the command of 'e' but not in its inputs; {advice}",
    ]


def test_a_file_that_is_a_value_of_any_task(tmp_path: Path) -> None:
    for name in ("b.py", "c.py", "d.py", "work/e.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    text = """\
        sweep: {f: [gen, b.py, c.py, "100%"], x: [1, 2]}
        steps:
          g: "python3 {f} {x}"
          h: {run: [python3, "{f.stem}.py"]}
          i: {run: "python3 {f} 50%", inputs: "{f}"}
          j: {run: "python3 {task.root}/d.py e.py", cwd: work}
    """
    assert [line.partition(" stands")[0] for line in hints(tmp_path, text) if "the file" in line] == [
        "sweep.yaml:3:6: the file 'b.py'",
        "sweep.yaml:4:13: the file 'b.py'",
        "sweep.yaml:6:12: the file 'd.py'",
        "sweep.yaml:6:12: the file 'work/e.py'",
    ]


def test_what_taskrun_or_a_placeholder_for_declared_files_puts_into_a_command_is_no_input(tmp_path: Path) -> None:
    text = """\
        steps:
          a: {run: "touch {outputs}", outputs: [data/a.1, data/a.2]}
          b: "cat {a.outputs:file} {a.outputs.stem} .taskrun/sweep/notes"
    """
    (tmp_path / "a").write_text("")
    for task_list in study(tmp_path, text)["b"].lists:
        (tmp_path / task_list.path).parent.mkdir(parents=True)
        (tmp_path / task_list.path).write_text("")
    (tmp_path / ".taskrun/sweep/notes").write_text("")
    assert list(hints(tmp_path, text)) == []


def test_a_value_that_holds_an_option_and_a_space(tmp_path: Path) -> None:
    text = """\
        sweep:
          opts: [-O1, "-O2 -g"]
          other: ["-a -b"]
        steps:
          a: cc {opts} {other:raw}
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:2:3: '-O2 -g' holds an option and a space, and goes into the command as one word; "
        "{opts:raw} puts it in as several"
    ]


def test_an_exclude_that_removes_nothing(tmp_path: Path) -> None:
    (line,) = hints(tmp_path, "{sweep: {x: [1, 2]}, exclude: [{x: 3}], steps: {s: 'echo {x}'}}")
    assert line.startswith("sweep.yaml:1:")


def test_an_input_that_no_task_makes_and_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("")
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "{x}", outputs: "made{x}"}
          b: {run: "{x}", inputs: ["raw/{x}.csv", there.csv, made1]}
          c: {run: x, inputs: [gone.csv, "{a.outputs}"]}
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:4:28: the input 'raw/1.csv' and 1 more are not there, and no task makes them",
        "sweep.yaml:5:24: the input 'gone.csv' is not there, and no task makes it",
    ]


def test_an_unused_csv_column_makes_no_points_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,note\n1,a\n1,b\n2,c\n")
    made = study(tmp_path, "{sweep: {csv: points.csv}, steps: {s: 'echo {x}'}}")
    assert made.names == ["s/x=1", "s/x=2"]
    assert (made.study.names, list(made.study.points)) == (("x",), [("1",), ("2",)])
    (line,) = made.study.hints
    assert "no step mentions the column 'note'; it makes no points of its own" in line


def test_a_sweep_name_that_no_step_mentions_is_a_mistake(tmp_path: Path) -> None:
    text = """\
        sweep:
          x: [1]
          unused: [1]
          only_default: [1]
        defaults: {stdout: "{only_default}"}
        steps: {s: {run: "{x} {{unused}} ${unused}", stdout: a}}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:3: no step mentions 'unused'; use it as {unused}, or take it out",
        "sweep.yaml:4:3: no step mentions 'only_default'; use it as {only_default}, or take it out",
    ]


def test_a_variable_of_the_shell_with_the_name_of_a_value(tmp_path: Path) -> None:
    text = """\
        sweep: {topology: [mesh]}
        steps:
          a: echo ${topology} {topology}
          b: {run: "echo ${topology} {topology}", env: {topology: x}}
          c: for topology in a b; do echo ${topology} {topology}; done
          d: topology=1; echo ${topology} {topology} ${HOME}
          e: {run: [echo, "${topology}", "{topology}"]}
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:3:6: ${topology} is a variable of the shell; the sweep's value is {topology}"
    ]


def test_halved_braces_beside_untouched_ones(tmp_path: Path) -> None:
    text = """\
        steps:
          a: docker ps --format '{{.ID}} {{json}}'
          b: docker ps --format '{{.ID}} {{{{json}}}}'
          c: echo {{json}}
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:2:6: {{json}} becomes {json} here, while {{.ID}} stays as it is; "
        "both braces are kept of {{{{json}}}}"
    ]
    made = study(tmp_path, text)
    assert made.run("b") == "docker ps --format '{{.ID}} {{json}}'"


def test_a_shell_of_its_own_beside_a_run_list(tmp_path: Path) -> None:
    text = """\
        shell: sh -c
        steps:
          a: {run: [echo, x], shell: bash -c}
          b: {run: [echo, x]}
          c: {run: echo x, shell: bash -c}
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:3:30: the `shell` of step 'a' is not used: its `run` is a list; "
        "a list is executed word by word; write a text for the shell"
    ]


def test_a_sound_study_gets_no_hints(tmp_path: Path) -> None:
    assert list(hints(tmp_path, "{sweep: {x: [1]}, steps: {s: 'echo {x} ls -l'}}")) == []


def test_a_value_that_becomes_part_of_a_variables_name(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1]}
        steps:
          a: "echo $HOME{x} ${HOME}{x} $HOME/{x} \\\\$HOME{x} '$A{x}'"
    """
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:3:6: {x} becomes part of the name behind $HOME; write ${HOME}",
    ]
