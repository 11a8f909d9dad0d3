"""The Manager: tasks made in a program, and run as those of a sweep file are.

A mistake in a call is an error at that call; what only the whole can show is one when a run begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from fractions import Fraction

from taskrun.defaults import STATES
from taskrun.errors import StateError, UsageError
from taskrun.events import Event, public
from taskrun.graph import Draft, Study
from taskrun.manager.arguments import (
    check_study_name,
    check_switches,
    cores_of,
    kind_of,
    name_of,
    policy_of,
    pools_of,
    root_of,
    several,
)
from taskrun.manager.display import Wishes
from taskrun.manager.execution import closed_at_exit, execute, rehearse
from taskrun.manager.keeping import IN_MEMORY, ON_DISK, Scratch
from taskrun.manager.keys import Keys, Wrong, action
from taskrun.manager.loading import refuse_to_run
from taskrun.manager.running import Batch, Options, selection
from taskrun.manager.shapes import shapes_of
from taskrun.manager.sketch import FEW, Sketch, missing_sources
from taskrun.manager.summary import Account, Summary
from taskrun.manager.task import Task
from taskrun.model import Started, Step
from taskrun.model import Task as Described
from taskrun.outlet import Tolerant
from taskrun.paths import Paths, seen_from
from taskrun.policy import Policy
from taskrun.printer.words import command_lines
from taskrun.sweep.collecting import without_collector

Path = str | os.PathLike[str]

_NAMELESS_STEP = "task"


class Manager:
    """Shell commands and what they need, made into a graph in a program and run on this machine.

    `name`: the name of the study, which its state directory `.taskrun/NAME` is called after, so that the same program
    resumes what an earlier run of it left; without a name no state is kept. `jobs`: how many cores the tasks share, a
    whole number of 1 or more (default: the usable ones). `root`: the directory that commands run in and that paths
    and `.taskrun` are relative to (default: the current directory now). `pools`: how much there is to share of what, as
    `{"licence": 2, "memory": "32G"}`; it wins over what the machine has.

    Managers in several threads do not disturb each other; the tasks of one are made by one thread at a time.

    Raises UsageError for a name that cannot be a directory's, and for other wrong arguments.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        jobs: int | None = None,
        root: Path | None = None,
        pools: Mapping[str, object] | None = None,
    ) -> None:
        if name is not None:
            check_study_name(name)
        root = root_of(root)
        source = "Manager" if name is None else f"Manager {name}"
        base = Study(name=name or "", root=root, source=source, graph=Draft().build(), pools=pools_of(pools))
        self._begin(base, jobs=jobs)

    def _begin(self, base: Study, *, jobs: int | None) -> None:
        """Begin with a study that is there already; what is added comes behind its tasks."""
        self._base = base
        self._jobs = cores_of(jobs)
        self._keys = Keys(Paths(base.root))
        self._scratch = Scratch()
        self._sketch: Sketch | None = None
        self._study: Study | None = base
        self._handles: list[Task] = []
        self._gathers: dict[tuple[Task, ...], int] = {}
        self._steps: dict[tuple[str, str], Step] = {}

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The name of the study; None where no state is kept."""
        return self._base.name or None

    @property
    def root(self) -> str:
        """The absolute directory that paths are relative to."""
        return self._base.root

    @property
    def jobs(self) -> Fraction | None:
        """How many cores the tasks share; None: the usable ones."""
        return self._jobs

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, in the order in which they were made."""
        for task in self._base.graph.tasks[len(self._handles) :]:
            self._handles.append(Task(self, task.index, task.name))
        return tuple(self._handles)

    def __repr__(self) -> str:
        return f"<taskrun.Manager {self.name!r}>" if self.name else "<taskrun.Manager>"

    # --- what it is told ---------------------------------------------------------------------------------------------

    def task_new(
        self,
        name: str,
        command: str | Sequence[Path],
        stdout: Path | None = None,
        stderr: Path | None = None,
        *,
        step: str | None = None,
        after: Task | Iterable[Task] | dict[Task, str] | None = None,
        **keys: object,
    ) -> Task:
        """A new task, called `name`, which no other task of this Manager may be.

        `command`: a text for `bash -euo pipefail -c`, or the words of a command that no shell sees. `stdout`,
        `stderr`: files for what it writes (`stderr="stdout"`, or the same path twice: one file for both); without them
        a log keeps it. `step`: the name of the group that it belongs to (default: the Manager's). `after`: a task, or
        several, that it comes after; `{task: "any"}`: whatever became of that one. `keys`: the step keys of the sweep
        file but `run` and `per`, with Python values: `inputs`, `outputs` (a path, several, or a dict), `cwd`, `env` (a
        dict), `shell`, `cores` (a number, default 1), `priority` (a number, default 0), `timeout` ("90s"), `retries`,
        `retry_delay`, `ok_codes`, `allow_failure`, `desc`, … Commands, texts and paths are taken as they are: there are
        no placeholders, and nothing is expanded. A task that reads what another one makes needs it.

        Raises UsageError for wrong arguments, GraphError for a name or path that another task has.
        """
        text = name_of(name, "a task's name")
        others = several(after)
        self._check_all(others)
        try:
            task = self._described(text, command, stdout, stderr, self._step_name(step), keys)
        except Wrong as wrong:
            raise UsageError(f"task {text!r}: {wrong}") from None
        sketch = self._growing()
        sketch.add(task)
        self._study = None
        handle = Task(self, task.index, text)
        self._handles.append(handle)
        if others:
            self._depend(handle, others, is_any=isinstance(after, dict))
        return handle

    def _depend(self, task: Task, others: tuple[Task, ...], *, is_any: bool = False) -> None:
        """`task`, of this Manager, comes after all of `others`: see `Task.dependency_is`. `is_any`: whatever became of
        them.
        """
        sketch = self._growing()
        if len(others) <= FEW or is_any:
            self._check_all(others)
            indices = [other._index for other in others]
            is_new = sketch.need(task._index, indices)
            if is_any:
                sketch.any.update((task._index, other) for other in indices)
        else:
            is_new = sketch.need_gather(task._index, self._gather(others))
        if is_new:
            self._study = None

    def _gather(self, others: tuple[Task, ...]) -> int:
        """What stands for all of many tasks; the same many again are the same."""
        try:
            found = self._gathers.get(others)
        except TypeError:  # something that cannot be a key is no task either
            found = None
        if found is None:
            self._check_all(others)
            members = tuple(dict.fromkeys([other._index for other in others]))
            found = self._gathers[others] = self._growing().gather(members)
        return found

    def _growing(self) -> Sketch:
        """What is known, to add to."""
        if self._sketch is None:
            self._sketch = Sketch(self._keys.paths, self._base.graph, forbidden=self._forbidden)
            _ = self.tasks
        return self._sketch

    @property
    def _forbidden(self) -> dict[str, str]:
        """Where no task may write."""
        return {STATES: "the state of taskrun"}

    def _described(
        self, name: str, command: object, stdout: object, stderr: object, step: str, keys: dict[str, object]
    ) -> Described:
        wanted = self._keys.read(keys)
        output = self._keys.path("stdout", stdout)
        shared = self._steps.get((step, wanted.desc))
        if shared is None:
            shared = self._steps[step, wanted.desc] = Step(
                step, desc=wanted.desc, is_template=step != self._step_name(None)
            )
        return Described(
            index=len(self._base.graph) if self._sketch is None else len(self._sketch),
            name=name,
            step=shared,
            action=action(command, wanted.shell, wanted.wrap),
            inputs=wanted.inputs,
            outputs=wanted.outputs,
            stdout=output,
            stderr=output if stderr == "stdout" else self._keys.path("stderr", stderr),
            cwd=wanted.cwd,
            env=wanted.env,
            traits=wanted.traits,
        )

    def _step_name(self, step: str | None) -> str:
        return (self.name or _NAMELESS_STEP) if step is None else name_of(step, "a step's name")

    def _check_all(self, tasks: Iterable[object]) -> None:
        for task in tasks:
            if type(task) is not Task:
                raise UsageError(f"a Task is expected, not {kind_of(task)}")
            if task._manager is not self:
                raise UsageError(f"{task.name!r} is a task of another Manager")

    # --- what it does ------------------------------------------------------------------------------------------------

    def study(self) -> Study:
        """The graph of all tasks, and what there is to say about it.

        Raises GraphError for outputs where none may be, CycleError where files close a cycle.
        """
        if self._study is None:
            assert self._sketch is not None, "nothing was added to a study that is there"
            with without_collector():
                self._study = self._built(self._sketch)
        return self._study

    def _built(self, sketch: Sketch) -> Study:
        graph = sketch.graph()
        base = self._base
        return Study(
            name=base.name,
            root=base.root,
            source=base.source,
            graph=graph,
            shapes=shapes_of(graph, {shape.step: shape.names for shape in base.shapes}),
            hints=(*base.hints, *missing_sources(sketch)),
            names=base.names,
            points=base.points,
            pools=base.pools,
            places=base.places,
        )

    def run(
        self,
        *select: str | Task,
        dry_run: bool = False,
        force: bool = False,
        only: bool = False,
        jobs: int | None = None,
        on_failure: str = "continue",
        max_failures: int | str | None = None,
        hold: bool = True,
        progress: bool = False,
        commands: bool = False,
    ) -> Summary:
        """Run all tasks that are not done, or the selected ones with what they need, and wait for the end.

        `select`: tasks, their names, steps, globs, and `name=value`. `dry_run`: print what would be executed to
        standard output, as shell commands, and execute nothing. `force`: run what is selected (without a selection
        all), done or not. `only`: without what the selected tasks need. `jobs`: how many cores to share this time.
        `on_failure`: after a failure, "continue" with all that does not depend on it, "drain" (start nothing more, let
        running tasks end), "kill" (terminate them), or "ignore" it (what depends on it runs). `max_failures`: so many,
        or a share of the tasks to execute ("10%"), and nothing more is started. `hold`: tasks of one `step=` that
        fail everywhere alike are held back, and what is left of them skipped once others of it failed so too.
        `progress`: show on standard error what `taskrun run` shows. `commands`: print each command to standard output
        when it starts, as long as somebody reads it; with `progress`, show it there.

        A task that fails raises nothing: see the summary. Raises UsageError for a wrong selection, StateHeldError
        where another run of this study is on, StateError where the state cannot be read or written, and what `study`
        raises. A signal that stopped the run is given to the program's own handlers at the end: Ctrl-C raises
        KeyboardInterrupt.
        """
        check_switches(dry_run=dry_run, progress=progress, commands=commands)
        study = self.study()
        policy = policy_of(on_failure, max_failures, hold=hold)
        options = self._options(study, select, force=force, only=only, jobs=jobs, policy=policy, is_dry=dry_run)
        if dry_run:
            return rehearse(study, options, Tolerant(sys.stdout))
        account = Account(study.root)
        wishes = self._wishes(verbose=commands) if progress else None
        is_printing = commands and not progress
        with closing(execute(study, options, wishes=wishes)) as batches:
            for batch in batches:
                account.take(batch)
                is_printing = is_printing and _print_commands(batch)
        return account.summary()

    def stream(
        self,
        *select: str | Task,
        force: bool = False,
        only: bool = False,
        jobs: int | None = None,
        on_failure: str = "continue",
        max_failures: int | str | None = None,
        hold: bool = True,
    ) -> Generator[Event, None, None]:
        """Run as `run` does, and yield the events, each already on record.

        The run begins with the first event that is asked for, and goes on while events are. Leaving early (`close()`,
        the last reference gone, or the end of the program) ends what runs, SIGTERM first and SIGKILL after 10 seconds,
        and lets the state go. Raises as `run` does, a wrong selection at the call; what leaving early raises (Ctrl-C
        meanwhile, say) only `close()` can hand on.
        """
        study = self.study()
        policy = policy_of(on_failure, max_failures, hold=hold)
        options = self._options(study, select, force=force, only=only, jobs=jobs, policy=policy)
        return closed_at_exit(self._events(study, options))

    def _events(self, study: Study, options: Options) -> Generator[Event, None, None]:
        # A method, so that this Manager lives as long as its stream, and with it the place of the logs.
        with closing(execute(study, options)) as batches:
            for batch in batches:
                yield from filter(None, map(public, batch))

    def _options(
        self,
        study: Study,
        select: Sequence[str | Task],
        *,
        force: bool,
        only: bool,
        jobs: int | None,
        policy: Policy,
        is_dry: bool = False,
    ) -> Options:
        """What a run is asked for."""
        check_switches(force=force, only=only)
        refuse_to_run()
        tasks = tuple(task for task in select if not isinstance(task, str))
        self._check_all(tasks)
        options = Options(
            state=self._state(is_dry=is_dry),
            keeping=IN_MEMORY if self.name is None else ON_DISK,
            jobs=cores_of(jobs) or self._jobs,
            select=tuple(word for word in select if isinstance(word, str)),
            tasks=tuple(task.name for task in tasks),
            force=force,
            only=only,
            policy=policy,
        )
        selection(study, options)
        return options

    def _state(self, *, is_dry: bool) -> str:
        """Where a run keeps its state; without a name nothing but logs, for as long as this Manager lives."""
        if self.name is not None:
            return os.path.join(self.root, STATES, self.name)
        try:
            return "" if is_dry else self._scratch.room()
        except OSError as error:
            raise StateError(f"there is no temporary directory for the logs: {error.strerror}") from None

    def _wishes(self, *, verbose: bool) -> Wishes:
        return Wishes(again=self._again, shown=self._shown, verbose=verbose)

    def _again(self, names: Sequence[str]) -> str:
        return f"manager.run({', '.join(map(repr, names))})"

    def _shown(self, path: str) -> str:
        path = os.path.join(self.root, path)
        try:
            return seen_from(os.getcwd(), path)
        except OSError:  # the current directory is gone
            return path


def _print_commands(batch: Batch) -> bool:
    """What starts, to standard output; False where nobody reads it any more, which is no reason to end a run."""
    started = [event.task for event in batch if isinstance(event, Started)]
    stream = Tolerant(sys.stdout)
    try:
        stream.write("".join(f"{line}\n" for task in started for line in command_lines(task.action, 1)))
        stream.flush()
    except BrokenPipeError:
        return False
    return True
