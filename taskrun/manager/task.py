"""The handle of a task of a Manager: what `task_new` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskrun.manager.classic import ClassicManager
    from taskrun.manager.library import Manager as Owner


class _Classic:
    """`Task.Manager`, the first version's spelling: loaded when somebody asks for it."""

    def __get__(self, task: Task | None, kind: type[Task]) -> type[ClassicManager]:
        from taskrun.manager.classic import ClassicManager

        return ClassicManager


class Task:
    """A task of a Manager. Make one with `Manager.task_new`; two handles are equal only if they are one."""

    __slots__ = ("_index", "_manager", "_name")

    Manager = _Classic()

    def __init__(self, manager: Owner, index: int, name: str) -> None:
        self._manager = manager
        self._index = index
        self._name = name

    @property
    def name(self) -> str:
        """The name of the task, as it was given."""
        return self._name

    def dependency_is(self, *tasks: Task) -> None:
        """This task starts when all of `tasks`, of the same Manager, have succeeded (or were fresh).

        Said twice is said once. Raises CycleError, which names the whole cycle, where one of them needs this task
        already, and UsageError for what is no task of this Manager; then nothing has changed.
        """
        self._manager._depend(self, tasks)

    def __repr__(self) -> str:
        return f"<taskrun.Task {self._name!r}>"
