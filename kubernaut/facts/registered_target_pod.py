"""Registered facts about a target that is a Pod: the pod, its workload, who serves beside it, and what replaced it."""

from dataclasses import replace

from kubernaut.facts.definitions import FactDefinition, FactSource, FactType
from kubernaut.facts.registered_pods import ELEMENT_FIELDS

_POD = ("Pod",)
_UP = ("Deployment", "ReplicaSet")
_OF_POD = '{namespace="$namespace",pod="$name"}'
_BY_KIND = "Null without a pod; only for a Pod as target."
_FAMILY = (
    "Of the same Deployment, else of the same controller; neither terminating nor finished, the target left out. "
    "Null for a pod that nothing controls; only for a Pod as target."
)


def _fact(
    name: str,
    kind: FactType,
    meaning: str,
    computed: str,
    *,
    needs: tuple[str, ...] = _POD,
    improved_by: tuple[str, ...] = (),
    nullable: bool = False,
    unit: str = "",
    series: str = "",
    source: FactSource = FactSource.OBJECTS,
    fields: tuple[FactDefinition, ...] = (),
) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=kind,
        nullable=nullable,
        unit=unit,
        meaning=meaning,
        computed=computed,
        needs=needs,
        improved_by=improved_by,
        series=series,
        source=source,
        fields=fields,
        about=("Pod",),
    )


_MORE_FIELDS = (
    _fact(
        "terminating",
        FactType.BOOLEAN,
        "Its deletion was asked for already.",
        "metadata.deletionTimestamp is set.",
        series=f"count(kube_pod_deletion_timestamp{_OF_POD}) > 0",
    ),
    _fact(
        "age_s",
        FactType.INTEGER,
        "How long ago it was made.",
        "The look's time minus metadata.creationTimestamp.",
        unit="s",
        series=f"time() - kube_pod_created{_OF_POD}",
    ),
    _fact(
        "controller_kind",
        FactType.STRING,
        "Kind of what made it: ReplicaSet, StatefulSet, DaemonSet, Job, Node (a static pod), ...",
        "Its controller reference; null when nothing controls it.",
        nullable=True,
        series=f"kube_pod_owner{_OF_POD}",
    ),
    _fact(
        "qos_class",
        FactType.STRING,
        "Guaranteed, Burstable or BestEffort: who is evicted first when the node runs short.",
        "status.qosClass.",
        series=f"kube_pod_status_qos_class{_OF_POD}",
    ),
    _fact(
        "priority",
        FactType.INTEGER,
        "Its priority for scheduling and preemption.",
        "spec.priority, 0 when left out.",
    ),
)

_TOLD_OF_ANY_POD = tuple(
    replace(one, improved_by=(), about=("Pod",)) for one in ELEMENT_FIELDS if one.source is FactSource.OBJECTS
)

TARGET_POD_FACTS: tuple[FactDefinition, ...] = (
    _fact(
        "pod_found",
        FactType.BOOLEAN,
        "The target pod exists.",
        "A 404 is false, and so is another pod of the same name (another UID). Only for a Pod as target.",
        series=f"count(kube_pod_created{_OF_POD}) > 0",
    ),
    _fact(
        "pod_name",
        FactType.STRING,
        "Name of the target pod.",
        "Parameter pod.name; only for a Pod as target.",
        needs=(),
        source=FactSource.PARAMETER,
    ),
    _fact(
        "target_pod",
        FactType.OBJECT,
        "The target pod, with the fields of `pods` and some more.",
        f"As `pods`; also while it terminates. {_BY_KIND}",
        nullable=True,
        series=f"kube_pod_info{_OF_POD}",
        fields=(*_TOLD_OF_ANY_POD, *_MORE_FIELDS),
    ),
    _fact(
        "pod_will_be_recreated",
        FactType.BOOLEAN,
        "Its controller makes another when it is deleted.",
        "ReplicaSet: it stands, is not terminating, and wants more pods than would be left. StatefulSet, DaemonSet, "
        "ReplicationController: true by their kind. No controller, or a static pod: false. Others (a Job): "
        f"unobserved. {_BY_KIND}",
        needs=("Pod", "ReplicaSet"),
        nullable=True,
        series=f"kube_pod_owner{_OF_POD}",
    ),
    _fact(
        "workload_kind",
        FactType.STRING,
        "Kind of the workload that the pod is a replica of.",
        "What controls its ReplicaSet, else its controller; as the look before the action saw it. Where ReplicaSets "
        "cannot be read: a Deployment, if the ReplicaSet is named as a Deployment's. Null when nothing controls it; "
        "only for a Pod as target.",
        improved_by=("ReplicaSet",),
        nullable=True,
        series=f"kube_pod_owner{_OF_POD}",
    ),
    _fact(
        "workload_name",
        FactType.STRING,
        "Name of the workload that the pod is a replica of.",
        "As workload_kind.",
        improved_by=("ReplicaSet",),
        nullable=True,
        series=f"kube_pod_owner{_OF_POD}",
    ),
    _fact(
        "peer_pods",
        FactType.INTEGER,
        "Other pods of its workload.",
        _FAMILY,
        improved_by=_UP,
        nullable=True,
    ),
    _fact(
        "ready_peer_pods",
        FactType.INTEGER,
        "Other pods of its workload that serve meanwhile.",
        f"Condition Ready is True. {_FAMILY}",
        improved_by=_UP,
        nullable=True,
    ),
    _fact(
        "disruption_budgets",
        FactType.LIST,
        "PodDisruptionBudgets that select the pod, by name.",
        f"Of its namespace, by their selector; an empty one selects all, a missing one none. {_BY_KIND}",
        needs=("Pod", "PodDisruptionBudget"),
        nullable=True,
        fields=(
            _fact(
                "name",
                FactType.STRING,
                "Name of the budget.",
                "metadata.name.",
                needs=("Pod", "PodDisruptionBudget"),
            ),
            *(
                _fact(
                    name,
                    FactType.INTEGER,
                    meaning,
                    f"status.{field}; stale while its controller has not seen the latest spec.",
                    needs=("Pod", "PodDisruptionBudget"),
                    series=f'kube_poddisruptionbudget_status_{series}{{namespace="$namespace"}}',
                )
                for name, field, series, meaning in (
                    (
                        "disruptions_allowed",
                        "disruptionsAllowed",
                        "pod_disruptions_allowed",
                        "Healthy pods that it lets go now.",
                    ),
                    ("current_healthy", "currentHealthy", "current_healthy", "Healthy pods that it counts."),
                    ("desired_healthy", "desiredHealthy", "desired_healthy", "Healthy pods that it asks for."),
                )
            ),
        ),
    ),
    _fact(
        "disruptions_allowed",
        FactType.INTEGER,
        "Healthy pods that the strictest budget of the pod lets go now; null when no budget selects it.",
        "Smallest disruptionsAllowed of disruption_budgets; stale when one of them is. Null without a pod, too; only "
        "for a Pod as target.",
        needs=("Pod", "PodDisruptionBudget"),
        nullable=True,
        series='min(kube_poddisruptionbudget_status_pod_disruptions_allowed{namespace="$namespace"})',
    ),
    _fact(
        "replacement_pods",
        FactType.LIST,
        "Pods that the target's controller has made since the look before the action, by name.",
        "Same controller, a UID that was not there before, not terminating. Unobserved without a look before the "
        "action. Null for a pod that nothing controls; only for a Pod as target.",
        nullable=True,
        fields=_TOLD_OF_ANY_POD,
    ),
)
