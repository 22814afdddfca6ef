"""One line of a CSV file as rows: a run, its workflow, and its conditions, by the map.

Names are made of the file's own words, so that the same file always gives the same rows. `recorded_at` is the
time of what is recorded, not that of the conversion, for the same reason.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import Snapshot, format_path, parse_path
from kubernaut.history.codec import json_text
from kubernaut.history.ids import RunKey, policy_id, workflow_id
from kubernaut.history.rows import (
    AttemptRow,
    EvaluationRow,
    ExecutionRow,
    Outcome,
    OutcomeSource,
    PolicyRow,
    WorkflowRow,
)
from kubernaut.identity import Phase
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Attempt, Code, Judgement, Verdict
from kubernaut_simulator.history.csv_looks import Look
from kubernaut_simulator.history.csv_map import ConditionMap, CsvMap
from kubernaut_simulator.history.csv_values import Line, cell_choice, cell_needed, cell_text, cell_yes, instant

RESULTS = ("succeeded", "failed", "denied", "blocked", "unknown", "skipped")
ROLLOUT = "default"
STEP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a line says of its run, conditions apart."""

    key: RunKey
    incident_id: str
    namespace: str
    target_kind: str
    target_name: str
    environment: str
    labels: dict[str, str]
    started_at: datetime
    action_started_at: datetime | None
    action_ended_at: datetime | None
    finished_at: datetime | None
    detected_at: datetime | None
    resolved_at: datetime | None
    result: str
    workflow_result: str
    outcome: Outcome | None
    outcome_source: OutcomeSource | None
    outcome_at: datetime | None
    manual_intervention: bool

    @property
    def ran(self) -> bool:
        """Whether the action ran."""
        return self.action_ended_at is not None

    def starts_at(self, phase: Phase) -> datetime:
        """Give the time from which a condition of that phase counts."""
        if phase is Phase.POST and self.action_ended_at is not None:
            return self.action_ended_at
        return self.started_at


def run_of(mapping: CsvMap, line: Line) -> Run:
    """Read a run off a line.

    Raises
    ------
    HistoryError
        A cell cannot be read, or a value that every run has is empty.
    """
    incident = cell_needed(mapping.incident, line, "the incident's name")
    flow = cell_needed(mapping.workflow, line, "the workflow's name") if mapping.workflow else incident
    result = cell_text(mapping.result, line) or "unknown"
    if result not in RESULTS:
        raise HistoryError(
            f"column {mapping.result.named} gives {result!r}, which is none of {', '.join(RESULTS)}; "
            "translate it under `values`"
        )
    times = mapping.times
    started = instant(times.started, line)
    if started is None:
        raise HistoryError(
            f"column {times.started.column!r} is empty and every run has a start; "
            "say under `missing` which time to take"
        )
    never_ran = result in ("skipped", "blocked", "denied")
    began = instant(times.action_started, line) if times.action_started else None
    ended = instant(times.action_ended, line) if times.action_ended else None
    outcome, source, outcome_at = _outcome(mapping, line)
    return Run(
        key=RunKey(
            cluster_uid=cell_needed(mapping.cluster, line, "the cluster's name"),
            workflow_uid=flow,
            execution_uid=f"{flow}/{STEP}",
            step=STEP,
        ),
        incident_id=incident,
        namespace=cell_text(mapping.target.namespace, line),
        target_kind=cell_text(mapping.target.kind, line),
        target_name=cell_text(mapping.target.name, line),
        environment=cell_text(mapping.environment, line),
        labels={name: word for name, cell in mapping.labels.items() if (word := cell_text(cell, line))},
        started_at=started,
        action_started_at=None if never_ran else began or started,
        action_ended_at=None if never_ran else ended or began or started,
        finished_at=instant(times.finished, line) if times.finished else None,
        detected_at=instant(times.detected, line) if times.detected else None,
        resolved_at=instant(times.resolved, line) if times.resolved else None,
        result=result,
        workflow_result=cell_text(mapping.workflow_result, line) or "unknown",
        outcome=outcome,
        outcome_source=source,
        outcome_at=outcome_at,
        manual_intervention=cell_yes(mapping.manual_intervention, line),
    )


def _outcome(mapping: CsvMap, line: Line) -> tuple[Outcome | None, OutcomeSource | None, datetime | None]:
    for item in mapping.outcome:
        outcome = cell_choice(item.outcome, line, Outcome)
        if outcome is not None:
            return outcome, item.source, instant(item.at, line) if item.at else None
    return None, None, None


def execution_row(mapping: CsvMap, run: Run) -> ExecutionRow:
    """Give the row of the run."""
    return ExecutionRow(
        record_id=run.key.execution_id(),
        recorded_at=run.finished_at or run.started_at,
        cluster_uid=run.key.cluster_uid,
        incident_id=run.incident_id,
        workflow_uid=run.key.workflow_uid,
        execution_uid=run.key.execution_uid,
        step=run.key.step,
        action=mapping.action,
        namespace=run.namespace,
        target_kind=run.target_kind,
        target_name=run.target_name,
        environment=run.environment,
        labels=run.labels,
        started_at=run.started_at,
        action_started_at=run.action_started_at,
        action_ended_at=run.action_ended_at,
        finished_at=run.finished_at,
        result=run.result,
    )


