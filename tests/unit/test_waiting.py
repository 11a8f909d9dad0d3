"""For what a task waits while a run is on, and what would be done again at a cost: from records alone."""

from __future__ import annotations

from fractions import Fraction

import pytest
from msgspec.structs import replace
from records import SOURCE, enter, failed, finished, new_task, skipped, started, this_run

from taskrun.cli.forecast import FRESH, Prospect
from taskrun.cli.live import LiveRun
from taskrun.graph import Draft, Graph, Study
from taskrun.journal import Holder, MemoryJournal, Records
from taskrun.manager import Options
from taskrun.manager.consenting import Redone, to_redo
from taskrun.model import Shell, Signature, Status, Task, Traits
from taskrun.standing import OnRecord

WOULD = Prospect(True)
PERHAPS = Prospect(None)


def graph(*tasks: Task, needs: dict[int, list[tuple[int, ...]]] | None = None) -> Graph:
    draft = Draft()
    for task in tasks:
        draft.add(task)
    for consumer, nodes in (needs or {}).items():
        for members in nodes:
            draft.need(consumer, draft.gather(members))
    return draft.build()


def sims(count: int, **traits: object) -> list[Task]:
    kept = Traits(**traits)  # type: ignore[arg-type]
    return [new_task(f"sim/n={number}", number, traits=kept) for number in range(count)]


class Live:
    """A run that is on, of everything, with these events on record."""

    def __init__(self, graph: Graph, *entries: object, **run: object) -> None:
        self.graph = graph
        record = this_run("now", cores=2.0, time=5.0, **run)
        journal = MemoryJournal(Records(), "now")
        enter(journal, [record, *entries])  # type: ignore[list-item]
        holder = Holder(record.host, record.pid, 5.0, "now")
        on_record = OnRecord(journal.records, holder)
        standings = {task.index: on_record.standing(task.name).kept for task in graph.tasks}
        self.run = LiveRun(graph, record, on_record, standings)

    def waits(self, index: int, prospects: dict[int, Prospect] | None = None) -> str:
        found = prospects or {task.index: WOULD for task in self.graph.tasks}
        return str(self.run.waits(self.graph.tasks[index], found))


def test_a_task_waits_for_what_it_needs_first_for_what_runs() -> None:
    of_four = graph(*sims(5), new_task("all", 5), needs={5: [(0, 1, 2, 3, 4)]})
    live = Live(of_four, started("sim/n=0"), finished("sim/n=0"), started("sim/n=3"))
    assert live.waits(5) == "waits: for sim/n=3 (running), sim/n=1, sim/n=2 and 1 more"


def test_it_does_not_wait_for_what_is_fresh_over_or_not_of_the_run() -> None:
    tasks = [*sims(4), new_task("all", 4)]
    live = Live(graph(*tasks, needs={4: [(0, 1, 2, 3)]}), started("sim/n=1"), failed("sim/n=1"), skipped("sim/n=2"))
    assert live.waits(4, {0: FRESH, 1: WOULD, 2: WOULD, 3: PERHAPS}) == "waits: for sim/n=3"
    only = Live(graph(*tasks, needs={4: [(0, 1, 2, 3)]}), select=("all",), only=True)
    assert only.waits(4) == "waits: for its turn"
    assert [only.run.is_left(index, WOULD) for index in range(5)] == [False, False, False, False, True]


def test_a_forced_run_has_left_what_is_fresh() -> None:
    live = Live(graph(*sims(2)), force=True)
    assert live.run.is_left(1, FRESH)
    assert not Live(graph(*sims(2))).run.is_left(1, FRESH)


def test_where_nothing_is_needed_it_waits_for_cores_and_says_who_has_them() -> None:
    live = Live(graph(*sims(3)), started("sim/n=0"), started("sim/n=2"))
    assert live.waits(1) == "waits: for a core: 0 of 2 free, in use by sim/n=0, sim/n=2"
    wide = graph(*sims(3, request=(("cores", Fraction(8)),)))
    assert Live(wide, started("sim/n=0")).waits(1) == "waits: for 2 cores: 0 of 2 free, in use by sim/n=0"
    assert Live(graph(*sims(3)), started("sim/n=0")).waits(1) == "waits: for its turn"


# --- what would be done again at a cost -------------------------------------------------------------------------------


def records_of(*seconds: float, status: Status = Status.SUCCEEDED) -> Records:
    """Tasks that took so long under the command `true`."""
    records = Records()
    journal = MemoryJournal(records, "before")
    for number, took in enumerate(seconds):
        end = finished(f"sim/n={number}") if status is Status.SUCCEEDED else failed(f"sim/n={number}")
        end = replace(end, ended=replace(end.ended, seconds=took))
        enter(journal, [started(f"sim/n={number}", signature=Signature("true")), end])
    return records


def study(*tasks: Task) -> Study:
    return Study(name="sweep", root="/", source=SOURCE, graph=graph(*tasks))


def changed(*numbers: int, count: int = 3, **traits: object) -> Study:
    """Sims of which these have another command now."""
    tasks = sims(count, **traits)
    return study(*(replace(task, action=Shell("false")) if task.index in numbers else task for task in tasks))


@pytest.mark.parametrize(
    ("of", "seconds", "redone"),
    [
        (changed(), (500, 500, 500), Redone(0, 0.0)),
        (changed(1, 2), (500, 400, 300), Redone(2, 700.0)),
        (changed(0, 1, 2), (100, 200, 300), Redone(0, 0.0)),  # all that there is took 10 minutes, and not more
        (changed(0, 5, count=6), (601,), Redone(1, 601.0)),  # what is new would run in any case
        (changed(0, always=True), (601,), Redone(0, 0.0)),  # and so would this
    ],
)
def test_what_succeeded_under_another_command_would_be_done_again(
    of: Study, seconds: tuple[float, ...], redone: Redone
) -> None:
    assert to_redo(of, Options(state="/"), records_of(*seconds)) == redone


def test_what_failed_or_is_not_selected_costs_nothing() -> None:
    assert to_redo(changed(0), Options(state="/"), records_of(900, status=Status.FAILED)).tasks == 0
    options = Options(state="/", select=("sim/n=1",))
    assert to_redo(changed(0, 1), options, records_of(900, 800)) == Redone(1, 800.0)
