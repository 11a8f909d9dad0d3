"""The scheduler: a generator of batches of events, which starts, waits for and stops the tasks of a run.

Whoever reads it puts a batch on record before asking for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping

from taskrun.executors.base import Executor, Judge
from taskrun.graph import Graph
from taskrun.model import Handle, Task
from taskrun.plan import Plan, nothing_on_record
from taskrun.policy import Policy
from taskrun.scheduler.loop import Loop
from taskrun.scheduler.order import Order, declared_ranks
from taskrun.scheduler.telling import Batch
from taskrun.scheduler.terms import Terms, Unrecorded
from taskrun.scheduler.urgency import Expected

__all__ = ["Batch", "Unrecorded", "schedule"]

_NO_HANDLES: Mapping[int, Handle] = {}


def never_attempted(task: Task) -> int:
    """No task has been attempted before this run."""
    return 0


def nobody_knows_when(task: Task) -> float | None:
    """Nobody knows when the last attempt of a task began."""
    return None


def no_hurry() -> float | None:
    """Nobody wants to be told that time has passed."""
    return None


def nobody_left() -> bool:
    """Whoever reads the stream reads on."""
    return False


def schedule(
    graph: Graph,
    *,
    executor: Executor,
    judge: Judge,
    now: Callable[[], float],
    attempts: Callable[[Task], int] = never_attempted,
    began: Callable[[Task], float | None] = nobody_knows_when,
    policy: Policy | None = None,
    selected: Iterable[int] | None = None,
    done_before: Callable[[Task], bool] = nothing_on_record,
    forced: Collection[int] = frozenset(),
    open_attempts: Mapping[int, Handle] = _NO_HANDLES,
    expected: Expected | None = None,
    grace: float = 10.0,
    patience: Callable[[], float | None] = no_hurry,
    is_left: Callable[[], bool] = nobody_left,
) -> Generator[Batch, None, None]:
    """Run the selected tasks (None: all) of a graph and yield what happens.

    `now` gives seconds since the epoch and must not jump. `attempts` says how many attempts a task has had in its life,
    `began` when the last one of an earlier run began. `policy` is what the user wants of failures (None: the default).
    `selected` holds all that its tasks need; where it does not (`--only`), `done_before` says what succeeded on record.
    `forced` tasks are executed however fresh they are. `open_attempts`: what earlier runs left without an end, by task.
    Ready tasks of one priority start as declared, begun groups first; in the tail of the run the longest remaining
    path goes first, by the seconds that tasks are `expected` to take (None: nothing is known).
    `patience` is asked before each wait how many seconds it may last: when they are over, an empty batch comes.
    `is_left` is asked when a batch was taken: once it is true nothing is started any more and what runs is terminated,
    and killed after `grace` seconds; the rest of the stream tells of it. Closing the generator does so too, but tells
    nobody. Both stop the executor. Throwing `Unrecorded` in starts nothing more and lets what runs come to its end
    unsettled; that ends the generator.
    """
    policy = policy or Policy()
    plan = Plan(graph, selected, policy=policy, done_before=done_before)
    order = Order(graph.tasks, declared_ranks(graph))
    terms = Terms(
        attempts=attempts, began=began, policy=policy, forced=forced, open_attempts=open_attempts, grace=grace,
        expected=expected, patience=patience, is_left=is_left,
    )  # fmt: skip
    return Loop(graph, plan, order=order, executor=executor, judge=judge, now=now, terms=terms).batches()
