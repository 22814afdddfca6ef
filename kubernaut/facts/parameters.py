"""Facts whose source is a parameter of the action.

Parameters come in the nested form of the custom resource: ``{deployment: {name, namespace, replicas}}`` and
``expectedReplicas``. They were checked by the action's own model; what is read here is read defensively
all the same, since a recorded run may be older than the model.
"""

from collections.abc import Mapping

from kubernaut.facts.collecting import Answer, not_provided
from kubernaut.facts.deployment import Computation, of_deployment, spec_replicas
from kubernaut.facts.fields import Fields
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.workloads import DEPLOYMENT
from kubernaut.json_types import JsonValue


def target_replicas(look: Look) -> int:
    """Give the replicas that the action asks for.

    Raises
    ------
    FactsError
        The parameter is missing or no count.
    """
    parameters = Fields(look.parameters, "parameters")
    for place in (parameters.at("deployment"), parameters):
        if "replicas" in place:
            return place.count("replicas")
    raise not_provided("parameter deployment.replicas was not given")


def additional_replicas(look: Look, deployment: KubeObject) -> int:
    """Give the replicas that the action adds; 0 when it takes some away."""
    return max(0, target_replicas(look) - spec_replicas(deployment))


def _expected_baseline(look: Look) -> JsonValue:
    parameters = Fields(look.parameters, "parameters")
    if "expectedReplicas" in parameters:
        return parameters.count("expectedReplicas")
    if look.baseline is not None:
        return look.baseline.replicas
    return None if look.deployment is None else spec_replicas(look.deployment)


def _deployment_name(look: Look) -> Answer:
    if look.target.kind != DEPLOYMENT:
        raise not_provided(f"the target is a {look.target.kind}; its workload is told by workload_name")
    return look.target.name


@of_deployment
def _additional(look: Look, deployment: KubeObject) -> Answer:
    return additional_replicas(look, deployment)


PARAMETER_COMPUTATIONS: Mapping[str, Computation] = {
    "deployment_name": _deployment_name,
    "namespace": lambda look: look.target.namespace,
    "target_replicas": target_replicas,
    "expected_baseline": _expected_baseline,
    "additional_replicas": _additional,
}
