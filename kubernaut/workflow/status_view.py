"""A WorkflowExecution's status as people and programs read it, from what the engine knows; as for an execution.

Bounded: results are cut as the schema says, and only what the guide names is repeated from the engine's own state.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kubernaut.errors import InputError
from kubernaut.execution.results_view import kubernetes_conditions, person_text, results_of
from kubernaut.history.rows import Purpose
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.policy.wording import clean_message
from kubernaut.resources.common import ConditionResult, Pinned
from kubernaut.resources.workflow import (
    ExecutionReference,
    StepPhase,
    StepStatus,
    WorkflowExecutionStatus,
    WorkflowPhase,
)
from kubernaut.workflow.keys import StepKey, execution_name
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.rows import incident_of
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.stages import stage_spec
from kubernaut.workflow.status import StepState, WorkflowStatus
from kubernaut.workflow.status_json import to_json

_GOOD = frozenset({WorkflowPhase.COMPLETED})
_RESULTS = ("preConditionResults", "postConditionResults")


def status_view(run: WorkflowRun, status: WorkflowStatus, *, before: JsonObject | None = None) -> JsonObject:
    """Give the custom resource's whole status.

    Parameters
    ----------
    before : JsonObject or None
        The status as it is stored: conditions keep their time of transition, and results of steps that cannot be told
        any more are kept. None when there is none.
    """
    former: Mapping[str, Any] = before or {}
    pinned, result, outcome = status.pinned, status.result, status.outcome
    view = WorkflowExecutionStatus(
        observed_generation=run.generation,
        phase=status.phase.value,
        reason=status.reason,
        message=person_text(status.message),
        incident_id=clean_message(incident_of(run, status), max_chars=253),
        started_at=status.started_at,
        finished_at=None if result is None else result.at,
        result=None if result is None else result.phase.value,
        pinned=None
        if pinned is None
        else Pinned(digest=pinned.digest, environment=pinned.environment, bucket=pinned.bucket),
        step_statuses=tuple(_step(run, status, step.number) for step in run.steps),
        outcome=None if outcome is None else outcome.outcome,
        outcome_source=None if outcome is None else outcome.source,
        outcome_at=None if outcome is None else outcome.at,
        resolved_at=None if outcome is None else outcome.resolved_at,
        manual_intervention=status.manual_intervention,
        conditions=kubernetes_conditions(
            succeeded=None if result is None else result.phase in _GOOD,
            over=result is not None,
            stalled=status.phase in (WorkflowPhase.BLOCKED, WorkflowPhase.PAUSED) or bool(status.retries),
            reason=status.reason,
            message=status.message,
            generation=run.generation,
            now=status.seen_at,
            former=former,
        ),
        engine=dict(to_json(status)),
    )
    document = dict(view.to_json())
    if status.memory.conditions is None and status.pinned is not None:
        # After a restart nobody knows the conditions yet: what was told of them stays.
        document["stepStatuses"] = _with_results(view.step_statuses, former.get("stepStatuses") or ())
    return document


def _with_results(steps: Iterable[StepStatus], former: Iterable[Mapping[str, Any]]) -> list[JsonValue]:
    known = {step["stepNumber"]: {name: step[name] for name in _RESULTS if name in step} for step in former}
    return [{**step.to_json(), **known.get(step.step_number, {})} for step in steps]


def _step(run: WorkflowRun, status: WorkflowStatus, number: int) -> StepStatus:
    key, back = StepKey(number), StepKey(number, Purpose.ROLLBACK)
    state, undoing = status.state(key), status.state(back)
    told = state if undoing.phase in (StepPhase.PENDING, StepPhase.SKIPPED) else undoing
    return StepStatus(
        step_number=number,
        phase=state.phase.value,
        reason=Why.ROLLED_BACK.value if state.phase is StepPhase.ROLLED_BACK else told.reason or None,
        message=person_text(told.message or state.message),
        started_at=state.started_at,
        finished_at=undoing.finished_at or state.finished_at,
        result=state.phase.value if state.finished_at is not None else None,
        pre_condition_results=_results(run, status, key, Phase.PRE),
        post_condition_results=_results(run, status, key, Phase.POST),
        execution=_reference(run, state, key),
        rollback_execution=_reference(run, undoing, back),
    )


def _results(run: WorkflowRun, status: WorkflowStatus, key: StepKey, phase: Phase) -> tuple[ConditionResult, ...]:
    state = status.state(key)
    stage = state.pre if phase is Phase.PRE else state.post
    if stage is None:
        return ()
    try:
        return results_of(stage_spec(run, status, key, phase), stage)
    except InputError:
        return ()


def _reference(run: WorkflowRun, state: StepState, key: StepKey) -> ExecutionReference | None:
    if state.asked_at is None:
        return None
    return ExecutionReference(name=execution_name(run.uid, key), uid=state.execution_uid or None)
