"""A Python file that leaves a Manager as FILE on the command line."""

from __future__ import annotations

import os

from msgspec.structs import replace

from taskrun.cli.source import Opened, Source
from taskrun.errors import GraphError, Mistake, Place, SweepError
from taskrun.graph import Study
from taskrun.makers import Makers
from taskrun.paths import Paths


def open_script(source: Source, file: str) -> Opened:
    """The study of the Manager that a Python file leaves in `manager`.

    Its state is that of the same file run as a program; a Manager without a name is called after the file.
    """
    from taskrun.manager.classic import ClassicManager
    from taskrun.manager.script import load_manager

    path = os.path.normpath(os.path.join(source.here, file))
    manager = load_manager(path, file)
    try:
        study = manager.study()
    except GraphError as error:  # of the whole, so no line of the file is to blame
        raise SweepError([Mistake(Place(file), str(error))]) from None
    _refuse_to_overwrite(study, path, file)
    stem = os.path.splitext(os.path.basename(path))[0]
    name = source.name or manager.name or stem
    made_from = study.source if manager.name else f"Manager {stem}"
    return Opened(
        study=replace(study, name=name, source=made_from),
        file=file,
        state=source.state_of(study.root, name),
        here=source.here,
        again=source.again_from(file),
        select=source.select,
        jobs=manager.jobs,
        is_dry=isinstance(manager, ClassicManager) and not manager.runs_tasks,
    )


def _refuse_to_overwrite(study: Study, path: str, file: str) -> None:
    """SweepError for a task that writes to the file that it comes from."""
    paths, tasks = Paths(study.root), study.graph.tasks
    makers = Makers(paths)
    for task in tasks:
        for written in task.written:
            makers.enter(paths.key(written), task.index)
    above, name = os.path.split(path)
    spellings = (path, os.path.join(os.path.realpath(above), name))  # the study's root may be either way
    for maker, written, how in makers.trespasses({paths.normal(own): "this file itself" for own in spellings}):
        raise SweepError([Mistake(Place(file), f"{tasks[maker].name} writes {written!r}{how}")])
