"""Where a pod may go: what its spec demands of a node, room aside.

Taints and tolerations, node selector, required node affinity, a fixed node name, host ports and required pod
anti-affinity. Preferences are not read: they order nodes, they exclude none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kubernaut.errors import FactsError
from kubernaut.facts.collecting import not_provided
from kubernaut.facts.fields import Fields
from kubernaut.facts.nodes import Node, Taint
from kubernaut.facts.requests import is_best_effort
from kubernaut.facts.selectors import expression_matches, selector_matches, whole_number

_MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def tolerates(pod_spec: Fields, taints: tuple[Taint, ...]) -> bool:
    """Say whether a pod stands every taint that would keep it off.

    Notes
    -----
    A pod that asks for or limits CPU or memory stands memory pressure: the API server adds that toleration
    on its own.
    """
    tolerations = pod_spec.each("tolerations")
    return all(
        any(_tolerates_one(toleration, taint) for toleration in tolerations)
        or (taint.key == _MEMORY_PRESSURE and taint.effect == "NoSchedule" and not is_best_effort(pod_spec))
        for taint in taints
    )


def _tolerates_one(toleration: Fields, taint: Taint) -> bool:
    key, effect = toleration.text("key"), toleration.text("effect")
    if (effect and effect != taint.effect) or (key and key != taint.key):
        return False
    value, operator = toleration.text("value"), toleration.text("operator")
    match operator:
        case "Exists":
            return True
        case "" | "Equal":
            return bool(key) and value == taint.value
        case "Gt" | "Lt":
            bound, number = whole_number(value), whole_number(taint.value)
            if bound is None or number is None:
                return False
            return number > bound if operator == "Gt" else number < bound
        case _:
            raise FactsError(f"{toleration.path('operator')}: {operator!r} is no operator of a toleration")


def selects(pod_spec: Fields, node: Node) -> bool:
    """Say whether a pod's node name, node selector and required node affinity allow a node.

    Raises
    ------
    FactsError
        One of them cannot be read.
    """
    fixed = pod_spec.text("nodeName")
    if fixed and fixed != node.name:
        return False
    wanted = pod_spec.labels("nodeSelector")
    if any(node.labels.get(name) != value for name, value in wanted.items()):
        return False
    affinity = pod_spec.at("affinity", "nodeAffinity")
    if _REQUIRED not in affinity:
        return True
    return any(_term_matches(term, node) for term in affinity.at(_REQUIRED).each("nodeSelectorTerms"))


def _term_matches(term: Fields, node: Node) -> bool:
    expressions, on_fields = term.each("matchExpressions"), term.each("matchFields")
    if not expressions and not on_fields:
        return False  # the API says: an empty term matches nothing
    return all(expression_matches(expression, node.labels) for expression in expressions) and all(
        expression_matches(expression, {"metadata.name": node.name}) for expression in on_fields
    )


def is_candidate(pod_spec: Fields, node: Node) -> bool:
    """Say whether a node is ready and its cordon and taints let the pod in; selectors and room aside."""
    return node.ready and tolerates(pod_spec, node.taints)


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port of the node that a pod takes for itself."""

    address: str
    protocol: str
    number: int

    def conflicts(self, other: "HostPort") -> bool:
        """Say whether both cannot be on one node."""
        same_address = self.address == other.address or bool({self.address, other.address} & _ANY_ADDRESS)
        return same_address and (self.protocol, self.number) == (other.protocol, other.number)


def host_ports(pod_spec: Fields) -> tuple[HostPort, ...]:
    """Give the ports of the node that a pod takes; with the host's network, every port of its containers."""
    on_host = pod_spec.flag("hostNetwork")
    ports = []
    for container in (*pod_spec.each("containers"), *pod_spec.each("initContainers")):
        for port in container.each("ports"):
            number = port.count("hostPort") or (port.count("containerPort") if on_host else 0)
            if number:
                ports.append(HostPort(port.text("hostIP"), port.text("protocol") or "TCP", number))
    return tuple(ports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One required anti-affinity: not in a topology domain with such pods.

    Attributes
    ----------
    topology_key : str
        Label of nodes that makes the domains.
    selector : Fields
    extra : mapping of str to (bool, str)
        By label: whether it must (or must not) have this value; from `matchLabelKeys` and
        `mismatchLabelKeys`.
    namespaces : frozenset of str, or None
        Where such pods are; None means anywhere.
    repels_itself : bool
        The target's own pods are among such pods: one a domain.
    """

    topology_key: str
    selector: Fields
    extra: Mapping[str, tuple[bool, str]]
    namespaces: frozenset[str] | None
    repels_itself: bool = False

    def repels(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Say whether a pod of this namespace with these labels is one to keep away from."""
        if self.namespaces is not None and namespace not in self.namespaces:
            return False
        if any((labels.get(key) == value) is not wanted for key, (wanted, value) in self.extra.items()):
            return False
        return selector_matches(self.selector, labels)


def required_apart(pod_spec: Fields, *, namespace: str, labels: Mapping[str, str]) -> tuple[Apart, ...]:
    """Give the required pod anti-affinity of a pod with these labels.

    Raises
    ------
    FactsError
        It cannot be read; or it selects namespaces by label, which are not looked at.
    """
    terms = []
    for term in pod_spec.at("affinity", "podAntiAffinity").each(_REQUIRED):
        if "labelSelector" not in term:
            continue  # the API says: a missing selector matches no pod
        extra = {key: (True, labels[key]) for key in term.texts("matchLabelKeys") if key in labels}
        extra |= {key: (False, labels[key]) for key in term.texts("mismatchLabelKeys") if key in labels}

        apart = Apart(
            topology_key=term.text("topologyKey"),
            selector=term.at("labelSelector"),
            extra=extra,
            namespaces=_namespaces(term, namespace),
        )
        terms.append(replace(apart, repels_itself=apart.repels(namespace, labels)))
    return tuple(terms)


def _namespaces(term: Fields, own: str) -> frozenset[str] | None:
    named = frozenset(term.texts("namespaces"))
    if "namespaceSelector" not in term:
        return named or frozenset({own})
    if term.at("namespaceSelector"):
        raise not_provided(f"{term.path('namespaceSelector')} needs the labels of Namespaces, which are not looked at")
    return None
