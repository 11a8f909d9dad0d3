"""Which tasks a sweep file makes, and which of them belong together: rules 1 to 4."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from loaded import mistake, mistakes, study

from taskrun.graph import Edge
from taskrun.model import Gathering, StepShape

NETSIM = """
    sweep:
      topology: [fat_tree, mesh, torus]
      buffer: [1024, 2048, 4096, 8192]
    steps:
      sim:
        run: netsim -s 1000 -t {topology} -b {buffer} -o {outputs}
        outputs: sims/{topology}/{buffer}/sim.dat
        stdout: sims/{topology}/{buffer}/sim.out
      parse:
        run: parsesim -i {sim.outputs} -o {outputs}
        outputs: sims/{topology}/{buffer}/latency.csv
      graph:
        run: graphsim -o {outputs} {parse.outputs}
        outputs: sims/{topology}/graph.png
"""


def test_the_example_of_the_design_makes_27_tasks(tmp_path: Path) -> None:
    made = study(tmp_path, NETSIM)
    assert made.study.shapes == (
        StepShape("sim", 12, ("topology", "buffer")),
        StepShape("parse", 12, ("topology", "buffer")),
        StepShape("graph", 3, ("topology",), (Gathering("parse", 4, 4, False),)),
    )
    assert made.run("sim/topology=mesh/buffer=1024") == "netsim -s 1000 -t mesh -b 1024 -o sims/mesh/1024/sim.dat"
    assert made.run("graph/topology=torus") == (
        "graphsim -o sims/torus/graph.png sims/torus/1024/latency.csv sims/torus/2048/latency.csv "
        "sims/torus/4096/latency.csv sims/torus/8192/latency.csv"
    )
    assert made.needs("parse/topology=mesh/buffer=2048") == ["sim/topology=mesh/buffer=2048"]
    assert made.needs("graph/topology=mesh") == [f"parse/topology=mesh/buffer={2**n}" for n in (10, 11, 12, 13)]


def test_a_study_knows_where_it_is_and_what_it_sweeps(tmp_path: Path) -> None:
    found = study(tmp_path, NETSIM).study
    assert (found.name, found.root, found.source) == ("sweep", str(tmp_path), "sweep.yaml")
    assert found.names == ("topology", "buffer")
    assert len(found.points) == 12
    assert list(found.points)[:2] == [("fat_tree", "1024"), ("fat_tree", "2048")]
    assert found.points[-1] == ("torus", "8192")


def test_a_task_holds_its_files_and_values(tmp_path: Path) -> None:
    made = study(tmp_path, NETSIM)
    sim = made["sim/topology=mesh/buffer=1024"]
    assert sim.params == {"topology": "mesh", "buffer": "1024"}
    assert (sim.inputs, sim.outputs) == ((), ("sims/mesh/1024/sim.dat",))
    assert (sim.stdout, sim.stderr, sim.cwd) == ("sims/mesh/1024/sim.out", None, "")
    assert made["parse/topology=mesh/buffer=1024"].inputs == ("sims/mesh/1024/sim.dat",)


def test_tasks_stand_step_after_step_with_points_in_sweep_order(tmp_path: Path) -> None:
    made = study(tmp_path, "{sweep: {y: [b, a], x: [2, 1]}, steps: {s: '{x}', t: '{y} {x}'}}")
    assert made.names == ["s/x=2", "s/x=1", "t/y=b/x=2", "t/y=b/x=1", "t/y=a/x=2", "t/y=a/x=1"]
    assert [task.index for task in made.graph.tasks] == list(range(6))


# --- rule 1


@pytest.mark.parametrize(
    "key",
    [
        "stdout: '{x}'",
        "stderr: '{x}'",
        "cwd: '{x}'",
        "inputs: '{x}'",
        "inputs: [a, 'b{x}']",
        "outputs: {a: '{x}'}",
        "env: {A: '{x}'}",
        "cores: '{x}'",
        "priority: '{x}'",
        "shell: 'bash -{x}'",
        "desc: 'about {x}'",
        "per: [x]",
    ],
)
def test_a_name_in_any_key_of_the_step_counts(tmp_path: Path, key: str) -> None:
    made = study(tmp_path, f"sweep: {{x: [1, 2]}}\nsteps: {{s: {{run: 'true', {key}}}}}")
    assert made.names == ["s/x=1", "s/x=2"]


def test_a_step_without_names_runs_once(tmp_path: Path) -> None:
    made = study(tmp_path, "{sweep: {x: [1, 2]}, steps: {s: 'a {x}', t: 'b {{x}} ${x}'}}")
    assert made.names == ["s/x=1", "s/x=2", "t"]


def test_without_a_sweep_each_step_is_one_task(tmp_path: Path) -> None:
    made = study(tmp_path, "steps: {lint: ./lint.sh, test: {run: [make, test], after: lint}}")
    assert made.names == ["lint", "test"]
    assert made.needs("test") == ["lint"]
    assert list(made.study.points) == [()]


def test_a_let_name_counts_as_what_it_is_made_of(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4]}
        let: {outer: "{inner}!", inner: "{x}0", fixed: "7"}
        steps: {s: "echo {outer}", t: "echo {fixed}", u: "echo {y}"}
    """
    made = study(tmp_path, text)
    assert made.names == ["s/x=1", "s/x=2", "t", "u/y=3", "u/y=4"]
    assert made.runs("s") == ["echo '10!'", "echo '20!'"]


