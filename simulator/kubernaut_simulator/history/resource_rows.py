"""Rows of history from custom resources, as far as their statuses tell: what is left where no recorder ran.

A status holds what the engine needs to go on: verdicts, their times, and whose word counted. It holds no look, and of
the settings only what they came to. What else a row needs is written as nothing, or as it usually is;
`resource_import.py` tells what.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kubernaut.conditions.spec import DEFAULT_TIMEOUT_PRE_S, PolicySource, ResolvedCondition
from kubernaut.errors import HistoryError
from kubernaut.execution import rows as execution_rows
from kubernaut.execution.resource_run import run_of_resource as execution_run
from kubernaut.execution.status_json import from_json as execution_status
from kubernaut.history.rows import EvaluationRow, Row
from kubernaut.identity import ConditionId, Phase
from kubernaut.resources.common import ConditionResult
from kubernaut.resources.reading import KubernetesExecution, WorkflowExecution
from kubernaut.verification.rows import InForce, RunContext, ended, settled_row
from kubernaut.verification.status import StageStatus
from kubernaut.workflow import rows as workflow_rows
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.resource_run import run_of_resource as workflow_run
from kubernaut.workflow.status_json import from_json as workflow_status

SOURCE = ("source", "resources")
"""Label of rows that were made from a resource's status."""

UNKNOWN_PERCENT = {True: 100.0, False: 0.0}
"""By `enforced`: a status says whether a run was enrolled, and not in which share it was."""


def rows_of_execution(resource: KubernetesExecution, *, cluster_uid: str) -> Iterator[Row]:
    """Give the settled conditions of an execution, and its own row once it has its result.

    Raises
    ------
    InputError, HistoryError
        Its status is not what the operator writes.
    """
    if resource.status is None:
        return
    run, status = execution_run(resource), execution_status(resource.status.engine)
    context = execution_rows.row_context(run, status, Phase.PRE, cluster_uid=cluster_uid, versions={})
    results, stopped_by = resource.status.validation_results, []
    for stage, told in (
        (status.pre, () if results is None else results.pre_condition_results),
        (status.post, () if results is None else results.post_condition_results),
    ):
        if stage is not None:
            yield from _evaluations(context, stage, told)
            stopped_by += _stopped_by(stage, told)
    if status.result is not None:
        row = execution_rows.execution_row(run, status, cluster_uid=cluster_uid, recorded_at=status.result.at)
        yield replace(row, stopped_by=tuple(stopped_by), labels=_labels(row.labels))


def rows_of_workflow(resource: WorkflowExecution, *, cluster_uid: str) -> Iterator[Row]:
    """Give the settled conditions of a workflow's steps, the steps that ended, and its own row once it has its result.

    A step's row replaces that of its execution: it knows what the step level said.

    Raises
    ------
    InputError, HistoryError
        Its status is not what the operator writes.
    """
    if resource.status is None:
        return
    run, status = workflow_run(resource), workflow_status(resource.status.engine)
    told_of = {StepKey(one.step_number): one for one in resource.status.step_statuses}
    for key, state in status.steps.items():
        stopped_by: list[str] = []
        if (one := told_of.get(key)) is not None:
            context = workflow_rows.row_context(run, status, key, Phase.PRE, cluster_uid=cluster_uid, versions={})
            for stage, told in ((state.pre, one.pre_condition_results), (state.post, one.post_condition_results)):
                if stage is not None:
                    yield from _evaluations(context, stage, told)
                    stopped_by += _stopped_by(stage, told)
        if state.finished_at is not None:
            step = workflow_rows.step_row(run, status, key, cluster_uid=cluster_uid, recorded_at=status.seen_at)
            yield replace(step, stopped_by=tuple(stopped_by), labels=_labels(step.labels))
    if status.result is not None:
        row = workflow_rows.workflow_row(run, status, cluster_uid=cluster_uid, recorded_at=status.seen_at)
        yield replace(row, labels=_labels(row.labels))


def _evaluations(context: RunContext, stage: StageStatus, told: Sequence[ConditionResult]) -> Iterator[EvaluationRow]:
    context = replace(context, labels=_labels(context.labels))
    for result in told:
        key = result.condition_type
        if stage.verdict(key) is None:
            continue
        end = replace(ended(stage, key), attempts=result.attempts)
        after = stage.postconditions.get(key)
        condition = ResolvedCondition(
            id=_identity(result),
            description="",
            policy_digest=result.policy_digest or "",
            policy_source=result.policy_source or PolicySource.CONFIGMAP,
            required=bool(result.required),
            rollout_percent=UNKNOWN_PERCENT[result.enforced],
            timeout_s=DEFAULT_TIMEOUT_PRE_S if after is None else after.deadlines_s[0],
        )
        force = InForce(
            enforced=result.enforced,
            percent=UNKNOWN_PERCENT[result.enforced],
            override=stage.overridden.get(key),
        )
        seen = max(end.read_at, end.observed_until or end.read_at)
        yield settled_row(context, condition, end, force, recorded_at=seen)


def _stopped_by(stage: StageStatus, told: Sequence[ConditionResult]) -> list[str]:
    names = {result.condition_type: str(_identity(result)) for result in told}
    return [names[key] for key in stage.stopped_by if key in names]


def _identity(result: ConditionResult) -> ConditionId:
    if result.level is None or result.phase is None:
        raise HistoryError(f"the result of {result.condition_type} does not say its level and phase")
    return ConditionId(result.action, result.level, result.phase, result.condition_type)


def _labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    return {**labels, SOURCE[0]: SOURCE[1]}
