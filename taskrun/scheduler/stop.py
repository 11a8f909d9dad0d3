"""How much somebody wants the run to end: a signal, whoever reads its events, or the user's policy after failures."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import Struct

from taskrun.model import DRAIN, KILL, TERMINATE, Cause, Status, Stopping, Task
from taskrun.plan import Plan
from taskrun.policy import OnFailure, Policy
from taskrun.scheduler.endings import Endings
from taskrun.scheduler.live import Live
from taskrun.scheduler.telling import Telling

STOPPED = "the run was stopped"


class Blame(Struct, frozen=True):
    """Whose failure ended the run (nobody's: ""), and what to say of what was not started because of that."""

    culprit: str = ""
    reason: str = STOPPED


class Stop:
    """`level` only rises; `heard` is the level of what came from outside, `signal` what raised that last."""

    def __init__(
        self, plan: Plan, policy: Policy, endings: Endings, *, telling: Telling, now: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._policy = policy
        self._endings = endings
        self._telling = telling
        self._now = now
        self._failures = 0
        self._last_failed: Task | None = None
        self.is_to_heed = False  # something has happened because of which the run may have to end, or to give up
        self._is_policy_first = False
        self._has_cut = False  # something was asked to end from outside, or not tried again because of it
        self.level = self.heard = 0
        self.signal = ""
        self.blame = Blame()

    def interrupt(self, level: int, signal: str, live: Collection[Live]) -> None:
        """Somebody outside wants it."""
        if level <= self.heard:
            return
        self.heard, self.signal = level, signal
        self._telling.say(Stopping(self._now(), level, signal, len(live)))
        self._raise(level, live)

    def count(self, task: Task) -> None:
        """A task has failed for good."""
        if not task.traits.allow_failure:
            self._failures += 1
            self._last_failed = task
            self.is_to_heed = True

    def heed(self, live: Collection[Live]) -> bool:
        """Whether the failures so far are enough for the policy, so that the run ends from now on."""
        failed = self._last_failed
        if failed is None or self.level:
            return False
        plan = self._plan
        if not self._policy.is_enough(self._failures, plan.total - plan.count(Status.FRESH)):
            return False
        level = TERMINATE if self._policy.on_failure is OnFailure.KILL else DRAIN
        alone = self._policy.stops_at_once or self._failures == 1
        why = f"{failed.name!r} failed" if alone else f"{self._failures} tasks failed, {failed.name!r} the last"
        self.blame = Blame(failed.name, f"nothing more was started after {why}")
        self._is_policy_first = True
        if plan.left > (0 if level >= TERMINATE else plan.count(Status.RUNNING)):
            self._telling.say(Stopping(self._now(), level, "", len(live), why))
        self._raise(level, live)
        return True

    def note_cancelled(self) -> None:
        """An attempt has ended because it was asked to."""
        self._has_cut |= self.heard >= TERMINATE

    def give_up(self) -> None:
        """Something is not tried again because the run ends."""
        self._has_cut |= not self._is_policy_first

    def stopped_by(self, *, has_left: bool) -> str | None:
        """The signal that ended the run before its end; None where none did. `has_left`: something never ran."""
        has_cut = self._has_cut or (has_left and not self._is_policy_first)
        return self.signal if self.heard and has_cut else None

    def _raise(self, level: int, live: Collection[Live]) -> None:
        self.level = max(self.level, level)
        self.is_to_heed = True
        for each in live:
            if level >= KILL:
                self._endings.force(each, Cause.CANCELLED)
            elif level == TERMINATE:
                self._endings.ask(each, Cause.CANCELLED)
