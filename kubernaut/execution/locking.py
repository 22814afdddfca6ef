"""One live execution per target: the Lease is taken before the preconditions and given back after the result.

Who finds it taken waits for as long as a blocked run may, says whom for, and asks everything again afterwards: what
another run did to the target is not known. Like a blocked run's, the deadline never moves.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.durations import format_duration
from kubernaut.execution.ending import End, fail, finish
from kubernaut.execution.intents import AddFinalizer, Intent, TakeLock
from kubernaut.execution.names import lock_name
from kubernaut.execution.progress import Progress, Seen, after, asking, normal, warning
from kubernaut.execution.reasons import Why
from kubernaut.execution.retrying import answered, given_up
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus, Step
from kubernaut.execution.types import LockAnswered, LockHolder
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.polls import hashed_share
from kubernaut.verification.types import DEFAULT_BLOCKED_DEADLINE_S

ASK_AFTER_S, ASK_EVERY_S = 2.0, 10.0
"""When a lock that somebody else has is asked for again: after this, then ever more seldom, down to this often.

Whoever drives the run is told when a lock is given back; asking is for the case that the telling is lost.
"""

JITTER_SHARE = 0.2
"""Asked earlier by up to this much, so that many who wait for one lock do not ask together."""

_KINDS = (AddFinalizer.__name__, TakeLock.__name__)


def step(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Take the target's lock, or wait for it."""
    status = replace(status, lock_asked=True)
    answer = seen.take(LockAnswered)
    if answer is None:
        failed = seen.failure(*_KINDS)
        if failed is not None:
            return fail(run, status, given_up(failed), now)
        return asking(status, *taking(status), now=now)
    status = answered(status, _KINDS[1])
    if answer.held_by is not None:
        return held(run, status, answer.held_by, now)
    waited = status.waiting_until is not None
    status = replace(status, locked=True, waiting_for="", phase=ExecutionPhase.VALIDATING)
    status = replace(
        status,
        reason=Why.CHECKING.value,
        message="",
        waiting_until=None,
        memory=replace(status.memory, next_try_at=None),
    )
    if not waited:
        return Progress(status=replace(status, step=Step.PRECONDITIONS), again=True)
    status = replace(status, step=Step.TARGET, then=Step.PRECONDITIONS, waited_until=now)
    return Progress(status=status, events=(normal("Unblocked", "the target's lock is free; goes on"),), again=True)


def taking(status: ExecutionStatus) -> tuple[Intent, ...]:
    """Give what takes the lock: never without the finalizer that makes sure it is given back."""
    if status.target is None:
        return ()
    take = TakeLock(name=lock_name(status.target.uid), target_uid=status.target.uid)
    return (take,) if status.memory.finalizer else (AddFinalizer(), take)


def held(run: ExecutionRun, status: ExecutionStatus, holder: LockHolder, now: datetime) -> Progress:
    """Wait for the one who has the lock, up to the deadline."""
    conditions = status.memory.conditions
    deadline_s = DEFAULT_BLOCKED_DEADLINE_S if conditions is None else conditions.blocked_deadline_s
    until = status.waiting_until or after(now, deadline_s)
    told = f"{holder.name} acts on the same target"
    status = replace(status, step=Step.LOCK, locked=False)
    if deadline_s <= 0.0:
        end = End(phase=ExecutionPhase.BLOCKED, why=Why.TARGET_LOCKED, message=told)
        return finish(run, status, end, now)
    if now >= until:
        waited = format_duration(deadline_s)
        message = f"{told}; waited {waited} for it"
        failed = End(phase=ExecutionPhase.FAILED, why=Why.TARGET_LOCKED, message=message, row_result="blocked")
        return finish(run, status, failed, now)
    message = f"waits until {until:%H:%M:%S} UTC: {told}"
    events = () if status.waiting_for == holder.name else (warning(Why.TARGET_LOCKED.value, message),)
    since = status.waiting_since or now
    next_try_at = min(after(now, _pause_s(run, waited_s=(now - since).total_seconds())), until)
    status = replace(
        status,
        phase=ExecutionPhase.BLOCKED,
        reason=Why.TARGET_LOCKED.value,
        message=message,
        waiting_since=since,
        waiting_until=until,
        waiting_for=holder.name,
        memory=replace(status.memory, next_try_at=next_try_at),
    )
    return Progress(status=status, events=events, due=next_try_at)


def _pause_s(run: ExecutionRun, *, waited_s: float) -> float:
    longest_s = min(max(waited_s, ASK_AFTER_S), ASK_EVERY_S)
    return longest_s * (1.0 - JITTER_SHARE * hashed_share(run.uid, "lock"))
