"""From which revision to which a rollback goes; says so where there is no way."""

from dataclasses import dataclass
from typing import Any

from kubernaut.actions.rollback_deployment.parameters import RollbackDeploymentParameters
from kubernaut.actions.targets import found
from kubernaut.errors import InputError
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.ownership import HASH_LABEL, owned_replica_sets
from kubernaut.facts.revisions import Revision, current_revision, numbered, previous, revisions_of
from kubernaut.json_types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """From which revision to which.

    Attributes
    ----------
    generation : int
        Of the Deployment's spec.
    """

    deployment: KubeObject
    generation: int
    current: Revision
    wanted: Revision


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
    owned = owned_replica_sets(
        seen, Target(kind=here.kind, namespace=here.namespace, name=here.name, uid=here.uid), here
    )
    current = current_revision(here, owned)
    if current is None:
        raise InputError(f"{parameters.target}: its controller has not made a ReplicaSet of the present template yet")
    kept = revisions_of(owned)
    number = parameters.to_revision
    wanted = previous(kept, current) if number is None else numbered(kept, number)
    if wanted is None and number is None:
        raise InputError(f"{parameters.target} has no revision before {current.number}: nothing to go back to")
    if wanted is None:
        known = ", ".join(str(one.number) for one in kept)
        raise InputError(f"{parameters.target} has no revision {number} any more; there are: {known}")
    if wanted.number == current.number:
        raise InputError(f"{parameters.target}: revision {number} is in force already")
    return Rollback(deployment=here, generation=generation, current=current, wanted=wanted)


def template_of(revision: Revision) -> JsonObject:
    """Give a revision's Pod template as its Deployment had it: without the hash label."""
    template = revision.replica_set.spec.at("template")
    metadata: dict[str, Any] = dict(template.at("metadata").whole)
    labels = {name: value for name, value in template.at("metadata").labels("labels").items() if name != HASH_LABEL}
    return {**template.whole, "metadata": metadata | {"labels": labels}}
