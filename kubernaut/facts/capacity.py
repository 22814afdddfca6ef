"""Facts about room for more pods: what nodes have left, what a pod needs, how many fit."""

from collections.abc import Mapping
from fractions import Fraction

from kubernaut.facts.collecting import Answer
from kubernaut.facts.constraints import host_ports, is_candidate, required_apart, selects
from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.deployment import Computation, of_deployment
from kubernaut.facts.fields import Fields
from kubernaut.facts.fit import fitting
from kubernaut.facts.look import Look
from kubernaut.facts.nodes import Node, free, is_finished, loads, node_of, read_node
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.ownership import HASH_LABEL, current_replica_set
from kubernaut.facts.parameters import additional_replicas
from kubernaut.facts.requests import CPU, MEMORY, ZERO, template_requests
from kubernaut.quantities import format_cpu_m, format_memory_mi


def _nodes(look: Look) -> list[Node]:
    look.require("Node")
    return [read_node(item) for item in look.objects.of("Node")]


def _free_in_all(look: Look, resource: str) -> Fraction:
    pod_spec = look.template.at("spec") if look.known_deployment else Fields({}, "")
    candidates = [node for node in _nodes(look) if is_candidate(pod_spec, node)]
    look.require(ALL_PODS)
    by_node = loads(look.objects.of("Pod"))
    return sum((free(node, by_node.get(node.name)).get(resource, ZERO) for node in candidates), ZERO)


@of_deployment
def _required_cpu(look: Look, _: KubeObject) -> Answer:
    return format_cpu_m(template_requests(look.template.at("spec")).get(CPU, ZERO), up=True)


@of_deployment
def _required_memory(look: Look, _: KubeObject) -> Answer:
    return format_memory_mi(template_requests(look.template.at("spec")).get(MEMORY, ZERO), up=True)


@of_deployment
def _matching_nodes(look: Look, _: KubeObject) -> Answer:
    pod_spec = look.template.at("spec")
    return sum(is_candidate(pod_spec, node) and selects(pod_spec, node) for node in _nodes(look))


@of_deployment
def _schedulable_replicas(look: Look, deployment: KubeObject) -> Answer:
    wanted = additional_replicas(look, deployment)
    if wanted == 0:
        return 0
    pod_spec = look.template.at("spec")
    nodes = _nodes(look)
    look.require(ALL_PODS)
    fit = fitting(
        [node for node in nodes if is_candidate(pod_spec, node) and selects(pod_spec, node)],
        loads(look.objects.of("Pod")),
        requests=template_requests(pod_spec),
        ports=host_ports(pod_spec),
        apart=required_apart(
            pod_spec, namespace=deployment.namespace, labels=_labels_of_new_pod(look, deployment)
        ),
        all_nodes=nodes,
    )
    waiting = sum(not node_of(pod) for pod in look.pods if not is_finished(pod))
    return max(0, min(wanted, fit - waiting))


def _labels_of_new_pod(look: Look, deployment: KubeObject) -> dict[str, str]:
    labels = look.template.at("metadata").labels("labels")
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
    "ready_nodes": lambda look: sum(node.ready for node in _nodes(look)),
}
