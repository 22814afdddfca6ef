"""The custom resource's status as people and programs read it, from what the engine knows.

One function makes the whole document, the engine's own state in it: what `kubectl describe` shows, what `kubectl wait`
waits for, and the guide's field names. Every text is cut to what the schema takes, since a status that the API server
refuses would stop a run.
"""

from collections.abc import Mapping
from typing import Any

from kubernaut.actions.catalogue import action_definition
from kubernaut.errors import InputError
from kubernaut.execution.results_view import kubernetes_conditions, person_text, results_of
from kubernaut.execution.rows import incident_of
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.execution.status import ExecutionStatus
from kubernaut.execution.status_json import to_json
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.policy.wording import clean_message
from kubernaut.resources.common import ConditionResult, KubernetesCondition, Pinned
from kubernaut.resources.execution import (
    ExecutionPhase,
    JobStatus,
    KubernetesExecutionStatus,
    RollbackInfo,
    SeenTarget,
    ValidationResults,
)
from kubernaut.resources.fields import MAX_ERROR_MESSAGE


def status_view(run: ExecutionRun, status: ExecutionStatus, *, before: JsonObject | None = None) -> JsonObject:
    """Give the custom resource's whole status.

    Parameters
    ----------
    before : JsonObject or None
        The status as it is stored: conditions keep their time of transition, and results that cannot be told any more
        are kept. None when there is none.
    """
    former: Mapping[str, Any] = before or {}
    pinned, target, result = status.pinned, status.target, status.result
    view = KubernetesExecutionStatus(
        observed_generation=run.generation,
        phase=status.phase.value,
        reason=status.reason,
        message=person_text(status.message),
        incident_id=clean_message(incident_of(run, status), max_chars=253),
        started_at=status.started_at,
        finished_at=None if result is None else result.at,
        result=None if result is None else result.row_result,
        pinned=None
        if pinned is None
        else Pinned(
            digest=pinned.digest,
            environment=pinned.environment,
            bucket=pinned.bucket,
            safety_digest=status.safety_digest or None,
        ),
        validation_results=_validation(run, status),
        rollback_info=_rollback(run, status),
        job=_job(status),
        target=None
        if target is None
        else SeenTarget(uid=target.uid, resource_version=target.resource_version or None, generation=target.generation),
        conditions=_conditions(run, status, former),
        engine=dict(to_json(status)),
    )
    document = dict(view.to_json())
    if status.memory.conditions is None and status.pinned is not None and "validationResults" in former:
        document["validationResults"] = former["validationResults"]
    return document


def _validation(run: ExecutionRun, status: ExecutionStatus) -> ValidationResults:
    passed = None if status.checked_at is None else True
    return ValidationResults(
        safety_policy_passed=False if status.denials else passed,
        safety_denials=tuple(clean_message(denial, max_chars=MAX_ERROR_MESSAGE) for denial in status.denials),
        dry_run_succeeded=status.dry_run_accepted,
        dry_run_message=None if status.dry_run_accepted is None else person_text(status.would_change),
        pre_condition_results=_results(run, status, Phase.PRE),
        post_condition_results=_results(run, status, Phase.POST),
    )


def _results(run: ExecutionRun, status: ExecutionStatus, phase: Phase) -> tuple[ConditionResult, ...]:
    """Give the results of one of the run's stages."""
    stage = stage_of(status, phase)
    if stage is None or status.memory.conditions is None:
        return ()
    return results_of(stage_spec(run, status, phase), stage)


def _rollback(run: ExecutionRun, status: ExecutionStatus) -> RollbackInfo | None:
    kept = status.rollback
    if kept is None:
        return None
    undo, description = None, ""
    try:
        definition = action_definition(run.action)
        description = definition.rollback
        undo = definition.undo(kept.info)
    except InputError:
        # An action that is in the catalogue no more, or that does not know its own words: kept, and not undone by us.
        undo = None
    return RollbackInfo(
        captured_at=kept.captured_at,
        reversible=undo is not None,
        action=None if undo is None else undo.action,
        parameters=None if undo is None else dict(undo.parameters),
        before=dict(kept.info),
        description=person_text(description),
    )


def _job(status: ExecutionStatus) -> JobStatus | None:
    job = status.job
    if job is None:
        return None
    return JobStatus(
        name=job.name,
        uid=job.uid or None,
        target_resource_version=job.target_resource_version or None,
        created_at=job.created_at,
        finished_at=job.finished_at,
        effect=None if job.effect is None else job.effect.value,
        message=person_text(job.message),
    )


def _conditions(
    run: ExecutionRun, status: ExecutionStatus, former: Mapping[str, Any]
) -> tuple[KubernetesCondition, ...]:
    result, phase = status.result, status.phase
    succeeded = None
    if result is not None and phase is not ExecutionPhase.UNKNOWN:
        succeeded = phase is ExecutionPhase.SUCCEEDED
    return kubernetes_conditions(
        succeeded=succeeded,
        over=result is not None,
        stalled=phase is ExecutionPhase.BLOCKED or bool(status.retries),
        reason=status.reason,
        message=status.message,
        generation=run.generation,
        now=status.seen_at,
        former=former,
    )
