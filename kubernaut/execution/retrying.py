"""What keeps failing is tried again, ever more slowly, until its own deadline; only then is the failure an answer.

The deadline of a row of failures counts from the first and lives in the status. Nobody's absence counts: where
nobody looked for a minute, the row begins anew.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kubernaut.execution.intents import Intent, StageIntent
from kubernaut.execution.progress import Seen, after, taken_of
from kubernaut.execution.reasons import Why
from kubernaut.execution.status import ExecutionStatus, Retry
from kubernaut.execution.types import CouldNot, Observation

RETRY_FOR_S = 600.0
"""An API server that is upgraded, or a control plane that fails over, is back within ten minutes."""

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0

AWAY_S = 60.0
"""A gap between two calls, or since what was stored, that no working driver leaves while it retries."""


def kind_of(intent: Intent) -> str:
    """Give the name that an intent's failures are counted under; each stage's reads have one of their own."""
    if isinstance(intent, StageIntent):
        return f"{type(intent.intent).__name__}/{intent.phase.value}"
    return type(intent).__name__


def take_in(
    status: ExecutionStatus, observations: Sequence[Observation], seen: Seen, *, before: ExecutionStatus, now: datetime
) -> ExecutionStatus:
    """Count the failures among the observations; those that are final go into `seen.failures`."""
    for failed in taken_of(observations, CouldNot):
        kind = kind_of(failed.intent)
        status = counted(status, kind, failed.why, before=before, now=now, retry_after_s=failed.retry_after_s)
        if not failed.retry or now >= status.retries[kind].until:
            seen.failures[kind] = failed
    return status


def wait_after_s(tries: int) -> float:
    """Give how long to wait after so many failures in a row; what fails for days still is a number."""
    return min(FIRST_WAIT_S * 2.0 ** min(tries - 1, 10), LONGEST_WAIT_S)


def counted(
    status: ExecutionStatus,
    kind: str,
    why: str,
    *,
    before: ExecutionStatus,
    now: datetime,
    retry_after_s: float | None = None,
    retry_for_s: float = RETRY_FOR_S,
) -> ExecutionStatus:
    """Count one failure and say when to try again.

    Parameters
    ----------
    before : ExecutionStatus
        As the call was given it: tells whether anybody was looking.
    """
    row = status.retries.get(kind)
    if row is None or (now - before.seen_at).total_seconds() > AWAY_S:
        row = Retry(since=now, until=after(now, retry_for_s), why=why)
    else:
        row = replace(row, tries=row.tries + 1, why=why)
    wait_s = wait_after_s(row.tries)
    # A longer wait than that would look like an absence, and the row would begin anew.
    next_try_at = after(now, min(max(wait_s, retry_after_s or 0.0), LONGEST_WAIT_S))
    if status.result is None:
        status = replace(status, message=f"trying again: {why}")
    return replace(
        status,
        retries={**status.retries, kind: row},
        memory=replace(status.memory, next_try_at=next_try_at),
    )


def answered(status: ExecutionStatus, *kinds: str) -> ExecutionStatus:
    """Forget the failures of what has been answered now."""
    if not any(kind in status.retries for kind in kinds):
        return status
    left = {kind: row for kind, row in status.retries.items() if kind not in kinds}
    message = "" if status.result is None and status.message.startswith("trying again: ") else status.message
    return replace(status, retries=left, message=message, memory=replace(status.memory, next_try_at=None))


def given_up(failed: CouldNot) -> tuple[Why, str]:
    """Give reason and message for a failure that nothing better is known of."""
    kind = kind_of(failed.intent).partition("/")[0]
    return Why.GAVE_UP, f"{kind} could not be carried out: {failed.why}"
