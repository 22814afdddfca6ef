"""Facts about a Deployment's revisions and the one that a rollback goes to.

Which revision that is was settled by the look before the action, where there was one: afterwards "the previous
revision" is another, and a revision that was taken up again has another number. What Kubernetes does not keep - how a
revision did while it served - stays unobserved; how long it served can be told from when ReplicaSets were made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps

from kubernaut.facts.collecting import Answer, not_provided
from kubernaut.facts.deployment import Computation, of_deployment
from kubernaut.facts.fields import Fields
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.ownership import current_replica_set
from kubernaut.facts.revisions import (
    Revision,
    current_revision,
    images,
    numbered,
    previous,
    revisions_of,
    template_hash,
)
from kubernaut.json_types import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The revision that the rollback goes to.

    Attributes
    ----------
    number : int or None
        As asked for, or of the previous one; None when there is no earlier revision.
    name : str or None
        Name of its ReplicaSet; None when that is not kept.
    """

    number: int | None
    name: str | None


def _asked_for(look: Look) -> int | None:
    """Give parameter toRevision; None for the previous revision, which 0 means to kubectl, too."""
    parameters = Fields(look.parameters, "parameters")
    for place in (parameters, parameters.at("deployment")):
        if "toRevision" in place:
            return place.count("toRevision") or None
    return None


def _wanted(look: Look, deployment: KubeObject) -> _Wanted:
    number, before = _asked_for(look), look.baseline
    if before is not None and before.revisions is not None:
        number = before.revisions.previous if number is None else number
        return _Wanted(number=number, name=None if number is None else before.revisions.replica_sets.get(number))
    # Before the action a run may know the replicas that it found first and nothing else yet.
    if before is not None and look.action_ended_at is not None:
        raise not_provided("which revision is meant is told by the look before the action, which saw none")
    revisions = revisions_of(look.replica_sets)
    if number is None:
        found = previous(revisions, current_revision(deployment, look.replica_sets))
    else:
        found = numbered(revisions, number)
    return _Wanted(number=found.number if found else number, name=found.name if found else None)


def _found(look: Look, deployment: KubeObject) -> Revision | None:
    wanted = _wanted(look, deployment)
    return next((one for one in revisions_of(look.replica_sets) if one.name == wanted.name), None)


def of_wanted(compute: Callable[[Look, KubeObject, Revision], Answer]) -> Computation:
    """Make a fact null without a Deployment, and where the wanted revision is not kept."""

    @of_deployment
    @wraps(compute)
    def fact(look: Look, deployment: KubeObject) -> Answer:
        found = _found(look, deployment)
        return None if found is None else compute(look, deployment, found)

    return fact


@of_deployment
def _paused(_: Look, deployment: KubeObject) -> Answer:
    return deployment.spec.flag("paused")


@of_deployment
def _available_replicas(_: Look, deployment: KubeObject) -> Answer:
    return deployment.status.count("availableReplicas")


@of_deployment
def _revisions(look: Look, deployment: KubeObject) -> Answer:
    current = current_replica_set(deployment, look.replica_sets)
    return [_element(one, is_current=current is not None and one.name == current.name) for one in _kept(look)]


def _kept(look: Look) -> tuple[Revision, ...]:
    return revisions_of(look.replica_sets)


def _element(revision: Revision, *, is_current: bool) -> JsonValue:
    return {
        "revision": revision.number,
        "replica_set": revision.name,
        "template_hash": template_hash(revision),
        "images": ", ".join(f"{name}={image}" for name, image in images(revision.replica_set.spec.at("template"))),
        "available_replicas": revision.replica_set.status.count("availableReplicas"),
        "is_current": is_current,
    }


@of_deployment
def _current(look: Look, deployment: KubeObject) -> Answer:
    current = current_revision(deployment, look.replica_sets)
    return None if current is None else current.number


@of_deployment
def _advanced(look: Look, deployment: KubeObject) -> Answer:
    before = look.baseline.revisions if look.baseline else None
    if before is None or before.current is None:
        raise not_provided("the revision before the action is not known")
    current = current_revision(deployment, look.replica_sets)
    return current is not None and current.number > before.current


@of_deployment
def _wanted_number(look: Look, deployment: KubeObject) -> Answer:
    return _wanted(look, deployment).number


@of_deployment
def _exists(look: Look, deployment: KubeObject) -> Answer:
    return _found(look, deployment) is not None


@of_wanted
def _is_current(look: Look, deployment: KubeObject, wanted: Revision) -> Answer:
    current = current_replica_set(deployment, look.replica_sets)
    return current is not None and current.name == wanted.name


@of_wanted
def _images_differ(_: Look, deployment: KubeObject, wanted: Revision) -> Answer:
    return images(deployment.spec.at("template")) != images(wanted.replica_set.spec.at("template"))


@of_wanted
def _available_now(_: Look, __: KubeObject, wanted: Revision) -> Answer:
    return wanted.replica_set.status.count("availableReplicas")


@of_wanted
def _served_s(look: Look, deployment: KubeObject, wanted: Revision) -> Answer:
    current = current_replica_set(deployment, look.replica_sets)
    if current is not None and current.name == wanted.name and wanted.first == wanted.number:
        return max(0, int((look.now - wanted.made_at).total_seconds()))
    # It stood from when its ReplicaSet was made until the next number was given. A number that went to an older
    # ReplicaSet, taken up again, leaves no time.
    after = next((one for one in _kept(look) if one.first == wanted.first + 1), None)
    if after is None:
        raise not_provided(
            f"how long revision {wanted.first} stood is not told: revision {wanted.first + 1} is not kept, "
            "or took an older ReplicaSet up again"
        )
    return max(0, int((after.made_at - wanted.made_at).total_seconds()))


@of_deployment
def _rollout_age_s(look: Look, deployment: KubeObject) -> Answer:
    current = current_revision(deployment, look.replica_sets)
    if current is None:
        raise not_provided("the controller has not numbered the current template yet")
    if current.first != current.number:
        raise not_provided(f"revision {current.number} took an older ReplicaSet up again, which leaves no time")
    seen_at = look.incident_detected_at or look.now
    return int((seen_at - current.made_at).total_seconds())


ROLLBACK_COMPUTATIONS: Mapping[str, Computation] = {
    "deployment_paused": _paused,
    "available_replicas": _available_replicas,
    "revisions": _revisions,
    "current_revision": _current,
    "revision_advanced": _advanced,
    "wanted_revision": _wanted_number,
    "wanted_revision_exists": _exists,
    "wanted_revision_is_current": _is_current,
    "wanted_revision_images_differ": _images_differ,
    "wanted_revision_available_replicas": _available_now,
    "wanted_revision_served_s": _served_s,
    "rollout_before_incident_s": _rollout_age_s,
}
