"""What is measured inside a process of its own: loading and planning, the scheduler alone, the makespan of shapes.

    python bench/inside.py plan FILE
    python bench/inside.py schedule TASKS
    python bench/inside.py makespan

The last two print JSON. The fakes and the shapes are those of the tests.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskrun.graph import Graph

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

CORES = (2, 4, 8)
GROUP = 100  # tasks that one plot reads


def plan(file: str) -> None:
    """All that `list` does but print, and a plan besides."""
    from taskrun.cli.source import source_of
    from taskrun.plan import Plan

    opened = source_of((file,), None, None, None).open()
    Plan(opened.study.graph, opened.chosen)


def schedule(tasks: int) -> dict[str, float]:
    """Simulate, parse, a plot for each so many: seconds for the graph, for its run, and the peak of the memory."""
    from fakes import FakeExecutor, batches

    from taskrun.model import Finished

    begin = time.perf_counter()
    graph = _studied(tasks)
    built = time.perf_counter()
    executor = FakeExecutor(pools={"cores": 8})
    ended = sum(isinstance(event, Finished) for batch in batches(graph, executor) for event in batch)
    assert ended == tasks, f"{ended} of {tasks} tasks ended"
    return {"graph": built - begin, "run": time.perf_counter() - built, "peak": _peak()}


def makespan() -> list[tuple[str, int, float, float]]:
    """For each shape and number of cores: what a run takes to the lower bound, with a history and without."""
    from shapes import SHAPES, least, took

    found = []
    for name, spec in SHAPES.items():
        known = {task: seconds for task, seconds, _ in spec}
        for cores in CORES:
            bound = least(spec, cores)
            with_history = took(spec, cores, expected=known.__getitem__) / bound
            found.append((name, cores, with_history, took(spec, cores) / bound))
    return found


def _studied(tasks: int) -> Graph:
    from fakes import task

    from taskrun.graph import Draft

    draft = Draft()
    read: list[int] = []
    for index in range(tasks):
        draft.add(task(index, f"t{index}"))
        if read and (len(read) == GROUP or index == tasks - 1):  # a plot over those before
            draft.need(index, draft.gather(tuple(read)))
            read = []
        elif index % 2:
            draft.need(index, index - 1)
            read.append(index)
    return draft.build()


def _peak() -> float:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024.0 for line in status if line.startswith("VmHWM:"))


def main() -> None:
    """Do what the first word says."""
    match sys.argv[1:]:
        case ["plan", file]:
            plan(file)
        case ["schedule", tasks]:
            print(json.dumps(schedule(int(tasks))))
        case ["makespan"]:
            print(json.dumps(makespan()))
        case _:
            sys.exit("usage: inside.py plan FILE | schedule TASKS | makespan")


if __name__ == "__main__":
    main()
