"""Nodes: ready, cordoned, tainted, what they can give and what is taken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.pod_status import TERMINAL_PHASES, condition_is_true
from kubernaut.facts.requests import ZERO, add, pod_requests

PODS = "pods"
"""Under allocatable: how many pods the node takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A taint that keeps pods off; PreferNoSchedule is none of these."""

    key: str
    value: str
    effect: str


_CORDON = Taint(key="node.kubernetes.io/unschedulable", value="", effect="NoSchedule")
_KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node as the scheduler sees it.

    Attributes
    ----------
    ready : bool
        Its condition Ready is True.
    taints : tuple of Taint
        Those that keep pods off; a cordon counts as the taint that Kubernetes makes of it.
    fields : Fields
        The whole object, for what only some ask.
    """

    name: str
    labels: Mapping[str, str]
    ready: bool
    taints: tuple[Taint, ...]
    fields: Fields

    @property
    def allocatable(self) -> dict[str, Fraction]:
        """What its pods can ask for together.

        Raises
        ------
        FactsError
            It is missing or cannot be read.
        """
        status = self.fields.at("status")
        if "allocatable" not in status:
            raise FactsError(f"{status.path('allocatable')} is missing")
        return status.resources("allocatable")


def read_node(item: KubeObject) -> Node:
    """Read a node.

    Raises
    ------
    FactsError
        Its conditions, taints or cordon cannot be read.
    """
    taints = [
        Taint(key=taint.text("key"), value=taint.text("value"), effect=taint.text("effect"))
        for taint in item.spec.each("taints")
        if taint.text("effect") in _KEEPS_OFF
    ]
    if item.spec.flag("unschedulable") and _CORDON.key not in {taint.key for taint in taints}:
        taints.append(_CORDON)
    return Node(
        name=item.name,
        labels=item.labels,
        ready=condition_is_true(item.status, "Ready"),
        taints=tuple(taints),
        fields=item.fields,
    )


@dataclass(slots=True)
class Load:
    """What the pods on a node take.

    Attributes
    ----------
    requests : dict of str to Fraction
        Sums by resource.
    pods : list of KubeObject
        Those that have not finished.
    """

    requests: dict[str, Fraction] = field(default_factory=dict)
    pods: list[KubeObject] = field(default_factory=list)


def node_of(pod: KubeObject) -> str:
    """Give the node that a pod is on, or that the scheduler keeps free for it; empty when neither."""
    return pod.spec.text("nodeName") or pod.status.text("nominatedNodeName")


def is_finished(pod: KubeObject) -> bool:
    """Say whether a pod has ended for good and takes nothing any more."""
    return pod.status.text("phase") in TERMINAL_PHASES


def loads(pods: Iterable[KubeObject]) -> dict[str, Load]:
    """Give what is taken, by node.

    Raises
    ------
    FactsError
        A request cannot be read.

    Notes
    -----
    A terminating pod takes its requests until it is gone, as for the scheduler.
    """
    by_node: dict[str, Load] = {}
    for pod in pods:
        node = node_of(pod)
        if not node or is_finished(pod):
            continue
        load = by_node.setdefault(node, Load())
        load.pods.append(pod)
        add(load.requests, pod.once(pod_requests))
    return by_node


def free(node: Node, load: Load | None) -> dict[str, Fraction]:
    """Give what a node still has of each resource, pods among them; never below 0.

    Raises
    ------
    FactsError
        What it can give is missing or cannot be read.
    """
    taken = {**(load.requests if load else {}), PODS: Fraction(len(load.pods)) if load else ZERO}
    return {name: max(ZERO, amount - taken.get(name, ZERO)) for name, amount in node.allocatable.items()}
