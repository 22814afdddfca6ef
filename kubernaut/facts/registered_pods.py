"""Registered facts about the Deployment's pods, by owner reference, terminating ones apart.

`ELEMENT_FIELDS` are what is told of any pod that a fact gives whole.
"""

from kubernaut.facts.definitions import FactDefinition, FactSource, FactType

_PODS = ("Pod",)
_IMPROVED = ("Deployment", "ReplicaSet")
_METRICS = ("Pod", "PodMetrics")
_OWNED = (
    "* on(namespace,pod) group_left() "
    'kube_pod_owner{namespace="$namespace",owner_kind="ReplicaSet",owner_name=~"$name-[^-]+"}'
)
_CONTAINERS = '{namespace="$namespace",pod=~"$name-[^-]+-[^-]+"}'
_BY_OWNER = (
    "Pods whose controller is a ReplicaSet whose controller is the Deployment, by UID. Where ReplicaSets "
    "cannot be read: owner name is `<deployment>-<pod-template-hash>` and the selector matches."
)


def _count(
    name: str,
    meaning: str,
    computed: str,
    series: str,
    *,
    needs: tuple[str, ...] = _PODS,
    improved_by: tuple[str, ...] = _IMPROVED,
) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=FactType.INTEGER,
        nullable=True,
        meaning=meaning,
        computed=f"{computed} Null without a Deployment.",
        needs=needs,
        improved_by=improved_by,
        series=series,
    )


def _field(
    name: str,
    kind: FactType,
    meaning: str,
    computed: str = "",
    *,
    series: str = "",
    nullable: bool = False,
    unit: str = "",
    needs: tuple[str, ...] = _PODS,
    source: FactSource = FactSource.OBJECTS,
) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=kind,
        nullable=nullable,
        unit=unit,
        meaning=meaning,
        computed=computed,
        needs=needs,
        improved_by=_IMPROVED if needs else (),
        series=series,
        source=source,
    )


ELEMENT_FIELDS = (
    _field("name", FactType.STRING, "Name of the pod.", series="kube_pod_info"),
    _field(
        "status",
        FactType.STRING,
        "What the STATUS column of `kubectl get pods` shows: Running, CrashLoopBackOff, Init:Error, ...",
        "kubectl's own rule: init containers, then what troubles the first container in trouble, then the phase.",
        series="kube_pod_container_status_waiting_reason, kube_pod_status_phase (approximately)",
    ),
    _field("phase", FactType.STRING, "The pod's phase.", "status.phase.", series="kube_pod_status_phase"),
    _field(
        "ready",
        FactType.BOOLEAN,
        "The pod serves.",
        "Its condition Ready is True.",
        series='kube_pod_status_ready{condition="true"}',
    ),
    _field(
        "restarts",
        FactType.INTEGER,
        "Restarts of its containers so far, as kubectl counts them.",
        "Containers and sidecars; while it initialises, init containers.",
        series="kube_pod_container_status_restarts_total",
    ),
    _field(
        "restarts_since_baseline",
        FactType.INTEGER,
        "Restarts since the look before the action.",
        "Per container, all of them; a pod that was not there before counts from 0. Without a baseline: all restarts.",
        series="increase(kube_pod_container_status_restarts_total[$since])",
    ),
    _field(
        "oom_killed",
        FactType.BOOLEAN,
        "A container was killed for want of memory since the look before the action.",
        "state or lastState is terminated with OOMKilled and was not so in the baseline. Kubernetes "
        "keeps only the last termination: an OOM kill followed by another exit between two looks is "
        "not seen.",
        series='kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}',
    ),
    _field(
        "throttled",
        FactType.BOOLEAN,
        "Whether its CPU was throttled; not in any Kubernetes API, so it is left out of the element.",
        "Never provided from objects; a policy that judges throttling reads cpu_throttling_ratio.",
        source=FactSource.PROMETHEUS,
        needs=(),
    ),
    _field(
        "waiting_reason",
        FactType.STRING,
        "Why a container waits: CrashLoopBackOff, ImagePullBackOff, ContainerCreating, ...",
        "First waiting container, init containers first; null when none waits.",
        series="kube_pod_container_status_waiting_reason",
        nullable=True,
    ),
    _field(
        "unschedulable",
        FactType.BOOLEAN,
        "The scheduler found no node for it.",
        "Condition PodScheduled is False with the reason Unschedulable.",
        series="kube_pod_status_unschedulable",
    ),
    _field(
        "node",
        FactType.STRING,
        "Its node; null before it has one.",
        "spec.nodeName.",
        series="kube_pod_info",
        nullable=True,
    ),
    _field(
        "cpu_usage",
        FactType.CPU,
        "CPU used, of the metrics API.",
        "Sum of containers, rounded up. Stale when the sample began more than 5 s before the action's end.",
        series="rate(container_cpu_usage_seconds_total[2m])",
        unit="m",
        needs=_METRICS,
    ),
    _field(
        "memory_usage",
        FactType.MEMORY,
        "Memory used, of the metrics API.",
        "Sum of containers, rounded up; stale as cpu_usage.",
        series="container_memory_working_set_bytes",
        unit="Mi",
        needs=_METRICS,
    ),
    _field(
        "memory_limit",
        FactType.MEMORY,
        "Memory that its containers may use together.",
        "Sum of limits, rounded down; null when a container has none.",
        series='kube_pod_container_resource_limits{resource="memory"}',
        nullable=True,
        unit="Mi",
    ),
)

