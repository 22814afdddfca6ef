"""One look: everything that a fact's function may use, with the questions that several of them ask."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.collecting import CannotSee, not_provided
from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.nodes import Load, Node, free, loads, read_node
from kubernaut.facts.objects import KubeObject, ObjectSet, Owner, Target
from kubernaut.facts.ownership import owned_pods, owned_replica_sets
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.facts.workloads import DEPLOYMENT, POD, REPLICA_SET, is_made_by, workload_of
from kubernaut.json_types import JsonObject

_ANY_TIME = datetime.max.replace(tzinfo=UTC)
"""For questions that no time has a part in."""


class Look:
    """Objects, target and parameters of one look."""

    def __init__(
        self,
        *,
        objects: ObjectSet,
        target: Target,
        unavailable: Mapping[str, Unobserved],
        now: datetime = _ANY_TIME,
        parameters: JsonObject | None = None,
        baseline: Baseline | None = None,
        action_ended_at: datetime | None = None,
        incident_detected_at: datetime | None = None,
    ) -> None:
        self.objects = objects
        self.target = target
        self.parameters = parameters or {}
        self.now = now
        self.baseline = baseline
        self.action_ended_at = action_ended_at
        self.incident_detected_at = incident_detected_at
        self._unavailable = with_unreadable(objects, unavailable)
        self._rooms: dict[str, dict[str, Fraction]] = {}

    def readable(self, kind: str) -> bool:
        """Say whether the objects of a kind could be read."""
        return kind not in self._unavailable

    def why_not(self, kind: str) -> Unobserved | None:
        """Say why the objects of a kind could not be read; None when they could."""
        return self._unavailable.get(kind)

    def require(self, *kinds: str) -> None:
        """Raise `CannotSee` when one of the kinds could not be read."""
        for kind in kinds:
            if kind in self._unavailable:
                raise CannotSee(self._unavailable[kind])

    @cached_property
    def pod(self) -> KubeObject | None:
        """The target, where it is a Pod; None when it is not there (any more)."""
        self.require(POD)
        known = self.baseline.pod if self.baseline else None
        uid = self.target.uid or (known.uid if known else "")
        return self.objects.find(Target(kind=POD, namespace=self.target.namespace, name=self.target.name, uid=uid))

    @cached_property
    def controller(self) -> Owner | None:
        """What made the target pod, as the look before the action knew it; None for a pod that nothing controls."""
        known = self.baseline.pod if self.baseline else None
        return known.controller if known else self._standing_pod().owner

    @cached_property
    def workload(self) -> Target | None:
        """What the target is, or is a replica of; None for a pod that nothing controls."""
        if self.target.kind != POD:
            return self.target
        known = self.baseline.pod if self.baseline else None
        if known is not None:
            return known.workload
        sets = self.objects.of(REPLICA_SET, self.target.namespace) if self.readable(REPLICA_SET) else None
        return workload_of(self._standing_pod(), replica_sets=sets)

    def _standing_pod(self) -> KubeObject:
        if self.pod is None:
            raise not_provided(f"{self.target} is not there, and nothing tells what it belonged to")
        return self.pod

    @property
    def _owning_deployment(self) -> Target | None:
        workload = self.workload
        return workload if workload is not None and workload.kind == DEPLOYMENT else None

    @cached_property
    def deployment(self) -> KubeObject | None:
        """The target, or the Deployment of the target pod; None when it is not there."""
        found = self._owning_deployment
        if found is None:
            return None
        self.require("Deployment")
        return self.objects.find(found)

    @cached_property
    def known_deployment(self) -> KubeObject | None:
        """The Deployment, or None when it is not there or could not be looked at."""
        with suppress(CannotSee):
            return self.deployment
        return None

    @property
    def is_absent(self) -> bool:
        """The Deployment was looked for and is not there."""
        return self._owning_deployment is None or (self.readable("Deployment") and self.deployment is None)

    @cached_property
    def replica_sets(self) -> tuple[KubeObject, ...]:
        """The Deployment's ReplicaSets."""
        self.require("ReplicaSet")
        found = self._owning_deployment
        return () if found is None else owned_replica_sets(self.objects, found, self.known_deployment)

    @cached_property
    def all_pods(self) -> tuple[KubeObject, ...]:
        """Every pod that the Deployment's ReplicaSets control, terminating ones too."""
        self.require("Pod")
        found = self._owning_deployment
        if found is None:
            return ()
        pods = owned_pods(
            self.objects,
            found,
            self.known_deployment,
            replica_sets=self.replica_sets if self.readable("ReplicaSet") else None,
        )
        if not pods and not self.readable("Deployment"):
            raise not_provided(f"no pod names {found} by its owner, and the Deployment itself was not read")
        return pods

    @cached_property
    def family(self) -> tuple[KubeObject, ...]:
        """Every pod of the workload, whatever its kind, terminating ones too; none for a pod that nothing controls."""
        self.require("Pod")
        if self._owning_deployment is not None:
            return self.all_pods
        controller = self.controller
        pods = self.objects.of(POD, self.target.namespace)
        return () if controller is None else tuple(pod for pod in pods if is_made_by(pod, controller))

    @cached_property
    def pods(self) -> tuple[KubeObject, ...]:
        """The Deployment's pods, without terminating ones."""
        return tuple(pod for pod in self.all_pods if not pod.terminating)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node."""
        self.require("Node")
        return tuple(item.once(read_node) for item in self.objects.of("Node"))

    @cached_property
    def loads(self) -> Mapping[str, Load]:
        """What every namespace's pods take, by node."""
        self.require(ALL_PODS)
        return loads(self.objects.of("Pod"))

    def room(self, node: Node) -> Mapping[str, Fraction]:
        """Give what a node still has of each resource, as `free` says.

        Raises
        ------
        FactsError
            What it can give is missing or cannot be read.
        """
        if node.name not in self._rooms:
            self._rooms[node.name] = free(node, self.loads.get(node.name))
        return self._rooms[node.name]


def with_unreadable(objects: ObjectSet, unavailable: Mapping[str, Unobserved]) -> dict[str, Unobserved]:
    """Give what cannot be seen: `unavailable`, and kinds of which an object has no readable identity.

    Nobody can say whose such an object is, so no fact may rest on the rest of its kind.
    """
    merged = {kind: Unobserved(UnobservedReason.UNREADABLE, detail) for kind, detail in objects.unreadable.items()}
    merged.update(unavailable)
    if "Pod" in merged:
        merged.setdefault(ALL_PODS, merged["Pod"])
    return merged