def test_the_variable_of_a_name_counts_in_run_only(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], long_name: [3, 4]}
        let: {twice: "{x}{x}"}
        steps:
          s: echo $TASKRUN_PARAM_LONG_NAME $TASKRUN_PARAM_X_NOT $MYTASKRUN_PARAM_X $A_TASKRUN_PARAM_X
          t: {run: [python3, -c, 'os.environ["TASKRUN_PARAM_TWICE"]']}
          u: {run: "true", env: {A: TASKRUN_PARAM_X}}
    """
    assert study(tmp_path, text).names == ["s/long_name=3", "s/long_name=4", "t/x=1", "t/x=2", "u"]


def test_defaults_and_the_top_level_env_bring_no_names(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2]}
        env: {A: "{x}"}
        defaults: {stdout: "{x}.log", env: {B: "{x}"}}
        steps:
          s: "echo {x}"
          t: {run: "true", stdout: t.log, env: {A: "1", B: "2"}}
    """
    made = study(tmp_path, text)
    assert made.names == ["s/x=1", "s/x=2", "t"]
    assert (made["s/x=2"].stdout, made.env("s/x=2")) == ("2.log", {"A": "2", "B": "2"})
    assert (made["t"].stdout, made.env("t")) == ("t.log", {"A": "1", "B": "2"})


def test_a_name_in_defaults_that_a_step_lacks_names_that_step(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2], y: [1]}
        env: {A: "{x}"}
        defaults:
          stdout: log/{x}
        steps: {s: "echo {x}", t: "echo {y}"}
    """
    what = "step 't' does not run over 'x' which is taken here"
    hint = "only what a step says itself counts: `per: [x, y]` there"
    assert mistakes(tmp_path, text) == [f"sweep.yaml:2:10: {what}; {hint}", f"sweep.yaml:4:11: {what}; {hint}"]


def test_env_merges_name_by_name_from_the_top_over_defaults_to_the_step(tmp_path: Path) -> None:
    text = """
        env: {A: top, B: top, C: top}
        defaults: {env: {B: defaults, C: defaults}, cores: 2, priority: 1}
        steps: {s: {run: x, env: {C: own}, priority: 5}, t: x}
    """
    made = study(tmp_path, text)
    assert made.env("s") == {"A": "top", "B": "defaults", "C": "own"}
    assert made.env("t") == {"A": "top", "B": "defaults", "C": "defaults"}
    assert (made["s"].traits.cores, made["s"].traits.priority, made["t"].traits.priority) == (2, 5, 1)


@pytest.mark.parametrize(
    ("per", "names"),
    [
        ("[x]", ["t/x=1", "t/x=2"]),
        ("[y, x]", ["t/x=1/y=3", "t/x=2/y=3"]),
        ("[]", ["t"]),
        ("s", ["t/x=1/y=3", "t/x=2/y=3"]),
        ("x", ["t/x=1", "t/x=2"]),
        ("[z]", ["t/x=1", "t/x=2"]),
        ("u", ["t/x=1", "t/x=2"]),
    ],
)
def test_per_says_it_outright(tmp_path: Path, per: str, names: list[str]) -> None:
    text = f"""
        sweep: {{x: [1, 2], y: [3]}}
        let: {{z: "{{x}}"}}
        steps: {{s: "echo {{x}} {{y}}", u: {{run: "true", per: [x]}}, t: {{run: "true", per: {per}}}}}
    """
    made = study(tmp_path, text)
    assert [task.name for task in made.of("t")] == names


def test_per_as_a_step_gives_each_task_one_file_of_it(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4]}
        steps:
          sim: {run: "sim {x} {y}", outputs: "{x}/{y}.dat"}
          count: {run: "wc {sim.outputs} > {outputs}", outputs: "{sim.outputs}.count", per: sim}
    """
    made = study(tmp_path, text)
    assert made.run("count/x=2/y=3") == "wc 2/3.dat > 2/3.dat.count"
    assert made.needs("count/x=2/y=3") == ["sim/x=2/y=3"]


