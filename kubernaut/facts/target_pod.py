"""Facts about a target pod: how it is, what made it, who serves beside it, and what came in its place."""

from collections.abc import Callable, Mapping
from functools import partial, wraps

from kubernaut.errors import FactsError
from kubernaut.facts.baseline import pod_key
from kubernaut.facts.collecting import Answer, CannotSee, Partial, collect, not_provided
from kubernaut.facts.deployment import Computation, spec_replicas
from kubernaut.facts.look import Look
from kubernaut.facts.nodes import is_finished
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.pods import element_of, elements_of, is_ready
from kubernaut.facts.workloads import POD, REPLICA_SET, is_called, is_made_by

_MAKE_ANEW = frozenset({"ReplicationController", "StatefulSet", "DaemonSet"})
"""Controllers that make a pod anew whatever it died of; all but ReplicaSets are known by their kind alone."""

_NEVER_MAKE_ANEW = frozenset({"Node"})
"""A mirror pod is its node's: deleting it restarts nothing."""


def for_pods(compute: Callable[[Look], Answer]) -> Computation:
    """Make a fact unobserved where the target is no Pod."""

    @wraps(compute)
    def fact(look: Look) -> Answer:
        if look.target.kind != POD:
            raise not_provided(f"it is told of a Pod, and the target is a {look.target.kind}")
        return compute(look)

    return fact


def of_pod(compute: Callable[[Look, KubeObject], Answer]) -> Computation:
    """Make a fact unobserved where the target is no Pod, and null where that is not there."""

    @for_pods
    @wraps(compute)
    def fact(look: Look) -> Answer:
        return None if look.pod is None else compute(look, look.pod)

    return fact


def _age_s(look: Look, pod: KubeObject) -> Answer:
    metadata = pod.fields.at("metadata")
    made_at = metadata.moment("creationTimestamp")
    if made_at is None:
        raise FactsError(f"{metadata.path('creationTimestamp')} is missing")
    return max(0, int((look.now - made_at).total_seconds()))


def _qos_class(pod: KubeObject) -> str:
    stated = pod.status.text("qosClass")
    if not stated:
        raise not_provided(f"Pod {pod.namespace}/{pod.name} does not state its QoS class")
    return stated


_MORE_FIELDS: Mapping[str, Callable[[Look, KubeObject], Answer]] = {
    "terminating": lambda _, pod: pod.terminating,
    "age_s": _age_s,
    "controller_kind": lambda _, pod: pod.owner.kind if pod.owner else None,
    "qos_class": lambda _, pod: _qos_class(pod),
    "priority": lambda _, pod: pod.spec.number("priority") or 0,
}


@of_pod
def _target_pod(look: Look, pod: KubeObject) -> Answer:
    values, missing = element_of(look, pod)
    more, also_missing = collect((name, partial(compute, look, pod)) for name, compute in _MORE_FIELDS.items())
    return Partial({**values, **more}, {f".{name}": why for name, why in {**missing, **also_missing}.items()})


@of_pod
def _will_be_recreated(look: Look, pod: KubeObject) -> Answer:
    owner = pod.owner
    if owner is None or owner.kind in _NEVER_MAKE_ANEW:
        return False
    if owner.kind in _MAKE_ANEW:
        return True
    if owner.kind != REPLICA_SET:
        raise not_provided(f"whether a {owner.kind} makes its pods anew is not known")
    look.require(REPLICA_SET)
    made_by = next((one for one in look.objects.of(REPLICA_SET, pod.namespace) if is_called(one, owner)), None)
    if made_by is None or made_by.terminating:
        return False
    others = sum(
        one is not pod and is_made_by(one, owner) and not one.terminating and not is_finished(one)
        for one in look.objects.of(POD, pod.namespace)
    )
    return others < spec_replicas(made_by)


@for_pods
def _workload_kind(look: Look) -> Answer:
    return look.workload.kind if look.workload else None


@for_pods
def _workload_name(look: Look) -> Answer:
    return look.workload.name if look.workload else None


def _peers(holds: Callable[[KubeObject], bool]) -> Computation:
    @for_pods
    def fact(look: Look) -> Answer:
        if look.workload is None:
            return None
        return sum(
            one is not look.pod and not one.terminating and not is_finished(one) and holds(one) for one in look.family
        )

    return fact


@for_pods
def _replacements(look: Look) -> Answer:
    look.require(POD)
    before = look.baseline
    if before is None:
        raise not_provided("which pods are new is told by the look before the action, and there was none")
    if before.unobserved is not None:
        raise CannotSee(before.unobserved)
    controller = look.controller
    if controller is None:
        return None
    new = (
        pod
        for pod in look.objects.of(POD, look.target.namespace)
        if is_made_by(pod, controller) and not pod.terminating and pod_key(pod) not in before.containers
    )
    return elements_of(look, new)


TARGET_POD_COMPUTATIONS: Mapping[str, Computation] = {
    "pod_found": for_pods(lambda look: look.pod is not None),
    "pod_name": for_pods(lambda look: look.target.name),
    "target_pod": _target_pod,
    "pod_will_be_recreated": _will_be_recreated,
    "workload_kind": _workload_kind,
    "workload_name": _workload_name,
    "peer_pods": _peers(lambda _: True),
    "ready_peer_pods": _peers(is_ready),
    "replacement_pods": _replacements,
}
