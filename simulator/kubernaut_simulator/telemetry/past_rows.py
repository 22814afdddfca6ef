"""What was seen of a past run, as rows of history: what the operator would have written, had it been there.

Looks are where scrapes were, so a condition's rows say that it was looked at once an interval of scraping. Verdicts
come from the engine's own fold. Rows carry the label `source: telemetry`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut._version import __version__
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.rollout import bucket_of
from kubernaut.facts.registry import REGISTRY_VERSION
from kubernaut.facts.snapshot import Snapshot, format_path
from kubernaut.history.ids import RunKey
from kubernaut.history.rows import AttemptRow, EvaluationRow
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement, Reason, Verdict
from kubernaut.verification.precondition import attempt_of
from kubernaut.verification.settle import Settled, settle, settle_precondition
from kubernaut.verification.timeline import Look, Terms
from kubernaut_simulator.telemetry.past_runs import PastRun

SOURCE = ("source", "telemetry")
"""Label of rows that were rebuilt."""

_ROLLOUT = "default"
_VERSIONS = {"engine": __version__, "fact_registry": str(REGISTRY_VERSION), "operator": "telemetry"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOnce:
    """One look at a past run, judged by one condition's policy.

    Attributes
    ----------
    at : datetime
    snapshot : Snapshot
        What is kept of the look.
    """

    at: datetime
    snapshot: Snapshot
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a past run could be watched.

    Attributes
    ----------
    settings_digest : str
        Of the condition set.
    interval_s : float
        Between two scrapes.
    until : datetime or None
        The last scrape that was looked at.
    """

    settings_digest: str
    interval_s: float
    until: datetime | None


def rows_of(
    run: PastRun, condition: ResolvedCondition, looks: Sequence[SeenOnce], watched: Watched
) -> tuple[EvaluationRow, list[AttemptRow]]:
    """Give the evaluation of one condition of a run and its looks."""
    row = run.execution
    starts_at = row.started_at if condition.id.phase is Phase.PRE else row.action_ended_at
    settled = _settled(condition, looks, starts_at, watched)
    began = starts_at or row.started_at
    key = RunKey(
        cluster_uid=row.cluster_uid,
        workflow_uid=row.workflow_uid,
        execution_uid=row.execution_uid,
        step=row.step,
        purpose=row.purpose,
    )
    identity = condition.id
    named = {"candidate": condition.candidate}
    evaluation_id = key.evaluation_id(identity.level, identity.phase, identity.type, **named)
    post = identity.phase is Phase.POST and starts_at is not None
    held = settled.held_since_s if settled.verdict is Verdict.PASSED else None
    evaluation = EvaluationRow(
        record_id=evaluation_id,
        recorded_at=began + timedelta(seconds=settled.settled_s),
        cluster_uid=row.cluster_uid,
        incident_id=row.incident_id,
        workflow_uid=row.workflow_uid,
        execution_uid=row.execution_uid,
        step=row.step,
        purpose=row.purpose,
        action=identity.action,
        level=identity.level,
        phase=identity.phase,
        type=identity.type,
        candidate=condition.candidate,
        policy_digest=condition.policy_digest,
        policy_source=condition.policy_source.value,
        settings_digest=watched.settings_digest,
        required=condition.required,
        enforced=False,
        bucket=bucket_of(_ROLLOUT, row.incident_id),
        percent=0.0,
        verdict=settled.verdict,
        reason=settled.reason.value,
        message=settled.message,
        started_at=began,
        read_at=began + timedelta(seconds=settled.settled_s),
        elapsed_s=settled.settled_s,
        deadline=began + timedelta(seconds=settled.deadline_s) if post else None,
        extended=settled.extended,
        timeout_s=condition.timeout_s,
        poll_interval_s=watched.interval_s if post else None,
        hold_for_s=condition.hold_for_s,
        held_since=None if held is None or not post else began + timedelta(seconds=held),
        time_to_pass_s=settled.time_to_pass_s if post else None,
        time_to_pass_lower_s=settled.time_to_pass_lower_s if post else None,
        observed_until=watched.until if post else None,
        attempts=settled.attempts,
        namespace=row.namespace,
        target_kind=row.target_kind,
        target_name=row.target_name,
        target_uid=row.target_uid,
        environment=row.environment,
        labels={**row.labels, SOURCE[0]: SOURCE[1]},
        versions=_VERSIONS,
    )
    attempts = [
        AttemptRow(
            record_id=key.attempt_id(identity.level, identity.phase, identity.type, slot=slot, **named),
            recorded_at=look.at,
            evaluation_id=evaluation_id,
            incident_id=row.incident_id,
            execution_uid=row.execution_uid,
            action=identity.action,
            level=identity.level,
            phase=identity.phase,
            type=identity.type,
            slot=slot,
            read_started_at=look.at,
            read_at=look.at,
            policy_digest=condition.policy_digest,
            facts=look.snapshot.facts,
            unobserved={path: f"{why.reason.value}: {why.detail}" for path, why in look.snapshot.unobserved.items()},
            recorded_paths=tuple(format_path(path) for path in look.snapshot.recorded or ()),
            result=attempt_of(look.judgement, precondition=identity.phase is Phase.PRE),
            reason=look.judgement.reason.value,
            message=look.judgement.message,
            fatal=look.judgement.fatal,
            candidate=condition.candidate,
        )
        for slot, look in enumerate(looks)
    ]
    return evaluation, attempts


def _settled(
    condition: ResolvedCondition, looks: Sequence[SeenOnce], starts_at: datetime | None, watched: Watched
) -> Settled:
    if starts_at is None:
        return Settled(
            verdict=Verdict.SKIPPED,
            reason=Reason.ACTION_NEVER_RAN,
            message="the action never ran",
            settled_s=0.0,
            deadline_s=0.0,
            attempts=0,
        )
    if condition.id.phase is Phase.PRE:
        return settle_precondition(looks[0].judgement, elapsed_s=0.0, timeout_s=condition.timeout_s)
    terms = Terms(condition.timeout_s, condition.hold_for_s, watched.interval_s)
    seen = [
        Look(slot, (look.at - starts_at).total_seconds(), (look.at - starts_at).total_seconds(), look.judgement)
        for slot, look in enumerate(looks)
    ]
    return settle(seen, terms)