POD_FACTS: tuple[FactDefinition, ...] = (
    _count(
        "total_pods",
        "Pods that count as replicas.",
        "Neither terminating nor finished (Succeeded, Failed): what the ReplicaSet counts.",
        f'count((kube_pod_status_phase{{phase=~"Pending|Running|Unknown"}} == 1) {_OWNED})',
    ),
    _count(
        "running_pods",
        "Pods whose phase is Running.",
        "Not terminating.",
        f'count((kube_pod_status_phase{{phase="Running"}} == 1) {_OWNED})',
    ),
    _count(
        "ready_pods",
        "Pods that serve.",
        "Condition Ready is True, not terminating, not finished.",
        f'count((kube_pod_status_ready{{condition="true"}} == 1) {_OWNED})',
    ),
    _count(
        "updated_pods",
        "Pods made from the current template.",
        "Of the ReplicaSet whose template is the Deployment's; where they or pods cannot be read, "
        "status.updatedReplicas once the generation is observed.",
        'kube_deployment_status_replicas_updated{namespace="$namespace",deployment="$name"}',
        needs=("Deployment",),
        improved_by=("ReplicaSet", "Pod"),
    ),
    _count(
        "terminating_pods",
        "Pods on their way out.",
        "metadata.deletionTimestamp is set; they are in no other count and not in `pods`.",
        f"count(kube_pod_deletion_timestamp {_OWNED})",
    ),
    _count(
        "unschedulable_pods",
        "Pods for which the scheduler found no node.",
        "Condition PodScheduled is False with the reason Unschedulable.",
        f"count((kube_pod_status_unschedulable == 1) {_OWNED})",
    ),
    FactDefinition(
        name="pods",
        type=FactType.LIST,
        nullable=True,
        meaning="The Deployment's pods by name, without terminating ones; null without a Deployment.",
        computed=_BY_OWNER,
        needs=_PODS,
        improved_by=_IMPROVED,
        series=f"kube_pod_info {_OWNED}",
        fields=ELEMENT_FIELDS,
    ),
    FactDefinition(
        name="cpu_throttling_ratio",
        type=FactType.NUMBER,
        unit="0..1",
        meaning="Share of CPU periods in which the target's containers were throttled.",
        computed="From Prometheus (cAdvisor); unobserved where no Prometheus is configured.",
        series=(
            f"sum(increase(container_cpu_cfs_throttled_periods_total{_CONTAINERS}[2m])) / "
            f"sum(increase(container_cpu_cfs_periods_total{_CONTAINERS}[2m]))"
        ),
        source=FactSource.PROMETHEUS,
    ),
)
