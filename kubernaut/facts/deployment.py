"""Facts about the Deployment itself."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TypeAlias

from kubernaut.errors import FactsError
from kubernaut.facts.collecting import Answer
from kubernaut.facts.fields import Fields
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.json_types import JsonValue

Computation: TypeAlias = Callable[[Look], Answer]

_CONDITIONS = ("Available", "Progressing", "ReplicaFailure")
_STUCK = "ProgressDeadlineExceeded"
_DEFAULT_REPLICAS = 1


def of_deployment(compute: Callable[[Look, KubeObject], Answer]) -> Computation:
    """Make a fact null when there is no Deployment (looked, not there)."""

    @wraps(compute)
    def fact(look: Look) -> Answer:
        return None if look.deployment is None else compute(look, look.deployment)

    return fact


def spec_replicas(deployment: KubeObject) -> int:
    """Give the replicas asked for; 1 when left out, which is the API's default."""
    return deployment.spec.count("replicas", _DEFAULT_REPLICAS)


def pod_spec(deployment: KubeObject) -> Fields:
    """Give the spec of the pods that the Deployment makes.

    Raises
    ------
    FactsError
        It has no template.
    """
    template = deployment.spec.at("template")
    if not template:
        raise FactsError(f"{template.where} is missing")
    return template.at("spec")


def _status(deployment: KubeObject) -> Fields:
    if "status" not in deployment.fields:
        raise FactsError(f"{deployment.fields.path('status')} is missing: a manifest, no object of a cluster")
    return deployment.status


def _generation(deployment: KubeObject) -> tuple[int, int]:
    metadata = deployment.fields.at("metadata")
    generation = metadata.number("generation")
    if generation is None:
        raise FactsError(f"{metadata.path('generation')} is missing")
    return generation, _status(deployment).count("observedGeneration")


def is_observed(deployment: KubeObject) -> bool:
    """Say whether the Deployment's controller has seen the latest spec."""
    generation, observed = _generation(deployment)
    return observed >= generation


@of_deployment
def _current_replicas(_: Look, deployment: KubeObject) -> JsonValue:
    return spec_replicas(deployment)


@of_deployment
def _conditions(_: Look, deployment: KubeObject) -> JsonValue:
    found = {c.text("type"): c.text("status") == "True" for c in _status(deployment).each("conditions")}
    return {name: found.get(name, False) for name in _CONDITIONS}


@of_deployment
def _progress_deadline_exceeded(_: Look, deployment: KubeObject) -> JsonValue:
    return any(
        c.text("type") == "Progressing" and c.text("reason") == _STUCK for c in _status(deployment).each("conditions")
    )


@of_deployment
def _observed_generation_current(_: Look, deployment: KubeObject) -> JsonValue:
    return is_observed(deployment)


@of_deployment
def _rollout_in_progress(_: Look, deployment: KubeObject) -> JsonValue:
    # kubectl rollout status, in its order; see k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go.
    status = _status(deployment)
    updated = status.count("updatedReplicas")
    return (
        not is_observed(deployment)
        or updated < spec_replicas(deployment)
        or status.count("replicas") > updated
        or status.count("availableReplicas") < updated
    )


DEPLOYMENT_COMPUTATIONS: Mapping[str, Computation] = {
    "deployment_found": lambda look: look.deployment is not None,
    "current_replicas": _current_replicas,
    "conditions": _conditions,
    "progress_deadline_exceeded": _progress_deadline_exceeded,
    "observed_generation_current": _observed_generation_current,
    "rollout_in_progress": _rollout_in_progress,
}