def workflow_row(run: Run) -> WorkflowRow:
    """Give the row of the workflow, with its outcome."""
    return WorkflowRow(
        record_id=workflow_id(cluster_uid=run.key.cluster_uid, workflow_uid=run.key.workflow_uid),
        recorded_at=run.outcome_at or run.finished_at or run.started_at,
        cluster_uid=run.key.cluster_uid,
        incident_id=run.incident_id,
        workflow_uid=run.key.workflow_uid,
        namespace=run.namespace,
        environment=run.environment,
        labels=run.labels,
        detected_at=run.detected_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        resolved_at=run.resolved_at,
        result=run.workflow_result,
        outcome=run.outcome,
        outcome_source=run.outcome_source,
        outcome_at=run.outcome_at,
        manual_intervention=run.manual_intervention,
    )


def snapshot_of(item: ConditionMap, look: Look) -> Snapshot:
    """Give what a policy may see of a look; paths that the line does not record are not recorded."""
    kept = [path for path in item.facts if path not in look.absent]
    if item.settings:
        kept.append("settings")
    if item.time_to_pass is not None and item.time_to_pass.fact is not None:
        kept.append(item.time_to_pass.fact)
    return Snapshot(facts=look.facts, recorded=tuple(parse_path(path) for path in kept))


def evaluation_row(
    item: ConditionMap, run: Run, look: Look, *, policy: CompiledPolicy | None, judgement: Judgement | None
) -> EvaluationRow:
    """Give the row of one condition; `judgement` is the policy's answer where the line leaves one to it.

    Notes
    -----
    A condition whose facts the line does not record was never judged: it is Skipped, not an Error, which would count
    as a stop that nobody saw.
    """
    condition = item.id
    starts_at = run.starts_at(condition.phase)
    read_at = starts_at + timedelta(seconds=look.after_s)
    verdict, reason, message = look.verdict, look.reason.value, look.message
    if judgement is not None:
        verdict, reason = _VERDICT_OF[judgement.code], judgement.reason.value
        message = judgement.message or message
        if look.absent and judgement.code is Code.ERROR:
            verdict = Verdict.SKIPPED
    if verdict is None:
        raise HistoryError(f"{condition} has neither a verdict nor a policy")
    post = condition.phase is Phase.POST
    passed_after = look.time_to_pass_s
    return EvaluationRow(
        record_id=run.key.evaluation_id(condition.level, condition.phase, condition.type),
        recorded_at=read_at,
        cluster_uid=run.key.cluster_uid,
        incident_id=run.incident_id,
        workflow_uid=run.key.workflow_uid,
        execution_uid=run.key.execution_uid,
        step=run.key.step,
        action=condition.action,
        level=condition.level,
        phase=condition.phase,
        type=condition.type,
        policy_digest=policy.digest if policy is not None else "",
        policy_source="inline" if policy is not None else "imported",
        settings_digest=_settings_digest(item),
        required=item.required,
        enforced=False,
        bucket=bucket_of(ROLLOUT, run.incident_id),
        percent=0.0,
        verdict=verdict,
        reason=reason,
        message=message,
        started_at=starts_at,
        read_at=read_at,
        elapsed_s=look.after_s,
        deadline=starts_at + timedelta(seconds=item.timeout_s) if post else None,
        timeout_s=item.timeout_s,
        held_since=None if passed_after is None else starts_at + timedelta(seconds=passed_after),
        time_to_pass_s=passed_after,
        time_to_pass_lower_s=look.lower_s,
        observed_until=read_at if post and look.attempt is not None else None,
        attempts=1 if look.attempt is not None or judgement is not None else 0,
        namespace=run.namespace,
        target_kind=run.target_kind,
        target_name=run.target_name,
        environment=run.environment,
        labels=run.labels,
    )


def attempt_row(
    item: ConditionMap, evaluation: EvaluationRow, look: Look, *, run: Run, judgement: Judgement | None
) -> AttemptRow | None:
    """Give the one look behind an evaluation; None when nobody looked."""
    result = look.attempt if judgement is None else _ATTEMPT_OF[judgement.code]
    if result is None:
        return None
    snapshot = snapshot_of(item, look)
    return AttemptRow(
        record_id=run.key.attempt_id(evaluation.level, evaluation.phase, evaluation.type, slot=0),
        recorded_at=evaluation.read_at,
        evaluation_id=evaluation.record_id,
        incident_id=run.incident_id,
        execution_uid=run.key.execution_uid,
        action=evaluation.action,
        level=evaluation.level,
        phase=evaluation.phase,
        type=evaluation.type,
        slot=0,
        read_started_at=evaluation.read_at,
        read_at=evaluation.read_at,
        policy_digest=evaluation.policy_digest,
        facts=snapshot.facts,
        recorded_paths=tuple(format_path(path) for path in snapshot.recorded or ()),
        result=result,
        reason=evaluation.reason,
        message=evaluation.message,
        fatal=judgement.fatal if judgement is not None else False,
    )


def policy_row(item: ConditionMap, policy: CompiledPolicy, recorded_at: datetime) -> PolicyRow:
    """Give the row that keeps a policy's source."""
    return PolicyRow(
        record_id=policy_id(item.id, digest=policy.digest),
        recorded_at=recorded_at,
        digest=policy.digest,
        action=item.id.action,
        level=item.id.level,
        phase=item.id.phase,
        type=item.id.type,
        source=policy.source,
        libraries=dict(policy.libraries),
    )


_VERDICT_OF = {Code.PASSED: Verdict.PASSED, Code.FAILED: Verdict.FAILED, Code.ERROR: Verdict.ERROR}
_ATTEMPT_OF = {Code.PASSED: Attempt.PASSED, Code.FAILED: Attempt.FAILED, Code.ERROR: Attempt.ERROR}


def _settings_digest(item: ConditionMap) -> str:
    said = {"settings": dict(item.settings), "timeout_s": item.timeout_s, "required": item.required}
    return hashlib.sha256(json_text(said).encode()).hexdigest()
