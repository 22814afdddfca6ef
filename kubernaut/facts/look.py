"""One look: everything that a fact's function may use, with the questions that several of them ask."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.collecting import CannotSee, not_provided
from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.nodes import Load, Node, free, loads, read_node
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.ownership import owned_pods, owned_replica_sets
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
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
    ) -> None:
        self.objects = objects
        self.target = target
        self.parameters = parameters or {}
        self.now = now
        self.baseline = baseline
        self.action_ended_at = action_ended_at
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
    def deployment(self) -> KubeObject | None:
        """The target; None when it is not there."""
        self.require("Deployment")
        return self.objects.find(self.target)

    @cached_property
    def known_deployment(self) -> KubeObject | None:
        """The target, or None when it is not there or could not be looked at."""
        return self.deployment if self.readable("Deployment") else None

    @property
    def is_absent(self) -> bool:
        """The target was looked for and is not there."""
        return self.readable("Deployment") and self.deployment is None

    @cached_property
    def replica_sets(self) -> tuple[KubeObject, ...]:
        """The target's ReplicaSets."""
        self.require("ReplicaSet")
        return owned_replica_sets(self.objects, self.target, self.known_deployment)

    @cached_property
    def all_pods(self) -> tuple[KubeObject, ...]:
        """Every pod that the target's ReplicaSets control, terminating ones too."""
        self.require("Pod")
        pods = owned_pods(
            self.objects,
            self.target,
            self.known_deployment,
            replica_sets=self.replica_sets if self.readable("ReplicaSet") else None,
        )
        if not pods and not self.readable("Deployment"):
            raise not_provided(f"no pod names {self.target} by its owner, and the Deployment itself was not read")
        return pods

    @cached_property
    def pods(self) -> tuple[KubeObject, ...]:
        """The target's pods, without terminating ones."""
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
