"""Which revision a rollback goes to, from the Deployment and its ReplicaSets; says so where there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernaut.actions.rollback_deployment.parameters import RollbackDeploymentParameters
from kubernaut.actions.targets import found
from kubernaut.errors import InputError
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.ownership import HASH_LABEL, REVISION, current_replica_set, owned_replica_sets
from kubernaut.json_types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """From which revision to which.

    Attributes
    ----------
    generation : int
        Of the Deployment's spec.
    current, wanted : KubeObject
        ReplicaSets.
    """

    deployment: KubeObject
    generation: int
    current: KubeObject
    current_revision: int
    wanted: KubeObject
    wanted_revision: int


def rollback_of(parameters: RollbackDeploymentParameters, seen: ObjectSet) -> Rollback:
    """Find the revision in force and the one to go to.

    Raises
    ------
    InputError
        The Deployment is paused or has no ReplicaSet of its present template yet, there is no such revision, or it is
        in force already.
    """
    here = found(parameters.target, seen)
    if here.spec.flag("paused"):
        raise InputError(f"{parameters.target} is paused: resume it first, or a rollback takes no effect")
    generation = here.fields.at("metadata").number("generation")
    if generation is None:
        raise InputError(f"{parameters.target} has no generation: a manifest, no object of a cluster")
    target = Target(kind=here.kind, namespace=here.namespace, name=here.name, uid=here.uid)
    owned = owned_replica_sets(seen, target, here)
    current = current_replica_set(here, owned)
    revisions = {number: item for item in owned if (number := _revision(item)) is not None}
    number = None if current is None else _revision(current)
    if current is None or number is None:
        raise InputError(f"{parameters.target}: its controller has not made a ReplicaSet of the present template yet")
    wanted = parameters.to_revision or max((other for other in revisions if other < number), default=None)
    if wanted is None:
        raise InputError(f"{parameters.target} has no revision before {number}: nothing to go back to")
    if wanted == number:
        raise InputError(f"{parameters.target}: revision {number} is in force already")
    if wanted not in revisions:
        known = ", ".join(str(other) for other in sorted(revisions))
        raise InputError(f"{parameters.target} has no revision {wanted} any more; there are: {known}")
    return Rollback(
        deployment=here,
        generation=generation,
        current=current,
        current_revision=number,
        wanted=revisions[wanted],
        wanted_revision=wanted,
    )


def template_of(replica_set: KubeObject) -> JsonObject:
    """Give a ReplicaSet's Pod template as its Deployment had it: without the hash label."""
    template = replica_set.spec.at("template")
    metadata: dict[str, Any] = dict(template.at("metadata").whole)
    labels = {name: value for name, value in template.at("metadata").labels("labels").items() if name != HASH_LABEL}
    return {**template.whole, "metadata": metadata | {"labels": labels}}


def images(replica_set: KubeObject) -> Mapping[str, str]:
    """Give the image of each container, init containers included, by the container's name."""
    spec = replica_set.spec.at("template").at("spec")
    containers = (*spec.each("initContainers"), *spec.each("containers"))
    return {container.text("name"): container.text("image") for container in containers}


def _revision(item: KubeObject) -> int | None:
    text = item.annotations.get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else None
