"""What a sweep file says of pools, gpus and cores to be bound to; and what becomes of that in a run."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from loaded import hints, mistake, mistakes, study

from taskrun.errors import Place, SweepError, UsageError
from taskrun.manager.totals import ample, refuse_shortages, supply, warnings

G = 1024**3


def test_a_task_asks_for_what_its_step_says(tmp_path: Path) -> None:
    loaded = study(tmp_path, """
        sweep: {m: [1, 2]}
        pools: {licence: 2, memory: 32G}
        steps:
          a:
            run: "true {m}"
            cores: 0.5
            memory: "{m}G"
            gpus: 0.25
            tokens: {licence: "{m}", seat: 0}
            nice: -3
          b: {run: "true", cores: 1}
          c: {run: "true"}
    """)  # fmt: skip
    assert loaded.study.pools == {"licence": 2, "memory": 32 * G}
    asks = {"cores": Fraction(1, 2), "memory": 2 * G, "gpus": Fraction(1, 4), "licence": 2}
    assert dict(loaded["a/m=2"].traits.request) == asks
    assert loaded["a/m=1"].traits.nice == -3
    assert [loaded[name].traits.states_cores for name in ("a/m=1", "b", "c")] == [True, True, False]
    assert loaded.study.places["a", "licence"] == Place("sweep.yaml", 10, 23)


def test_what_asks_too_much_is_refused_at_its_place(tmp_path: Path) -> None:
    loaded = study(tmp_path, """
        sweep: {n: [1, 3]}
        pools: {licence: 2}
        steps:
          a:
            run: "true {n}"
            tokens: {licence: "{n}"}
          b: {run: "true", tokens: {license: 1}}
    """)  # fmt: skip
    with pytest.raises(SweepError) as caught:
        refuse_shortages(loaded.study, loaded.graph.tasks, loaded.study.pools)
    assert list(map(str, caught.value.mistakes)) == [
        "sweep.yaml:7:23: a/n=3 asks for 3 of the pool 'licence', and there are 2; "
        "ask for less, or say that there is more: `pools: {licence: 3}` or --pool licence=3",
        "sweep.yaml:8:38: b asks for 1 of the pool 'license', and nobody says how much of that there is; "
        "did you mean 'licence'?",
    ]


def test_beside_other_mistakes_it_is_reported_with_them(tmp_path: Path) -> None:
    text = """
        pools: {licence: 1}
        steps:
          a: {run: "true", tokens: {licence: 2}}
          b: {run: "true", corse: 1}
    """
    first, second = mistakes(tmp_path, text)
    assert first.startswith("sweep.yaml:4:38: a asks for 2 of the pool 'licence', and there is 1;")
    assert second.startswith("sweep.yaml:5:20: unknown key 'corse'")


def test_what_the_command_line_says_of_a_pool_wins(tmp_path: Path) -> None:
    text = "pools: {licence: 1}\nsteps: {a: {run: x, tokens: {licence: 2, seat: 1}}}\n"
    loaded = study(tmp_path, text, pools={"licence": Fraction(2), "seat": Fraction(1)})
    assert supply(loaded.study, [0], jobs=Fraction(1)).pools == {"licence": 2, "seat": 1, "cores": 1}


def test_a_machine_is_asked_only_for_what_somebody_wants_of_it(tmp_path: Path) -> None:
    loaded = study(tmp_path, "pools: {cores: 3}\nsteps: {a: x, b: {run: x, memory: 1M, pin: yes}}\n")
    assert supply(loaded.study, [0], jobs=None).pools == {"cores": 3}
    both = supply(loaded.study, [0, 1], jobs=Fraction(2))
    assert both.pools["cores"] == 2
    assert both.pools["memory"] > 0
    assert len(both.units["pinned cores"]) == both.pools["pinned cores"] >= 1


@pytest.mark.parametrize(("listed", "ids"), [("0,1", ("0", "1")), (" GPU-a , 3 ,5", ("GPU-a", "3"))])
def test_of_the_gpus_that_are_visible_so_many_are_shared_as_the_study_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str, ids: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    loaded = study(tmp_path, "pools: {gpus: 2}\nsteps: {a: {run: x, gpus: 2}}\n")
    assert supply(loaded.study, [0], jobs=None).units == {"gpus": ids}


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ("2", "2 gpus are to be shared, and CUDA_VISIBLE_DEVICES=2 lists 1; --pool gpus=1 shares these"),
        ("", "2 gpus are to be shared, and CUDA_VISIBLE_DEVICES= lists 0; --pool gpus=0 shares these"),
        ("-1", "2 gpus are to be shared, and CUDA_VISIBLE_DEVICES=-1 lists 0; --pool gpus=0 shares these"),
        ("0,0", "CUDA_VISIBLE_DEVICES=0,0: '0' stands there twice"),
        ("0,,1", "CUDA_VISIBLE_DEVICES=0,,1: '' is no gpu; numbers or UUIDs are listed there, as in 0,1"),
        ("0,-1", "CUDA_VISIBLE_DEVICES=0,-1: '-1' is no gpu; numbers or UUIDs are listed there, as in 0,1"),
    ],
)
def test_a_list_of_gpus_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str, wrong: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    loaded = study(tmp_path, "pools: {gpus: 2}\nsteps: {a: {run: x, gpus: 1}}\n")
    with pytest.raises(UsageError, match=f"^{re.escape(wrong)}$"):
        supply(loaded.study, [0], jobs=None)


def test_without_a_list_gpus_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    loaded = study(tmp_path, "pools: {gpus: 3}\nsteps: {a: {run: x, gpus: 2}}\n")
    assert supply(loaded.study, [0], jobs=None).units == {"gpus": ("0", "1", "2")}


def test_whoever_runs_nothing_has_room_for_all_but_what_the_file_rules_out(tmp_path: Path) -> None:
    loaded = study(tmp_path, "steps: {a: {run: x, memory: 9000G, gpus: 99}}\n")
    assert ample(loaded.study, Fraction(1)) == {"memory": 9000 * G, "gpus": 99, "cores": 1}
    loaded = study(tmp_path, "pools: {memory: 1G}\nsteps: {a: {run: x, memory: 9000G}}\n")
    with pytest.raises(SweepError):
        ample(loaded.study, Fraction(1))


def test_more_cores_than_there_are_is_a_warning_and_strictly_a_mistake(tmp_path: Path) -> None:
    loaded = study(tmp_path, "sweep: {n: [3, 4]}\nsteps: {a: {run: x, cores: '{n}'}}\n")
    pools = supply(loaded.study, [0, 1], jobs=Fraction(2)).pools
    assert list(warnings(loaded.graph.tasks, pools)) == ["a/n=3 asks for 3 cores and gets all there are, 2"]
    with pytest.raises(SweepError, match=r"^sweep.yaml:2:28: a/n=3 asks for 3 cores, and there are 2; "):
        supply(loaded.study, [0, 1], jobs=Fraction(2), is_strict=True)


def test_who_is_bound_to_fewer_cores_than_it_asks_for_is_told_so(tmp_path: Path) -> None:
    loaded = study(tmp_path, "steps: {a: {run: x, cores: 3, pin: yes}}\n")
    pools = {"cores": Fraction(4), "pinned cores": Fraction(2)}
    assert list(warnings(loaded.graph.tasks, pools)) == ["a is bound to all 2 cores that there are, not to 3"]
    pools["pinned cores"] = Fraction(0)
    assert list(warnings(loaded.graph.tasks, pools)) == ["a: `pin` does nothing on this system"]


def test_what_looks_strange_is_hinted_at(tmp_path: Path) -> None:
    text = "pools: {licnece: 1, licence: 1}\nsteps: {a: {run: x, memory: 2M, tokens: {licence: 1}}}\n"
    assert list(hints(tmp_path, text)) == [
        "sweep.yaml:1:9: no step asks for the pool 'licnece'; `tokens: {licnece: 1}` does",
    ]


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ("cores: '{x}'", "`cores`: 'x y' is not a number"),
        ("memory: '{x}'", "`memory`: 'x y' is not a size"),
        ("gpus: '{x}.5'", "`gpus`: 'x y.5' is not a number"),
        ("tokens: {licence: '{x}'}", "`tokens`: 'x y' is not a number"),
        ("nice: '{x}'", "`nice`: 'x y' is not a number"),
        ("pin: '{x}'", "`pin`: 'x y' is neither true nor false"),
        ("pin: yes, cores: 0.5", "`pin` binds a task to whole cores, and it asks for 0.5"),
        ("pin: yes, cores: 0", "`pin` binds a task to whole cores, and it asks for 0"),
        ("memory_limit: yes", "`memory_limit` holds a task to its `memory`, and it asks for none"),
    ],
)
def test_what_only_the_values_show_is_wrong_at_its_place(tmp_path: Path, keys: str, wrong: str) -> None:
    text = f"sweep: {{x: ['x y']}}\nsteps: {{a: {{run: 'true {{x}}', {keys}}}}}\n"
    assert wrong in mistake(tmp_path, text)
    assert mistake(tmp_path, text).startswith("sweep.yaml:2:")


@pytest.mark.parametrize("text", ["2", "1048575", "1024.5"])
def test_so_little_memory_is_a_unit_that_was_forgotten(tmp_path: Path, text: str) -> None:
    few = "has no unit, and so few bytes are no memory"
    said = f"sweep.yaml:1:29: `memory`: {text!r} {few}; write it as {text}M or {text}G"
    assert list(mistakes(tmp_path, f"steps: {{a: {{run: x, memory: {text}}}}}\n")) == [said]


@pytest.mark.parametrize("text", ["0", "1048576", "100B", "0.5k"])
def test_other_amounts_are_meant(tmp_path: Path, text: str) -> None:
    assert list(hints(tmp_path, f"steps: {{a: {{run: x, memory: {text}}}}}\n")) == []


def test_every_wrong_amount_is_reported_once_and_nothing_follows_from_it(tmp_path: Path) -> None:
    assert mistakes(tmp_path, """\
        pools: {x: .nan, cores: -1, y: [1], "": 3}
        steps:
          a: {run: "true", tokens: {x: 1}}
          b: {run: "true", tokens: 1}
          c: {run: "true", tokens: {"": 1}}
          d: {run: "true", gpus: [1]}
    """) == [
        "sweep.yaml:1:12: `pools.x`: '.nan' is not a number",
        "sweep.yaml:1:25: `pools.cores`: -1 is not a whole number of cores, at least 1",
        "sweep.yaml:1:32: `pools.y` must be a number, or a size such as 2G, not a list",
        "sweep.yaml:1:37: `pools`: '' is no name of a pool",
        "sweep.yaml:4:28: `tokens` must be a mapping, not a text",
        "sweep.yaml:5:29: `tokens`: '' is no name of a pool",
        "sweep.yaml:6:26: `gpus` must be a number, not a list",
    ]  # fmt: skip


def test_all_that_no_pool_can_satisfy_is_reported_together(tmp_path: Path) -> None:
    loaded = study(tmp_path, """\
        pools: {licence: 1, gpus: 1}
        steps:
          a: {run: "true", gpus: 2, tokens: {licence: 2}}
          b: {run: "true", memory: 1000000G}
    """)  # fmt: skip
    with pytest.raises(SweepError) as error:
        supply(loaded.study, range(2), jobs=Fraction(1))
    assert [str(each).partition(";")[0].rpartition(", ")[0] for each in error.value.mistakes] == [
        "sweep.yaml:3:26: a asks for 2 gpus",
        "sweep.yaml:3:47: a asks for 2 of the pool 'licence'",
        "sweep.yaml:4:28: b asks for 976.6T of memory",
    ]


def test_wrong_values_of_several_keys_of_a_task_are_reported_together(tmp_path: Path) -> None:
    assert mistakes(tmp_path, """\
        sweep: {x: [1, z]}
        steps:
          a: {run: "echo {x}", cores: "{x}", timeout: "{x}s", memory: "{task.cores}G"}
          b: {run: "echo {x}", memory: "{task.cores}"}
    """) == [
        "sweep.yaml:3:31: `cores`: 'z' is not a number (in a/x=z)",
        "sweep.yaml:3:47: `timeout`: 'zs' is not a duration; write it as 90s, 2h or 1d12h (in a/x=z)",
        "sweep.yaml:4:32: `memory`: '1' has no unit, and so few bytes are no memory; write it as 1M or 1G (in b/x=1)",
    ]  # fmt: skip
