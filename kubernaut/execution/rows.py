"""From an execution's status to rows of history.

Attempts and evaluations are made by `kubernaut.verification.rows` in the context that is put together here; the run's
own row is `execution_row`. Where rows are written to is not known here.
"""

from collections.abc import Mapping
from datetime import datetime

from kubernaut.actions.definition import ActionTarget
from kubernaut.conditions.inputs import RunContext as InputContext
from kubernaut.errors import InputError
from kubernaut.execution.checks import parameters_of
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.execution.status import ExecutionStatus
from kubernaut.history.ids import RunKey
from kubernaut.history.rows import ExecutionRow
from kubernaut.identity import Phase
from kubernaut.verification.rows import RunContext, stopping_percents
from kubernaut.verification.types import StageSpec

NOWHERE = ActionTarget(api_version="", kind="", namespace="", name="")
"""The target of a run whose parameters name none."""


def input_context(run: ExecutionRun, status: ExecutionStatus) -> InputContext:
    """Give what the policies may know of the run."""
    return InputContext(step=run.step, incident=incident_of(run, status))


def incident_of(run: ExecutionRun, status: ExecutionStatus) -> str:
    """Give the run's incident: as pinned, before that as far as it is known."""
    if status.pinned is not None:
        return status.pinned.incident_id
    return run.incident_id or run.workflow_uid or run.uid


def row_context(
    run: ExecutionRun,
    status: ExecutionStatus,
    phase: Phase,
    *,
    cluster_uid: str,
    versions: Mapping[str, str],
    trace_id: str = "",
) -> RunContext:
    """Give what the rows of one of the run's stages have in common.

    Parameters
    ----------
    phase : Phase
        Postconditions carry what the preconditions might have stopped.
    cluster_uid : str
        UID of the namespace ``kube-system``.
    versions : mapping of str to str
        Of operator, engine, evaluator and fact registry.

    Raises
    ------
    InputError
        The run's conditions are not known.
    """
    pinned, wanted, key = status.pinned, target_of(run), run_key(run, cluster_uid=cluster_uid)
    stopping: tuple[float, ...] = ()
    if phase is Phase.POST and status.pre is not None:
        stopping = stopping_percents(stage_spec(run, status, Phase.PRE), status.pre)
    return RunContext(
        run=key,
        incident_id=incident_of(run, status),
        execution_uid=key.run_uid,
        settings_digest="" if pinned is None else pinned.digest,
        bucket=0 if pinned is None else pinned.bucket,
        namespace=wanted.namespace,
        target_kind=wanted.kind,
        target_name=wanted.name,
        target_uid="" if status.target is None else status.target.uid,
        environment="" if pinned is None else pinned.environment,
        labels=run.labels,
        versions=versions,
        trace_id=trace_id,
        stopping_percents=stopping,
    )


def run_key(run: ExecutionRun, *, cluster_uid: str) -> RunKey:
    """Give what the ids of the run's rows are made of."""
    return RunKey(
        cluster_uid=cluster_uid,
        workflow_uid=run.workflow_uid,
        execution_uid=run.uid,
        step=run.step,
        purpose=run.purpose,
    )


def execution_row(
    run: ExecutionRun, status: ExecutionStatus, *, cluster_uid: str, recorded_at: datetime
) -> ExecutionRow:
    """Give the row of the run; written when it has its result."""
    wanted, result, job = target_of(run), status.result, status.job
    key = run_key(run, cluster_uid=cluster_uid)
    ran = job is not None and job.effect is not None and job.effect is not Effect.REFUSED
    return ExecutionRow(
        record_id=key.execution_id(),
        recorded_at=recorded_at,
        cluster_uid=cluster_uid,
        incident_id=incident_of(run, status),
        workflow_uid=run.workflow_uid,
        execution_uid=key.run_uid,
        step=run.step,
        purpose=run.purpose,
        action=run.action,
        parameters=run.parameters,
        namespace=wanted.namespace or run.namespace,
        target_kind=wanted.kind,
        target_name=wanted.name,
        target_uid="" if status.target is None else status.target.uid,
        environment="" if status.pinned is None else status.pinned.environment,
        labels=run.labels,
        started_at=status.started_at,
        action_started_at=job.asked_at if job is not None and ran else None,
        action_ended_at=job.finished_at if job is not None and ran else None,
        finished_at=None if result is None else result.at,
        result="" if result is None else result.row_result,
        message=status.message,
        stopped_by=_stopped_by(run, status),
        blocked_s=_blocked_s(status),
        cut_short=result is not None and result.cut_short,
        dry_run=run.dry_run,
    )


def target_of(run: ExecutionRun) -> ActionTarget:
    """Give the target that the run names; `NOWHERE` when its parameters name none."""
    try:
        return parameters_of(run).target
    except InputError:
        return run.declared_target or NOWHERE


def _stopped_by(run: ExecutionRun, status: ExecutionStatus) -> tuple[str, ...]:
    """Give the conditions whose enforced failure stopped the run."""
    if status.memory.conditions is None:
        return ()
    stopped: tuple[str, ...] = ()
    for phase in Phase:
        stage = stage_of(status, phase)
        if stage is not None and stage.stopped_by:
            stopped += texts(stage_spec(run, status, phase), stage.stopped_by)
    return stopped


def texts(spec: StageSpec, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Give the text forms of conditions of a stage, in the order of their keys."""
    names = {entry.key: str(entry.condition.id) for entry in spec.conditions}
    return tuple(names[key] for key in keys if key in names)


def _blocked_s(status: ExecutionStatus) -> float:
    """Give the seconds spent waiting for facts and for the lock."""
    waited = 0.0 if status.pre is None else status.pre.blocked_s
    if status.waiting_since is not None:
        waited += ((status.waited_until or status.seen_at) - status.waiting_since).total_seconds()
    return waited
