"""The printer: told of batches of events and of the time, it writes lines, keeps a bar below them, and sums up.

It has no clock (the times of ticks and of events must come from one) and finds out nothing by itself; a stream that
nobody reads any more makes it silent, never fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import BinaryIO, TextIO

from taskrun.model import Event, Finished, Found, Identified, RunFinished, RunStarted, Skipped, Started, Stopping
from taskrun.printer.advice import Advice
from taskrun.printer.bar import Screen, bar_pieces, bar_text, eta
from taskrun.printer.failures import Failures
from taskrun.printer.opening import opening_lines
from taskrun.printer.output import shower, write
from taskrun.printer.setting import Manner, Outset
from taskrun.printer.tally import Tally
from taskrun.printer.words import Words, is_to_look_at, lingering
from taskrun.term import Style, Terminal

_BETWEEN_DRAWINGS = 1 / 15  # seconds, whatever the number of events; lines of a log gather as long
_BETWEEN_POLLS = 0.1
_CLOCK = 1.0  # how often a bar is drawn anew when nothing happens
_BETWEEN_ESTIMATES = 0.5


class Printer:
    """Shows a run on `stream`; what tasks wrote goes to `results`, if `manner` asks for it.

    `columns` gives the width of the stream's terminal now, `is_in_front` whether it is ours to draw on.
    `results_terminal` is what the other stream can show.
    """

    def __init__(
        self,
        stream: TextIO,
        terminal: Terminal,
        outset: Outset,
        manner: Manner,
        *,
        columns: Callable[[], int],
        is_in_front: Callable[[], bool] = lambda: True,
        results: BinaryIO | None = None,
        results_terminal: Terminal | None = None,
    ) -> None:
        self.trouble: OSError | None = None
        self._stream = stream
        self._terminal = terminal
        self._outset = outset
        self._manner = manner
        self._tally = Tally(outset)
        self._words = Words(terminal, verbose=manner.verbose)
        self._advice = Advice(outset.pools)
        self._failures = Failures(self._words, terminal, manner)
        self._screen = Screen(columns)
        self._is_in_front = is_in_front
        self._output = shower(manner, results_terminal or Terminal())
        self._results = results
        self._starts_silently = self._output.is_silent and not manner.verbose
        self._draws = terminal.drawable and not manner.quiet
        self._counts_only = self._draws and not manner.verbose  # of what does not run
        self._tells_fresh = not manner.quiet and not self._counts_only
        self._has_prefix = not terminal.drawable and not manner.quiet
        self._pending: list[str] = []
        self._skipped: list[Skipped] = []
        self._width = 0
        self._drawn_at = self._polled_at = self._estimated_at = float("-inf")
        self._estimate = ""
        self._is_open = False  # a bar belongs below
        self._is_dirty = False

    @property
    def counts(self) -> dict[str, int]:
        """What has become of the tasks so far, as in `Tally`."""
        return self._tally.counts

    # --- what it is told ---------------------------------------------------------------------------------------------

    def show(self, events: Iterable[Event]) -> None:
        """A batch that has just happened, already on record."""
        is_urgent = False
        self._is_dirty = True
        for event in events:  # asked for in the order of how many there are
            if isinstance(event, Identified):
                continue
            if isinstance(event, Started) and self._starts_silently:
                self._tally.take(event)
            elif isinstance(event, Found):
                self._tally.take(event)
                if self._tells_fresh:
                    self._tell(event)
            elif isinstance(event, Skipped) and self._counts_only:
                self._skip(event)
            else:
                self._tell_skipped()
                is_urgent |= self._say(event)
        self._tell_skipped()
        self._flush(self._tally.now, is_urgent=is_urgent)

    def tick(self, now: float) -> None:
        """Time has passed: draw what is due, and look for new output."""
        now = self._tally.now = max(self._tally.now, now)
        if self._output.is_waiting and now - self._polled_at >= _BETWEEN_POLLS:
            self._polled_at = now
            self._release(self._output.poll())
        self._flush(now, is_urgent=False)

    def due(self, now: float) -> float | None:
        """Seconds until a tick is wanted; None where nothing would come of one before something happens."""
        if not (self._pending or self._draws or self._output.is_waiting):
            return None
        now = max(self._tally.now, now)
        waits = []
        if self._pending or (self._is_open and self._draws and self._is_dirty):
            waits.append(self._drawn_at + _BETWEEN_DRAWINGS - now)
        if self._is_open and self._draws:
            waits.append(self._drawn_at + _CLOCK - now)
        if self._output.is_waiting:
            waits.append(self._polled_at + _BETWEEN_POLLS - now)
        return max(min(waits), 0.0) if waits else None

    def show_lingering(self, left: Mapping[int, str], seconds: float) -> None:
        """What a run that is over still waits for; as in `words.lingering`."""
        self._is_open = False
        self._put([*self._pending, lingering(left, seconds)])
        self._pending = []

    def close(self) -> None:
        """Leave the terminal clean, whatever has happened."""
        self._is_open = False
        self._put(self._pending)
        self._pending = []

    # --- what it says ------------------------------------------------------------------------------------------------

    def _say(self, event: Event) -> bool:
        """Put the event's lines among those to be written; whether it should be seen at once."""
        if not self._output.is_silent:
            self._release(self._output.take(event))
        if isinstance(event, Finished):
            return self._finish(event)
        self._tally.take(event)
        if isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, RunFinished):
            self._sum_up(event)
        elif isinstance(event, Stopping):
            self._pending += self._words.of(event)
        else:
            if isinstance(event, Skipped):
                self._failures.add_skipped(event)
            if not self._manner.quiet:
                self._tell(event)
            return False
        return True

    def _finish(self, event: Finished) -> bool:
        is_remarkable = is_to_look_at(event)
        round = self._tally.round(event.task) if is_remarkable else 1
        self._tally.take(event)
        self._advice.take(event)
        if is_remarkable or not self._manner.quiet:
            self._tell(event)
        if is_remarkable:
            self._pending += self._failures.add(event, round)
        return is_remarkable

    def _skip(self, event: Skipped) -> None:
        """Keep it for one line with others that are skipped for the same reason."""
        if self._skipped and (event.culprit, event.reason) != (self._skipped[0].culprit, self._skipped[0].reason):
            self._tell_skipped()
        self._tally.take(event)
        self._failures.add_skipped(event)
        self._skipped.append(event)

    def _tell_skipped(self) -> None:
        if self._skipped:
            self._pending.append(self._words.skipped_together(self._skipped))
            self._skipped = []

    def _tell(self, event: Event) -> None:
        lines = self._words.of(event)
        if lines and self._has_prefix:
            lines[0] = f"{self._standing()} {lines[0]}"
        self._pending += lines

    def _begin(self) -> None:
        if not self._manner.quiet:
            room = self._screen.room if self._draws else None
            self._pending += opening_lines(self._outset, self._terminal, room=room)
            self._is_open = True

    def _standing(self) -> str:
        """`[12/27  44% ETA 12s]`, before the lines of a run that has no bar."""
        tally = self._tally
        settled, total = tally.settled, tally.total
        if settled >= total or tally.now - self._estimated_at >= _BETWEEN_ESTIMATES:
            self._estimated_at = tally.now
            estimate = eta(tally)
            self._estimate = f" {estimate}" if estimate else ""
        standing = f"[{settled:>{len(str(total))}}/{total} {tally.percent:3d}%{self._estimate}]"
        return self._terminal.paint(standing, Style.PROGRESS)

    def _sum_up(self, event: RunFinished) -> None:
        if self._draws and event.stopped_by is None:
            last = bar_pieces(self._tally, self._screen.room, unicode=self._terminal.unicode)
            self._pending.append(bar_text(last, self._terminal.paint))
        self._is_open = False
        self._pending += self._failures.summary()
        if not self._manner.quiet:
            self._pending += [self._words.hint(line) for line in self._advice.lines()]
        self._pending.append(self._words.closing(self._tally, event.stopped_by))

    # --- what it writes ----------------------------------------------------------------------------------------------

    def _release(self, pieces: list[bytes]) -> None:
        """Output of tasks: below what was said before it, and never beside a bar."""
        if not pieces or self._results is None:
            return
        if self._pending or self._screen.has_bar:
            self._put(self._pending)
            self._pending = []
            self._is_dirty = True
        try:
            write(self._results, pieces)
        except OSError:
            self._results = None  # nobody reads it any more

    def _flush(self, now: float, *, is_urgent: bool) -> None:
        """Write what has gathered, as often as the eye can follow."""
        if is_urgent or ((self._draws or self._pending) and self._is_due(now)):
            self._drawn_at = now
            self._width = self._screen.room if self._draws else 0
            self._is_dirty = False
            self._put(self._pending, with_bar=self._draws and self._is_open)
            self._pending = []

    def _is_due(self, now: float) -> bool:
        if not self._draws:
            return now - self._drawn_at >= _BETWEEN_DRAWINGS
        if not self._is_open and not self._pending:
            return False
        is_old = self._is_dirty or self._width != self._screen.room
        return now - self._drawn_at >= (_BETWEEN_DRAWINGS if is_old else _CLOCK)

    def _put(self, lines: Sequence[str], *, with_bar: bool = False) -> None:
        if self._draws and not self._is_in_front():
            self._screen.forget()
            with_bar = False
        bar = bar_pieces(self._tally, self._screen.room, unicode=self._terminal.unicode) if with_bar else []
        text = self._screen.drawn(lines, bar, self._terminal.paint)
        if not text or self.trouble is not None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as trouble:
            self.trouble = trouble
