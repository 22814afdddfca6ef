"""Custom resources as read from the API server, checked once, with one error that names every problem.

The API server has checked the schema when its CRD is current. It is checked again here, because an older CRD
may still be installed, and because some rules fit no schema: bytes of inline Rego, a condition listed twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import chain
from types import GenericAlias, MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from kubernaut.conditions.added import (
    AddedCondition,
    added_by_step,
    added_conditions,
    check_inline_total,
)
from kubernaut.conditions.fields import FROM_TEXT
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.errors import SettingsError
from kubernaut.identity import Level
from kubernaut.resources.execution import KubernetesExecutionSpec, KubernetesExecutionStatus
from kubernaut.resources.fields import models_of
from kubernaut.resources.names import KUBERNETES_EXECUTION, WORKFLOW_EXECUTION, ResourceKind
from kubernaut.resources.workflow import WorkflowExecutionSpec, WorkflowExecutionStatus
from kubernaut.verification.status_json import moment_of

Model = TypeVar("Model", bound=BaseModel)
Spec = TypeVar("Spec", bound=BaseModel)
Status = TypeVar("Status", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The part of an object's metadata that a run goes by.

    Attributes
    ----------
    created_at, deleted_at : datetime or None
        None for an object that is not stored, or not being deleted.
    """

    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResource(Generic[Spec, Status]):
    """One custom resource.

    Attributes
    ----------
    status : model or None
        None before the operator saw it.
    added : mapping of int to tuple of AddedCondition
        Conditions that it brings, of both levels, by step number.
    """

    metadata: Metadata
    spec: Spec
    status: Status | None = None
    added: Mapping[int, tuple[AddedCondition, ...]] = field(default_factory=dict)


KubernetesExecution: TypeAlias = CustomResource[KubernetesExecutionSpec, KubernetesExecutionStatus]
WorkflowExecution: TypeAlias = CustomResource[WorkflowExecutionSpec, WorkflowExecutionStatus]


def read_execution(document: Mapping[str, Any]) -> KubernetesExecution:
    """Read a KubernetesExecution.

    Parameters
    ----------
    document : mapping
        As the API server gives it.

    Raises
    ------
    SettingsError
        Every problem, one a line: which resource, path, what is wrong, what to do.
    """
    metadata = read_metadata(document, KUBERNETES_EXECUTION)
    where = f"{KUBERNETES_EXECUTION.kind} {metadata}"
    spec = _part(KubernetesExecutionSpec, document, "spec", where=where)
    try:
        added = added_conditions(document["spec"], action=spec.action, level=Level.ACTION, place="spec")
        check_inline_total(added)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error
    return CustomResource(
        metadata=metadata,
        spec=spec,
        status=read_status(KubernetesExecutionStatus, document, where=where),
        added=MappingProxyType({spec.step_number: added}),
    )


def read_workflow(document: Mapping[str, Any]) -> WorkflowExecution:
    """Read a WorkflowExecution; raises as `read_execution`."""
    metadata = read_metadata(document, WORKFLOW_EXECUTION)
    where = f"{WORKFLOW_EXECUTION.kind} {metadata}"
    spec = _part(WorkflowExecutionSpec, document, "spec", where=where)
    added: dict[int, tuple[AddedCondition, ...]] = {}
    try:
        for index, raw in enumerate(document["spec"]["workflowDefinition"]["steps"]):
            _, by_level = added_by_step(raw, place=f"spec.workflowDefinition.steps[{index}]")
            added[raw["stepNumber"]] = tuple(chain.from_iterable(by_level.values()))
        check_inline_total(tuple(chain.from_iterable(added.values())))
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error
    return CustomResource(
        metadata=metadata,
        spec=spec,
        status=read_status(WorkflowExecutionStatus, document, where=where),
        added=MappingProxyType(added),
    )


def read_metadata(document: Mapping[str, Any], kind: ResourceKind) -> Metadata:
    """Read the metadata of an object of this kind.

    Raises
    ------
    SettingsError
        Another kind or version, or no name and namespace.
    """
    said = (document.get("apiVersion", kind.api_version), document.get("kind", kind.kind))
    if said != (kind.api_version, kind.kind):
        raise SettingsError(
            f"apiVersion {said[0]!r}, kind {said[1]!r} is not read here; write {kind.api_version}, {kind.kind}"
        )
    raw = document.get("metadata")
    if not isinstance(raw, Mapping) or not raw.get("name") or not raw.get("namespace"):
        raise SettingsError(f"{kind.kind}: metadata: no name and namespace; add both")
    return Metadata(
        namespace=raw["namespace"],
        name=raw["name"],
        uid=raw.get("uid", ""),
        resource_version=raw.get("resourceVersion", ""),
        generation=raw.get("generation", 0),
        created_at=_moment(raw.get("creationTimestamp")),
        deleted_at=_moment(raw.get("deletionTimestamp")),
        labels=MappingProxyType(dict(raw.get("labels") or {})),
        annotations=MappingProxyType(dict(raw.get("annotations") or {})),
        finalizers=tuple(raw.get("finalizers") or ()),
    )


def read_status(model: type[Model], document: Mapping[str, Any], *, where: str) -> Model | None:
    """Read the status; None when there is none yet.

    Raises
    ------
    SettingsError
        It was not written by the operator.
    """
    raw = document.get("status")
    return _part(model, document, "status", where=where) if raw and raw.get("phase") else None


def _part(model: type[Model], document: Mapping[str, Any], key: str, *, where: str) -> Model:
    raw = document.get(key)
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{where}: {key}: missing; add it")
    try:
        # In a dict of one, so that a problem's path begins with the key.
        part: Model = _parts_of(model).validate_python(
            {key: dict(raw)}, context=FROM_TEXT, by_alias=True, by_name=False
        )[key]
    except ValidationError as error:
        raise SettingsError(describe(error, place=lambda _: where, keys=_keys(model))) from error
    return part


@cache
def _parts_of(model: type[BaseModel]) -> TypeAdapter[dict[str, Any]]:
    annotation: Any = GenericAlias(dict, (str, model))
    return TypeAdapter(annotation)


@cache
def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return known_keys(*models_of(model))


def _moment(text: Any) -> datetime | None:
    return moment_of(text) if text else None
