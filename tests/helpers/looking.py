"""One look in one line, for tests of facts."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.extract import extract
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason

from .kube_objects import NAME, NAMESPACE, Json

NOW = datetime(2024, 1, 1, 1, 0, tzinfo=UTC)
WEB = Target(namespace=NAMESPACE, name=NAME)
WEB_POD = Target(kind="Pod", namespace=NAMESPACE, name="web-a")
FORBIDDEN = Unobserved(UnobservedReason.FORBIDDEN, "may not list")


def look(
    *objects: Any,
    replicas: Any = 5,
    parameters: Json | None = None,
    unavailable: Iterable[str] | Mapping[str, Unobserved] = (),
    target: Target = WEB,
    baseline: Baseline | None = None,
    action_ended_at: datetime | None = None,
    incident_detected_at: datetime | None = None,
    now: datetime = NOW,
) -> Snapshot:
    """Extract the facts of some objects."""
    hidden = unavailable if isinstance(unavailable, Mapping) else dict.fromkeys(unavailable, FORBIDDEN)
    return extract(
        ObjectSet.from_objects(objects),
        target,
        _parameters(target, replicas) if parameters is None else parameters,
        now=now,
        baseline=baseline,
        unavailable=hidden,
        action_ended_at=action_ended_at,
        incident_detected_at=incident_detected_at,
    )


def _parameters(target: Target, replicas: Any) -> Json:
    named = {"name": target.name, "namespace": target.namespace}
    return {"pod": named} if target.kind == "Pod" else {"deployment": {**named, "replicas": replicas}}


def why(snapshot: Snapshot, path: str) -> tuple[UnobservedReason, str]:
    """Give why a path is unobserved; fails when it is not."""
    missing = snapshot.unobserved[path]
    return missing.reason, missing.detail
