"""How a workflow ends: why no further step begins, what is undone, the result."""

from collections.abc import Iterable
from dataclasses import replace

from kubernaut.actions.catalogue import target_of
from kubernaut.execution.progress import normal, shortened, warning
from kubernaut.history.rows import Purpose
from kubernaut.resources.workflow import RollbackStrategy, StepPhase, WorkflowPhase
from kubernaut.workflow import stages, steps
from kubernaut.workflow.intents import RecordWorkflow
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.progress import Call
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import Ending, StepState, WorkflowResult, WorkflowStatus

MOST_MESSAGE = 1024
"""Characters of `status.message`."""


def end(status: WorkflowStatus, call: Call, why: Why, message: str, *, cancelled: bool = False) -> WorkflowStatus:
    """Let no further step begin; the first reason stays."""
    if status.ending is not None:
        return status
    message = shortened(message, most=MOST_MESSAGE)
    return replace(
        status,
        reason=why.value,
        message=message,
        ending=Ending(at=call.now, reason=why.value, message=message, cancelled=cancelled),
    )


def cancel(status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Let no further step begin and cancel what runs, also where something else had ended the workflow before."""
    status = end(status, call, Why.CANCELLED, "deleted before it was over", cancelled=True)
    if status.ending is None or status.ending.cancelled:
        return status
    return replace(status, ending=replace(status.ending, cancelled=True))


def finish(status: WorkflowStatus, call: Call, phase: WorkflowPhase, why: Why, message: str) -> WorkflowStatus:
    """Give the workflow its result."""
    message = shortened(message, most=MOST_MESSAGE)
    call.record([RecordWorkflow()])
    tell = normal if phase in (WorkflowPhase.COMPLETED, WorkflowPhase.ROLLED_BACK) else warning
    call.tell(tell(why.value, message))
    return replace(
        status,
        phase=phase,
        reason=why.value,
        message=message,
        result=WorkflowResult(phase=phase, at=call.now),
        retries={},
        memory=replace(status.memory, next_try_at={}),
    )


def to_undo(run: WorkflowRun, status: WorkflowStatus) -> tuple[int, ...]:
    """Give the steps that may have changed something, the last begun first; none of a dry run."""
    if run.dry_run:
        return ()
    changed = [
        (state.action_began_at or state.asked_at or status.started_at, key.number)
        for key, state in status.steps.items()
        if key.purpose is Purpose.FORWARD and state.may_have_changed
    ]
    return tuple(number for _, number in sorted(changed, reverse=True))


def roll_back(run: WorkflowRun, status: WorkflowStatus, call: Call, ending: Ending) -> WorkflowStatus:
    """Take back what may have changed something, one step after the other, each verified; then give the result."""
    if status.phase is not WorkflowPhase.ROLLING_BACK:
        call.tell(warning(Why.ROLLING_BACK.value, f"rolling back: {ending.message}"))
        status = replace(status, phase=WorkflowPhase.ROLLING_BACK, reason=Why.ROLLING_BACK.value)
    for number in to_undo(run, status):
        key = StepKey(number, Purpose.ROLLBACK)
        if status.state(key).phase is StepPhase.PENDING:
            if run.step(number).rollback is None and status.state(StepKey(number)).undo is None:
                status = _cannot_be_undone(run, status, key, call)
                continue
            status = steps.begin(status, key, call)
        if status.state(key).open:
            status = steps.advance(run, status, key, call, cancelled=False)
        if status.state(key).open:
            return replace(status, message=f"takes step {number} back: {ending.message}")
        if status.state(key).phase is StepPhase.FAILED:
            changed = [
                one for one in to_undo(run, status) if status.state(StepKey(one)).phase is not StepPhase.ROLLED_BACK
            ]
            message = (
                f"{key} failed ({status.state(key).message}); the cluster needs a person; not taken back: "
                f"{_named(run, changed)}. Before: {ending.message}"
            )
            return finish(status, call, WorkflowPhase.ROLLBACK_FAILED, Why.ROLLBACK_FAILED, message)
        if status.state(key).phase is StepPhase.ROLLED_BACK:
            forward = replace(status.state(StepKey(number)), phase=StepPhase.ROLLED_BACK)
            if status.state(StepKey(number)).phase is not StepPhase.ROLLED_BACK:
                status = stages.with_result(status, StepKey(number), forward, call)
    left = [
        f"step {key.number} ({run.step(key.number).action}) cannot be undone"
        for key, state in status.steps.items()
        if state.reason == Why.CANNOT_BE_UNDONE.value
    ]
    if not any(state.phase is StepPhase.ROLLED_BACK for state in status.steps.values()):
        return finish(status, call, WorkflowPhase.FAILED, Why(ending.reason), "; ".join([ending.message, *left]))
    message = "; ".join([f"rolled back after: {ending.message}", *left])
    return finish(status, call, WorkflowPhase.ROLLED_BACK, Why.ROLLED_BACK, message)


def wants_rollback(run: WorkflowRun, status: WorkflowStatus) -> bool:
    """Say whether anything is to be taken back when the workflow did not come through."""
    return run.rollback_strategy is RollbackStrategy.AUTOMATIC and bool(to_undo(run, status))


def failed_message(run: WorkflowRun, status: WorkflowStatus, ending: Ending) -> str:
    """Say why it failed, and what a person may want to undo."""
    left = to_undo(run, status)
    if not left or run.rollback_strategy is RollbackStrategy.AUTOMATIC:
        return ending.message
    return f"{ending.message}; left as it is (rollbackStrategy {run.rollback_strategy.value}): {_named(run, left)}"


def _named(run: WorkflowRun, numbers: Iterable[int]) -> str:
    return ", ".join(
        f"step {number} ({target_of(run.step(number).action, run.step(number).parameters)})" for number in numbers
    )


def _cannot_be_undone(run: WorkflowRun, status: WorkflowStatus, key: StepKey, call: Call) -> WorkflowStatus:
    message = f"step {key.number} ({run.step(key.number).action}) cannot be undone"
    call.tell(warning(Why.CANNOT_BE_UNDONE.value, message))
    state = StepState(
        phase=StepPhase.SKIPPED,
        reason=Why.CANNOT_BE_UNDONE.value,
        message=message,
        started_at=call.now,
        finished_at=call.now,
    )
    return stages.with_step(status, key, state)
