"""The action's postconditions inside a run, and what their verdicts say of it.

An applied change has its result as soon as the enforced postconditions have theirs; the others are looked at beside
it. An unknown effect is settled only by all of them: every one passed, and it did what it should; an enforced one
failed, and it did not; anything else stays unknown.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.actions.catalogue import action_definition
from kubernaut.execution.ending import End, finish
from kubernaut.execution.intents import DeleteJob, Intent
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.preconditions import was_replaced
from kubernaut.execution.progress import Progress, Seen
from kubernaut.execution.reasons import Why
from kubernaut.execution.retrying import answered
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import StageCall, call
from kubernaut.execution.status import ExecutionStatus, Step
from kubernaut.execution.types import TargetTouched
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verdicts import Verdict
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import CANDIDATE_SUFFIX, EndCause, ObservationEnded, StagePhase

_DELETE = DeleteJob.__name__


def step(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Call the stage and follow its result; go on looking beside it."""
    made = _called(run, status, seen, now)
    progress, stage = made.progress, made.stage
    if not progress.asks:
        # Apart from reads, or a failure of the one would keep the other from being tried.
        status, deletes = _deleting(progress.status, now)
        progress = replace(progress, status=status, asks=deletes)
    status = progress.status
    if status.result is None:
        ended = _result(run, status, stage, now)
        if ended is None:
            return progress
        return replace(
            ended,
            records=(*progress.records, *ended.records),
            events=(*progress.events, *ended.events),
            asks=(*ended.asks, *progress.asks),
            due=progress.due,
            again=False,
        )
    if stage.over:
        return replace(progress, status=replace(status, step=Step.DONE, over=True), due=None)
    return progress


def _deleting(status: ExecutionStatus, now: datetime) -> tuple[ExecutionStatus, tuple[Intent, ...]]:
    """Have a Job that was given up deleted before anything is concluded; again where that failed or was forgotten."""
    job, memory = status.job, status.memory
    if job is None or not job.given_up or status.result is not None:
        return status, ()
    failures = status.retries[_DELETE].tries if _DELETE in status.retries else 0
    if memory.delete_asked_after is not None and failures <= memory.delete_asked_after:
        return answered(status, _DELETE), ()
    if failures and memory.next_try_at is not None and now < memory.next_try_at:
        return status, ()
    return replace(status, memory=replace(memory, delete_asked_after=failures)), (DeleteJob(name=job.name),)


def _called(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> StageCall:
    """Call the stage; end it when the target is not this run's any longer."""
    touched = seen.take(TargetTouched)
    ended = None
    if status.memory.deleted:
        ended = ObservationEnded(cause=EndCause.CUT_SHORT, detail="the execution was deleted")
    elif touched is not None and status.result is not None:
        detail = f"{touched.by} acts on the same target"
        ended = ObservationEnded(cause=EndCause.TARGET_TOUCHED, detail=detail)
    job = status.job
    started_at = now if job is None or job.finished_at is None else job.finished_at
    made = call(run, status, Phase.POST, seen, now, started_at=started_at, ended=ended)
    if made.stage.over or _goes_away(run) or not was_replaced(run, status, made.objects):
        return made
    detail = "the target was deleted and another object made under its name"
    ended = ObservationEnded(cause=EndCause.TARGET_TOUCHED, detail=detail)
    then = call(run, made.progress.status, Phase.POST, seen, now, started_at=started_at, ended=ended)
    records = (*made.progress.records, *then.progress.records)
    return replace(then, progress=replace(then.progress, records=records))


def _result(run: ExecutionRun, status: ExecutionStatus, stage: StageStatus, now: datetime) -> Progress | None:
    """Give the run's result; None while it has none."""
    if status.memory.deleted:
        message = "deleted before the change was verified"
        end = End(phase=ExecutionPhase.UNKNOWN, why=Why.CANCELLED, message=message, cut_short=True)
        return finish(run, status, end, now)
    if stage.phase is StagePhase.FAILED and stage.stopped_by:
        end = End(phase=ExecutionPhase.FAILED, why=Why.POSTCONDITION_FAILED, message=stage.message)
        return finish(run, status, end, now)
    if status.job is not None and status.job.effect is not Effect.APPLIED:
        return _settled(run, status, stage, now)
    if not stage.decided:
        return None
    if stage.phase in (StagePhase.PASSED, StagePhase.SKIPPED) and stage.ended is None:
        message = status.would_change
        if stage.phase is StagePhase.SKIPPED and stage.postconditions:
            message = f"{message} (not verified: validation is off)"
        return finish(run, status, End(phase=ExecutionPhase.SUCCEEDED, why=Why.SUCCEEDED, message=message), now)
    message = f"the change was made, but not verified: {stage.message}"
    return finish(run, status, End(phase=ExecutionPhase.UNKNOWN, why=Why.NOT_VERIFIED, message=message), now)


def _settled(run: ExecutionRun, status: ExecutionStatus, stage: StageStatus, now: datetime) -> Progress | None:
    """Settle an unknown effect by the verdicts, once all are there."""
    verdicts = [state.verdict for key, state in stage.postconditions.items() if not key.endswith(CANDIDATE_SUFFIX)]
    if any(verdict is None for verdict in verdicts):
        return None
    told = "" if status.job is None else status.job.message
    if verdicts and all(verdict is Verdict.PASSED for verdict in verdicts):
        message = f"every postcondition passed, although the Job's end is not known: {told}"
        return finish(run, status, End(phase=ExecutionPhase.SUCCEEDED, why=Why.SUCCEEDED, message=message), now)
    why = "there are no postconditions to tell" if not verdicts else "the postconditions do not tell"
    message = f"it is not known whether the change was made, and {why}: {told}"
    return finish(run, status, End(phase=ExecutionPhase.UNKNOWN, why=Why.EFFECT_UNKNOWN, message=message), now)


def _goes_away(run: ExecutionRun) -> bool:
    """Say whether the action deletes its target, so that another object under its name is what is hoped for."""
    return any("delete" in rule.verbs for rule in action_definition(run.action).rules)
