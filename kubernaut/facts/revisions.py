"""The revisions of a Deployment: its ReplicaSets, told apart by number, and which of them a rollback goes to.

The Deployment's controller numbers the ReplicaSets it makes. When a template comes back it takes the old ReplicaSet up
again under a new number and keeps the former ones in another annotation. So a number names a moment, and the
ReplicaSet's name (which holds the hash of its template) names what was rolled out; the name stays.

References
----------
kubernetes/pkg/controller/deployment/util/deployment_util.go, `SetNewReplicaSetAnnotations`;
k8s.io/kubectl/pkg/polymorphichelpers/rollback.go, `deploymentRevision`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.ownership import HASH_LABEL, REVISION, current_replica_set
from kubernaut.facts.selectors import whole_number

REVISION_HISTORY = "deployment.kubernetes.io/revision-history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision that can be rolled back to.

    Attributes
    ----------
    number : int
        What `kubectl rollout history` calls it.
    first : int
        Its number when its ReplicaSet was made; less than `number` when it was rolled back to since.
    replica_set : KubeObject
    """

    number: int
    first: int
    replica_set: KubeObject

    @property
    def name(self) -> str:
        """The ReplicaSet's name, which stays the same when the revision is rolled back to."""
        return self.replica_set.name

    @property
    def made_at(self) -> datetime:
        """When its ReplicaSet was made.

        Raises
        ------
        FactsError
            That is not told.
        """
        metadata = self.replica_set.fields.at("metadata")
        moment = metadata.moment("creationTimestamp")
        if moment is None:
            raise FactsError(f"{metadata.path('creationTimestamp')} is missing")
        return moment


def revisions_of(replica_sets: Iterable[KubeObject]) -> tuple[Revision, ...]:
    """Give a Deployment's revisions by number; a ReplicaSet that has none is left out, as `kubectl` does."""
    found = []
    for item in replica_sets:
        number = whole_number(item.annotations.get(REVISION))
        if number is None:
            continue
        past = [whole_number(text) for text in item.annotations.get(REVISION_HISTORY, "").split(",")]
        found.append(Revision(number=number, first=past[0] or number, replica_set=item))
    return tuple(sorted(found, key=lambda one: (one.number, one.name)))


def numbered(revisions: Iterable[Revision], number: int) -> Revision | None:
    """Give the revision of a number; None when it is not kept (any more)."""
    return next((one for one in revisions if one.number == number), None)


def current_revision(deployment: KubeObject, replica_sets: Iterable[KubeObject]) -> Revision | None:
    """Give the revision whose template the Deployment has; None when the controller has not numbered it yet."""
    sets = tuple(replica_sets)
    current = current_replica_set(deployment, sets)
    return None if current is None else next(iter(revisions_of([current])), None)


def previous(revisions: Iterable[Revision], current: Revision | None) -> Revision | None:
    """Give the revision before the current one.

    Parameters
    ----------
    revisions : iterable of Revision
        As `revisions_of` gives them.
    current : Revision or None
        None when the controller has not numbered the Deployment's template yet, so that the newest is the one before.
    """
    older = [one for one in revisions if current is None or one.number < current.number]
    return older[-1] if older else None


def images(template: Fields) -> tuple[tuple[str, str], ...]:
    """Give (container, image) of a pod template, init containers too, sorted."""
    spec = template.at("spec")
    containers = (*spec.each("initContainers"), *spec.each("containers"))
    return tuple(sorted((one.text("name"), one.text("image")) for one in containers))


def template_hash(revision: Revision) -> str:
    """Give the value of `pod-template-hash`, the same for a template each time; empty when the label is missing."""
    return revision.replica_set.labels.get(HASH_LABEL, "")
