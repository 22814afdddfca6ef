"""The CustomResourceDefinitions of both kinds: schemas from the models, rules in CEL, columns for `kubectl get`.

A rule here says at `kubectl apply` what the operator would otherwise say in a status a moment later. The
operator checks again by the same models: another version's schema may be installed.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from kubernaut.conditions.added import MAX_INLINE_TOTAL_BYTES
from kubernaut.resources.execution import KubernetesExecutionSpec, KubernetesExecutionStatus
from kubernaut.resources.names import CATEGORY, KUBERNETES_EXECUTION, WORKFLOW_EXECUTION, ResourceKind
from kubernaut.resources.workflow import WorkflowExecutionSpec, WorkflowExecutionStatus
from kubernaut_operator.manifests.objects import Manifest, labels
from kubernaut_operator.manifests.structural import Additions, Schema, structural_schema

_FIXED = "once it has started, the spec is fixed: delete this one and create another"
_IMMUTABLE = ("!has(oldSelf.status) || !has(oldSelf.status.phase) || self.spec == oldSelf.spec", _FIXED)

_LONGEST = "duration('1h')"


def _between(key: str, lowest: str, *, zero: bool = False) -> tuple[str, str]:
    lower = (
        f"(duration(self.{key}) == duration('0s') || duration(self.{key}) >= duration('{lowest}'))"
        if zero
        else (f"duration(self.{key}) >= duration('{lowest}')")
    )
    either = f"at least {lowest}" + (" or 0s" if zero else "")
    return (
        f"!has(self.{key}) || ({lower} && duration(self.{key}) <= {_LONGEST})",
        f"{key}: write {either}, and at most 1h",
    )


_INLINE_BYTES = " + ".join(
    f"(has(self.{key}) ? self.{key}.map(c, has(c.rego) ? size(c.rego) : 0).sum() : 0)"
    for key in ("preConditions", "postConditions")
)

ADDITIONS = Additions(
    rules={
        "CrPreCondition": (
            _between("timeout", "100ms"),
            (
                "!has(self.pollInterval) && !has(self.holdFor)",
                "a precondition is looked at once: remove pollInterval and holdFor",
            ),
        ),
        "CrPostCondition": (
            _between("timeout", "100ms"),
            _between("holdFor", "100ms", zero=True),
            (
                "duration(has(self.holdFor) ? self.holdFor : '0s') < duration(has(self.timeout) ? self.timeout : '2m')",
                "holdFor does not fit into the timeout (2m where none is given): it could never pass",
            ),
        ),
        "KubernetesExecutionSpec": (
            _between("timeout", "1s"),
            (
                f"{_INLINE_BYTES} <= {MAX_INLINE_TOTAL_BYTES}",
                "more than 256 KiB of inline rego in all: move policies into a ConfigMap",
            ),
        ),
        "WorkflowStep": (
            _between("timeout", "1s"),
            (
                "!has(self.dependsOn) || !(self.stepNumber in self.dependsOn)",
                "dependsOn: a step waits for others",
            ),
        ),
        "WorkflowDefinition": (
            (
                "self.steps.all(s, !has(s.dependsOn) || s.dependsOn.all(n, self.steps.exists(t, t.stepNumber == n)))",
                "dependsOn names a step that is not there",
            ),
        ),
    },
    list_keys={
        "preConditions": "type",
        "postConditions": "type",
        "conditions": "type",
        "steps": "stepNumber",
        "stepStatuses": "stepNumber",
    },
    sets=("dependsOn",),
)

Column = dict[str, Any]


def _column(name: str, path: str, *, type_: str = "string", priority: int = 0, description: str = "") -> Column:
    column: Column = {"name": name, "type": type_, "jsonPath": path}
    if description:
        column["description"] = description
    return column | ({"priority": priority} if priority else {})


_AGE = _column("Age", ".metadata.creationTimestamp", type_="date")
_REASON = _column("Reason", ".status.reason")
_INCIDENT = _column("Incident", ".status.incidentId", priority=1)
_MESSAGE = _column("Message", ".status.message", priority=1)
_PHASE = _column("Phase", ".status.phase")

_EXECUTION_COLUMNS = (
    _PHASE,
    _column("Action", ".spec.action"),
    _column("Target", ".spec.targetResource.name", description="Name of the object that is acted on."),
    _REASON,
    _column("Dry-Run", ".spec.dryRun", type_="boolean", priority=1),
    _column("Target-Namespace", ".spec.targetResource.namespace", priority=1),
    _INCIDENT,
    _MESSAGE,
    _AGE,
)
_WORKFLOW_COLUMNS = (
    _PHASE,
    _column("Actions", ".spec.workflowDefinition.steps[*].action"),
    _column("Outcome", ".status.outcome", description="What it did for the incident."),
    _REASON,
    _INCIDENT,
    _MESSAGE,
    _AGE,
)


def custom_resource_definitions() -> list[Manifest]:
    """Give the CRDs, KubernetesExecution first."""
    return [
        _definition(KUBERNETES_EXECUTION, KubernetesExecutionSpec, KubernetesExecutionStatus, _EXECUTION_COLUMNS),
        _definition(WORKFLOW_EXECUTION, WorkflowExecutionSpec, WorkflowExecutionStatus, _WORKFLOW_COLUMNS),
    ]


def _definition(
    kind: ResourceKind, spec: type[BaseModel], status: type[BaseModel], columns: Sequence[Column]
) -> Manifest:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name, "labels": labels("crds")},
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": kind.version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _schema(spec, status)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(columns),
                }
            ],
        },
    }


def _schema(spec: type[BaseModel], status: type[BaseModel]) -> Schema:
    rule, message = _IMMUTABLE
    return {
        "type": "object",
        "required": ["spec"],
        "x-kubernetes-validations": [{"rule": rule, "message": message, "fieldPath": ".spec"}],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # The name becomes the value of a label of its Job.
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 63}}},
            "spec": structural_schema(spec, ADDITIONS),
            "status": structural_schema(status, ADDITIONS),
        },
    }
