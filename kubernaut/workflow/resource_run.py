"""A WorkflowExecution as the engine's run: what its spec and metadata fix."""

from kubernaut.resources.names import KEPT_LABELS
from kubernaut.resources.reading import WorkflowExecution
from kubernaut.workflow.keys import Undo
from kubernaut.workflow.run import StepRun, WorkflowRun


def run_of_resource(resource: WorkflowExecution, *, wake_ahead_s: float = 0.0) -> WorkflowRun:
    """Give the run that a custom resource asks for.

    Parameters
    ----------
    wake_ahead_s : float, unit s
        As in `WorkflowRun`; of whoever drives it.
    """
    metadata, spec = resource.metadata, resource.spec
    return WorkflowRun(
        uid=metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        generation=metadata.generation,
        steps=tuple(
            StepRun(
                number=step.step_number,
                name=step.name,
                action=step.action,
                parameters=step.parameters,
                depends_on=step.depends_on,
                critical=step.critical,
                timeout_s=step.timeout_s,
                rollback=None
                if step.rollback is None
                else Undo(action=step.rollback.action, parameters=step.rollback.parameters),
            )
            for step in spec.definition.steps
        ),
        rollback_strategy=spec.strategy.rollback_strategy,
        dry_run=spec.strategy.dry_run,
        max_parallel=spec.strategy.max_parallel,
        approval_required=spec.strategy.approval_required,
        incident_id="" if spec.incident is None else spec.incident.id,
        detected_at=None if spec.incident is None else spec.incident.detected_at,
        stabilization_s=spec.effectiveness.stabilization_window_s,
        labels={name: metadata.labels[name] for name in KEPT_LABELS if name in metadata.labels},
        wake_ahead_s=wake_ahead_s,
    )
