"""The way up from a pod: what made it, and the workload that it is one replica of.

A ReplicaSet is rarely what people mean by a workload; the Deployment above it is. Controllers are compared by UID, and
by kind and name where a dump lacks UIDs. Where ReplicaSets cannot be read, the naming of a Deployment's ReplicaSets
decides, as in `kubernaut.facts.ownership`.
"""

from collections.abc import Iterable

from kubernaut.facts.collecting import not_provided
from kubernaut.facts.objects import KubeObject, Owner, Target
from kubernaut.facts.ownership import HASH_LABEL

POD = "Pod"
DEPLOYMENT = "Deployment"
REPLICA_SET = "ReplicaSet"


def workload_of(pod: KubeObject, *, replica_sets: Iterable[KubeObject] | None) -> Target | None:
    """Give the workload that a pod belongs to; None for a pod that nothing controls.

    Parameters
    ----------
    replica_sets : iterable of KubeObject, or None
        Those of its namespace; None when they could not be read.

    Raises
    ------
    CannotSee
        A ReplicaSet made it, which could not be read and is not named as a Deployment's.
    """
    owner = pod.owner
    if owner is None:
        return None
    above: Owner | None = owner
    if owner.kind == REPLICA_SET:
        above = _named_after(pod, owner) if replica_sets is None else _owner_of(owner, replica_sets)
    above = above or owner
    return Target(kind=above.kind, namespace=pod.namespace, name=above.name, uid=above.uid)


def is_made_by(pod: KubeObject, controller: Owner) -> bool:
    """Say whether a pod's controller is this one."""
    owner = pod.owner
    if owner is None or owner.kind != controller.kind:
        return False
    return owner.uid == controller.uid if owner.uid and controller.uid else owner.name == controller.name


def is_called(item: KubeObject, owner: Owner) -> bool:
    """Say whether an object is the one that an owner reference names."""
    if item.kind != owner.kind:
        return False
    return item.uid == owner.uid if item.uid and owner.uid else item.name == owner.name


def _owner_of(owner: Owner, replica_sets: Iterable[KubeObject]) -> Owner | None:
    return next((item.owner for item in replica_sets if is_called(item, owner)), None)


def _named_after(pod: KubeObject, owner: Owner) -> Owner:
    suffix = f"-{pod.labels.get(HASH_LABEL, '')}"
    if suffix == "-" or not owner.name.endswith(suffix):
        raise not_provided(f"ReplicaSet {pod.namespace}/{owner.name}, which made {pod.name}, was not read")
    return Owner(kind=DEPLOYMENT, name=owner.name.removesuffix(suffix), uid="")