def test_a_name_that_per_leaves_out_is_a_mistake(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1], y: [2]}
        let: {z: "{y}"}
        steps:
          s: {run: "echo {x}", per: [y]}
          t: {run: "echo $TASKRUN_PARAM_X", per: []}
          u: {run: "echo {z}", per: [x]}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:4:12: step 's' takes 'x' but its `per` does not name it; add it to `per`",
        "sweep.yaml:5:12: step 't' takes 'x' but its `per` does not name it; add it to `per`",
        "sweep.yaml:6:12: step 'u' takes 'z', which is made of y, but its `per` does not name it; add it to `per`",
    ]


def test_per_of_unknown_names_steps_in_a_list_and_circles(tmp_path: Path) -> None:
    text = """\
        sweep: {buffer: [1]}
        steps:
          s: {run: "echo {buffer}", per: [bufer]}
          t: {run: "true", per: sim}
          u: {run: "true", per: [s, buffer]}
          v: {run: "true", per: w}
          w: {run: "true", per: v}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:35: no sweep name is called 'bufer'; did you mean 'buffer'?",
        "sweep.yaml:4:25: no sweep name is called 'sim'",
        "sweep.yaml:5:26: 's' is a step; a step stands there alone: `per: s`",
        "sweep.yaml:6:20: a cycle of `per`: v -> w -> v",
    ]


def test_only_combinations_that_occur_count_so_tied_names_vary_together(tmp_path: Path) -> None:
    text = """
        sweep:
          topology, dims: [[mesh, 2x2], [mesh, 4x4], [torus, 8]]
          buffer: [1, 2]
        exclude: [{topology: torus, buffer: 2}]
        steps: {s: "{topology} {dims}", t: "{topology} {buffer}", u: "{dims}"}
    """
    made = study(tmp_path, text)
    assert [task.values for task in made.of("s")] == [("mesh", "2x2"), ("mesh", "4x4"), ("torus", "8")]
    assert [task.values for task in made.of("t")] == [("mesh", "1"), ("mesh", "2"), ("torus", "1")]
    assert [task.values for task in made.of("u")] == [("2x2",), ("4x4",), ("8",)]


# --- rules 3 and 4


def test_a_step_runs_at_the_points_of_a_union_that_have_all_its_names(tmp_path: Path) -> None:
    text = """
        sweep:
          - {x: [1, 2], y: [3]}
          - {x: [2, 5]}
        steps: {s: "{x}", t: "{x} {y}"}
    """
    made = study(tmp_path, text)
    assert made.names == ["s/x=1", "s/x=2", "s/x=5", "t/x=1/y=3", "t/x=2/y=3"]
    assert list(made.study.points) == [("1", "3"), ("2", "3"), ("2", None), ("5", None)]


def test_tasks_are_joined_where_a_point_belongs_to_both(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4], z: [5, 6]}
        exclude: [{x: 1, z: 5}]
        steps:
          a: {run: "{x} {y}", outputs: "a/{x}/{y}"}
          b: {run: "{y} {z} {a.outputs}", outputs: "b/{y}/{z}"}
          all: {run: "cat {b.outputs}"}
    """
    made = study(tmp_path, text)
    assert made.needs("b/y=3/z=5") == ["a/x=2/y=3"]
    assert made.needs("b/y=4/z=6") == ["a/x=1/y=4", "a/x=2/y=4"]
    assert made.run("all") == "cat b/3/6 b/4/6 b/3/5 b/4/5"  # in the order of their first point
    assert made.study.shapes[1].gathers == (Gathering("a", 1, 2, False),)
    assert made.study.shapes[2].gathers == (Gathering("b", 4, 4, True),)


