"""One step: its preconditions just before it is dispatched, its KubernetesExecution, its postconditions after it.

The same way forward and back; going back asks no preconditions. A step is completed when its execution succeeded and
the enforced postconditions of the step passed. Which step begins, and what a failure means, is said elsewhere.
"""

from dataclasses import replace
from datetime import timedelta

from kubernaut.history.rows import Purpose
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.workflow import StepPhase
from kubernaut.verification.stage_step import described
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import EndCause, ObservationEnded, StagePhase
from kubernaut.workflow import stages
from kubernaut.workflow.intents import CreateExecution, DeleteExecution
from kubernaut.workflow.keys import StepKey, execution_name
from kubernaut.workflow.progress import Call
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.retrying import answered, ask, failure_kind
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import StepState, WorkflowStatus
from kubernaut.workflow.types import ExecutionSeen

READ_AGAIN_S = 10.0
"""A change of the execution wakes at once; this is for a change that nobody told."""

LONGEST_RUN_S = 86_400.0
"""An execution that has no result by then is given up; its own deadlines are hours shorter."""

FIRST_ANSWER_S = 2.0
"""An execution that was asked for and not answered is asked for again after this."""


def begin(status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    """Let a step begin: forward with its preconditions, back with its execution at once."""
    if key.purpose is Purpose.FORWARD:
        state = StepState(phase=StepPhase.VALIDATING, reason=Why.CHECKING.value, started_at=call.now)
    else:
        state = StepState(phase=StepPhase.RUNNING, reason=Why.RUNNING.value, started_at=call.now, asked_at=call.now)
    return stages.with_step(status, key, state)


def advance(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, *, cancelled: bool) -> WorkflowStatus:
    """Take a step as far as the answers allow.

    Parameters
    ----------
    cancelled : bool
        The workflow is being cancelled: what has not been dispatched is not, what runs is cancelled.
    """
    if status.state(key).asked_at is None:
        if status.memory.people.paused and status.ending is None:
            # What was true before the pause says nothing about the moment after it: nobody looks meanwhile.
            return status
        status = _preconditions(run, status, key, call)
    if status.state(key).asked_at is not None and status.state(key).open:
        status = _execution(run, status, key, call, cancelled=cancelled)
    if status.state(key).phase is StepPhase.VERIFYING:
        status = _postconditions(run, status, key, call, cancelled=cancelled)
    return status


def observe(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    """Look on at the postconditions of a step that has its result, until a later one touches the same target."""
    state = status.state(key)
    ended = None
    if status.memory.people.deleted:
        ended = ObservationEnded(cause=EndCause.CUT_SHORT, detail="the workflow was deleted")
    elif _touched_again(status, key):
        ended = ObservationEnded(cause=EndCause.TARGET_TOUCHED)
    return stages.advance(run, status, key, Phase.POST, call, started_at=state.action_ended_at or call.now, ended=ended)


def fail(status: WorkflowStatus, key: StepKey, call: Call, why: Why, message: str) -> WorkflowStatus:
    """Give a step the result that it failed."""
    state = replace(status.state(key), phase=StepPhase.FAILED, reason=why.value, message=message, finished_at=call.now)
    return stages.with_result(status, key, state, call)


def _preconditions(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    ended = None
    if status.ending is not None:
        ended = ObservationEnded(cause=EndCause.CUT_SHORT, detail=status.ending.message)
    status = stages.advance(run, status, key, Phase.PRE, call, started_at=call.now, ended=ended)
    state, stage = status.state(key), _known(status.state(key).pre)
    if ended is not None:
        why, message = Why.CANCELLED, f"not dispatched: {ended.detail}"
        return _never_ran(run, fail(status, key, call, why, message), key, call)
    if not stage.decided:
        blocked = stage.phase is StagePhase.BLOCKED
        state = replace(
            state,
            phase=StepPhase.BLOCKED if blocked else StepPhase.VALIDATING,
            reason=(Why.PRECONDITION_FAILED if blocked else Why.CHECKING).value,
            message=stage.message,
        )
        return stages.with_step(status, key, state)
    if stage.phase in (StagePhase.FAILED, StagePhase.BLOCKED):
        return _never_ran(run, fail(status, key, call, Why.PRECONDITION_FAILED, stage.message), key, call)
    state = replace(state, phase=StepPhase.RUNNING, reason=Why.RUNNING.value, message="", asked_at=call.now)
    return stages.with_step(status, key, state)


def _execution(
    run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, *, cancelled: bool
) -> WorkflowStatus:
    """Follow the step's KubernetesExecution until it has its result."""
    state = status.state(key)
    if state.execution_over:
        return status
    create = CreateExecution(
        key=key,
        name=execution_name(run.uid, key),
        work=stages.work_of(run, status, key),
        timeout_s=run.step(key.number).timeout_s if key.purpose is Purpose.FORWARD else None,
        incident_id="" if status.pinned is None else status.pinned.incident_id,
        dry_run=run.dry_run,
    )
    seen = call.take(ExecutionSeen, key=key)
    if seen is not None and (seen.found or state.execution_uid):
        status = answered(status, create)
        status = stages.with_step(status, key, _followed(state, seen))
        status = _seen(run, status, key, call, seen)
    elif seen is not None and cancelled:
        return _never_ran(run, fail(status, key, call, Why.CANCELLED, "cancelled before it was dispatched"), key, call)
    elif not state.execution_uid and not cancelled:
        status = _create(run, status, key, call, create)
    state = status.state(key)
    if state.open and not state.execution_over:
        asked_at = state.asked_at or call.now
        if call.now >= asked_at + timedelta(seconds=LONGEST_RUN_S):
            return _given_up(run, status, key, call)
        if cancelled and state.execution_uid:
            ask(status, call, DeleteExecution(key=key, name=create.name), again_s=READ_AGAIN_S)
        call.wake(call.now + timedelta(seconds=READ_AGAIN_S))
    return status


def _create(
    run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, create: CreateExecution
) -> WorkflowStatus:
    refused = call.failures.pop(failure_kind(create), None)
    if refused is None:
        ask(status, call, create, again_s=FIRST_ANSWER_S)
        return status
    # An answer can have been lost: what is there all the same shall not run unseen.
    call.ask(DeleteExecution(key=key, name=create.name))
    return _never_ran(run, fail(status, key, call, Why.EXECUTION_REFUSED, refused.why), key, call)


def _given_up(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    state = replace(status.state(key), may_have_changed=bool(status.state(key).execution_uid))
    message = f"its KubernetesExecution had no result after {LONGEST_RUN_S / 3600:.0f} h"
    if state.message:
        message = f"{message}: {state.message}"
    status = fail(stages.with_step(status, key, state), key, call, Why.EXECUTION_GONE, message)
    return _cut_short(run, status, key, call)


def _followed(state: StepState, seen: ExecutionSeen) -> StepState:
    """Keep what is known of the execution; what was known once is not forgotten when it is gone."""
    if not seen.found or seen.foreign:
        return state
    return replace(
        state,
        execution_uid=seen.uid or state.execution_uid,
        execution_over=seen.over,
        succeeded=seen.succeeded,
        may_have_changed=seen.may_have_changed or state.may_have_changed,
        target_uid=seen.target_uid or state.target_uid,
        action_began_at=seen.action_began_at or state.action_began_at,
        action_ended_at=seen.action_ended_at or state.action_ended_at,
        undo=seen.undo or state.undo,
        message=seen.message,
    )


def _seen(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, seen: ExecutionSeen) -> WorkflowStatus:
    state = status.state(key)
    if seen.foreign:
        message = f"there is a KubernetesExecution {execution_name(run.uid, key)} that is not this workflow's"
        return _never_ran(run, fail(status, key, call, Why.EXECUTION_NAME_TAKEN, message), key, call)
    if not seen.found:
        state = replace(state, execution_over=True, succeeded=False, may_have_changed=True)
        status = fail(
            stages.with_step(status, key, state), key, call, Why.EXECUTION_GONE, "its KubernetesExecution was deleted"
        )
        return _cut_short(run, status, key, call)
    if seen.over and not seen.succeeded:
        status = fail(status, key, call, Why.EXECUTION_FAILED, seen.message or seen.reason)
        ran = state.may_have_changed or state.action_ended_at is not None
        return _cut_short(run, status, key, call) if ran else _never_ran(run, status, key, call)
    if state.action_ended_at is not None or seen.over:
        verifying = replace(state, phase=StepPhase.VERIFYING, reason=Why.VERIFYING.value)
        return stages.with_step(status, key, verifying)
    if seen.phase is ExecutionPhase.BLOCKED:
        waiting = replace(state, phase=StepPhase.BLOCKED, reason=Why.PRECONDITION_FAILED.value)
    else:
        waiting = replace(state, phase=StepPhase.RUNNING, reason=Why.RUNNING.value)
    return stages.with_step(status, key, waiting)


def _postconditions(
    run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, *, cancelled: bool
) -> WorkflowStatus:
    state = status.state(key)
    ended = None
    if cancelled and state.execution_over:
        ended = ObservationEnded(cause=EndCause.CUT_SHORT, detail="the workflow was cancelled")
    elif state.execution_over and state.action_ended_at is None:
        # A dry run succeeds without an action.
        ended = ObservationEnded(cause=EndCause.ACTION_NEVER_RAN)
    elif _touched_again(status, key):
        ended = ObservationEnded(cause=EndCause.TARGET_TOUCHED)
    status = stages.advance(
        run, status, key, Phase.POST, call, started_at=state.action_ended_at or call.now, ended=ended
    )
    state, stage = status.state(key), _known(status.state(key).post)
    if stage.phase is StagePhase.FAILED:
        why = Why.CANCELLED if cancelled else Why.POSTCONDITION_FAILED
        return fail(status, key, call, why, stage.message)
    if not (stage.decided and state.execution_over):
        return status
    if cancelled and ended is not None:
        return fail(status, key, call, Why.CANCELLED, "cancelled before it was verified")
    back = key.purpose is Purpose.ROLLBACK
    done = replace(
        state,
        phase=StepPhase.ROLLED_BACK if back else StepPhase.COMPLETED,
        reason=Why.SUCCEEDED.value,
        finished_at=call.now,
    )
    return stages.with_result(status, key, done, call)


def _never_ran(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    """Close the stages of a step whose action never ran."""
    return _end_post(run, status, key, call, ObservationEnded(cause=EndCause.ACTION_NEVER_RAN))


def _cut_short(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    """Close the stages of a step whose execution failed after its action ran."""
    detail = described("execution", status.state(key).message, "")
    return _end_post(run, status, key, call, ObservationEnded(cause=EndCause.CUT_SHORT, detail=detail))


def _end_post(
    run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call, ended: ObservationEnded
) -> WorkflowStatus:
    state = status.state(key)
    if state.post is not None and state.post.over:
        return status
    return stages.advance(run, status, key, Phase.POST, call, started_at=state.action_ended_at or call.now, ended=ended)


def _touched_again(status: WorkflowStatus, key: StepKey) -> bool:
    """Say whether another step's action began on the same target after this one's ended."""
    mine = status.state(key)
    return bool(mine.target_uid) and any(
        other != key
        and state.target_uid == mine.target_uid
        and state.action_began_at is not None
        and mine.action_ended_at is not None
        and state.action_began_at >= mine.action_ended_at
        for other, state in status.steps.items()
    )


def _known(stage: StageStatus | None) -> StageStatus:
    """Give a stage that has just been advanced."""
    if stage is None:
        raise RuntimeError("a stage that was advanced has a status")
    return stage
