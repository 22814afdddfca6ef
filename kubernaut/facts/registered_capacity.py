"""Registered facts about room for more pods: nodes, requests, quota, and whether images can be pulled."""

from kubernaut.facts.definitions import ALL_PODS, FactDefinition, FactType

_ROOM = ("Node", ALL_PODS)
_FIT = ("Deployment", "Node", "Pod", ALL_PODS)
_PULL = ("Deployment", "Pod")
_CANDIDATE = "Ready, not cordoned, with no NoSchedule or NoExecute taint that the target's pods do not tolerate"


def _room(name: str, kind: FactType, unit: str, resource: str) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=kind,
        unit=unit,
        meaning=f"{resource} that is not yet requested on the nodes that take new pods.",
        computed=(
            f"Sum over nodes that are {_CANDIDATE}: allocatable minus requests of the pods on the node"
            " that have not finished, at least 0 each, rounded down. A sum says nothing of fit: "
            "schedulable_replicas does."
        ),
        needs=_ROOM,
        improved_by=("Deployment",),
        series=(
            f'sum(kube_node_status_allocatable{{resource="{resource.lower()}"}}) - '
            f'sum(kube_pod_container_resource_requests{{resource="{resource.lower()}"}})'
        ),
    )


def _need(name: str, kind: FactType, unit: str, resource: str) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=kind,
        nullable=True,
        unit=unit,
        meaning=f"{resource} that one more pod requests.",
        computed=(
            "From the pod template by the scheduler's rule: the larger of the containers' sum with "
            "sidecars and of each init container with the sidecars before it, plus overhead; rounded "
            f"up, 0{unit} when nothing is requested. Null without a Deployment. Defaults that a "
            "LimitRange would add are not in it."
        ),
        needs=("Deployment",),
        series=f'kube_pod_container_resource_requests{{namespace="$namespace",resource="{resource.lower()}"}}',
    )


def _pull(name: str, meaning: str, computed: str) -> FactDefinition:
    return FactDefinition(
        name=name,
        type=FactType.BOOLEAN,
        nullable=True,
        meaning=meaning,
        computed=(
            f"Evidence of use, no Secret is read. {computed} No evidence: unobserved. Null without a Deployment."
        ),
        needs=_PULL,
        improved_by=("ReplicaSet", "Event"),
    )


CAPACITY_FACTS: tuple[FactDefinition, ...] = (
    _room("available_cpu", FactType.CPU, "m", "CPU"),
    _room("available_memory", FactType.MEMORY, "Mi", "Memory"),
    _need("required_cpu_per_pod", FactType.CPU, "m", "CPU"),
    _need("required_memory_per_pod", FactType.MEMORY, "Mi", "Memory"),
    FactDefinition(
        name="schedulable_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="How many of the additional replicas would find a node.",
        computed=(
            "Node by node: requests of every resource against allocatable, free pod count, taints, "
            "node selector, required node affinity, host ports, and required pod anti-affinity of the"
            " pods among themselves (one per topology domain). The Deployment's own pods that still "
            "wait for a node take their places first. At most additional_replicas. Not counted: "
            "preemption, topology spread, pod affinity, volumes, device claims."
        ),
        needs=_FIT,
        improved_by=("ReplicaSet",),
    ),
    FactDefinition(
        name="quota_replicas",
        type=FactType.INTEGER,
        nullable=True,
        meaning="How many more replicas the namespace's ResourceQuotas admit; null when none limits them.",
        computed="Smallest of (hard - used) / request over the quotas whose scopes match the pod template.",
        needs=("Deployment", "ResourceQuota"),
        series='kube_resourcequota{namespace="$namespace"}',
    ),
    FactDefinition(
        name="matching_nodes",
        type=FactType.INTEGER,
        nullable=True,
        meaning="Nodes that would take a pod of the target, room aside.",
        computed=(f"{_CANDIDATE}, and matching node selector and required node affinity. Null without a Deployment."),
        needs=("Deployment", "Node"),
        series="kube_node_status_condition, kube_node_spec_taint, kube_node_labels (approximately)",
    ),
    FactDefinition(
        name="ready_nodes",
        type=FactType.INTEGER,
        meaning="Nodes whose kubelet is well.",
        computed="Condition Ready is True; cordoned ones included.",
        needs=("Node",),
        series='count(kube_node_status_condition{condition="Ready",status="true"} == 1)',
    ),
    _pull(
        "image_pull_secrets_exist",
        "The image pull secrets that the pods name are there.",
        "None named: true. An Event FailedToRetrieveImagePullSecret of a current pod in the last 10 "
        "min: false. A current pod's container has its image and names them: true.",
    ),
    _pull(
        "image_pull_secrets_valid",
        "The registry takes them.",
        "None named: true. As exist when that is false. A current pod waits for an image with a refusal of "
        "authentication: false. A current pod's container has its image and names them: true.",
    ),
)
