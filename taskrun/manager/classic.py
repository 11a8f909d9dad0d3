"""The first version's spelling of a Manager, for scripts from 2013: `taskrun.Task.Manager(numProcs=...)`.

Nothing here runs anything: each word is one of the Manager's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskrun.errors import UsageError
from taskrun.manager.library import Manager, Path
from taskrun.manager.summary import Summary
from taskrun.manager.task import Task


class ClassicManager(Manager):
    """A Manager as `taskrun.Task.Manager`: how it is to run is said when it is made.

    `numProcs`: how many cores the tasks share (default: the usable ones). `showCommands`: print each command to
    standard output when it starts. `runTasks`: False prints what would be executed, as shell commands, and executes
    nothing. `showProgress`: show on standard error how far it is. `name`: as of a Manager; without it no state is kept.

    Raises UsageError for wrong arguments.
    """

    def __init__(
        self,
        numProcs: int | None = None,
        showCommands: bool = False,
        runTasks: bool = True,
        showProgress: bool = False,
        *,
        name: str | None = None,
        root: Path | None = None,
    ) -> None:
        try:
            super().__init__(name, jobs=numProcs, root=root)
        except UsageError as error:
            raise UsageError(str(error).replace("jobs=", "numProcs=", 1)) from None
        self._shows_commands = bool(showCommands)
        self._runs_tasks = bool(runTasks)
        self._shows_progress = bool(showProgress)

    @property
    def runs_tasks(self) -> bool:
        """False where tasks are printed, and not executed."""
        return self._runs_tasks

    def task_new(
        self,
        name: str,
        command: str | Sequence[Path],
        stdout: Path | None = None,
        stderr: Path | None = None,
        *,
        output: object = None,
        step: str | None = None,
        after: Task | Iterable[Task] | dict[Task, str] | None = None,
        **keys: object,
    ) -> Task:
        """As `Manager.task_new`; `output` is `stdout`."""
        if output is not None and stdout is not None:
            raise UsageError(f"task {name!r}: output and stdout are the same; give one of them")
        if output is not None:
            stdout = output  # type: ignore[assignment]  # looked at there, as any stdout is
        return super().task_new(name, command, stdout, stderr, step=step, after=after, **keys)

    def run_request_is(self) -> Summary:
        """Run all tasks and wait for the end; a task that fails raises nothing. Raises as `Manager.run` does."""
        return self.run(
            dry_run=not self._runs_tasks, progress=self._shows_progress, commands=self._shows_commands
        )
