"""Which request sees a kind of object: from the rights that facts need to paths of the API.

`kubernaut.facts.definitions.RIGHTS` says group, plural and verb; only the version that is spoken and the selectors that
keep an answer small are known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.objects import Target
from kubernaut_operator.kernel.resources import Resource

_VERSIONS: Mapping[str, str] = {
    "": "v1",
    "apps": "v1",
    "autoscaling": "v2",
    "metrics.k8s.io": "v1beta1",
    "policy": "v1",
}
"""By API group. Every Kubernetes that is still maintained serves these."""

_FIELD_SELECTORS: Mapping[str, str] = {
    # A busy namespace holds thousands of Events. Facts ask for what troubles pods, and trouble is a Warning.
    "Event": "involvedObject.kind=Pod,type=Warning",
}

_AT_MOST: Mapping[str, int] = {"Event": 2000}
"""Of kinds that nobody bounds and facts can do without."""

_NOT_THE_TARGETS = frozenset({"Node", ALL_PODS, "HorizontalPodAutoscaler", "ResourceQuota"})
"""Kinds that no action of ours changes; every other kind is always read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET or list.

    Attributes
    ----------
    kind : str
        Key of `RIGHTS`.
    namespace : str
        Empty for objects of the whole cluster, or of all namespaces.
    name : str
        Of the one object; empty for a list.
    fields : str
        Field selector of a list.
    at_most : int or None
        Objects of a list; of a longer one nothing is taken. None: as many as there are.
    """

    kind: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    fields: str = ""
    at_most: int | None = None

    def __str__(self) -> str:
        verb = f"get {self.resource} {self.name}" if self.name else f"list {self.resource}"
        where = f" in namespace {self.namespace}" if self.namespace else " of the whole cluster"
        return verb + where


def resource_of(kind: str) -> Resource:
    """Give the resource of a kind.

    Parameters
    ----------
    kind : str
        Key of `RIGHTS`.
    """
    right = RIGHTS[kind]
    return Resource(
        group=right.group,
        version=_VERSIONS[right.group],
        plural=right.resource,
        kind="Pod" if kind == ALL_PODS else kind,
        namespaced=kind == ALL_PODS or not right.cluster_wide,
    )


def is_listed(kind: str) -> bool:
    """Say whether all objects of a kind are read at once; otherwise one is, by its name."""
    return "list" in RIGHTS[kind].verbs


def listing(kind: str, namespace: str) -> Request:
    """Give the request for all objects of a kind, in a namespace unless the kind is looked at in the whole cluster."""
    return Request(
        kind=kind,
        resource=resource_of(kind),
        namespace="" if RIGHTS[kind].cluster_wide else namespace,
        fields=_FIELD_SELECTORS.get(kind, ""),
        at_most=_AT_MOST.get(kind),
    )


def one_object(target: Target) -> Request:
    """Give the request for one object by its name."""
    return Request(kind=target.kind, resource=resource_of(target.kind), namespace=target.namespace, name=target.name)


def is_cacheable(kind: str) -> bool:
    """Say whether an answer that is a few seconds old may serve."""
    return kind in _NOT_THE_TARGETS
