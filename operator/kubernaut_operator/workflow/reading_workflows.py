"""A WorkflowExecution as the engine's run: its spec and metadata, and what people say by its annotations."""

from collections.abc import Mapping
from typing import Any

from kubernaut.errors import SettingsError
from kubernaut.history.rows import Outcome
from kubernaut.resources.names import APPROVE, OUTCOME, PAUSE
from kubernaut.resources.reading import read_workflow
from kubernaut.workflow.resource_run import run_of_resource
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.types import PeopleSeen
from kubernaut_operator.execution.finalizers import EXECUTION_FINALIZER
from kubernaut_operator.execution.reading_runs import WAKE_AHEAD_S, override_annotations

_NO = frozenset({"", "false", "no"})


def run_of(manifest: Mapping[str, Any]) -> WorkflowRun:
    """Give the run that a custom resource asks for.

    One that cannot be read gives a run without steps: the engine says what is wrong where its conditions are resolved.
    """
    try:
        return run_of_resource(read_workflow(manifest), wake_ahead_s=WAKE_AHEAD_S)
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
