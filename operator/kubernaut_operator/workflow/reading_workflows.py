"""A WorkflowExecution as the engine's run: its spec and metadata, and what people say by its annotations."""

from collections.abc import Mapping
from typing import Any

from kubernaut.errors import SettingsError
from kubernaut.history.rows import Outcome
from kubernaut.resources.names import APPROVE, OUTCOME, PAUSE
from kubernaut.resources.reading import WorkflowExecution, read_workflow
from kubernaut.workflow.keys import Undo
from kubernaut.workflow.run import StepRun, WorkflowRun
from kubernaut.workflow.types import PeopleSeen
from kubernaut_operator.execution.finalizers import EXECUTION_FINALIZER
from kubernaut_operator.execution.reading_runs import KEPT_LABELS, WAKE_AHEAD_S, override_annotations

_NO = frozenset({"", "false", "no"})


def run_of(manifest: Mapping[str, Any]) -> WorkflowRun:
    """Give the run that a custom resource asks for.

    One that cannot be read gives a run without steps: the engine says what is wrong where its conditions are resolved.
    """
    try:
        return _run(read_workflow(manifest))
    except SettingsError:
        metadata = manifest["metadata"]
        return WorkflowRun(
            uid=str(metadata["uid"]),
            namespace=str(metadata["namespace"]),
            name=str(metadata["name"]),
            generation=int(metadata.get("generation", 1)),
            steps=(),
            wake_ahead_s=WAKE_AHEAD_S,
        )


def people_of(manifest: Mapping[str, Any], *, admission_policy_present: bool) -> PeopleSeen:
    """Give what people say of a workflow."""
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations") or {}
    said = str(annotations.get(OUTCOME, ""))
    return PeopleSeen(
        deleted="deletionTimestamp" in metadata,
        finalizer=EXECUTION_FINALIZER in (metadata.get("finalizers") or ()),
        paused=str(annotations.get(PAUSE, "")).lower() not in _NO,
        approved_by=_approval(str(annotations.get(APPROVE, ""))),
        outcome=Outcome(said) if said in set(Outcome) else None,
        override_annotations=override_annotations(manifest),
        admission_policy_present=admission_policy_present,
    )


def speaks(manifest: Mapping[str, Any]) -> bool:
    """Say whether somebody said something that counts only while the admission policy is in place."""
    annotations = manifest["metadata"].get("annotations") or {}
    return APPROVE in annotations or OUTCOME in annotations or bool(override_annotations(manifest))


def _approval(text: str) -> str:
    return "" if text.lower() in _NO else text


def _run(resource: WorkflowExecution) -> WorkflowRun:
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
        wake_ahead_s=WAKE_AHEAD_S,
    )
