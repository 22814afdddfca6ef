"""Make Kubernetes objects as the API server gives them, with only what a test is about stated."""

from typing import Any

Json = dict[str, Any]

TEMPLATE_HASH = "7d9c"
NAMESPACE = "shop"
NAME = "web"


def pod_template(*, labels: Json | None = None, **spec: Any) -> Json:
    """Make a pod template with one container unless `spec` says otherwise."""
    return {
        "metadata": {"labels": labels or {"app": NAME}},
        "spec": {"containers": [container()], **spec},
    }


def container(name: str = "main", *, requests: Json | None = None, limits: Json | None = None, **more: Any) -> Json:
    """Make a container."""
    resources: Json = {}
    if requests is not None:
        resources["requests"] = requests
    if limits is not None:
        resources["limits"] = limits
    return {"name": name, "image": f"{name}:1", "resources": resources, **more}


def deployment(
    *,
    name: str = NAME,
    namespace: str = NAMESPACE,
    replicas: int | None = 3,
    template: Json | None = None,
    status: Json | None = None,
    generation: int = 2,
    uid: str = "d-1",
) -> Json:
    """Make a Deployment that is as it should be."""
    spec: Json = {
        "selector": {"matchLabels": {"app": name}},
        "template": template or pod_template(),
        "strategy": {},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    count = replicas or 0
    healthy = {
        "observedGeneration": generation,
        "replicas": count,
        "updatedReplicas": count,
        "readyReplicas": count,
        "availableReplicas": count,
        "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "generation": generation,
            "resourceVersion": "9",
        },
        "spec": spec,
        "status": healthy if status is None else status,
    }


def replica_set(
    *,
    owner: Json | None = None,
    template_hash: str = TEMPLATE_HASH,
    uid: str = "rs-1",
    template: Json | None = None,
    revision: str = "",
) -> Json:
    """Make the ReplicaSet of a Deployment's template."""
    parent = owner or deployment()
    made = dict(template or parent["spec"]["template"])
    labels = {**made["metadata"]["labels"], "pod-template-hash": template_hash}
    metadata: Json = {
        "name": f"{parent['metadata']['name']}-{template_hash}",
        "namespace": parent["metadata"]["namespace"],
        "uid": uid,
        "labels": labels,
        "creationTimestamp": "2024-01-01T00:00:00Z",
        "ownerReferences": [_reference(parent)],
    }
    if revision:
        metadata["annotations"] = {"deployment.kubernetes.io/revision": revision}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {**made, "metadata": {**made["metadata"], "labels": labels}},
        },
        "status": {},
    }


def pod(
    name: str = "web-a",
    *,
    owner: Json | None = None,
    node: str | None = "node-1",
    phase: str = "Running",
    ready: bool = True,
    spec: Json | None = None,
    statuses: list[Json] | None = None,
    init_statuses: list[Json] | None = None,
    conditions: list[Json] | None = None,
    terminating: bool = False,
    namespace: str = NAMESPACE,
    labels: Json | None = None,
    status: Json | None = None,
) -> Json:
    """Make a pod of a ReplicaSet; running and ready unless stated."""
    parent = owner or replica_set()
    metadata: Json = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": "5",
        "labels": labels if labels is not None else dict(parent["metadata"].get("labels", {})),
        "ownerReferences": [_reference(parent)],
    }
    if terminating:
        metadata["deletionTimestamp"] = "2024-01-01T00:10:00Z"
    body: Json = {"containers": [container()], **(spec or {})}
    if node:
        body["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": body,
        "status": {
            "phase": phase,
            "conditions": conditions
            if conditions is not None
            else [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": statuses if statuses is not None else [container_status(ready=ready)],
            **({"initContainerStatuses": init_statuses} if init_statuses is not None else {}),
            **(status or {}),
        },
    }


def bare_pod(name: str, *, node: str, requests: Json | None = None, namespace: str = "other", **more: Any) -> Json:
    """Make a pod that belongs to nobody, to fill nodes."""
    made = pod(
        name,
        node=node,
        spec={"containers": [container(requests=requests)]},
        namespace=namespace,
        labels={},
        **more,
    )
    del made["metadata"]["ownerReferences"]
    return made


def container_status(
    name: str = "main",
    *,
    ready: bool = True,
    restarts: int = 0,
    state: Json | None = None,
    last: Json | None = None,
    image_id: str = "sha256:1",
    **more: Any,
) -> Json:
    """Make a container's status; running unless `state` says otherwise."""
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "imageID": image_id,
        "state": {"running": {"startedAt": "2024-01-01T00:00:00Z"}} if state is None else state,
        "lastState": last or {},
        **more,
    }


