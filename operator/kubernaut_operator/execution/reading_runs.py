"""A custom resource as the engine's run: its spec and metadata, and what a live driver says of itself."""

from collections.abc import Mapping
from typing import Any

from kubernaut.enforcement.overrides import PREFIX
from kubernaut.errors import SettingsError
from kubernaut.execution.resource_run import run_of_resource
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.types import MetadataSeen
from kubernaut.resources.reading import read_execution
from kubernaut_operator.execution.finalizers import EXECUTION_FINALIZER

WAKE_AHEAD_S = 0.25
"""A worker wakes a few milliseconds late, more when all are busy; what is begun this early meets its deadline."""


def run_of(manifest: Mapping[str, Any]) -> ExecutionRun:
    """Give the run that a custom resource asks for.

    One that cannot be read gives a run all the same, as far as it can be read: the engine says of it what is wrong,
    where its conditions are resolved.
    """
    try:
        return run_of_resource(read_execution(manifest), wake_ahead_s=WAKE_AHEAD_S)
    except SettingsError:
        spec, metadata = manifest.get("spec") or {}, manifest["metadata"]
        parameters = spec.get("parameters")
        return ExecutionRun(
            uid=str(metadata["uid"]),
            namespace=str(metadata["namespace"]),
            name=str(metadata["name"]),
            generation=int(metadata.get("generation", 1)),
            action=str(spec.get("action", "")),
            parameters=parameters if isinstance(parameters, dict) else {},
            wake_ahead_s=WAKE_AHEAD_S,
        )


def metadata_of(
    manifest: Mapping[str, Any], overrides: Mapping[str, str], *, admission_policy_present: bool
) -> MetadataSeen:
    """Give what the engine wants to know of a custom resource's metadata.

    Parameters
    ----------
    overrides : mapping of str to str
        Annotations by which people override conditions: its own, and those of the workflow it is a step of.
    """
    metadata = manifest["metadata"]
    return MetadataSeen(
        deleted="deletionTimestamp" in metadata,
        finalizer=EXECUTION_FINALIZER in (metadata.get("finalizers") or ()),
        override_annotations=overrides,
        admission_policy_present=admission_policy_present,
    )


def override_annotations(manifest: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Give the annotations by which a person overrides conditions; none where there is no resource."""
    if manifest is None:
        return {}
    annotations = manifest["metadata"].get("annotations") or {}
    return {name: str(value) for name, value in annotations.items() if name.startswith(PREFIX)}
