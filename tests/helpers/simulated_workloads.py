"""Workloads on a node that kwok plays: real objects, made by the real controllers, whose pods come up at once."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from cluster.boot import Cluster
from cluster.errors import ClusterError

from kubernaut.facts.objects import Target

from .kube_objects import Json

T = TypeVar("T")

NODE = "facts-node"
_ONLY_THERE: Json = {
    "nodeSelector": {"kubernetes.io/hostname": NODE},
    "tolerations": [
        {"key": key, "operator": "Exists"}
        # A busy machine may keep the node's heartbeat back for a while.
        for key in ("simulated", "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ],
    "terminationGracePeriodSeconds": 0,
}


def simulated_node_manifest() -> Json:
    """Make the node: 4 CPU, 8 GiB, 20 pods, and a taint that keeps every other pod away."""
    capacity = {"cpu": "4", "memory": "8Gi", "pods": "20"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": NODE},
        },
        "spec": {"taints": [{"key": "simulated", "effect": "NoSchedule"}]},
        "status": {"allocatable": capacity, "capacity": capacity},
    }


def simulated_pod_spec(**more: Any) -> Json:
    """Make the spec of a pod that comes up on the simulated node and asks for 100m and 64Mi."""
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    container = {"name": "main", "image": "registry.invalid/none:1", "resources": resources}
    return {"containers": [container], **_ONLY_THERE, **more}


def deploy(cluster: Cluster, namespace: str, *, name: str = "web", replicas: int = 2, **spec: Any) -> Target:
    """Make a Deployment on the simulated node, wait until it is available, and give it as a target with its UID."""
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": simulated_pod_spec(**spec)},
        },
    }
    made = json.loads(cluster.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(manifest)))
    try:
        cluster.kubectl(
            *("wait", "-n", namespace, f"deployment/{name}", "--timeout=120s"),
            f"--for=jsonpath={{.status.availableReplicas}}={replicas}",
        )
    except ClusterError as error:
        # Who reads a log of a run that is gone has nothing else to look at.
        seen = cluster.kubectl("get", "deployments,replicasets,pods,events", "-n", namespace, "-o", "wide")
        raise ClusterError(f"{error}\n{seen}\n{cluster.kubectl('describe', 'node', NODE)}") from error
    return Target(namespace=namespace, name=name, uid=made["metadata"]["uid"])


def wait_for(what: Callable[[], T], *, limit_s: float = 60.0) -> T:
    """Wait until something holds, and give what it gave.

    Raises
    ------
    AssertionError
        It did not hold in time.
    """
    deadline = time.monotonic() + limit_s
    while not (found := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s:g} s")
        time.sleep(0.05)
    return found
