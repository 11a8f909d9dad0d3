"""Fresh or not by content: checks, early cut-off, temporary outputs, what is confirmed, who takes over from whom."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from records import new_task
from test_freshness import Study, graph

from taskrun.executors.base import Fresh, Lacks, Pending, Stale
from taskrun.freshness import successions
from taskrun.freshness.contents import AT_ONCE, Contents
from taskrun.freshness.files import LONG
from taskrun.freshness.looks import SMALL, look_at
from taskrun.graph import Edge, Graph
from taskrun.judge import DryJudge, FileJudge
from taskrun.model import (
    Check,
    Confirmed,
    ConfirmRecord,
    Ended,
    ReasonKind,
    Shell,
    SkipRecord,
    Step,
    Task,
    Temp,
    Traits,
)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def one(check: Check = Check.STAT, **keys: object) -> Graph:
    keys = {"inputs": ("in",), "outputs": ("out",), **keys}
    return graph(new_task("sim", 0, traits=Traits(check=check), **keys))  # type: ignore[arg-type]


def judge_of(study: Study, tasks: Graph, **how: object) -> FileJudge:
    return FileJudge(tasks, study.records, root=str(study.root), state=".taskrun/sweep", **how)  # type: ignore[arg-type]


def later(study: Study, path: str) -> None:
    """The same content at another time."""
    study.clock += 1_000_000_000
    os.utime(study.root / path, ns=(study.clock, study.clock))


# --- checks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [Check.STAT, Check.HASH])
def test_what_looks_different_and_is_the_same_is_fresh_and_confirmed(study: Study, check: Check) -> None:
    study.put("in")
    study.run(one(check))
    later(study, "in")
    later(study, "out")
    verdict = judge_of(study, one(check)).verdict(one(check).tasks[0], ())
    assert isinstance(verdict, Fresh)
    confirmed = verdict.confirmed
    assert isinstance(confirmed, Confirmed)
    record = ConfirmRecord(task="sim", attempt=1, time=1.0, inputs=confirmed.inputs, outputs=confirmed.outputs)
    study.records.apply(record)
    assert judge_of(study, one(check)).verdict(one(check).tasks[0], ()) == Fresh()


@pytest.mark.parametrize(("check", "said"), [(Check.STAT, "fresh"), (Check.HASH, "input changed: in (content)")])
def test_only_hash_sees_another_content_of_the_same_size_and_time(study: Study, check: Check, said: str) -> None:
    study.put("in", "one")
    study.run(one(check))
    found = (study.root / "in").stat()
    (study.root / "in").write_text("two")
    os.utime(study.root / "in", ns=(found.st_mtime_ns, found.st_mtime_ns))
    assert study.run(one(check)) == {"sim": said}


def test_a_big_file_is_known_by_size_and_time_unless_its_content_was_asked_for(study: Study) -> None:
    study.put("in", "x" * (SMALL + 1))
    study.run(one())
    later(study, "in")
    assert study.run(one()) == {"sim": "input changed: in (time)"}
    study.run(one(Check.HASH))
    later(study, "in")
    assert study.run(one(Check.HASH)) == {"sim": "input changed: in (time)"}  # its content was never on record
    later(study, "in")
    assert study.run(one(Check.HASH)) == {"sim": "fresh"}


def test_exists_asks_for_nothing_more(study: Study) -> None:
    study.put("in")
    study.run(one(Check.EXISTS))
    study.put("in", "something else")
    study.put("out", "something else")
    assert study.run(one(Check.EXISTS)) == {"sim": "fresh"}
    (study.root / "out").unlink()
    assert study.run(one(Check.EXISTS)) == {"sim": "output missing: out"}


def test_mtime_does_as_make_does(study: Study) -> None:
    study.put("in")
    study.run(one(Check.MTIME))
    study.put("out", "edited by hand")
    assert study.run(one(Check.MTIME)) == {"sim": "fresh"}
    later(study, "in")
    assert study.run(one(Check.MTIME)) == {"sim": "input changed: in (newer than what is made of it)"}
    assert study.run(one(Check.MTIME)) == {"sim": "fresh"}


def test_directories_are_compared_by_the_content_of_their_files(study: Study) -> None:
    study.put("in/a", "1")
    study.put("in/sub/b", "2")
    study.run(one())
    later(study, "in/sub/b")
    assert study.run(one()) == {"sim": "fresh"}
    study.put("in/sub/b", "3")
    assert study.run(one()) == {"sim": "input changed: in (its files)"}
    study.put("in/c")
    assert study.run(one()) == {"sim": "input changed: in (its files)"}
    assert study.run(one()) == {"sim": "fresh"}


def test_a_file_where_a_directory_was_and_the_other_way_round_is_a_change_and_said_so(study: Study) -> None:
    study.put("in/a")
    study.run(one())
    (study.root / "in/a").unlink()
    (study.root / "in").rmdir()
    study.put("in")
    assert study.run(one()) == {"sim": "input changed: in (was a directory, is a file now)"}
    (study.root / "in").unlink()
    study.put("in/a")
    assert study.run(one()) == {"sim": "input changed: in (was a file, is a directory now)"}


def test_much_content_is_read_by_a_thread_and_asked_for_again(study: Study) -> None:
    study.put("in", "x" * (AT_ONCE + 1))
    judge = judge_of(study, one(Check.HASH))
    task = one(Check.HASH).tasks[0]
    try:
        assert judge.verdict(task, ()) == Pending()
        while judge.verdict(task, ()) == Pending():
            pass
        assert isinstance(judge.verdict(task, ()), Stale)
    finally:
        judge.close()


def test_nobody_waits_for_a_file_to_stand_still(study: Study) -> None:
    study.put("in", "x" * (AT_ONCE + 1))
    path, contents, is_over = str(study.root / "in"), Contents(), threading.Event()

    def write() -> None:
        with open(path, "a") as log:
            log.write("more")

    def go_on() -> None:
        while not is_over.wait(0.0005):
            write()

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        found, deadline = None, time.monotonic() + 10
        while found is None and time.monotonic() < deadline:
            time.sleep(0.05)
            write()  # so that it is not by luck as it was seen last
            found = contents.of(path, look_at(path))
        assert found == ""
    finally:
        is_over.set()
        writer.join()
        contents.close()


def test_a_file_that_nobody_may_read_is_known_by_its_look(study: Study) -> None:
    (study.root / "in").symlink_to("/proc/self/mem")  # it opens, and gives an error where it is read
    assert study.run(one()) == {"sim": "new"}
    assert study.run(one())["sim"] in ("fresh", "input changed: in (time)")


@pytest.mark.parametrize("when", [0, 2**33 * 10**9])
def test_times_long_ago_and_to_come_are_times_as_any(study: Study, when: int) -> None:
    study.put("in")
    os.utime(study.root / "in", ns=(when, when))
    study.run(one())
    assert study.run(one()) == {"sim": "fresh"}


# --- early cut-off ----------------------------------------------------------------------------------------------------


def line(*outputs: str, edge: Edge = Edge.FILE) -> Graph:
    return graph(
        new_task("sim", 0, inputs=("in",), outputs=("sim.dat",)),
        new_task("parse", 1, inputs=("sim.dat",) if edge is Edge.FILE else (), outputs=("parse.csv",)),
        needs={1: [(0,)]},
        edge=edge,
    )


def test_what_comes_out_the_same_stops_the_rerun(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.put("in", "1")
    study.run(line())
    study.put("in", "22")
    put = study.put
    monkeypatch.setattr(study, "put", lambda path, text="": put(path, f"{path} as ever"))
    assert study.run(line())["parse"] == "input changed: sim.dat (size)"
    study.put("in")
    put("in", "333")
    assert study.run(line()) == {"sim": "input changed: in (size)", "parse": "fresh"}


def test_without_a_file_what_ran_counts(study: Study) -> None:
    study.put("in", "1")
    study.run(line(edge=Edge.ORDER))
    study.put("in", "22")
    assert study.run(line(edge=Edge.ORDER)) == {"sim": "input changed: in (size)", "parse": "needs ran: sim"}


def test_before_a_run_what_hangs_on_a_file_is_perhaps(study: Study) -> None:
    study.put("in", "1")
    study.run(line())
    study.put("in", "22")
    tasks = line()
    judge = DryJudge(tasks, study.records, root=str(study.root))
    sim, parse = tasks.tasks
    assert isinstance(judge.verdict(sim, ()), Stale)
    judge.settle(sim, Ended(0, 2, 0.0, 0.0, exit_code=0))
    verdict = judge.verdict(parse, (0,))
    assert isinstance(verdict, Stale)
    assert [(reason.kind, reason.detail, reason.is_certain) for reason in verdict.reasons] == [
        (ReasonKind.NEEDS_RAN, "sim", False)
    ]


# --- always, and what stands beside -----------------------------------------------------------------------------------


def test_always_runs_always(study: Study) -> None:
    tasks = graph(new_task("sim", 0, outputs=("out",), traits=Traits(always=True)))
    assert study.run(tasks) == {"sim": "always; new"}
    assert study.run(tasks) == {"sim": "always"}


def test_forced_says_so(study: Study) -> None:
    study.put("in")
    study.run(one())
    verdict = judge_of(study, one()).verdict(one().tasks[0], (), is_forced=True)
    assert isinstance(verdict, Stale)
    assert [reason.kind for reason in verdict.reasons] == [ReasonKind.FORCED]


def test_a_redirect_to_another_file_is_a_change(study: Study) -> None:
    study.run(graph(new_task(stdout=None)))
    study.put("log", "somebody's")
    assert study.run(graph(new_task(stdout="log"))) == {"sim": "outputs changed: stdout: the log → log"}
    assert study.run(graph(new_task(stdout="log"))) == {"sim": "fresh"}


def test_who_was_skipped_and_is_fresh_is_said_to_be_so(study: Study) -> None:
    study.put("in")
    study.run(one())
    study.records.apply(SkipRecord(run="r", task="sim", time=1.0, culprit="", reason="the run was stopped"))
    verdict = judge_of(study, one()).verdict(one().tasks[0], ())
    assert verdict == Fresh(1, Confirmed())
    study.records.apply(ConfirmRecord(task="sim", attempt=1, time=2.0))
    past = study.records.past("sim")
    assert past is not None
    assert past.skip is None
    assert not past.is_confirmed


def test_kept_outputs_of_a_failure_stay_where_they_are(study: Study) -> None:
    task = new_task("sim", 0, outputs=("out",), traits=Traits(keep=True))
    study.execute(judge_of(study, graph(task)), task, exit_code=1)
    assert (study.root / "out").exists()


# --- doubt ------------------------------------------------------------------------------------------------------------


def test_results_in_doubt_are_confirmed_by_their_content_or_made_again(study: Study) -> None:
    tasks = graph(
        new_task("same", 0, outputs=("a",)), new_task("torn", 1, outputs=("b",)), new_task("big", 2, outputs=("c",))
    )
    study.run(tasks)
    found = (study.root / "b").stat()
    (study.root / "b").write_text("\0" * found.st_size)
    os.utime(study.root / "b", ns=(found.st_mtime_ns, found.st_mtime_ns))
    study.put("c", "x" * (SMALL + 1))
    (same, torn, big) = tasks.tasks
    judge = judge_of(study, tasks, doubtful={"same", "torn", "big"})
    verdict = judge.verdict(same, ())
    assert isinstance(verdict, Fresh)
    assert verdict.confirmed is not None
    assert isinstance(judge.verdict(torn, ()), Stale)
    assert isinstance(judge.verdict(big, ()), Stale)
    assert judge_of(study, tasks).verdict(torn, ()) == Fresh()


@pytest.mark.parametrize("change", ["a command", "gone"])
def test_many_outputs_of_a_quick_task_are_looked_at_again_when_it_has_ended(study: Study, change: str) -> None:
    outputs = tuple(f"out/{number}" for number in range(LONG))
    tasks = graph(Task(0, "sim", Step("sim"), Shell("sim"), outputs=outputs))
    study.run(tasks)
    if change == "gone":
        for path in outputs:
            (study.root / path).unlink()
    else:
        tasks = graph(Task(0, "sim", Step("sim"), Shell("sim -v"), outputs=outputs))
    assert study.run(tasks)["sim"] != "fresh"
    assert study.run(tasks) == {"sim": "fresh"}


# --- outputs that may be gone -----------------------------------------------------------------------------------------


def temporary(temp: Temp = Temp.MAY_GO, command: str = "parse") -> Graph:
    return graph(
        new_task("sim", 0, inputs=("in",), outputs=("sim.dat",), traits=Traits(temp=temp)),
        Task(1, "parse", Step("parse"), Shell(command), inputs=("sim.dat",), outputs=("parse.csv",)),
        needs={1: [(0,)]},
    )


def test_temporary_outputs_may_be_gone(study: Study) -> None:
    study.put("in")
    study.run(temporary())
    (study.root / "sim.dat").unlink()
    judge = judge_of(study, temporary())
    sim, parse = temporary().tasks
    assert judge.verdict(sim, ()) == Fresh(is_gone=True)
    assert judge.verdict(parse, ()) == Fresh()


def test_a_stale_reader_lacks_them_and_then_their_maker_is_stale(study: Study) -> None:
    study.put("in")
    study.run(temporary())
    (study.root / "sim.dat").unlink()
    tasks = temporary(command="parse -v")
    judge = judge_of(study, tasks)
    sim, parse = tasks.tasks
    assert judge.verdict(sim, ()) == Fresh(is_gone=True)
    verdict = judge.verdict(parse, ())
    assert isinstance(verdict, Lacks)
    assert verdict.makers == (0,)
    again = judge.verdict(sim, ())
    assert isinstance(again, Stale)
    assert [reason.kind for reason in again.reasons] == [ReasonKind.OUTPUT_MISSING]


def test_a_reader_of_many_of_them_looks_again_when_they_were_made_again(study: Study) -> None:
    def gather(command: str) -> Graph:
        paths = tuple(f"sim/{number}" for number in range(LONG))
        makers = [
            new_task(path, index, outputs=(path,), traits=Traits(temp=Temp.MAY_GO)) for index, path in enumerate(paths)
        ]
        reader = Task(LONG, "all", Step("all"), Shell(command), inputs=paths, outputs=("all.csv",))
        return graph(*makers, reader, needs={LONG: [tuple(range(LONG))]})

    study.run(gather("all"))
    for number in range(LONG):
        (study.root / f"sim/{number}").unlink()
    tasks = gather("all -v")
    judge = judge_of(study, tasks)
    *makers, reader = tasks.tasks
    assert isinstance(judge.verdict(reader, ()), Lacks)
    for maker in makers:
        study.execute(judge, maker)
    assert isinstance(judge.verdict(reader, ()), Stale)


def test_discarded_is_what_is_as_it_was_left(study: Study) -> None:
    study.put("in")
    study.run(temporary(Temp.DELETE))
    judge = judge_of(study, temporary(Temp.DELETE))
    judge.discard(temporary().tasks[0])
    assert not (study.root / "sim.dat").exists()
    study.put("parse.csv", "edited")
    judge.discard(temporary().tasks[1])
    assert (study.root / "parse.csv").exists()


# --- other names ------------------------------------------------------------------------------------------------------


def sim(name: str, values: dict[str, str], command: str = "netsim mesh", out: str = "out") -> Graph:
    step = Step(name.partition("/")[0], tuple(values))
    action = Shell(command)
    return graph(Task(0, name, step, action, values=tuple(values.values()), outputs=(out,)))


def heirs(study: Study, tasks: Graph) -> list[tuple[str, str]]:
    records = study.records
    found = successions(tasks, records.pasts(), records.past, salt=records.salt, now=1.0)
    for record in found:
        records.apply(record)
    return [(record.task, record.origin) for record in found]


def test_a_renamed_step_and_an_added_parameter_take_over_the_record(study: Study) -> None:
    study.run(sim("sim/t=mesh", {"t": "mesh"}))
    renamed = sim("simulate/t=mesh", {"t": "mesh"})
    assert heirs(study, renamed) == [("simulate/t=mesh", "sim/t=mesh")]
    assert study.run(renamed) == {"simulate/t=mesh": "fresh"}
    wider = sim("simulate/t=mesh/b=1", {"t": "mesh", "b": "1"})
    assert heirs(study, wider) == [("simulate/t=mesh/b=1", "simulate/t=mesh")]
    assert study.run(wider) == {"simulate/t=mesh/b=1": "fresh"}
    assert study.records.attempts("simulate/t=mesh/b=1") == 1
    assert study.records.past("sim/t=mesh") is None


def test_the_record_of_a_failure_is_taken_over_too(study: Study) -> None:
    tasks = sim("sim/t=mesh", {"t": "mesh"})
    study.execute(judge_of(study, tasks), tasks.tasks[0], exit_code=1)
    renamed = sim("simulate/t=mesh", {"t": "mesh"})
    assert heirs(study, renamed) == [("simulate/t=mesh", "sim/t=mesh")]
    assert study.run(renamed) == {"simulate/t=mesh": "failed before: exit 1"}
    assert study.records.attempts("simulate/t=mesh") == 2


def test_a_failure_under_yet_another_name_is_in_the_way_of_no_result(study: Study) -> None:
    first, second, third = (sim(f"{step}/t=mesh", {"t": "mesh"}) for step in ("one", "two", "three"))
    study.execute(judge_of(study, first), first.tasks[0], exit_code=1)
    study.run(second)
    assert heirs(study, third) == [("three/t=mesh", "two/t=mesh")]
    assert study.run(third) == {"three/t=mesh": "fresh"}


@pytest.mark.parametrize(
    "tasks",
    [
        sim("simulate/t=torus", {"t": "torus"}),  # another value
        sim("simulate/t=mesh", {"t": "mesh"}, command="netsim torus"),
        sim("simulate/t=mesh", {"t": "mesh"}, out="other"),
    ],
)
def test_who_does_something_else_takes_over_nothing(study: Study, tasks: Graph) -> None:
    study.run(sim("sim/t=mesh", {"t": "mesh"}))
    assert heirs(study, tasks) == []


def test_where_several_could_take_over_none_does(study: Study) -> None:
    study.run(sim("sim/t=mesh", {"t": "mesh"}))
    step = Step("s", ("t", "b"))
    tasks = graph(
        *[
            Task(index, f"s/{index}", step, Shell("netsim mesh"), values=("mesh", str(index)), outputs=("out",))
            for index in range(2)
        ]
    )
    assert heirs(study, tasks) == []


def test_what_is_still_there_keeps_its_record(study: Study) -> None:
    tasks = sim("sim/t=mesh", {"t": "mesh"})
    study.run(tasks)
    assert heirs(study, tasks) == []


def test_by_mtime_what_a_discarded_output_was_made_of_is_compared_with_the_record(study: Study) -> None:
    tasks = graph(
        new_task("sim", 0, inputs=("in",), outputs=("out",), traits=Traits(check=Check.MTIME, temp=Temp.DELETE))
    )
    study.put("in", "old")
    study.run(tasks)
    (study.root / "out").unlink()
    assert study.run(tasks) == {"sim": "fresh"}
    study.put("in", "new")
    assert study.run(tasks)["sim"].startswith("input changed: in")


def test_who_comes_after_a_task_without_a_file_need_not_follow_its_remake(study: Study) -> None:
    tasks = graph(
        new_task("sim", 0, outputs=("sim.dat",), traits=Traits(temp=Temp.MAY_GO)),
        new_task("parse", 1, inputs=("sim.dat",), outputs=("parse.csv",)),
        new_task("tell", 2, outputs=("told",)),
        new_task("both", 3, outputs=("both",)),
        needs={1: [(0,)]},
        order={2: [(0,)], 3: [(0, 1)]},
    )
    study.run(tasks)
    for path in ("sim.dat", "parse.csv"):
        (study.root / path).unlink()
    judge = judge_of(study, tasks)
    sim, parse, tell, both = tasks.tasks
    assert judge.verdict(sim, ()) == Fresh(is_gone=True)
    assert isinstance(judge.verdict(parse, ()), Lacks)
    study.execute(judge, sim)
    study.execute(judge, parse)
    assert judge.verdict(tell, (0,)) == Fresh()
    assert isinstance(judge.verdict(both, (-1,)), Stale)
    assert judge_of(study, tasks).verdict(tell, ()) == Fresh()


def test_directories_that_lead_to_each_other_are_looked_at_once_each(study: Study) -> None:
    names = [f"d{number}" for number in range(12)]
    for name in names:
        study.put(f"in/{name}/file", name)
        for other in names:
            (study.root / "in" / name / other).symlink_to(f"../{other}")
    study.run(one())
    assert study.run(one()) == {"sim": "fresh"}
    study.put("in/d7/file", "other")
    assert study.run(one()) == {"sim": "input changed: in (its files)"}
    (study.root / "in/d3/d5").unlink()
    assert study.run(one()) == {"sim": "input changed: in (its files)"}
