"""What of an execution keeps failing is counted by its intent's name; the rule is `kubernaut.execution.retries`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kubernaut.execution.intents import Intent, StageIntent
from kubernaut.execution.progress import Seen, taken_of
from kubernaut.execution.reasons import Why
from kubernaut.execution.retries import RETRY_FOR_S, failed_again
from kubernaut.execution.status import ExecutionStatus
from kubernaut.execution.types import CouldNot, Observation


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
    row, next_try_at = failed_again(
        status.retries.get(kind),
        why,
        now=now,
        seen_at=before.seen_at,
        retry_after_s=retry_after_s,
        retry_for_s=retry_for_s,
    )
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
