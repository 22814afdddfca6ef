"""Dumps of objects: what they cannot tell, which targets they speak of, and when they were made.

A live look asks for every kind it needs, so an empty answer means "there is none". A dump is what somebody
happened to save: without any Node in it nobody knows how many nodes there are. The facts that rest on such
a kind are unobserved.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kubernaut.errors import FactsError
from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.ownership import HASH_LABEL, owned_replica_sets
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.facts.workloads import DEPLOYMENT, POD, REPLICA_SET, is_called

_TIMES = frozenset(
    {
        "creationTimestamp",
        "deletionTimestamp",
        "eventTime",
        "finishedAt",
        "firstTimestamp",
        "lastHeartbeatTime",
        "lastObservedTime",
        "lastProbeTime",
        "lastTimestamp",
        "lastTransitionTime",
        "lastUpdateTime",
        "startedAt",
        "startTime",
        "time",
        "timestamp",
    }
)


def missing_kinds(objects: ObjectSet, target: Target, *, complete: Iterable[str] = ()) -> dict[str, Unobserved]:
    """Give the kinds that a dump does not tell of, in the form of `unavailable` for `extract`.

    Parameters
    ----------
    complete : iterable of str
        Kinds (keys of `RIGHTS`) that the dump holds in full, even when it has none: the user said so.

    Notes
    -----
    An empty typed list (``PodList``) counts as an answer. ReplicaSets count as missing unless the target's
    own are there, and other namespaces' pods unless some are: saving only what one namespace holds is the
    rule.
    """
    known = set(complete)
    seen = {kind for kind in RIGHTS if _tells_of(kind, objects, target)}
    return {
        kind: Unobserved(UnobservedReason.NOT_PROVIDED, _why(kind, target))
        for kind in RIGHTS
        if kind not in seen | known
    }


def _tells_of(kind: str, objects: ObjectSet, target: Target) -> bool:
    if kind == ALL_PODS:
        return any(pod.namespace != target.namespace for pod in objects.of("Pod"))
    if kind == "ReplicaSet":
        return _tells_of_replica_sets(objects, target)
    if kind in ("Node", "PodMetrics"):
        return kind in objects.listed_kinds
    return bool(objects.of(kind, target.namespace)) or (kind in objects.listed_kinds and not objects.of(kind))


def _tells_of_replica_sets(objects: ObjectSet, target: Target) -> bool:
    """Say whether the target's own are there; of a pod, what made it, where that is a ReplicaSet at all."""
    if target.kind != POD:
        return bool(owned_replica_sets(objects, target, objects.find(target)))
    pod = objects.find(target)
    owner = pod.owner if pod is not None else None
    sets = objects.of(REPLICA_SET, target.namespace)
    if owner is None or owner.kind != REPLICA_SET:
        return bool(sets) or REPLICA_SET in objects.listed_kinds
    return any(is_called(one, owner) for one in sets)


def _why(kind: str, target: Target) -> str:
    where = "" if kind in ("Node", ALL_PODS) else f" of namespace {target.namespace}"
    plural = kind if kind.endswith("s") else f"{kind}s"
    what = "pods of other namespaces" if kind == ALL_PODS else f"{plural}{where}"
    return f"the dump has no {what}"


def targets_in(objects: ObjectSet, kind: str = DEPLOYMENT) -> tuple[Target, ...]:
    """Give the targets that a dump speaks of.

    Parameters
    ----------
    kind : str
        ``Deployment``: those in it, and those that its pods name as owners. Another kind: those in it.
    """
    if kind != DEPLOYMENT:
        return tuple(Target(kind=kind, namespace=one.namespace, name=one.name) for one in objects.of(kind))
    named = {(item.namespace, item.name) for item in objects.of("Deployment")}
    for pod in objects.of("Pod"):
        suffix = f"-{pod.labels.get(HASH_LABEL, '')}"
        if pod.owner and pod.owner.kind == "ReplicaSet" and suffix != "-" and pod.owner.name.endswith(suffix):
            named.add((pod.namespace, pod.owner.name.removesuffix(suffix)))
    return tuple(Target(namespace=namespace, name=name) for namespace, name in sorted(named))


def latest_time(objects: ObjectSet) -> datetime | None:
    """Give the latest instant that any object names, about when the dump was made; None without any."""
    latest: datetime | None = None
    for members in objects.by_kind.values():
        for member in members:
            for moment in _moments(member.fields.whole):
                latest = moment if latest is None else max(latest, moment)
    return latest


def _moments(value: Any) -> Iterable[datetime]:
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            for key in _TIMES & here.keys():
                try:
                    moment = Fields(here, "").moment(key)
                except FactsError:
                    continue  # a time that cannot be read says nothing of the dump's age
                if moment is not None:
                    yield moment
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)
