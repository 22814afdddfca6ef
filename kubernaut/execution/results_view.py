"""What conditions came to, and Kubernetes' own conditions, in the form that a custom resource's status holds them.

The same for an execution and for the steps of a workflow.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernaut.policy.wording import clean_message
from kubernaut.resources.common import MAX_RESULTS, ConditionResult, KubernetesCondition
from kubernaut.resources.fields import MAX_MESSAGE
from kubernaut.verdicts import Code, Verdict
from kubernaut.verification.postcondition import PostconditionState
from kubernaut.verification.precondition import PreconditionState
from kubernaut.verification.stage_step import at, described, may_stop
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import StageCondition, StageSpec

SUCCEEDED, RECONCILING, STALLED = "Succeeded", "Reconciling", "Stalled"
"""Types of `status.conditions`."""

_JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED})


def results_of(spec: StageSpec, stage: StageStatus) -> tuple[ConditionResult, ...]:
    """Give the results of a stage; challengers are not the run's business."""
    entries = [entry for entry in spec.conditions if not entry.condition.candidate]
    return tuple(_result(entry, stage) for entry in entries[:MAX_RESULTS])


def kubernetes_conditions(
    *,
    succeeded: bool | None,
    over: bool,
    stalled: bool,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
    former: Mapping[str, Any],
) -> tuple[KubernetesCondition, ...]:
    """Give Kubernetes' own conditions, in the form that `kubectl wait` and kstatus know.

    Parameters
    ----------
    succeeded : bool or None
        None while nobody can say.
    over : bool
        There is a result; nothing that is over is stalled.
    former : mapping
        The status as it is stored: conditions keep their time of transition.
    """
    values = {
        SUCCEEDED: "Unknown" if succeeded is None else str(succeeded),
        RECONCILING: str(not over),
        STALLED: str(stalled and not over),
    }
    known = {
        (one.get("type"), one.get("status")): one.get("lastTransitionTime") for one in former.get("conditions") or ()
    }
    return tuple(
        KubernetesCondition(
            type=kind,
            status=value,
            observed_generation=generation,
            last_transition_time=known.get((kind, value)) or now,
            reason=reason,
            message=person_text(message),
        )
        for kind, value in values.items()
    )


def person_text(text: str) -> str:
    """Give a message as a status takes it: clean, and not too long."""
    return clean_message(text, max_chars=MAX_MESSAGE)


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
        override_reason=None if override is None else person_text(override.reason),
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


def _moment(stage: StageStatus, offset_s: float | None) -> datetime | None:
    return None if offset_s is None else at(stage.started_at, offset_s)
