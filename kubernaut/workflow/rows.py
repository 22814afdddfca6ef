"""From a workflow's status to rows of history: its own row, and the context of its steps' evaluations."""

from collections.abc import Mapping
from datetime import datetime

from kubernaut.actions.catalogue import target_of
from kubernaut.history.ids import RunKey, workflow_id
from kubernaut.history.rows import ExecutionRow, Purpose, WorkflowRow
from kubernaut.identity import Phase
from kubernaut.resources.workflow import StepPhase, WorkflowPhase
from kubernaut.verification.rows import RunContext, stopping_percents
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.stages import stage_spec, work_of
from kubernaut.workflow.status import StepState, WorkflowStatus

_ROLLED_BACK = frozenset({WorkflowPhase.ROLLED_BACK, WorkflowPhase.ROLLBACK_FAILED})


def incident_of(run: WorkflowRun, status: WorkflowStatus) -> str:
    """Give the run's incident: as pinned, before that as far as it is known."""
    return status.pinned.incident_id if status.pinned is not None else run.incident_id or run.uid


def workflow_row(run: WorkflowRun, status: WorkflowStatus, *, cluster_uid: str, recorded_at: datetime) -> WorkflowRow:
    """Give the row of the workflow; written when it has its result, and again when its outcome is known."""
    result, outcome = status.result, status.outcome
    return WorkflowRow(
        record_id=workflow_id(cluster_uid=cluster_uid, workflow_uid=run.uid),
        recorded_at=recorded_at,
        cluster_uid=cluster_uid,
        incident_id=incident_of(run, status),
        workflow_uid=run.uid,
        namespace=run.namespace,
        environment="" if status.pinned is None else status.pinned.environment,
        labels=run.labels,
        detected_at=run.detected_at,
        started_at=status.started_at,
        finished_at=None if result is None else result.at,
        resolved_at=None if outcome is None else outcome.resolved_at,
        result=status.phase.value if result is None else result.phase.value,
        outcome=None if outcome is None else outcome.outcome,
        outcome_source=None if outcome is None else outcome.source,
        outcome_at=None if outcome is None else outcome.at,
        manual_intervention=status.manual_intervention,
        rolled_back=result is not None and result.phase in _ROLLED_BACK,
    )


def step_row(
    run: WorkflowRun, status: WorkflowStatus, key: StepKey, *, cluster_uid: str, recorded_at: datetime
) -> ExecutionRow:
    """Give the row of a step's run: newer than its execution's own, for it knows what the step level said.

    Raises
    ------
    InputError
        The step cannot be taken back.
    """
    state, work = status.state(key), work_of(run, status, key)
    wanted = target_of(work.action, work.parameters)
    run_key = key_of(run, key, cluster_uid=cluster_uid)
    ran = state.may_have_changed
    return ExecutionRow(
        record_id=run_key.execution_id(),
        recorded_at=recorded_at,
        cluster_uid=cluster_uid,
        incident_id=incident_of(run, status),
        workflow_uid=run.uid,
        execution_uid=run_key.run_uid,
        step=key.number,
        purpose=key.purpose,
        action=work.action,
        parameters=work.parameters,
        namespace=wanted.namespace or run.namespace,
        target_kind=wanted.kind,
        target_name=wanted.name,
        target_uid=state.target_uid,
        environment="" if status.pinned is None else status.pinned.environment,
        labels=run.labels,
        started_at=state.started_at or status.started_at,
        action_started_at=state.action_began_at if ran else None,
        action_ended_at=state.action_ended_at if ran else None,
        finished_at=state.finished_at,
        result=_result(state),
        message=state.message,
        stopped_by=_stopped_by(run, status, key),
        blocked_s=0.0 if state.pre is None else state.pre.blocked_s,
        rolled_back=state.phase is StepPhase.ROLLED_BACK and key.purpose is Purpose.FORWARD,
        cut_short=status.ending is not None and status.ending.cancelled,
        dry_run=run.dry_run,
    )


def _result(state: StepState) -> str:
    """Give the word of `ExecutionRow.result`; being taken back changes nothing about what a step came to."""
    if state.phase is StepPhase.SKIPPED:
        return "skipped"
    return "succeeded" if state.reason == Why.SUCCEEDED.value else "failed"


def key_of(run: WorkflowRun, key: StepKey, *, cluster_uid: str) -> RunKey:
    """Give what the ids of a step's rows are made of; the rows of its execution have the same."""
    return RunKey(cluster_uid=cluster_uid, workflow_uid=run.uid, execution_uid="", step=key.number, purpose=key.purpose)


def _stopped_by(run: WorkflowRun, status: WorkflowStatus, key: StepKey) -> tuple[str, ...]:
    """Give the conditions of the step level whose enforced failure stopped the step."""
    if status.memory.conditions is None:
        return ()
    state = status.state(key)
    named: list[str] = []
    for phase, stage in ((Phase.PRE, state.pre), (Phase.POST, state.post)):
        if stage is not None and stage.stopped_by:
            ids = {entry.key: str(entry.condition.id) for entry in stage_spec(run, status, key, phase).conditions}
            named += [ids[one] for one in stage.stopped_by if one in ids]
    return tuple(named)


def row_context(
    run: WorkflowRun,
    status: WorkflowStatus,
    key: StepKey,
    phase: Phase,
    *,
    cluster_uid: str,
    versions: Mapping[str, str],
) -> RunContext:
    """Give what the rows of one stage of a step have in common; as `kubernaut.execution.rows.row_context`.

    Raises
    ------
    InputError
        The conditions are not known, or the step cannot be taken back.
    """
    state, pinned, work = status.state(key), status.pinned, work_of(run, status, key)
    wanted = target_of(work.action, work.parameters)
    run_key = key_of(run, key, cluster_uid=cluster_uid)
    stopping: tuple[float, ...] = ()
    if phase is Phase.POST and state.pre is not None:
        stopping = stopping_percents(stage_spec(run, status, key, Phase.PRE), state.pre)
    return RunContext(
        run=run_key,
        incident_id=incident_of(run, status),
        execution_uid=run_key.run_uid,
        settings_digest="" if pinned is None else pinned.digest,
        bucket=0 if pinned is None else pinned.bucket,
        namespace=wanted.namespace,
        target_kind=wanted.kind,
        target_name=wanted.name,
        target_uid=state.target_uid,
        environment="" if pinned is None else pinned.environment,
        labels=run.labels,
        versions=versions,
        stopping_percents=stopping,
    )
