"""Facts about the HorizontalPodAutoscaler that steers the Deployment: it would undo a scale of ours."""

from collections.abc import Mapping

from kubernaut.errors import FactsError
from kubernaut.facts.collecting import Answer
from kubernaut.facts.deployment import Computation
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject

HPA = "HorizontalPodAutoscaler"


def autoscalers(look: Look) -> tuple[KubeObject, ...]:
    """Give those whose target is the workload; more than one is a mistake, but happens."""
    look.require(HPA)
    workload = look.workload
    if workload is None:
        return ()
    return tuple(
        item
        for item in look.objects.of(HPA, look.target.namespace)
        for reference in (item.spec.at("scaleTargetRef"),)
        if reference.text("kind") == workload.kind and reference.text("name") == workload.name
    )


def _minimum(look: Look) -> Answer:
    return max((item.spec.count("minReplicas", 1) for item in autoscalers(look)), default=None)


def _maximum(look: Look) -> Answer:
    found = autoscalers(look)
    for item in found:
        if "maxReplicas" not in item.spec:
            raise FactsError(f"{item.spec.path('maxReplicas')} is missing")
    return min((item.spec.count("maxReplicas") for item in found), default=None)


AUTOSCALING_COMPUTATIONS: Mapping[str, Computation] = {
    "hpa_found": lambda look: bool(autoscalers(look)),
    "hpa_min_replicas": _minimum,
    "hpa_max_replicas": _maximum,
}