def test_a_task_whose_join_finds_no_partner_is_a_mistake(tmp_path: Path) -> None:
    text = """\
        sweep:
          - {x: [1], y: [2]}
          - {x: [3], z: [4]}
        steps:
          a: {run: "{x} {y}", outputs: "{x}{y}"}
          b: {run: "{x} {a.outputs}"}
          c: {run: "{z}", after: a}
          d: {run: "{y} {z}"}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:6:12: b/x=3 has no partner among the tasks of step 'a'; "
        "no point of the sweep has both; `per` can say what step 'b' runs over",
        "sweep.yaml:7:26: c/z=4 has no partner among the tasks of step 'a'; "
        "no point of the sweep has both; `per` can say what step 'c' runs over",
        "sweep.yaml:8:3: step 'd' mentions 'y' and 'z', which no point has together",
    ]


def test_gathers_over_the_same_tasks_share_one_node_and_one_tuple(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2, 3], y: [4, 5, 6]}
        steps:
          a: {run: "{x}", outputs: "a{x}"}
          b: {run: "cat {y}", inputs: "{a.outputs}"}
    """
    made = study(tmp_path, text)
    assert len(made.graph.gathers) == 1
    assert len({id(task.inputs) for task in made.of("b")}) == 1


# --- after


def test_after_orders_without_a_file(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2], y: [3, 4]}
        steps:
          a: "{x} {y}"
          b: {run: "{x}", after: a}
          c: {run: "true", after: [a, b]}
    """
    made = study(tmp_path, text)
    assert made.needs("b/x=2") == ["a/x=2/y=3", "a/x=2/y=4"]
    assert made.needs("c") == [*made.names[:4], "b/x=1", "b/x=2"]
    assert made.edges("b/x=1") == made.edges("c") == {Edge.ORDER}
    assert made["b/x=1"].inputs == ()
    assert made.study.shapes[2].gathers == (Gathering("a", 4, 4, True), Gathering("b", 2, 2, True))


def test_after_of_a_step_whose_file_is_named_is_a_file_edge(tmp_path: Path) -> None:
    text = """
        steps:
          a: {run: "x", outputs: f}
          b: {run: "cat {a.outputs}", after: a}
          c: {run: "cat f", inputs: f, after: a}
    """
    made = study(tmp_path, text)
    assert made.edges("b") == made.edges("c") == {Edge.FILE}
    assert made.needs("b") == made.needs("c") == ["a"]


def test_after_a_step_that_is_gathered_is_a_file_edge_to_each_task_whose_file_a_path_names(tmp_path: Path) -> None:
    text = """
        sweep: {i: [1, 2, 3], j: [1, 2]}
        steps:
          a: {run: "{i}", outputs: "d/f{i}"}
          all: {run: "true", inputs: [d/f1, d/f2, d/f3], after: a}
          some: {run: "true", inputs: [d/f2], after: a}
          any: {run: "true", inputs: [d/f2], after: {a: any}}
          above: {run: "true", inputs: d, after: [a, all]}
          both: {run: "cat {a.outputs}", inputs: d/f1, after: a}
          each: {run: "{j}", inputs: "d/f{j}", after: a}
    """
    made = study(tmp_path, text)

    def kinds(name: str) -> dict[str, Edge]:
        index = made[name].index
        pairs = [
            (made.graph.tasks[member].name, made.graph.edge(index, node))
            for node in made.graph.needs[index]
            for member in made.graph.members(node)
        ]
        return dict(pairs)

    file, order = Edge.FILE, Edge.ORDER
    assert kinds("all") == kinds("both") == {"a/i=1": file, "a/i=2": file, "a/i=3": file}
    assert kinds("some") == kinds("each/j=2") == {"a/i=1": order, "a/i=2": file, "a/i=3": order}
    assert kinds("any") == {"a/i=1": Edge.ANY, "a/i=2": Edge.FILE_ANY, "a/i=3": Edge.ANY}
    assert kinds("above") == {"a/i=1": file, "a/i=2": file, "a/i=3": file, "all": order}


def test_after_of_an_unknown_step_or_itself(tmp_path: Path) -> None:
    text = """\
        steps:
          simulate: "true"
          b: {run: "true", after: simulte}
          c: {run: "true", after: [b, c]}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:27: no step is called 'simulte'; did you mean 'simulate'?",
        "sweep.yaml:4:31: step 'c' cannot wait for itself",
    ]


