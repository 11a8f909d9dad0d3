"""Whatever a user does between runs, what a run executes is what a simple oracle of the design's section 7 says.

Real files and records, the real scheduler and judge; commands are a function of what they read. The oracle knows
contents, never figures, and decides with a few lines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import Struct
from msgspec.structs import replace

from taskrun.executors.base import Attempt
from taskrun.executors.idle import IdleExecutor
from taskrun.freshness import successions
from taskrun.graph import Draft, Edge, Graph, Study
from taskrun.journal import MemoryJournal, Records
from taskrun.judge import DryJudge, FileJudge
from taskrun.model import (
    Cause,
    Ended,
    Finished,
    Grant,
    Handle,
    Happening,
    Shell,
    Skipped,
    Spawned,
    Started,
    Status,
    Step,
    Task,
    Temp,
    Traits,
)
from taskrun.provenance import Provenance
from taskrun.scheduler import schedule
from taskrun.seal import Seal, sealed

SOURCES = ("s0", "s1")


class Spec(Struct):
    """One task of the world: what it reads (sources and makers' files), whom it only follows, how it behaves."""

    name: str
    reads: tuple[str, ...]
    after: tuple[int, ...]
    temp: bool
    version: int = 0
    fails: bool = False

    @property
    def output(self) -> str:
        return self.name.partition("-")[0] + ".out"


class Known(Struct):
    """What the oracle remembers of a task: contents, and when it began and ended."""

    signature: tuple[object, ...]
    inputs: tuple[str, ...]
    output: str | None
    began: int
    ended: int


def made(spec: Spec, inputs: Sequence[str]) -> str:
    """What a command writes: few different things, so that it often comes out the same."""
    return str((spec.version // 2 + sum(map(len, inputs)) + sum(text.count("1") for text in inputs)) % 3)


class Killed(BaseException):
    """The runner dies."""


class Worker:
    """An executor that does what the specs say, at once; after `lives` starts the runner is killed under the task."""

    def __init__(self, root: Path, specs: Mapping[str, Spec], lives: int | None) -> None:
        self.pools = {"cores": Fraction(1)}
        self.units: dict[str, tuple[str, ...]] = {}
        self._root, self._specs, self._lives = root, specs, lives
        self._said: list[Happening] = []
        self._is_dead = False

    def start(self, task: Task, attempt: Attempt, grant: Grant, handle: Handle | None = None) -> None:
        if handle is not None:
            self._said.append(Ended(task.index, attempt.number, 0.0, 0.0, cause=Cause.INTERRUPTED))
            return
        spec = self._specs[task.name]
        if self._lives == 0:
            (self._root / spec.output).write_text("half")
            self._is_dead = True
            raise Killed
        if self._lives is not None:
            self._lives -= 1
        inputs = [(self._root / path).read_text() for path in spec.reads]
        (self._root / spec.output).write_text("half" if spec.fails else made(spec, inputs))
        self._said.append(Spawned(task.index, Handle("r", attempt.number, attempt.round, 1)))
        self._said.append(Ended(task.index, attempt.number, 1.0, 2.0, exit_code=int(spec.fails)))

    def wait(self, timeout: float | None) -> Sequence[Happening]:
        if self._is_dead:
            raise Killed
        said, self._said = self._said, []
        return said

    def kill(self, task: Task, *, force: bool) -> bool:
        return False

    def stop(self) -> None: ...


class Oracle:
    """Section 7 in contents. `files` holds what is on disk, `known` what is on record, by output."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.clock = 0

    def run(self, specs: Sequence[Spec], files: dict[str, str]) -> dict[str, str]:
        """What becomes of each task (by output): fresh, succeeded, failed, skipped; files change as it goes."""
        became: dict[str, str] = {}
        makers = {spec.output: spec for spec in specs}
        for spec in specs:
            self._visit(spec, specs, makers, files, became)
        return became

    def _visit(
        self,
        spec: Spec,
        specs: Sequence[Spec],
        makers: Mapping[str, Spec],
        files: dict[str, str],
        became: dict[str, str],
    ) -> None:
        needs = [makers[path].output for path in spec.reads if path in makers]
        needs += [specs[index].output for index in spec.after]
        if any(became[need] in ("failed", "skipped") for need in needs):
            became[spec.output] = "skipped"
            return
        if any(path not in files and path not in makers for path in spec.reads):
            became[spec.output] = "failed"
            self.known.pop(spec.output, None)
            self.clock += 1
            self.known[spec.output] = Known((), (), None, 0, self.clock)
            return
        if self._is_fresh(spec, specs, files):
            became[spec.output] = "fresh"
            return
        for path in spec.reads:
            if path not in files:
                self._execute(makers[path], makers, files, became)
                if became[path] != "succeeded":
                    became[spec.output] = "skipped"
                    return
        self._execute(spec, makers, files, became)

    def _is_fresh(self, spec: Spec, specs: Sequence[Spec], files: Mapping[str, str]) -> bool:
        known = self.known.get(spec.output)
        if known is None or known.output is None or known.signature != signature(spec):
            return False
        now = tuple(self._content(path, files) for path in spec.reads)
        there = files.get(spec.output, known.output if spec.temp else None)
        is_late = any(self._ended(specs[index]) > known.began for index in spec.after)
        return now == known.inputs and there == known.output and not is_late

    def _ended(self, spec: Spec) -> int:
        known = self.known.get(spec.output)
        return known.ended if known is not None else 0

    def _content(self, path: str, files: Mapping[str, str]) -> str | None:
        known = self.known.get(path)
        return files.get(path, known.output if known is not None else None)

    def _execute(self, spec: Spec, makers: Mapping[str, Spec], files: dict[str, str], became: dict[str, str]) -> None:
        for path in spec.reads:
            if path not in files:
                self._execute(makers[path], makers, files, became)
                if became[path] != "succeeded":
                    became[spec.output] = "skipped"
                    return
        self.clock += 1
        began = self.clock
        inputs = [files[path] for path in spec.reads]
        self.clock += 1
        if spec.fails:
            files.pop(spec.output, None)
            self.known[spec.output] = Known((), (), None, began, self.clock)
            became[spec.output] = "failed"
            return
        files[spec.output] = made(spec, inputs)
        self.known[spec.output] = Known(signature(spec), tuple(inputs), files[spec.output], began, self.clock)
        became[spec.output] = "succeeded"


def copies(specs: Sequence[Spec]) -> list[Spec]:
    return [replace(spec, fails=False) for spec in specs]


def signature(spec: Spec) -> tuple[object, ...]:
    return (spec.version, spec.reads)


@st.composite
def worlds(draw: st.DrawFn) -> list[Spec]:
    specs: list[Spec] = []
    has_temp = draw(st.booleans())
    for index in range(draw(st.integers(2, 5))):
        files = [*SOURCES, *(spec.output for spec in specs)]
        reads = draw(st.lists(st.sampled_from(files), min_size=1, max_size=2, unique=True))
        plain = [spot for spot, spec in enumerate(specs) if not spec.temp and spec.output not in reads]
        after = draw(st.lists(st.sampled_from(plain), max_size=1)) if plain else []
        specs.append(Spec(f"t{index}", tuple(reads), tuple(after), has_temp and draw(st.booleans())))
    return specs


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.root = Path(self.directory.name)
        self.records = Records()
        self.oracle = Oracle()
        self.files: dict[str, str] = {}
        self.specs: list[Spec] = []
        self.now = 10**18
        self.names = 0
        self.seal: tuple[Seal, list[Spec]] | None = None

    def teardown(self) -> None:
        self.directory.cleanup()

    @initialize(specs=worlds())
    def begin(self, specs: list[Spec]) -> None:
        self.specs = specs
        for source in SOURCES:
            self.put(source, "0")

    def put(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)
        self.touch(path)
        self.files[path] = text

    def touch(self, path: str) -> None:
        self.now += 10**9
        os.utime(self.root / path, ns=(self.now, self.now))

    # what users do

    @rule(source=st.sampled_from(SOURCES), text=st.sampled_from(["0", "1", "11", "101"]))
    def edit_a_source(self, source: str, text: str) -> None:
        self.put(source, text)

    @rule(source=st.sampled_from(SOURCES))
    def lose_a_source(self, source: str) -> None:
        (self.root / source).unlink(missing_ok=True)
        self.files.pop(source, None)

    @rule(which=st.integers(0, 4))
    def delete_an_output(self, which: int) -> None:
        spec = self.specs[which % len(self.specs)]
        (self.root / spec.output).unlink(missing_ok=True)
        self.files.pop(spec.output, None)

    @rule(which=st.integers(0, 4), text=st.sampled_from(["0", "1", "edited"]))
    def edit_an_output(self, which: int, text: str) -> None:
        self.put(self.specs[which % len(self.specs)].output, text)

    @rule(which=st.integers(0, 4))
    def touch_an_output(self, which: int) -> None:
        spec = self.specs[which % len(self.specs)]
        if (self.root / spec.output).exists():
            self.touch(spec.output)

    @rule(which=st.integers(0, 4))
    def change_a_command(self, which: int) -> None:
        self.specs[which % len(self.specs)].version += 1

    @rule(which=st.integers(0, 4))
    def rename_a_step(self, which: int) -> None:
        spec = self.specs[which % len(self.specs)]
        self.names += 1  # never back to an old name: what is on record under that one counts then
        spec.name = f"{spec.name.partition('-')[0]}-{self.names}"

    @rule(which=st.integers(0, 4))
    def break_or_mend(self, which: int) -> None:
        spec = self.specs[which % len(self.specs)]
        spec.fails = not spec.fails

    @rule()
    def run(self) -> None:
        shown, certain = self.preview()
        spared = self.spared()
        became, executed = self.execute(None)
        assert not executed & spared
        self.put_under_seal(became)
        expected = self.oracle.run(self.specs, self.files)
        assert became == expected
        assert executed <= shown
        skipped = {spec.name for spec in self.specs if became[spec.output] == "skipped"}
        unwanted = {spec.name for spec in self.specs if spec.temp} if skipped else set()  # by those who are skipped
        assert certain <= executed | skipped | unwanted

    def put_under_seal(self, became: Mapping[str, str]) -> None:
        """What a run leaves done is sealed, and the seal holds as long as nobody changes anything."""
        study = Study("w", str(self.root), "w", self.graph(), provenance=Provenance("of this world"))
        seal = sealed(study, self.records) if set(became.values()) <= {"succeeded", "fresh"} else None
        self.seal = (seal, copies(self.specs)) if seal is not None else None
        if seal is not None:
            assert seal.holds(study.root)
        elif not any(spec.temp for spec in self.specs):
            assert not set(became.values()) <= {"succeeded", "fresh"}

    def spared(self) -> set[str]:
        """The tasks that a seal says are as they were."""
        if self.seal is None or self.seal[1] != copies(self.specs):
            return set()
        seal, root = self.seal[0], str(self.root)
        names = {name for index, name in enumerate(seal.names) if seal.holds_for(index, root)}
        assert seal.holds(root) == (len(names) == len(seal.names))
        return names

    @rule(lives=st.integers(0, 3))
    def run_and_be_killed(self, lives: int) -> None:
        self.seal = None  # the journal is another one then
        shown, _ = self.preview()
        before = Oracle()
        before.known, before.clock = dict(self.oracle.known), self.oracle.clock
        files = dict(self.files)
        expected = before.run(self.specs, files)
        became, executed = self.execute(lives)
        assert executed <= shown
        if len(became) == len(self.specs) and became == expected:
            self.oracle, self.files = before, files
            return
        self.replay(became)

    # the machinery

    def replay(self, became: Mapping[str, str]) -> None:
        """Take over what was seen before the runner died; what was under way has left half a file."""
        for spec in self.specs:
            past = self.records.past(spec.name)
            if past is None or (past.start is None and past.end is None):
                continue
            if past.end is None:
                self.oracle.clock += 1
                self.oracle.known[spec.output] = Known((), (), None, self.oracle.clock, 0)
            elif became.get(spec.output) in ("succeeded", "failed"):
                self.oracle.known[spec.output] = self._seen(spec)
        self._take_files()

    def _seen(self, spec: Spec) -> Known:
        past = self.records.past(spec.name)
        assert past is not None
        assert past.end is not None
        self.oracle.clock += 2
        began, ended = self.oracle.clock - 1, self.oracle.clock
        if past.end.status != "succeeded":
            return Known((), (), None, began, ended)
        inputs = tuple((self.root / path).read_text() for path in spec.reads)
        return Known(signature(spec), inputs, (self.root / spec.output).read_text(), began, ended)

    def _take_files(self) -> None:
        names = [*SOURCES, *(spec.output for spec in self.specs)]
        self.files = {name: (self.root / name).read_text() for name in names if (self.root / name).exists()}

    def graph(self) -> Graph:
        draft = Draft()
        position = {spec.output: index for index, spec in enumerate(self.specs)}
        for index, spec in enumerate(self.specs):
            traits = Traits(temp=Temp.MAY_GO if spec.temp else Temp.NO)
            command = Shell(f"{spec.output} {spec.version}")
            draft.add(
                Task(
                    index, spec.name, Step(spec.name), command, inputs=spec.reads, outputs=(spec.output,), traits=traits
                )
            )
        for index, spec in enumerate(self.specs):
            for path in spec.reads:
                if path in position:
                    draft.need(index, position[path])
            for other in spec.after:
                draft.need(index, other, Edge.ORDER)
        return draft.build()

    def take_over(self, graph: Graph) -> None:
        records = self.records
        for record in successions(graph, list(records.pasts()), records.past, salt="", now=0.0):
            records.apply(record)

    def preview(self) -> tuple[set[str], set[str]]:
        """The tasks that a dry run shows, and those that it is certain of."""
        graph = self.graph()
        self.take_over(graph)
        judge = DryJudge(graph, self.records, root=str(self.root))
        shown, certain = set(), set()
        for batch in schedule(graph, executor=IdleExecutor(), judge=judge, now=float):
            for event in batch:
                if isinstance(event, Started):
                    shown.add(event.task.name)
                    if any(reason.is_certain for reason in event.reasons):
                        certain.add(event.task.name)
        return shown, certain

    def execute(self, lives: int | None) -> tuple[dict[str, str], set[str]]:
        """What became of each task by its output, and which were executed."""
        graph = self.graph()
        self.take_over(graph)
        log = MemoryJournal(self.records, "r")
        judge = FileJudge(graph, self.records, root=str(self.root), state=".taskrun/w")
        worker = Worker(self.root, {spec.name: spec for spec in self.specs}, lives)
        handles = {
            index: Handle("r", past.start.attempt, past.start.round, 1)
            for index, task in enumerate(graph.tasks)
            if (past := self.records.past(task.name)) is not None and past.start is not None and past.end is None
        }
        became, executed = {}, set()
        stream = schedule(
            graph,
            executor=worker,
            judge=judge,
            now=float,
            attempts=lambda task: self.records.attempts(task.name),
            open_attempts=handles,
        )
        try:
            for batch in stream:
                log.append(batch)
                for event in batch:
                    if isinstance(event, Started):
                        executed.add(event.task.name)
                    elif isinstance(event, Finished):
                        became[event.task.outputs[0]] = event.settled.status.value
                    elif isinstance(event, Skipped):
                        became[event.task.outputs[0]] = Status.SKIPPED.value
                    elif not isinstance(event, (Started,)) and type(event).__name__ == "Found":
                        became[event.task.outputs[0]] = Status.FRESH.value  # type: ignore[union-attr]
        except Killed:
            pass
        finally:
            judge.close()
        return became, executed

    @invariant()
    def nothing_half_made_is_where_a_result_is_expected(self) -> None:
        for spec in self.specs:
            past = self.records.past(spec.name)
            if past is not None and past.end is not None and past.end.status == "succeeded":
                path = self.root / spec.output
                assert not path.exists() or path.read_text() != "half"


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
