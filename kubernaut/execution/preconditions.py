"""The action's preconditions inside a run: one look under the lock, `blocked` until facts recover, then on.

What was asked before a wait is asked again after it: target, access and safety first, then the dry run. A run that
finds the target changed since its dry run, or its preconditions old, comes back here for another look; not for ever.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kubernaut.execution import checks
from kubernaut.execution.ending import End, fail, finish
from kubernaut.execution.progress import Progress, Seen
from kubernaut.execution.reasons import Why
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import call
from kubernaut.execution.status import ExecutionStatus, Step
from kubernaut.history.rows import ObjectVersion
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.pre_stage import reopened
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import StagePhase

FRESH_FOR_S = 60.0
"""What was found out before the change counts for so long."""

MOST_ROUNDS = 5
"""Further looks at a target that keeps changing."""


def step(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Call the stage and follow its result."""
    made = call(run, status, Phase.PRE, seen, now, started_at=now)
    progress, stage = made.progress, made.stage
    status = progress.status
    if was_replaced(run, status, made.objects):
        return _after(progress, checks.replaced(run, status, now))
    if stage.over:
        return _after(progress, _decided(run, status, stage, now))
    if stage.phase is StagePhase.BLOCKED:
        status = replace(
            status, phase=ExecutionPhase.BLOCKED, reason=Why.PRECONDITION_FAILED.value, message=stage.message
        )
    return replace(progress, status=status)


def go_back(run: ExecutionRun, status: ExecutionStatus, why: str, now: datetime) -> Progress:
    """Look at the preconditions once more, because what they were judged on is not so any longer.

    Parameters
    ----------
    why : str
        For a person, when it was once too often.
    """
    if status.rounds >= MOST_ROUNDS:
        message = f"{why}, for the {status.rounds + 1}th time; the action was not run"
        return fail(run, status, (Why.TARGET_KEEPS_CHANGING, message), now)
    step_ = Step.DRY_RUN
    if status.pre is not None and status.pre.phase is StagePhase.PASSED:
        step_, status = Step.PRECONDITIONS, replace(status, pre=reopened(status.pre))
    status = replace(
        status,
        step=step_,
        phase=ExecutionPhase.VALIDATING,
        reason=Why.CHECKING.value,
        message=why,
        rounds=status.rounds + 1,
        dry_run_accepted=None,
        generation=None,
    )
    return Progress(status=status, again=True)


def are_fresh(status: ExecutionStatus, now: datetime) -> bool:
    """Say whether the preconditions were judged a moment ago (or nobody wants to know them)."""
    stage = status.pre
    if stage is None or stage.phase is not StagePhase.PASSED or not stage.preconditions:
        return True
    return stage.decided_at is not None and (now - stage.decided_at).total_seconds() <= FRESH_FOR_S


def checks_are_fresh(status: ExecutionStatus, now: datetime) -> bool:
    """Say whether target, access and safety were asked a moment ago."""
    return status.checked_at is not None and (now - status.checked_at).total_seconds() <= FRESH_FOR_S


def was_replaced(run: ExecutionRun, status: ExecutionStatus, objects: Iterable[ObjectVersion]) -> bool:
    """Say whether a look saw another object under the target's name."""
    wanted = checks.parameters_of(run).target
    return any(
        (seen.kind, seen.namespace, seen.name) == (wanted.kind, wanted.namespace, wanted.name)
        and status.target is not None
        and seen.uid != status.target.uid
        for seen in objects
    )


def _decided(run: ExecutionRun, status: ExecutionStatus, stage: StageStatus, now: datetime) -> Progress:
    if stage.phase is StagePhase.BLOCKED:
        return finish(run, status, _blocked(ExecutionPhase.BLOCKED, stage), now)
    if stage.phase is StagePhase.FAILED:
        return finish(run, status, _blocked(ExecutionPhase.FAILED, stage), now)
    status = replace(status, phase=ExecutionPhase.VALIDATING, reason=Why.CHECKING.value, message="")
    if stage.blocked_at is None and checks_are_fresh(status, now):
        return Progress(status=replace(status, step=Step.DRY_RUN), again=True)
    return Progress(status=replace(status, step=Step.TARGET, then=Step.DRY_RUN), again=True)


def _blocked(phase: ExecutionPhase, stage: StageStatus) -> End:
    why = Why.PRECONDITION_FAILED
    return End(phase=phase, why=why, message=stage.message, row_result=ExecutionPhase.BLOCKED.value)


def _after(first: Progress, then: Progress) -> Progress:
    """Put what the stage said before what follows from it."""
    return replace(then, records=(*first.records, *then.records), events=(*first.events, *then.events))