def test_defaults_may_put_all_steps_after_one_and_let_them_run_like_one(tmp_path: Path) -> None:
    text = """
        sweep: {x: [1, 2]}
        defaults: {after: setup, per: sim}
        steps: {setup: {run: "true", per: []}, sim: "sim {x}", parse: "parse"}
    """
    made = study(tmp_path, text)
    assert made.names == ["setup", "sim/x=1", "sim/x=2", "parse/x=1", "parse/x=2"]
    assert made.needs("setup") == []
    assert made.needs("parse/x=2") == made.needs("sim/x=1") == ["setup"]


def test_a_cycle_is_named_whole(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          a: {run: "a {x} {c.outputs}", outputs: "a{x}"}
          b: {run: "b {x} {a.outputs}", outputs: "b{x}"}
          c: {run: "c {x} {b.outputs}", outputs: "c{x}"}
    """
    assert mistake(tmp_path, text) == "sweep.yaml:3:12: a cycle: a/x=1 -> c/x=1 -> b/x=1 -> a/x=1"


def test_all_cycles_are_reported_together_with_all_else_that_is_wrong(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1, 2]}
        steps:
          v: {run: "v {x}", stdout: "v{x}", after: w}
          w: {run: "w {x} {v.stdout}", stdout: "w{x}"}
          a:
            run: a
            after: b
          b: {run: b, after: [c, a]}
          c: "echo {nope}"
          d: {run: d, outputs: same}
          e: {run: e, outputs: same}
          p: {run: p, inputs: q.out, outputs: p.out}
          q: {run: q, inputs: p.out, outputs: q.out}
          r: {run: "r {nope}", after: s}
          s: {run: s, after: r}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:3:44: a cycle: v/x=1 -> w/x=1 -> v/x=1",
        "sweep.yaml:7:12: a cycle: a -> b -> a",
        "sweep.yaml:9:6: nothing is called 'nope'; there are x; braces that are meant as text are written {{nope}}",
        "sweep.yaml:11:24: d and e both write 'same'",
        "sweep.yaml:12:23: a cycle: p -> q -> p",
        "sweep.yaml:14:12: nothing is called 'nope'; there are x; braces that are meant as text are written {{nope}}",
        "sweep.yaml:14:31: a cycle: r -> s -> r",
    ]


def test_cycles_of_files_that_are_named_after_each_other_are_all_reported(tmp_path: Path) -> None:
    text = """\
        steps:
          a: {run: a, outputs: "{b.outputs}.a"}
          b: {run: b, outputs: "{a.outputs}.b"}
          c: {run: c, outputs: "{stdout}.o", stdout: "{outputs}.s"}
          d: {run: "d {a.outputs}", outputs: d}
    """
    assert mistakes(tmp_path, text) == [
        "sweep.yaml:2:24: a cycle of files that are named after each other: a.outputs -> b.outputs -> a.outputs",
        "sweep.yaml:4:24: a cycle of files that are named after each other: c.outputs -> c.stdout -> c.outputs",
    ]


def test_let_names_may_stand_in_any_order_but_not_in_a_circle(tmp_path: Path) -> None:
    text = """\
        sweep: {x: [1]}
        let:
          a: "{b}"
          b: "{c}"
          c: "{a}{x}"
        steps: {s: "echo {a} {x}"}
    """
    assert mistake(tmp_path, text) == "sweep.yaml:3:6: a cycle: a -> b -> c -> a"


# --- size


def test_too_many_tasks_are_refused_with_their_number_before_they_are_made(tmp_path: Path) -> None:
    text = """\
        sweep: {a: {from: 1, to: 10000}, b: {from: 1, to: 1000}}
        steps:
          small: echo {b}
          large: echo {a} {b}
    """
    assert mistake(tmp_path, text) == (
        "sweep.yaml:4:3: 10,001,000 tasks, of which 10,000,000 are of step 'large', are too many; "
        "at most 2,000,000 are taken"
    )


@pytest.mark.parametrize(
    "sweep",
    [
        "{x: RANGE, y: RANGE, z: RANGE}",
        "{x: RANGE, y: {from: 0, to: 1, count: 2000000}, z: RANGE}",
        "[{x: RANGE, y: RANGE, z: [1]}, {x: RANGE, y: [1], z: RANGE}]",
        "[{x: RANGE, y: [1, 2], z: [1]}, {x: [2, 3], y: [1], z: [1]}]",
    ],
)
def test_too_many_tasks_are_refused_before_memory_is_taken_for_their_values(tmp_path: Path, sweep: str) -> None:
    text = f"sweep: {sweep.replace('RANGE', '{from: 1, to: 2000000}')}\nsteps: {{s: 'echo {{x}} {{y}} {{z}}'}}\n"
    tracemalloc.start()
    try:
        assert "are too many; at most 2,000,000 are taken" in mistake(tmp_path, text)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_big_product_that_no_step_runs_over_is_never_built(tmp_path: Path) -> None:
    text = """
        sweep: {a: {from: 1, to: 1000}, b: {from: 1, to: 1000}, c: {from: 1, to: 1000}, d: {from: 1, to: 1000}}
        steps: {p: "{a}", q: "{b}", r: "{c}", s: {run: "{d}", after: p}}
    """
    made = study(tmp_path, text)
    assert len(made.graph) == 4000
    assert len(made.graph.gathers) == 1


def test_set_replaces_the_values_of_a_name(tmp_path: Path) -> None:
    made = study(tmp_path, "{sweep: {x: [1, 2]}, steps: {s: 'echo {x}'}}", sets={"x": "7,8..9"})
    assert made.names == ["s/x=7", "s/x=8", "s/x=9"]


@pytest.mark.parametrize("text", [r'sweep: {v: ["a\0b"]}', r'sweep: {csv: "\0"}', r'sweep: {v: {glob: "\0"}}'])
def test_where_the_only_value_holds_a_nul_that_is_the_mistake(tmp_path: Path, text: str) -> None:
    found = mistakes(tmp_path, text + '\nsteps: {s: {run: "echo {v}"}}\n')
    assert any(line.endswith("a NUL or half a character can stand in no command and in no path") for line in found)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1..3", "a range is written `n: {from: 1, to: 3}`"),
        ("0.5..1..0.1", "a range is written `n: {from: 0.5, to: 1, step: 0.1}`"),
        ("1, 2, 3", "several are a list: `n: [1, 2, 3]`"),
    ],
)
def test_one_value_that_looks_like_several_is_hinted_at(tmp_path: Path, value: str, hint: str) -> None:
    made = study(tmp_path, f"sweep:\n  n: {value}\nsteps: {{s: 'echo {{n}}'}}\n").study
    assert made.hints == (f"sweep.yaml:2:6: 'n' has one value, the text {value!r}; {hint}",)
    assert study(tmp_path, f"sweep:\n  n: '{value}'\nsteps: {{s: 'echo {{n}}'}}\n").study.hints == ()


def test_a_range_in_a_list_is_hinted_at(tmp_path: Path) -> None:
    made = study(tmp_path, "sweep:\n  n: ['6..7', a..b, 1..5, 8..9]\nsteps: {s: 'echo {n}'}\n").study
    assert made.hints == (
        "sweep.yaml:2:21: '1..5' is one value of 'n', a text; a range is written `n: {from: 1, to: 5}`",
    )


def test_where_there_are_no_steps_nobody_is_told_to_mention_a_name(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "sweep: {n: [1]}\nsteps: [a]\n")
    assert found == ["sweep.yaml:2:8: `steps` must be a mapping, not a list"]


def test_files_of_an_unknown_step_are_answered_with_the_steps(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "sweep: {n: [1]}\nsteps: {simulate: '{n}', b: 'cat {xyz.outputs}'}\n")
    assert said[0].startswith("sweep.yaml:2:29: nothing is called 'xyz'; there are simulate, b; ")
