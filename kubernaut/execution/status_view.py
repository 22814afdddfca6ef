"""The custom resource's status as people and programs read it, from what the engine knows.

One function makes the whole document, the engine's own state in it: what `kubectl describe` shows, what `kubectl wait`
waits for, and the guide's field names. Every text is cut to what the schema takes, since a status that the API server
refuses would stop a run.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kubernaut.actions.catalogue import action_definition
from kubernaut.errors import InputError
from kubernaut.execution.rows import incident_of
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.execution.status import ExecutionStatus
from kubernaut.execution.status_json import to_json
from kubernaut.execution.types import ExecutionRun
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.policy.wording import clean_message
from kubernaut.resources.common import MAX_RESULTS, ConditionResult, KubernetesCondition, Pinned
from kubernaut.resources.execution import (
    ExecutionPhase,
    JobStatus,
    KubernetesExecutionStatus,
    RollbackInfo,
    SeenTarget,
    ValidationResults,
)
from kubernaut.resources.fields import MAX_ERROR_MESSAGE, MAX_MESSAGE
from kubernaut.verdicts import Code, Verdict
from kubernaut.verification.postcondition import PostconditionState
from kubernaut.verification.precondition import PreconditionState
from kubernaut.verification.stage_step import at, described, may_stop
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import StageCondition

SUCCEEDED, RECONCILING, STALLED = "Succeeded", "Reconciling", "Stalled"
"""Types of `status.conditions`."""

_JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED})


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
        message=_text(status.message),
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
        conditions=_conditions(run, status, former.get("conditions") or ()),
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
        dry_run_message=None if status.dry_run_accepted is None else _text(status.would_change),
        pre_condition_results=_results(run, status, Phase.PRE),
        post_condition_results=_results(run, status, Phase.POST),
    )


def _results(run: ExecutionRun, status: ExecutionStatus, phase: Phase) -> tuple[ConditionResult, ...]:
    """Give the results of a stage; challengers are not the run's business."""
    stage = stage_of(status, phase)
    if stage is None or status.memory.conditions is None:
        return ()
    entries = [entry for entry in stage_spec(run, status, phase).conditions if not entry.condition.candidate]
    return tuple(_result(entry, stage) for entry in entries[:MAX_RESULTS])


def _result(entry: StageCondition, stage: StageStatus) -> ConditionResult:
    condition, identity = entry.condition, entry.condition.id
    override = stage.overridden.get(entry.key)
    told = _before(stage.preconditions.get(entry.key), stage) or _after(stage.postconditions.get(entry.key), stage)
    message = told.pop("message", "")
    passed = told["passed"]
    return ConditionResult(
        condition_type=identity.type,
        error_message="" if passed or not message else described(entry.key, clean_message(message), ""),
        action=identity.action,
        level=identity.level,
        phase=identity.phase,
        required=condition.required,
        enforced=may_stop(entry, stage),
        overridden=override is not None,
        overridden_by=None if override is None else clean_message(override.by, max_chars=253),
        override_reason=None if override is None else _text(override.reason),
        policy_digest=condition.policy_digest,
        policy_source=condition.policy_source,
        **told,
    )


def _before(state: PreconditionState | None, stage: StageStatus) -> dict[str, Any]:
    """Tell of a precondition what the newest look said: it is what the run goes by."""
    if state is None:
        return {}
    verdict = state.now_verdict or state.verdict
    return {
        "verdict": verdict,
        "evaluated": verdict in _JUDGED,
        "passed": verdict is Verdict.PASSED,
        "message": state.message if state.now_verdict is None else state.now_message or str(verdict or ""),
        "reason": None if state.reason is None else state.reason.value,
        "evaluation_time": _moment(stage, state.observed_s),
        "attempts": state.attempts,
    }


def _after(state: PostconditionState | None, stage: StageStatus) -> dict[str, Any]:
    """Tell of a postcondition its verdict, or while it is open what the newest look said."""
    if state is None:
        return {"evaluated": False, "passed": False}
    judged = state.last_code in (Code.PASSED, Code.FAILED) if state.verdict is None else state.verdict in _JUDGED
    reason = state.last_reason if state.verdict is None else state.reason
    decided_s = state.read_s if state.settled_s is None else state.settled_s
    return {
        "verdict": state.verdict,
        "evaluated": judged,
        "passed": state.verdict is Verdict.PASSED,
        "message": state.last_message if state.verdict is None else state.message,
        "reason": None if reason is None else reason.value,
        "evaluation_time": _moment(stage, decided_s),
        "attempts": state.attempts,
        "held_since": _moment(stage, state.held_since_s),
        "deadline": _moment(stage, state.deadline_s),
    }


def _rollback(run: ExecutionRun, status: ExecutionStatus) -> RollbackInfo | None:
    kept = status.rollback
    if kept is None:
        return None
    definition = action_definition(run.action)
    try:
        undo = definition.undo(kept.info)
    except InputError:
        undo = None
    return RollbackInfo(
        captured_at=kept.captured_at,
        reversible=definition.reversible and undo is not None,
        action=None if undo is None else undo.action,
        parameters=None if undo is None else dict(undo.parameters),
        before=dict(kept.info),
        description=_text(definition.rollback),
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
        message=_text(job.message),
    )


def _conditions(
    run: ExecutionRun, status: ExecutionStatus, former: Iterable[Mapping[str, Any]]
) -> tuple[KubernetesCondition, ...]:
    """Give Kubernetes' own conditions, in the form that `kubectl wait` and kstatus know."""
    result, phase = status.result, status.phase
    succeeded = "Unknown"
    if result is not None and phase is not ExecutionPhase.UNKNOWN:
        succeeded = "True" if phase is ExecutionPhase.SUCCEEDED else "False"
    stalled = result is None and (phase is ExecutionPhase.BLOCKED or bool(status.retries))
    values = {
        SUCCEEDED: succeeded,
        RECONCILING: "True" if result is None else "False",
        STALLED: "True" if stalled else "False",
    }
    known = {(one.get("type"), one.get("status")): one.get("lastTransitionTime") for one in former}
    return tuple(
        KubernetesCondition(
            type=kind,
            status=value,
            observed_generation=run.generation,
            last_transition_time=known.get((kind, value)) or status.seen_at,
            reason=status.reason,
            message=_text(status.message),
        )
        for kind, value in values.items()
    )


def _moment(stage: StageStatus, offset_s: float | None) -> datetime | None:
    return None if offset_s is None else at(stage.started_at, offset_s)


def _text(text: str) -> str:
    return clean_message(text, max_chars=MAX_MESSAGE)
