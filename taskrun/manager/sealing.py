"""A run of a study that is sealed: nothing is read but the seal, nothing is executed, and yet it is a run like others.

Whatever does not fit makes no `SealedRun`: then the study is loaded, and a `Run` finds out what there is to do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from taskrun.graph import Study
from taskrun.journal import Journal, Log, Records
from taskrun.machine import usable_cores
from taskrun.manager.invocation import invocation, steady_clock
from taskrun.model import Argv, Event, Found, RunFinished, RunStarted, Status, Step, Task
from taskrun.printer import Outset
from taskrun.seal import SMALLEST, Seal, Stamp, read_seal, renew_seal, sealed, stamp_of, write_seal
from taskrun.sweep.unchanged import is_unchanged

_BATCH = 256


class Sealed(Struct, frozen=True):
    """A seal that speaks of the study as it is now, and of the journal that has the `stamp`."""

    seal: Seal
    stamp: Stamp
    root: str
    state: str

    def take(self, jobs: Fraction | None) -> SealedRun | None:
        """Hold the state for a run; None where the journal has changed since, or is better read for once. Raises as
        `Run` does.
        """
        if self.seal.is_outgrown(self.stamp):
            return None
        cores = usable_cores() if jobs is None else jobs
        record = replace(invocation(), total=len(self.seal.names), cores=float(cores))
        journal = Journal.resume(self.state, run=record, is_known=lambda: stamp_of(self.state) == self.stamp)
        if journal is None:
            return None
        journal.part_with(lambda: renew_seal(self.state))
        return SealedRun(self.seal, journal, cores=cores, now=steady_clock())


def sealed_now(path: str, *, root: str, name: str, state: str, seen: str) -> Sealed | None:
    """What is sealed of the sweep file at `path`, where that has not changed.

    `root` is the study's directory, `state` its state directory (absolute), `seen` how the study calls it.
    """
    stamp = stamp_of(state)
    seal = read_seal(state)
    if seal is None or stamp is None or not is_unchanged(seal.provenance, path, name=name, state=seen):
        return None
    return Sealed(seal, stamp, root, state)


def seal_at_end(study: Study, records: Records, log: Log, state: str) -> None:
    """Have a study that a run leaves done sealed when its journal is closed, if it is large enough for that to pay."""
    if len(study.graph) < SMALLEST or study.provenance is None:
        return

    def last() -> None:
        run = records.last_run  # this one
        seal = sealed(study, records, run=run.run if run is not None else "")
        if seal is not None:
            write_seal(state, seal)

    log.part_with(last)


class SealedRun:
    """Holds the state until `close`, as a `Run` does."""

    def __init__(self, seal: Seal, journal: Journal, *, cores: Fraction, now: Callable[[], float]) -> None:
        self._seal = seal
        self._journal = journal
        self._cores = cores
        self.now = now

    @property
    def outset(self) -> Outset:
        """What the first lines say."""
        counts = dict.fromkeys((name for name, _ in self._seal.steps), 0)
        for name, count in self._seal.steps:
            counts[name] += count
        return Outset(
            shapes=self._seal.shapes,
            hints=self._seal.hints,
            total=len(self._seal.names),
            selected=counts,
            done=counts,
            slots=float(self._cores),
        )

    def stream(self) -> Generator[tuple[Event, ...], None, None]:
        """What happens: every task is found fresh. Each batch is on record."""
        total = len(self._seal.names)
        yield (RunStarted(self.now(), total),)
        found = self._found()
        while batch := tuple(islice(found, _BATCH)):
            yield batch
        counts = {status.value: 0 for status in (Status.SUCCEEDED, Status.FAILED, Status.FRESH, Status.SKIPPED)}
        end = (RunFinished(self.now(), {**counts, Status.FRESH.value: total}),)
        self._journal.append(end)
        yield end

    def _found(self) -> Iterator[Event]:
        """Tasks by their name and step: nobody asks more of one that is fresh."""
        nothing = Argv(())
        names = enumerate(self._seal.names)
        for step_name, count in self._seal.steps:
            step = Step(step_name)
            for index, name in islice(names, count):
                yield Found(self.now(), Task(index, name, step, nothing))

    def close(self) -> None:
        """Sync and let the state go; raises StateError where the last of it may not be on disk."""
        self._journal.close()
