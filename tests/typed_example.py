"""A program that uses every public name; a test has mypy check it strictly, and runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import taskrun


def netsim(root: Path) -> taskrun.Manager:
    manager = taskrun.Manager("sims", jobs=8, root=root)
    for topology in ["fat_tree", "mesh", "torus"]:
        graph: taskrun.Task = manager.task_new(f"{topology} graph", f"echo {topology}", stdout=f"{topology}.log")
        for buffer in [1024, 2048]:
            sim = manager.task_new(
                f"{topology}-{buffer} sim",
                ["echo", "-t", topology, "-b", str(buffer)],
                step="sim",
                cores=0.5,
                env={"BUFFER": buffer},
                outputs={"main": f"{topology}/{buffer}"},
                stdout=Path(topology) / str(buffer),
            )
            graph.dependency_is(sim)
    return manager


def told(events: Iterator[taskrun.Event]) -> Iterator[str]:
    for event in events:
        match event:
            case taskrun.RunStarted(total=total):
                yield f"{total} tasks"
            case taskrun.Started(task=task, attempt=attempt):
                yield f"{task}, attempt {attempt}"
            case taskrun.Finished():
                yield f"{event.task} {event.status} after {event.seconds:.1f} s"
            case taskrun.Fresh(task=task) | taskrun.Skipped(task=task):
                yield task
            case taskrun.RunFinished(exit_status=status):
                yield f"exit status {status}"


def failed(summary: taskrun.Summary) -> list[taskrun.Failure]:
    return [failure for failure in summary.failures if failure.exit_code == 1 or failure.log is None]


def main(root: Path) -> int:
    try:
        manager = netsim(root)
        for line in told(manager.stream("sim")):
            print(line)
        summary = manager.run(*manager.tasks, "sims", force=False)
        again = taskrun.load(root / "sweep.yaml", jobs=2).run(only=False) if (root / "sweep.yaml").exists() else summary
    except taskrun.UsageError as error:
        print(f"a mistake: {error}")
        return 2
    except taskrun.TaskrunError as error:
        print(error)
        return error.exit_status
    print(summary.succeeded, summary.fresh, failed(again))
    return 0 if summary.ok else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
