"""A KubernetesExecution as the engine's run: what its spec and metadata fix."""

from kubernaut.actions.definition import ActionTarget
from kubernaut.execution.run import ExecutionRun
from kubernaut.resources.names import KEPT_LABELS
from kubernaut.resources.reading import KubernetesExecution


def run_of_resource(resource: KubernetesExecution, *, wake_ahead_s: float = 0.0) -> ExecutionRun:
    """Give the run that a custom resource asks for.

    Parameters
    ----------
    wake_ahead_s : float, unit s
        As in `ExecutionRun`; of whoever drives it.
    """
    metadata, spec = resource.metadata, resource.spec
    target = spec.target
    return ExecutionRun(
        uid=metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        generation=metadata.generation,
        action=spec.action,
        parameters=spec.parameters,
        declared_target=ActionTarget(
            api_version=target.api_version, kind=target.kind, namespace=target.namespace or "", name=target.name
        ),
        incident_id="" if spec.incident is None else spec.incident.id,
        detected_at=None if spec.incident is None else spec.incident.detected_at,
        step=spec.step_number,
        workflow_uid="" if spec.workflow_ref is None else spec.workflow_ref.uid,
        purpose=spec.purpose,
        dry_run=spec.dry_run,
        timeout_s=spec.timeout_s,
        labels={name: metadata.labels[name] for name in KEPT_LABELS if name in metadata.labels},
        wake_ahead_s=wake_ahead_s,
    )
