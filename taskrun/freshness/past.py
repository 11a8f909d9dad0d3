"""What the past of a task says by itself."""

from __future__ import annotations

from taskrun.model import Cause, EndRecord, Past, Reason, ReasonKind, Status

_SUCCEEDED = Status.SUCCEEDED.value


def past_reason(past: Past | None) -> Reason | None:
    """Why what is on record of a task cannot be a success, if so."""
    if past is None or (past.start is None and past.end is None):
        return Reason(ReasonKind.NEW)
    if past.end is None:
        return Reason(ReasonKind.INTERRUPTED)
    if past.end.status == _SUCCEEDED and past.start is not None:
        return None
    if past.end.cause == Cause.INTERRUPTED.value:
        return Reason(ReasonKind.INTERRUPTED)
    return Reason(ReasonKind.FAILED_BEFORE, _failure(past.end))


def _failure(end: EndRecord) -> str:
    if end.cause == Cause.EXIT.value and end.exit_code is not None:
        return f"exit {end.exit_code}"
    if end.cause == Cause.SIGNAL.value and end.signal is not None:
        return end.signal
    return end.cause or ""
