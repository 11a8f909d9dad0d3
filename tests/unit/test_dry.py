"""What a dry run writes, line by line."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from showing import FIRST, sim

from taskrun.executors.dry import DryExecutor
from taskrun.model import (
    NOTHING_SPECIAL,
    Argv,
    Cause,
    Ended,
    FileList,
    Handle,
    Reason,
    ReasonKind,
    Shell,
    Step,
    Task,
    Tick,
    Traits,
    mark,
)
from taskrun.policy import OnFailure

CORES = {"cores": Fraction(2)}
VARIABLES = "TASKRUN_TASK=sim/n=0 TASKRUN_STEP=sim TASKRUN_ATTEMPT=1 TASKRUN_CORES=1 TASKRUN_RUN=dry-run"


def script(task: Task, *reasons: Reason, root: str = "/study") -> list[str]:
    stream = io.StringIO()
    executor = DryExecutor(stream, root=root, pools=CORES)
    executor.note(task, reasons)
    executor.start(task, FIRST, NOTHING_SPECIAL)
    return stream.getvalue().splitlines()


def test_a_task_is_a_few_lines_that_can_be_read() -> None:
    step = Step("sim", ("topology", "buffer"), ("seed",))
    task = Task(
        0, "sim/n=0", step, Shell("netsim -o sims/mesh/sim.dat"), values=("mesh", "1 k"), lets=("7",),
        outputs=("sims/mesh/sim.dat",), stdout="sims/mesh/sim.out", env={"OMP": "2"},
    )  # fmt: skip
    assert script(task) == [
        "( cd /study && mkdir -p sims/mesh && exec </dev/null >sims/mesh/sim.out &&",
        f"  exec env {VARIABLES} TASKRUN_PARAM_TOPOLOGY=mesh TASKRUN_PARAM_BUFFER='1 k' TASKRUN_PARAM_SEED=7 OMP=2 \\",
        "  bash -euo pipefail -c 'netsim -o sims/mesh/sim.dat' ) || exit",
    ]


def test_a_list_is_executed_as_words() -> None:
    assert script(sim(0, action=Argv(("./sim", "a b", "-x"))))[-1] == "  ./sim 'a b' -x ) || exit"
    assert script(sim(0, action=Argv(("a=b", "c"))))[-1] == "  sh -c 'exec \"$@\"' sh a=b c ) || exit"


def test_a_command_that_begins_like_an_option_is_none() -> None:
    assert script(sim(0, action=Shell("-x; :")))[-1] == "  bash -euo pipefail -c ' -x; :' ) || exit"


def test_streams_cwd_and_directories() -> None:
    task = sim(0, stdout="out/o", stderr="err/e", cwd="sub", outputs=("-x/y", "/abs/z", "top"))
    assert script(task, root="/my study")[0] == (
        "( cd '/my study' && mkdir -p ./-x /abs out err && exec </dev/null >out/o 2>err/e && cd '/my study/sub' &&"
    )
    assert script(sim(0, stdout="o", stderr="o"))[0].endswith("exec </dev/null >o 2>&1 &&")
    assert script(sim(0, stdout="o", stderr="stdout"))[0].endswith("exec </dev/null >o 2>stdout &&")
    assert script(sim(0, stderr="e"))[0].endswith("exec </dev/null 2>e &&")


def test_lists_of_files_are_written() -> None:
    lists = (FileList(".taskrun/s/lists/a", ("x", "y z")), FileList("b", ()))
    assert script(sim(0, lists=lists))[0] == (
        "( cd /study && mkdir -p .taskrun/s/lists && printf '%s\\n' x 'y z' >.taskrun/s/lists/a && : >b"
        " && exec </dev/null &&"
    )


def test_marks_become_what_runs() -> None:
    task = sim(0, action=Shell(f"run -j {mark('{task.cores}', '2')} {mark('{task.attempt}', None)}"))
    assert script(task)[-1] == "  bash -euo pipefail -c 'run -j 2 1' ) || exit"


def test_a_task_that_asks_for_more_cores_than_there_are_gets_all_of_them() -> None:
    assert "TASKRUN_CORES=2 " in script(sim(0, traits=Traits(request=(("cores", Fraction(8)),))))[1]


def test_reasons_are_comments_whatever_stands_in_them() -> None:
    why = Reason(ReasonKind.INPUT_CHANGED, "a\nrm -rf x\r")
    lines = script(sim(0, "my\nsim"), Reason(ReasonKind.NEW), why)
    assert lines[0] == "# my\\nsim: new; input changed: a\\nrm -rf x\\r"
    assert lines[1].startswith("( cd")
    assert not script(sim(0))[0].startswith("#")


def test_a_failure_that_is_ignored_does_not_end_the_script() -> None:
    stream = io.StringIO()
    executor = DryExecutor(stream, root="/study", pools=CORES, on_failure=OnFailure.IGNORE)
    executor.start(sim(0), FIRST, NOTHING_SPECIAL)
    assert stream.getvalue().endswith(") || :\n")


def test_every_task_has_succeeded_by_the_next_wait() -> None:
    executor = DryExecutor(io.StringIO(), root="/", pools=CORES)
    executor.start(sim(0), FIRST, NOTHING_SPECIAL)
    executor.start(sim(1), FIRST, NOTHING_SPECIAL)
    assert executor.wait(None) == [Ended(0, 1, 0.0, 0.0, exit_code=0), Ended(1, 1, 0.0, 0.0, exit_code=0)]
    assert executor.wait(None) == [Tick()]


def test_what_an_earlier_run_left_running_is_taken_for_gone_and_not_written() -> None:
    stream = io.StringIO()
    executor = DryExecutor(stream, root="/", pools=CORES)
    executor.start(sim(0), FIRST, NOTHING_SPECIAL, Handle("r", 1, 1))
    assert executor.wait(None) == [Ended(0, 1, 0.0, 0.0, cause=Cause.INTERRUPTED)]
    assert stream.getvalue() == ""


def test_a_task_that_could_not_be_written_has_ended_too() -> None:
    stream = io.StringIO()
    executor = DryExecutor(stream, root="/study", pools=CORES)
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        executor.start(sim(0), FIRST, NOTHING_SPECIAL)
    assert executor.wait(None) == [Ended(0, 1, 0.0, 0.0, exit_code=0)]
