"""How a run ends: its result, what becomes of the stages that never ran, and what is cleaned up afterwards.

The result is recorded and stored before anything is cleaned up. That cleaning is left to do is told by the finalizer
on the resource, so it needs no storage of its own and survives a restart; only with it gone may the resource go.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.execution.intents import (
    DeleteJob,
    Intent,
    RecordExecution,
    ReleaseLock,
    RemoveFinalizer,
    RetireJob,
)
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.names import lock_name
from kubernaut.execution.progress import Progress, Seen, normal, shortened, warning
from kubernaut.execution.reasons import Why
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import call, stage_of
from kubernaut.execution.status import ExecutionStatus, Result, Step
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.types import EmitEvent, EndCause, ObservationEnded

MOST_MESSAGE = 1024
"""Characters of `status.message`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run ends.

    Attributes
    ----------
    message : str
        Cut where it is too long for a status.
    row_result : str
        The word of `ExecutionRow.result`; empty: that of the phase.
    cut_short : bool
        Somebody ended it before it was over.
    not_run : str
        Why postconditions that had not begun are skipped.
    """

    phase: ExecutionPhase
    why: Why
    message: str
    row_result: str = ""
    cut_short: bool = False
    not_run: str = "the action never ran"


def fail(run: ExecutionRun, status: ExecutionStatus, failure: tuple[Why, str], now: datetime) -> Progress:
    """End the run before its action had any effect, or with one that nobody can tell any more."""
    why, message = failure
    phase = ExecutionPhase.UNKNOWN if status.may_have_run else ExecutionPhase.FAILED
    return finish(run, status, End(phase=phase, why=why, message=message), now)


def finish(run: ExecutionRun, status: ExecutionStatus, end: End, now: datetime) -> Progress:
    """Give the run its result."""
    message = shortened(end.message, most=MOST_MESSAGE)
    status = replace(status, phase=end.phase, reason=end.why.value, message=message)
    status, records = _end_stages(run, status, end, now)
    looking_on = status.post is not None and not status.post.over and status.memory.conditions is not None
    if status.job is not None and status.job.effect is None:
        # Nobody waits for it any longer: whatever it has not done yet, or a create still on its way, shall not happen.
        effect = None if status.job.absent else Effect.UNKNOWN
        status = replace(status, job=replace(status.job, given_up=True, effect=effect))
    row_result = end.row_result or end.phase.value
    status = replace(
        status,
        step=Step.POSTCONDITIONS if looking_on else Step.DONE,
        result=Result(phase=end.phase, at=now, row_result=row_result, cut_short=end.cut_short),
        over=not looking_on,
        waiting_for="",
        retries={},
        memory=replace(status.memory, next_try_at=None),
    )
    return Progress(
        status=status,
        records=(*records, RecordExecution()),
        events=(_event(status),),
        again=looking_on,
    )


def cancel(run: ExecutionRun, status: ExecutionStatus, now: datetime) -> Progress:
    """End a run whose resource is being deleted before its action ran."""
    phase, message = ExecutionPhase.FAILED, "deleted before the action ran; nothing was changed"
    if status.may_have_run:
        phase = ExecutionPhase.UNKNOWN
        message = "deleted while the action may have been running; what it did was not verified"
    return finish(run, status, End(phase=phase, why=Why.CANCELLED, message=message, cut_short=True), now)


def cleaning(status: ExecutionStatus, now: datetime) -> tuple[Intent, ...]:
    """Give what is left to clean up after the result: nothing once the finalizer is gone."""
    wait_until = status.memory.next_try_at
    if status.result is None or not status.lock_asked or status.memory.finalizer is False or status.target is None:
        return ()
    if wait_until is not None and now < wait_until:
        return ()
    release = ReleaseLock(name=lock_name(status.target.uid), target_uid=status.target.uid)
    job = status.job
    if job is not None and job.given_up:
        # First: whoever gets the lock next must not meet it.
        return (DeleteJob(name=job.name), release, RemoveFinalizer())
    retire = () if job is None else (RetireJob(name=job.name),)
    return (release, *retire, RemoveFinalizer())


def _end_stages(
    run: ExecutionRun, status: ExecutionStatus, how: End, now: datetime
) -> tuple[ExecutionStatus, tuple[Intent, ...]]:
    """End the stages that are open although the run is over: not those that are looked at beside it."""
    records: tuple[Intent, ...] = ()
    if status.memory.conditions is None:
        return status, records
    never = ObservationEnded(cause=EndCause.ACTION_NEVER_RAN, detail=how.not_run)
    cut = ObservationEnded(cause=EndCause.CUT_SHORT, detail=status.message)
    for phase in Phase:
        stage = stage_of(status, phase)
        if stage is not None and (stage.over or (stage.decided and not how.cut_short)):
            continue
        ended = cut if stage is not None else never
        made = call(run, status, phase, Seen([]), now, started_at=now, ended=ended)
        status, records = made.progress.status, (*records, *made.progress.records)
    return status, records


def _event(status: ExecutionStatus) -> EmitEvent:
    tell = normal if status.phase is ExecutionPhase.SUCCEEDED else warning
    return tell(status.reason, status.message)
