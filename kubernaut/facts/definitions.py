"""What a registered fact is: name, type, unit, meaning, where it comes from and what may look at it.

One definition serves four readers: the policy loader (names), the input schema, the documentation table,
and whoever must grant rights (RBAC). Nothing here computes a fact; `kubernaut.facts.extract` does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.facts.snapshot import ANY, ReadPath


class FactType(StrEnum):
    """JSON form of a fact's value."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    CPU = "cpu"
    MEMORY = "memory"
    LIST = "list"
    OBJECT = "object"


class FactSource(StrEnum):
    """Where a fact comes from."""

    OBJECTS = "objects"
    PARAMETER = "parameter"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A right in Kubernetes' RBAC that a look needs.

    Attributes
    ----------
    group : str
        API group; empty for the core group.
    resource : str
        Plural name, as RBAC writes it.
    verbs : tuple of str
    cluster_wide : bool
        Needs a ClusterRole bound cluster-wide; otherwise a Role in the target's namespace is enough.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    cluster_wide: bool = False

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{'/'.join(self.verbs)} {resource}{' (cluster)' if self.cluster_wide else ''}"


ALL_PODS = "Pod (all namespaces)"
"""The look at every namespace's pods, which a Role in the target's namespace does not cover."""

RIGHTS: Mapping[str, Right] = {
    "Deployment": Right(group="apps", resource="deployments", verbs=("get",)),
    "ReplicaSet": Right(group="apps", resource="replicasets", verbs=("list",)),
    "Pod": Right(group="", resource="pods", verbs=("get", "list")),
    ALL_PODS: Right(group="", resource="pods", verbs=("list",), cluster_wide=True),
    "Node": Right(group="", resource="nodes", verbs=("list",), cluster_wide=True),
    "Event": Right(group="", resource="events", verbs=("list",)),
    "PodMetrics": Right(group="metrics.k8s.io", resource="pods", verbs=("list",)),
    "HorizontalPodAutoscaler": Right(group="autoscaling", resource="horizontalpodautoscalers", verbs=("list",)),
    "ResourceQuota": Right(group="", resource="resourcequotas", verbs=("list",)),
    "PodDisruptionBudget": Right(group="policy", resource="poddisruptionbudgets", verbs=("list",)),
}
"""By what a fact needs; the keys are also those of `unavailable` in `kubernaut.facts.extract.extract`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDefinition:
    """One registered fact.

    Attributes
    ----------
    name : str
        Its name below `input`, or below the list or object that it is a field of.
    type : FactType
        `CPU` is text ``<n>m``, `MEMORY` is text ``<n>Mi``.
    nullable : bool
        Whether `null` (looked, not there) is a value of it.
    unit : str
        Empty for counts, flags and names.
    meaning : str
        One sentence for the author of a policy.
    computed : str
        How, with what is deliberately not counted.
    needs : tuple of str
        Kinds of objects that must be readable; keys of `RIGHTS`. Otherwise the fact is unobserved.
    improved_by : tuple of str
        Kinds that make it surer, and without which it is still observed; `computed` says how.
    series : str
        PromQL over kube-state-metrics (or cAdvisor) that could rebuild it at a past instant,
        ``$namespace`` and ``$name`` being the target's; empty when nothing could.
    source : FactSource
    fields : tuple of FactDefinition
        Of the object, or of each element of the list.
    about : tuple of str
        Kinds of target that it is told of; for other targets it is unobserved. Empty means any: of a Pod it is
        then told of the Deployment that the Pod belongs to.
    """

    name: str
    type: FactType
    nullable: bool = False
    unit: str = ""
    meaning: str
    computed: str = ""
    needs: tuple[str, ...] = ()
    improved_by: tuple[str, ...] = ()
    series: str = ""
    source: FactSource = FactSource.OBJECTS
    fields: tuple["FactDefinition", ...] = ()
    about: tuple[str, ...] = ()

    @property
    def required_rights(self) -> tuple[Right, ...]:
        """The rights that looking at it needs."""
        return tuple(RIGHTS[kind] for kind in self.needs)

    @property
    def improving_rights(self) -> tuple[Right, ...]:
        """The rights that make it surer."""
        return tuple(RIGHTS[kind] for kind in self.improved_by)

    @property
    def rbac(self) -> tuple[Right, ...]:
        """All rights that looking at it can use."""
        return self.required_rights + self.improving_rights

    def paths(self) -> Iterator[tuple[ReadPath, "FactDefinition"]]:
        """Give this fact and everything below it, with paths: ``("pods", "*", "status")``."""
        here: ReadPath = (self.name,)
        yield here, self
        below: ReadPath = (*here, ANY) if self.type is FactType.LIST else here
        for definition in self.fields:
            for path, nested in definition.paths():
                yield (*below, *path), nested
