"""What validation did in a workflow: whether anything was asked at all, and which steps it kept from a bad cluster."""

from kubernaut.resources.workflow import StepPhase
from kubernaut.workflow import dag
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import WorkflowStatus

_NOT_VERIFIED = frozenset({Why.POSTCONDITION_FAILED.value, Why.EXECUTION_FAILED.value})


def cascade_prevented(run: WorkflowRun, status: WorkflowStatus, key: StepKey) -> bool:
    """Say whether a step was withheld because one that it needs, near or far, acted and was not verified."""
    if status.state(key).phase is not StepPhase.SKIPPED or run.dry_run:
        return False
    lost = [
        other.number
        for other, state in status.steps.items()
        if other.purpose is key.purpose and state.may_have_changed and state.reason in _NOT_VERIFIED
    ]
    return key.number in dag.withheld(run.graph, lost=lost)


def was_validated(status: WorkflowStatus) -> bool:
    """Say whether any condition of the step level was asked."""
    return any(
        stage is not None and (stage.preconditions or stage.postconditions)
        for state in status.steps.values()
        for stage in (state.pre, state.post)
    )
