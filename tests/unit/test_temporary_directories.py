"""Temporary outputs that are directories, of which others read single files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from records import new_task
from test_freshness import Study, graph

from taskrun.executors.base import Fresh, Lacks, Verdict
from taskrun.graph import Graph
from taskrun.judge import FileJudge
from taskrun.model import ConfirmRecord, Shell, Step, Task, Temp, Traits


class Trees(Study):
    """Whatever makes `tree` makes a directory."""

    content = "what is in it"

    def put(self, path: str, text: str = "text") -> None:
        if path == "tree":
            super().put("tree/a", self.content)
            super().put("tree/sub/b", self.content)
        else:
            super().put(path, text)

    def judge(self, tasks: Graph) -> FileJudge:
        return FileJudge(tasks, self.records, root=str(self.root), state=".taskrun/sweep")

    def verdicts(self, tasks: Graph) -> list[Verdict]:
        """Of each task, as long as nothing runs."""
        judge = self.judge(tasks)
        return [judge.verdict(task, ()) for task in tasks.tasks]

    def lose(self) -> None:
        shutil.rmtree(self.root / "tree")


@pytest.fixture
def study(tmp_path: Path) -> Trees:
    study = Trees(tmp_path)
    study.put("in")
    return study


def unpacked(command: str = "use", temp: Temp = Temp.MAY_GO) -> Graph:
    """`use` reads a file of what `unpack` makes."""
    return graph(
        new_task("unpack", 0, inputs=("in",), outputs=("tree",), traits=Traits(temp=temp)),
        Task(1, "use", Step("use"), Shell(command), inputs=("tree/sub/b",), outputs=("out",)),
        needs={1: [(0,)]},
    )


def test_a_file_in_a_temporary_directory_may_be_gone(study: Trees) -> None:
    study.run(unpacked())
    study.lose()
    assert study.verdicts(unpacked()) == [Fresh(is_gone=True), Fresh()]


def test_who_needs_it_has_the_directory_made_again(study: Trees) -> None:
    study.run(unpacked())
    study.lose()
    verdict = study.verdicts(unpacked("use -v"))[1]
    assert isinstance(verdict, Lacks)
    assert verdict.makers == (0,)
    assert verdict.refused.message == "tree/sub/b is not there"


def test_a_task_that_never_ran_has_it_made_again_too(study: Trees) -> None:
    study.run(unpacked(), only={"unpack"})
    study.lose()
    assert isinstance(study.verdicts(unpacked())[1], Lacks)


def test_what_was_made_anew_and_lost_before_it_was_looked_at_is_not_known(study: Trees) -> None:
    study.run(unpacked())
    study.content = "something else"
    study.run(unpacked(), only={"unpack"}, force=True)
    study.lose()
    assert isinstance(study.verdicts(unpacked())[1], Lacks)


@pytest.mark.parametrize("is_later", [True, False])
def test_what_was_made_anew_and_came_out_the_same_is_looked_at_once(study: Trees, is_later: bool) -> None:
    study.run(unpacked())
    study.clock = study.clock if is_later else 2_000_000_000  # as it was when `in` had been put there
    study.run(unpacked(), only={"unpack"}, force=True)
    judge = study.judge(unpacked())
    use = unpacked().tasks[1]
    found = judge.verdict(use, (0,))
    assert isinstance(found, Fresh)
    assert found.confirmed is not None
    study.records.apply(ConfirmRecord(task="use", attempt=1, time=3.0, inputs=found.confirmed.inputs))
    study.lose()
    assert study.verdicts(unpacked()) == [Fresh(is_gone=True), Fresh()]
