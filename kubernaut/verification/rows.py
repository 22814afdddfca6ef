"""From a stage's status to rows of history: the operator and the generator record through the same code.

A row says what was seen and what it came to; whether it may be learned from is said by the reader of history.
Where rows are written to is not known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.decision import STOPPING
from kubernaut.enforcement.rollout import probability_ran
from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import format_path
from kubernaut.history.ids import RunKey
from kubernaut.history.rows import AttemptRow, EvaluationRow, ObjectVersion, Purpose
from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut.verification.postcondition import PostconditionState
from kubernaut.verification.precondition import PreconditionState
from kubernaut.verification.stage_step import at, may_stop, percent_in_force
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import AttemptRecord, Override, StageCondition, StageSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What all rows of one step's run have in common.

    Attributes
    ----------
    run : RunKey
        The run that ids are made of; `execution_uid` is the run's own.
    incident_id : str
    execution_uid : str
    settings_digest : str
        Of the set of policies and settings that the run is pinned to.
    bucket : int
        0..9999, the incident's place in the rollout.
    stopping_percents : tuple of float
        Of earlier stages of the run, as `stopping_percents` gives them.
    versions : mapping of str to str
        Of operator, engine, evaluator and fact registry.
    """

    run: RunKey
    incident_id: str
    execution_uid: str
    settings_digest: str
    bucket: int
    namespace: str
    target_kind: str
    target_name: str
    target_uid: str = ""
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    stopping_percents: tuple[float, ...] = ()

    @property
    def purpose(self) -> Purpose:
        """Forward or rollback."""
        return self.run.purpose


def stopping_percents(spec: StageSpec, status: StageStatus) -> tuple[float, ...]:
    """Give the rollout percents of the required conditions of a stage that failed or could not be judged.

    They, not only the enforced ones, say with what probability the run was let through: at another bucket
    each of them would have stopped it.
    """
    return tuple(percent_in_force(entry, status) for entry in spec.conditions if status.verdict(entry.key) in STOPPING)


def attempt_row(context: RunContext, spec: StageSpec, attempt: AttemptRecord, *, recorded_at: datetime) -> AttemptRow:
    """Give the row of one look.

    Raises
    ------
    HistoryError
        The stage has no such condition.
    """
    return look_row(context, _entry(spec, attempt.key).condition, attempt, recorded_at=recorded_at)


def look_row(
    context: RunContext, condition: ResolvedCondition, attempt: AttemptRecord, *, recorded_at: datetime
) -> AttemptRow:
    """Give the row of one look at a condition, whatever stage it is of."""
    identity, snapshot = condition.id, attempt.snapshot
    named = {"candidate": condition.candidate}
    recorded = None if snapshot is None else snapshot.recorded
    return AttemptRow(
        record_id=context.run.attempt_id(identity.level, identity.phase, identity.type, slot=attempt.slot, **named),
        recorded_at=recorded_at,
        evaluation_id=context.run.evaluation_id(identity.level, identity.phase, identity.type, **named),
        incident_id=context.incident_id,
        execution_uid=context.execution_uid,
        action=identity.action,
        level=identity.level,
        phase=identity.phase,
        type=identity.type,
        slot=attempt.slot,
        read_started_at=attempt.began_at,
        read_at=attempt.read_at,
        policy_digest=condition.policy_digest,
        facts={} if snapshot is None else snapshot.facts,
        unobserved={}
        if snapshot is None
        else {path: f"{why.reason.value}: {why.detail}" for path, why in snapshot.unobserved.items()},
        recorded_paths=() if snapshot is None else _paths(recorded),
        result=attempt.result,
        reason=attempt.judgement.reason.value,
        message=attempt.judgement.message,
        fatal=attempt.judgement.fatal,
        candidate=condition.candidate,
    )


