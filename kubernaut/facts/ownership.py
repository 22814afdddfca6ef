"""Which pods are the target's: Deployment -> ReplicaSet -> Pod, by controller reference.

References are compared by UID. Where a dump lacks UIDs the owner's kind and name stand for it. Where
ReplicaSets cannot be read at all, the controller's naming decides: a Deployment's ReplicaSet is called
``<deployment>-<hash>`` and its pods carry that hash in the label `pod-template-hash`; the Deployment's
selector must match as well. A selector alone never makes a pod ours: two workloads may share labels, and
counting a stranger's pods would pass a broken rollout.
"""

from collections.abc import Iterable

from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.selectors import selector_matches

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def owned_replica_sets(objects: ObjectSet, target: Target, deployment: KubeObject | None) -> tuple[KubeObject, ...]:
    """Give the ReplicaSets whose controller is the Deployment.

    Parameters
    ----------
    deployment : KubeObject or None
        None when it was not read; the target's name then stands for it.
    """
    uid = deployment.uid if deployment else target.uid
    return tuple(
        item
        for item in objects.of("ReplicaSet", target.namespace)
        if _controlled(item, kind="Deployment", uid=uid, name=target.name)
    )


def owned_pods(
    objects: ObjectSet,
    target: Target,
    deployment: KubeObject | None,
    *,
    replica_sets: Iterable[KubeObject] | None,
) -> tuple[KubeObject, ...]:
    """Give the pods whose controller is one of the Deployment's ReplicaSets, terminating ones too.

    Parameters
    ----------
    replica_sets : iterable of KubeObject, or None
        Those of the Deployment; None when ReplicaSets could not be read.
    """
    pods = objects.of("Pod", target.namespace)
    if replica_sets is None:
        selector = deployment.spec.at("selector") if deployment else None
        return tuple(pod for pod in pods if _named_after(pod, target, selector))
    owners = list(replica_sets)
    by_uid = {item.uid: item.name for item in owners if item.uid}
    names = {item.name for item in owners}
    return tuple(
        pod
        for pod in pods
        if pod.owner
        and pod.owner.kind == "ReplicaSet"
        and (pod.owner.uid in by_uid if pod.owner.uid and by_uid else pod.owner.name in names)
    )


def current_replica_set(deployment: KubeObject, replica_sets: Iterable[KubeObject]) -> KubeObject | None:
    """Give the ReplicaSet of the current template; None when it has not been made yet.

    Notes
    -----
    Equality of the templates decides, the hash label aside, as for the Deployment's controller. Where a
    dump has altered a template the revision decides, once the controller has seen the latest spec.
    """
    owners = sorted(replica_sets, key=lambda item: (item.fields.at("metadata").text("creationTimestamp"), item.name))
    template = _without_hash(deployment.spec.at("template"))
    for item in owners:
        if _without_hash(item.spec.at("template")) == template:
            return item
    revision = deployment.annotations.get(REVISION)
    generation = deployment.fields.at("metadata").number("generation")
    observed = deployment.status.number("observedGeneration")
    if revision and generation is not None and observed is not None and observed >= generation:
        return next((item for item in owners if item.annotations.get(REVISION) == revision), None)
    return None


def _controlled(item: KubeObject, *, kind: str, uid: str, name: str) -> bool:
    owner = item.owner
    if owner is None or owner.kind != kind:
        return False
    return owner.uid == uid if uid and owner.uid else owner.name == name


def _named_after(pod: KubeObject, target: Target, selector: Fields | None) -> bool:
    owner, template_hash = pod.owner, pod.labels.get(HASH_LABEL)
    if owner is None or owner.kind != "ReplicaSet" or not template_hash:
        return False
    if owner.name != f"{target.name}-{template_hash}":
        return False
    return selector is None or selector_matches(selector, pod.labels)


def _without_hash(template: Fields) -> tuple[object, ...]:
    metadata = template.at("metadata")
    labels = {name: value for name, value in metadata.labels("labels").items() if name != HASH_LABEL}
    return labels, metadata.labels("annotations"), template.at("spec").whole
