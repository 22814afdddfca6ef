"""The one entry point: ``decide(run, status, observations, now) -> Decision(status, intents, next_due)``.

The order is DESIGN's: parameters, target, conditions pinned, access, safety, lock, preconditions, dry run, rollback
information, Job, postconditions. Each step is a module of its own; this takes in what was noticed, lets one step
follow another for as long as no answer is needed, and puts the intents in order: rows before the status that uses
them, then the status, then Events, then what is to be done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.enforcement.overrides import override_fingerprint
from kubernaut.execution import checks, effect, ending, locking, pinning, preconditions, retrying, verifying
from kubernaut.execution.intents import AddFinalizer, Intent, RemoveFinalizer
from kubernaut.execution.progress import Progress, Seen, after, earliest, warning
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import override_reading
from kubernaut.execution.status import ExecutionStatus, Step
from kubernaut.execution.types import EnforcementSeen, FinalizerSet, MetadataSeen, Observation
from kubernaut.verification.types import EmitEvent, StoreStatus

_STEPS: Mapping[Step, Callable[[ExecutionRun, ExecutionStatus, Seen, datetime], Progress]] = {
    Step.TARGET: checks.target,
    Step.ACCESS: checks.access,
    Step.SAFETY: checks.safety,
    Step.LOCK: locking.step,
    Step.PRECONDITIONS: preconditions.step,
    Step.DRY_RUN: effect.dry_run,
    Step.CAPTURE: effect.capture,
    Step.JOB: effect.job,
    Step.POSTCONDITIONS: verifying.step,
}

_CLEANING_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `decide` answers.

    Attributes
    ----------
    status : ExecutionStatus
    intents : tuple of Intent
        To be carried out in this order (rules: `kubernaut.execution.intents`).
    next_due : datetime or None
        When to ask again if nothing happens before; None when the run is over and cleaned up.
    """

    status: ExecutionStatus
    intents: tuple[Intent, ...]
    next_due: datetime | None


def begin(*, now: datetime) -> ExecutionStatus:
    """Give the status of an execution that nothing has been done for."""
    return ExecutionStatus(started_at=now, seen_at=now)


def decide(run: ExecutionRun, status: ExecutionStatus, observations: Sequence[Observation], now: datetime) -> Decision:
    """Say what follows for one execution.

    Parameters
    ----------
    run : ExecutionRun
    status : ExecutionStatus
        As the last call gave it, or as it was last stored.
    observations : sequence of Observation
        What happened since the last call, oldest first; `MetadataSeen` whenever the resource was read.
    now : datetime
        A time before an earlier call's counts as that call's.

    Returns
    -------
    Decision
    """
    before, now = status, max(now, status.seen_at)
    seen = Seen(list(observations))
    status, events = _noticed(replace(status, seen_at=now), seen, now)
    status = retrying.take_in(status, observations, seen, before=before, now=now)
    records: tuple[Intent, ...] = ()
    asks: tuple[Intent, ...] = ()
    due: datetime | None = None
    while not status.over:
        progress = _step(run, status, seen, now)
        status = progress.status
        records, events, asks = (*records, *progress.records), (*events, *progress.events), (*asks, *progress.asks)
        due = progress.due
        if not progress.again:
            break
    left = ending.cleaning(status, now)
    if status.over and not left and not status.decides_otherwise(before):
        return Decision(status=status, intents=(), next_due=status.memory.next_try_at if _unclean(status) else None)
    if left:
        asks, due = (*left, *asks), earliest(due, after(now, _CLEANING_EVERY_S))
    elif _unclean(status):
        due = earliest(due, status.memory.next_try_at)
    store = (StoreStatus(),) if status.decides_otherwise(before) else ()
    return Decision(status=status, intents=(*records, *store, *events, *asks), next_due=due)


def _step(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Take one step: cancelled, its conditions known (again), or its own."""
    runs = status.step in (Step.JOB, Step.POSTCONDITIONS)
    unknown = status.memory.conditions is None
    if status.memory.deleted and not runs and (status.pinned is None or not unknown):
        return ending.cancel(run, status, now)
    if status.target is not None and unknown:
        return pinning.step(run, status, status.target, seen, now)
    return _STEPS[status.step](run, status, seen, now)


def _noticed(status: ExecutionStatus, seen: Seen, now: datetime) -> tuple[ExecutionStatus, tuple[EmitEvent, ...]]:
    """Take in what the driver noticed by itself."""
    switch = seen.take(EnforcementSeen)
    if switch is not None and status.result is None:
        status = replace(status, enforcement=switch.enforcement)
    metadata = seen.take(MetadataSeen)
    if metadata is not None:
        memory = replace(
            status.memory,
            deleted=metadata.deleted,
            finalizer=metadata.finalizer,
            override_annotations=dict(metadata.override_annotations),
            admission_policy_present=metadata.admission_policy_present,
        )
        status = replace(status, memory=memory)
    finalizer = seen.take(FinalizerSet)
    if finalizer is not None:
        status = retrying.answered(status, AddFinalizer.__name__, RemoveFinalizer.__name__)
        status = replace(status, memory=replace(status.memory, finalizer=finalizer.present))
    return _overrides(status, now) if metadata is not None else (status, ())


def _overrides(status: ExecutionStatus, now: datetime) -> tuple[ExecutionStatus, tuple[EmitEvent, ...]]:
    """Remember when an override was first seen, and say once what is wrong with it."""
    fingerprint = override_fingerprint(status.memory.override_annotations) or ""
    if fingerprint == status.override_fingerprint or status.result is not None:
        return status, ()
    status = replace(status, override_fingerprint=fingerprint, override_seen_at=now if fingerprint else None)
    reading = override_reading(status, now)
    problems = () if reading is None else reading.problems
    return status, tuple(warning("OverrideIgnored", problem) for problem in problems)


def _unclean(status: ExecutionStatus) -> bool:
    return status.result is not None and status.lock_asked and status.memory.finalizer is not False
