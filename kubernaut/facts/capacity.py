"""Facts about room for more pods: what nodes have left, what a pod needs, how many fit."""

from collections.abc import Mapping
from fractions import Fraction

from kubernaut.facts.collecting import Answer
from kubernaut.facts.constraints import host_ports, is_candidate, required_apart, selects
from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.deployment import Computation, of_deployment, pod_spec
from kubernaut.facts.fields import Fields
from kubernaut.facts.fit import fitting
from kubernaut.facts.look import Look
from kubernaut.facts.nodes import Node, is_finished, node_of
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.ownership import HASH_LABEL, current_replica_set
from kubernaut.facts.parameters import additional_replicas
from kubernaut.facts.requests import CPU, MEMORY, ZERO, template_requests
from kubernaut.quantities import format_cpu_m, format_memory_mi


def _free_in_all(look: Look, resource: str) -> Fraction:
    look.require("Node", ALL_PODS)
    deployment = look.known_deployment
    spec = pod_spec(deployment) if deployment else Fields({}, "")
    candidates = [node for node in look.nodes if is_candidate(spec, node)]
    return sum((look.room(node).get(resource, ZERO) for node in candidates), ZERO)


@of_deployment
def _required_cpu(_: Look, deployment: KubeObject) -> Answer:
    return format_cpu_m(template_requests(pod_spec(deployment)).get(CPU, ZERO), up=True)


@of_deployment
def _required_memory(_: Look, deployment: KubeObject) -> Answer:
    return format_memory_mi(template_requests(pod_spec(deployment)).get(MEMORY, ZERO), up=True)


@of_deployment
def _matching_nodes(look: Look, deployment: KubeObject) -> Answer:
    return len(_takers(look, pod_spec(deployment)))


def _takers(look: Look, spec: Fields) -> list[Node]:
    return [node for node in look.nodes if is_candidate(spec, node) and selects(spec, node)]


@of_deployment
def _schedulable_replicas(look: Look, deployment: KubeObject) -> Answer:
    look.require("Node", ALL_PODS)
    wanted = additional_replicas(look, deployment)
    if wanted == 0:
        return 0
    spec = pod_spec(deployment)
    labels = _labels_of_new_pod(look, deployment)
    fit = fitting(
        _takers(look, spec),
        look.loads,
        requests=template_requests(spec),
        ports=host_ports(spec),
        apart=required_apart(spec, namespace=deployment.namespace, labels=labels),
        all_nodes=look.nodes,
    )
    waiting = sum(not node_of(pod) for pod in look.pods if not is_finished(pod))
    return max(0, min(wanted, fit - waiting))


def _labels_of_new_pod(look: Look, deployment: KubeObject) -> dict[str, str]:
    labels = deployment.spec.at("template", "metadata").labels("labels")
    current = current_replica_set(deployment, look.replica_sets) if look.readable("ReplicaSet") else None
    if current is not None and HASH_LABEL in current.labels:
        labels[HASH_LABEL] = current.labels[HASH_LABEL]
    return labels


CAPACITY_COMPUTATIONS: Mapping[str, Computation] = {
    "available_cpu": lambda look: format_cpu_m(_free_in_all(look, CPU), up=False),
    "available_memory": lambda look: format_memory_mi(_free_in_all(look, MEMORY), up=False),
    "required_cpu_per_pod": _required_cpu,
    "required_memory_per_pod": _required_memory,
    "schedulable_replicas": _schedulable_replicas,
    "matching_nodes": _matching_nodes,
    "ready_nodes": lambda look: sum(node.ready for node in look.nodes),
}
