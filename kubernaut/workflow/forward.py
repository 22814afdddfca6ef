"""The way forward: steps that may begin do, up to `maxParallel`; a critical failure lets no further one begin.

When no step is open and none can begin, the workflow has come to its end, or turns back.
"""

from dataclasses import replace

from kubernaut.actions.catalogue import target_of
from kubernaut.history.rows import Purpose
from kubernaut.resources.workflow import StepPhase, WorkflowPhase
from kubernaut.workflow import dag, ending, stages, steps
from kubernaut.workflow.intents import AddFinalizer
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.progress import Call
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.retrying import ask
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import Ending, StepState, WorkflowStatus

ANSWER_S = 2.0


def drive(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Advance what is open, begin what may begin, and see whether that was all."""
    cancelled = status.ending is not None and status.ending.cancelled
    for key in _open(status, Purpose.FORWARD):
        status = steps.advance(run, status, key, call, cancelled=cancelled)
        # At once: a step that comes later in this loop must not begin any more.
        status = _mark_failures(run, status, call)
    for key in [key for key, state in status.steps.items() if state.observing and not state.open]:
        status = steps.observe(run, status, key, call)
    if status.ending is None:
        status = _dispatch(run, status, call)
    if _open(status, Purpose.FORWARD):
        return _phase(status)
    if status.ending is None:
        if _startable(run, status):
            return _phase(status)
        return _completed(run, status, call)
    return _turn(run, status, call, status.ending)


def _turn(run: WorkflowRun, status: WorkflowStatus, call: Call, why: Ending) -> WorkflowStatus:
    """Take back what is to be taken back, or end as it is."""
    status = _withhold(run, status, call, f"not begun: {why.message}")
    if ending.wants_rollback(run, status):
        return ending.roll_back(run, status, call, why)
    message = ending.failed_message(run, status, why)
    return ending.finish(status, call, WorkflowPhase.FAILED, Why(why.reason), message)


def _completed(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    failed = [f"step {key.number}" for key, state in status.steps.items() if state.phase is StepPhase.FAILED]
    message = "every step is verified"
    if run.dry_run:
        message = "dry run: every step would be accepted"
    if failed:
        message = f"verified, but for what is not critical: {', '.join(sorted(failed))} failed"
    return ending.finish(status, call, WorkflowPhase.COMPLETED, Why.SUCCEEDED, message)


def _dispatch(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Let steps begin."""
    if status.memory.people.paused:
        return status
    if status.memory.finalizer is not True and not run.dry_run and not status.steps:
        ask(status, call, AddFinalizer(), again_s=ANSWER_S)
        return status
    for number in _startable(run, status):
        if len(_open(status, Purpose.FORWARD)) >= run.max_parallel:
            break
        if _target(run, number) in {_target(run, key.number) for key in _open(status, Purpose.FORWARD)}:
            # Two steps on one target at once could not be told apart by what they are verified by.
            continue
        key = StepKey(number)
        status = steps.begin(status, key, call)
        status = steps.advance(run, status, key, call, cancelled=False)
    return status


def _startable(run: WorkflowRun, status: WorkflowStatus) -> tuple[int, ...]:
    verified = [key.number for key, state in status.steps.items() if state.phase is StepPhase.COMPLETED]
    begun = [key.number for key, state in status.steps.items() if state.phase is not StepPhase.PENDING]
    return dag.startable(run.graph, begun=begun, verified=verified)


def _mark_failures(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Draw the consequences of failed steps: the end of the workflow, or steps that cannot begin any more."""
    failed = [
        key.number
        for key, state in status.steps.items()
        if key.purpose is Purpose.FORWARD and state.phase is StepPhase.FAILED
    ]
    for number in failed:
        if run.step(number).critical:
            message = f"step {number} failed: {status.state(StepKey(number)).message}"
            status = ending.end(status, call, Why.STEP_FAILED, message)
    for number in sorted(dag.withheld(run.graph, lost=failed)):
        if status.state(StepKey(number)).phase is StepPhase.PENDING:
            lost = ", ".join(str(one) for one in failed if number in dag.withheld(run.graph, lost=[one]))
            status = _skip(status, number, Why.DEPENDENCY_FAILED, f"needs what failed: step {lost}", call)
    return status


def _withhold(run: WorkflowRun, status: WorkflowStatus, call: Call, message: str) -> WorkflowStatus:
    """Skip every step that has not begun."""
    for step in run.steps:
        if status.state(StepKey(step.number)).phase is StepPhase.PENDING:
            status = _skip(status, step.number, Why.STEP_FAILED, message, call)
    return status


def _skip(status: WorkflowStatus, number: int, why: Why, message: str, call: Call) -> WorkflowStatus:
    state = StepState(phase=StepPhase.SKIPPED, reason=why.value, message=message, finished_at=call.now)
    if not status.checked:
        # Nobody knows whether the step could have been one; history has the workflow's own row.
        return stages.with_step(status, StepKey(number), state)
    return stages.with_result(status, StepKey(number), state, call)


def _phase(status: WorkflowStatus) -> WorkflowStatus:
    """Say where the workflow is while steps are open or may begin."""
    states = [status.state(key) for key in _open(status, Purpose.FORWARD)]
    if status.memory.people.paused and status.ending is None:
        return replace(status, phase=WorkflowPhase.PAUSED, reason=Why.PAUSED.value, message="paused by a person")
    if states and all(state.phase is StepPhase.BLOCKED for state in states):
        # Only when no step can move: a step beside it that could begin would have begun.
        key = next(key for key in _open(status, Purpose.FORWARD))
        message = f"{key}: {status.state(key).message}"
        return replace(status, phase=WorkflowPhase.BLOCKED, reason=Why.PRECONDITION_FAILED.value, message=message)
    verifying = bool(states) and all(state.phase is StepPhase.VERIFYING for state in states)
    phase = WorkflowPhase.MONITORING if verifying else WorkflowPhase.EXECUTING
    why = Why.VERIFYING if verifying else Why.RUNNING
    message = "" if status.ending is None else status.ending.message
    return replace(status, phase=phase, reason=why.value, message=message)


def _open(status: WorkflowStatus, purpose: Purpose) -> list[StepKey]:
    return sorted(key for key, state in status.steps.items() if key.purpose is purpose and state.open)


def _target(run: WorkflowRun, number: int) -> object:
    step = run.step(number)
    return target_of(step.action, step.parameters)