def waiting(reason: str, message: str = "") -> Json:
    """Make the state of a waiting container."""
    return {"waiting": {"reason": reason, "message": message}}


def terminated(reason: str = "", *, code: int = 1, at: str = "2024-01-01T00:00:30Z", **more: Any) -> Json:
    """Make the state of a container that has ended."""
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": at, "containerID": f"c-{at}", **more}}


def node(
    name: str = "node-1",
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str | None = "110",
    labels: Json | None = None,
    taints: list[Json] | None = None,
    ready: bool = True,
    unschedulable: bool = False,
    **allocatable: str,
) -> Json:
    """Make a node."""
    spec: Json = {}
    if taints:
        spec["taints"] = taints
    if unschedulable:
        spec["unschedulable"] = True
    room = {"cpu": cpu, "memory": memory, **allocatable}
    if pods is not None:
        room["pods"] = pods
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": {"kubernetes.io/hostname": name, **(labels or {})},
        },
        "spec": spec,
        "status": {
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "nodeInfo": {},
        },
    }


def event(reason: str, *, about: Json, message: str = "", at: str = "2024-01-01T00:59:00Z") -> Json:
    """Make an Event about a pod."""
    metadata = about["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{reason}.{at}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "kind": "Pod",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "type": "Warning",
    }


def pod_metrics(
    name: str = "web-a",
    *,
    cpu: str = "250m",
    memory: str = "100Mi",
    timestamp: str = "2024-01-01T00:59:30Z",
    window: str = "15s",
) -> Json:
    """Make a sample of the metrics API."""
    return {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "timestamp": timestamp,
        "window": window,
        "containers": [{"name": "main", "usage": {"cpu": cpu, "memory": memory}}],
    }


def hpa(*, name: str = "web", target: str = NAME, minimum: int | None = 2, maximum: int | None = 9) -> Json:
    """Make a HorizontalPodAutoscaler."""
    spec: Json = {"scaleTargetRef": {"kind": "Deployment", "name": target}}
    if minimum is not None:
        spec["minReplicas"] = minimum
    if maximum is not None:
        spec["maxReplicas"] = maximum
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"hpa-{name}"},
        "spec": spec,
    }


def quota(hard: Json, used: Json | None = None, *, name: str = "quota", **spec: Any) -> Json:
    """Make a ResourceQuota."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"quota-{name}"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used or {}},
    }


def budget(
    *,
    name: str = "web",
    selector: Json | None = None,
    allowed: int | None = 1,
    healthy: int = 3,
    desired: int = 2,
    generation: int = 1,
    observed: int = 1,
) -> Json:
    """Make a PodDisruptionBudget of the Deployment's pods."""
    status: Json = {"observedGeneration": observed, "currentHealthy": healthy, "desiredHealthy": desired}
    if allowed is not None:
        status["disruptionsAllowed"] = allowed
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"pdb-{name}", "generation": generation},
        "spec": {"selector": {"matchLabels": {"app": NAME}} if selector is None else selector},
        "status": status,
    }


def _reference(parent: Json) -> Json:
    return {
        "apiVersion": parent.get("apiVersion", "apps/v1"),
        "kind": parent["kind"],
        "name": parent["metadata"]["name"],
        "uid": parent["metadata"]["uid"],
        "controller": True,
    }
