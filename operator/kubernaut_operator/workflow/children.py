"""A step's KubernetesExecution: made once under its one name, owned by the workflow, followed, cancelled."""

from collections.abc import Mapping
from typing import Any

from kubernaut.actions.catalogue import target_of
from kubernaut.durations import format_duration
from kubernaut.errors import ConflictError, InputError, NotFoundError
from kubernaut.execution.status_json import from_json
from kubernaut.history.rows import Purpose
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.names import KEPT_LABELS
from kubernaut.verification.status_json import rfc3339
from kubernaut.workflow.intents import CreateExecution
from kubernaut.workflow.keys import StepKey, Undo, execution_name
from kubernaut.workflow.types import ExecutionSeen
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.workflow.work import WorkflowWork

WORKFLOW_LABEL = "kubernaut.io/workflow"
"""On a step's execution: name of the workflow, for people's selectors."""


class Children:
    """Makes, reads and deletes steps' executions."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, work: WorkflowWork, intent: CreateExecution) -> ExecutionSeen:
        """Answer `CreateExecution`.

        Raises
        ------
        ApiError
            It was refused, or nobody knows.
        """
        try:
            made = self._api.create(KUBERNETES_EXECUTIONS, _manifest(work, intent), work.run.namespace)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            return self.read(work, intent.key)
        work.executions[intent.key] = made
        return _seen(intent.key, made)

    def read(self, work: WorkflowWork, key: StepKey) -> ExecutionSeen:
        """Read a step's execution as it is now.

        Raises
        ------
        ApiError
            It cannot be said now.
        """
        name = execution_name(work.run.uid, key)
        try:
            found = self._api.get(KUBERNETES_EXECUTIONS, name, work.run.namespace)
        except NotFoundError:
            return ExecutionSeen(key=key, found=False)
        # Anybody may write an owner; the API server lets nobody but the operator name a workflow in the spec.
        if (found["spec"].get("workflowRef") or {}).get("uid") != work.run.uid:
            return ExecutionSeen(key=key, found=True, foreign=True)
        work.executions[key] = found
        return _seen(key, found)

    def delete(self, work: WorkflowWork, key: StepKey) -> None:
        """Cancel a step's execution; one that is gone is fine."""
        found = work.executions.get(key)
        try:
            self._api.delete(
                KUBERNETES_EXECUTIONS,
                execution_name(work.run.uid, key),
                work.run.namespace,
                uid="" if found is None else str(found["metadata"]["uid"]),
            )
        except NotFoundError:
            return


def _manifest(work: WorkflowWork, intent: CreateExecution) -> Manifest:
    """Give the execution that a step asks for; what its author wrote for the action level goes with it."""
    run, target = work.run, target_of(intent.work.action, intent.work.parameters)
    labels = {WORKFLOW_LABEL: run.name[:63], **{name: run.labels[name] for name in KEPT_LABELS if name in run.labels}}
    spec: dict[str, Any] = {
        "action": intent.work.action,
        "targetResource": {
            "apiVersion": target.api_version,
            "kind": target.kind,
            "name": target.name,
            **({"namespace": target.namespace} if target.namespace else {}),
        },
        "parameters": intent.work.parameters,
        "incident": {"id": intent.incident_id},
        "dryRun": intent.dry_run,
        "stepNumber": intent.key.number,
        "workflowRef": {"name": run.name, "uid": run.uid},
        "purpose": intent.key.purpose.value,
        **_conditions_of(work, intent.key),
    }
    if run.detected_at is not None:
        spec["incident"]["detectedAt"] = rfc3339(run.detected_at)
    if intent.timeout_s is not None:
        spec["timeout"] = format_duration(intent.timeout_s)
    return {
        "apiVersion": KUBERNETES_EXECUTIONS.api_version,
        "kind": KUBERNETES_EXECUTIONS.kind,
        "metadata": {
            "name": intent.name,
            "namespace": run.namespace,
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": WORKFLOW_EXECUTIONS.api_version,
                    "kind": WORKFLOW_EXECUTIONS.kind,
                    "name": run.name,
                    "uid": run.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": spec,
    }


def _conditions_of(work: WorkflowWork, key: StepKey) -> JsonObject:
    """Give the action level's conditions that the step's author wrote, as they were written."""
    if key.purpose is Purpose.ROLLBACK:
        return {}
    for step in work.manifest["spec"]["workflowDefinition"]["steps"]:
        if step["stepNumber"] == key.number:
            written: Mapping[str, Any] = step.get("actionConditions") or {}
            return {name: written[name] for name in ("preConditions", "postConditions") if name in written}
    return {}


def _seen(key: StepKey, manifest: Manifest) -> ExecutionSeen:
    """Say of an execution what the workflow goes by."""
    status: Mapping[str, Any] = manifest.get("status") or {}
    uid = str(manifest["metadata"]["uid"])
    if not status.get("engine"):
        gone = "deletionTimestamp" in manifest["metadata"]
        return ExecutionSeen(key=key, found=not gone, uid=uid)
    try:
        engine = from_json(status["engine"])
    except InputError as error:
        # It will never say what it did; its workflow must not wait for that.
        return ExecutionSeen(
            key=key,
            found=True,
            uid=uid,
            phase=ExecutionPhase.UNKNOWN,
            over=True,
            may_have_changed=True,
            undo=_undo(status),
            message=str(error),
        )
    job, result = engine.job, engine.result
    return ExecutionSeen(
        key=key,
        found=True,
        uid=uid,
        phase=engine.phase,
        over=result is not None,
        succeeded=result is not None and result.phase is ExecutionPhase.SUCCEEDED,
        may_have_changed=engine.may_have_run,
        target_uid="" if engine.target is None else engine.target.uid,
        action_began_at=None if job is None else job.created_at or job.asked_at,
        action_ended_at=None if job is None else job.finished_at,
        undo=_undo(status),
        reason=str(status.get("reason", "")),
        message=str(status.get("message", "")),
    )


def _undo(status: Mapping[str, Any]) -> Undo | None:
    kept = status.get("rollbackInfo") or {}
    if not kept.get("reversible") or not kept.get("action"):
        return None
    return Undo(action=str(kept["action"]), parameters=kept.get("parameters") or {})
