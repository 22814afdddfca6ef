"""Tell an object's kind by its structure.

An API server leaves `kind` out of the items of a typed list, and tools that store items one by one lose it
altogether. Rules go from the unmistakable to the likely; what no rule knows stays unknown rather than
guessed.
"""

from collections.abc import Callable, Mapping
from typing import Any


def infer_kind(item: Mapping[str, Any]) -> str:
    """Give the kind, or "" when the structure does not tell."""
    spec, status = _mapping(item.get("spec")), _mapping(item.get("status"))
    for kind, holds in _RULES:
        if holds(item, spec, status):
            return kind
    return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_Rule = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], bool]


def _has_template(spec: Mapping[str, Any]) -> bool:
    return isinstance(spec.get("template"), Mapping)


_RULES: tuple[tuple[str, _Rule], ...] = (
    ("Event", lambda item, _spec, _status: "involvedObject" in item or "regarding" in item),
    (
        "PodMetrics",
        lambda item, _spec, _status: isinstance(item.get("containers"), list) and "spec" not in item,
    ),
    ("HorizontalPodAutoscaler", lambda _item, spec, _status: "scaleTargetRef" in spec),
    ("Pod", lambda _item, spec, _status: isinstance(spec.get("containers"), list)),
    ("Node", lambda _item, _spec, status: "nodeInfo" in status or "allocatable" in status),
    ("CronJob", lambda _item, spec, _status: "jobTemplate" in spec),
    ("StatefulSet", lambda _item, spec, _status: _has_template(spec) and "serviceName" in spec),
    (
        "DaemonSet",
        lambda _item, spec, status: (
            _has_template(spec)
            and "replicas" not in spec
            and ("updateStrategy" in spec or "desiredNumberScheduled" in status)
        ),
    ),
    (
        "Job",
        lambda _item, spec, _status: (
            _has_template(spec) and bool({"completions", "parallelism", "backoffLimit", "completionMode"} & spec.keys())
        ),
    ),
    (
        "Deployment",
        lambda _item, spec, status: (
            _has_template(spec)
            and bool(
                {"strategy", "progressDeadlineSeconds", "revisionHistoryLimit"} & spec.keys()
                or {"updatedReplicas", "unavailableReplicas"} & status.keys()
            )
        ),
    ),
    (
        "ReplicaSet",
        lambda _item, spec, _status: _has_template(spec) and "replicas" in spec and "selector" in spec,
    ),
    ("PodDisruptionBudget", lambda _item, _spec, status: "disruptionsAllowed" in status),
    ("ResourceQuota", lambda _item, spec, status: "hard" in spec or "hard" in status),
)