def evaluation_row(
    context: RunContext,
    spec: StageSpec,
    status: StageStatus,
    key: str,
    *,
    recorded_at: datetime,
    objects: tuple[ObjectVersion, ...] = (),
) -> EvaluationRow:
    """Give the row of one settled condition; written again when more becomes known.

    Raises
    ------
    HistoryError
        The stage has no such condition, or it has not settled.
    """
    entry = _entry(spec, key)
    end = ended(status, key)
    force = InForce(
        enforced=may_stop(entry, status),
        percent=percent_in_force(entry, status),
        p_ran=probability_ran((*context.stopping_percents, *_stage_percents(spec, status))),
        validation_enabled=spec.validation_enabled,
        override=status.overridden.get(key),
    )
    return settled_row(context, entry.condition, end, force, recorded_at=recorded_at, objects=objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a condition came to, in moments; see `EvaluationRow`."""

    verdict: Verdict | None
    reason: str
    message: str
    started_at: datetime
    read_at: datetime
    attempts: int
    observed_until: datetime | None
    deadline: datetime | None = None
    extended: bool = False
    held_since: datetime | None = None
    time_to_pass_s: float | None = None
    time_to_pass_lower_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a condition's verdict could do to the run, and what a person made of it; see `EvaluationRow`."""

    enforced: bool = False
    percent: float = 0.0
    p_ran: float = 1.0
    validation_enabled: bool = True
    override: Override | None = None


def settled_row(
    context: RunContext,
    condition: ResolvedCondition,
    end: Ended,
    force: InForce,
    *,
    recorded_at: datetime,
    objects: tuple[ObjectVersion, ...] = (),
) -> EvaluationRow:
    """Give the row of one condition that came to an end, whatever stage it is of.

    Raises
    ------
    HistoryError
        It has not settled.
    """
    identity = condition.id
    if end.verdict is None:
        raise HistoryError(f"{identity} has not settled; there is no evaluation to record yet")
    override = _or_empty(force.override)
    return EvaluationRow(
        record_id=context.run.evaluation_id(
            identity.level, identity.phase, identity.type, candidate=condition.candidate
        ),
        recorded_at=recorded_at,
        cluster_uid=context.run.cluster_uid,
        incident_id=context.incident_id,
        workflow_uid=context.run.workflow_uid,
        execution_uid=context.execution_uid,
        step=context.run.step,
        purpose=context.purpose,
        action=identity.action,
        level=identity.level,
        phase=identity.phase,
        type=identity.type,
        candidate=condition.candidate,
        policy_digest=condition.policy_digest,
        policy_source=condition.policy_source.value,
        settings_digest=context.settings_digest,
        validation_enabled=force.validation_enabled,
        required=condition.required,
        enforced=force.enforced,
        bucket=context.bucket,
        percent=force.percent,
        p_ran=force.p_ran,
        overridden=force.override is not None,
        override_by=override.by,
        override_reason=override.reason,
        verdict=end.verdict,
        reason=end.reason,
        message=end.message,
        started_at=end.started_at,
        read_at=end.read_at,
        elapsed_s=(end.read_at - end.started_at).total_seconds(),
        deadline=end.deadline,
        extended=end.extended,
        timeout_s=condition.timeout_s,
        poll_interval_s=condition.poll_interval_s,
        hold_for_s=condition.hold_for_s,
        held_since=end.held_since,
        time_to_pass_s=end.time_to_pass_s,
        time_to_pass_lower_s=end.time_to_pass_lower_s,
        observed_until=end.observed_until,
        attempts=end.attempts,
        objects=objects,
        namespace=context.namespace,
        target_kind=context.target_kind,
        target_name=context.target_name,
        target_uid=context.target_uid,
        environment=context.environment,
        labels=context.labels,
        versions=context.versions,
        trace_id=context.trace_id,
    )


def ended(status: StageStatus, key: str) -> Ended:
    """Give what a condition of a stage has come to; it need not have settled."""
    if (before := status.preconditions.get(key)) is not None:
        return _precondition_end(before, status)
    return _postcondition_end(status.postconditions[key], status)


def _precondition_end(state: PreconditionState, status: StageStatus) -> Ended:
    start = status.started_at
    began_at = start if state.began_s is None else at(start, state.began_s)
    return Ended(
        verdict=state.verdict,
        reason="" if state.reason is None else state.reason.value,
        message=state.message,
        started_at=began_at,
        read_at=status.seen_at if state.read_s is None else at(start, state.read_s),
        attempts=state.attempts,
        observed_until=None if state.observed_s is None else at(start, state.observed_s),
    )


def _postcondition_end(state: PostconditionState, status: StageStatus) -> Ended:
    start = status.started_at
    passed = state.verdict is Verdict.PASSED
    return Ended(
        verdict=state.verdict,
        reason="" if state.reason is None else state.reason.value,
        message=state.message,
        started_at=start,
        read_at=status.seen_at if state.settled_s is None else at(start, state.settled_s),
        attempts=state.attempts,
        observed_until=None if state.observed_s is None else at(start, state.observed_s),
        deadline=at(start, state.deadline_s),
        extended=state.extended,
        held_since=None if state.held_since_s is None else at(start, state.held_since_s),
        time_to_pass_s=state.held_since_s if passed else None,
        time_to_pass_lower_s=state.hold_lower_s if passed else None,
    )


def _stage_percents(spec: StageSpec, status: StageStatus) -> Iterable[float]:
    """Only preconditions keep an action from running."""
    return stopping_percents(spec, status) if spec.phase is Phase.PRE else ()


def _or_empty(override: Override | None) -> Override:
    return Override(by="", reason="") if override is None else override


@lru_cache(maxsize=1024)
def _paths(recorded: tuple[tuple[str, ...], ...] | None) -> tuple[str, ...] | None:
    return None if recorded is None else tuple(format_path(path) for path in recorded)


def _entry(spec: StageSpec, key: str) -> StageCondition:
    for entry in spec.conditions:
        if entry.key == key:
            return entry
    raise HistoryError(f"the stage has no condition {key!r}; it has {[e.key for e in spec.conditions]}")
